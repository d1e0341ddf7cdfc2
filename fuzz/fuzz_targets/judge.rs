//! Whatever is given to the guard, it answers: no panic, no stack that ends, no time without bound.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    // The hook's whole question, and the text as a command.
    let _ = secloop::guard::hook::refusal(input);
    if let Ok(script) = std::str::from_utf8(input) {
        let _ = secloop::guard::judge(script);
    }
});
