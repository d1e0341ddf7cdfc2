//! Links the program without relocations at its start on Linux.
//!
//! `secloop guard` is started for every tool call of an agent. As a position-independent executable
//! it would spend more time on 58,000 relocations in 1.5 MB of tables (time zones, most of them) than
//! on its work. What that gives up is the random address of the program's own image; libraries, heap
//! and stack keep theirs, and macOS and other C libraries are left as they are.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|have| have == value);
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        println!("cargo::rustc-link-arg-bin=secloop=-no-pie");
    }
}
