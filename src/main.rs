//! The program; everything is in the library.

use std::process::ExitCode;

#[cfg(target_os = "linux")]
use secloop::boundary::stage as attack;

/// The attacks are on a kernel of Linux; on a Mac there is `doctor --boundary`.
#[cfg(not(target_os = "linux"))]
fn attack(_: &[std::ffi::OsString]) -> Option<u8> {
    None
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    // The stages of a sandbox come before everything: they need a process with one thread.
    if let Some(code) = secloop::sandbox::stage(&arguments).or_else(|| attack(&arguments)) {
        return ExitCode::from(code);
    }
    // Then the hook: it is started for every call of a tool.
    let code = match secloop::cli::hook(&arguments) {
        Some(exit) => exit.code(),
        None => secloop::cli::main(arguments),
    };
    ExitCode::from(code)
}
