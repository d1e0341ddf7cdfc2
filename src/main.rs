//! The program; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    // The inner stage of a sandbox comes before everything: it has one thread, and is no user's.
    if let [_, word, rest @ ..] = arguments.as_slice()
        && word == secloop::sandbox::inside::WORD
    {
        return ExitCode::from(secloop::sandbox::inside::enter(rest));
    }
    if let [_, word, socket] = arguments.as_slice()
        && word == secloop::sandbox::inside::FORWARD
    {
        return ExitCode::from(secloop::egress::bridge::forward(socket.as_ref()));
    }
    // Then the hook: it is started for every call of a tool.
    let exit = secloop::cli::hook(&arguments).unwrap_or_else(|| secloop::cli::main(arguments));
    ExitCode::from(exit.code())
}
