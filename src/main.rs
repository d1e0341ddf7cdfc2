//! The program; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(secloop::cli::main(std::env::args_os()).code())
}
