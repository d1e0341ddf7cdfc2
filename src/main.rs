//! The program; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    // The hook comes before everything: it is started for every call of a tool.
    let exit = secloop::cli::hook(&arguments).unwrap_or_else(|| secloop::cli::main(arguments));
    ExitCode::from(exit.code())
}
