//! An agent in a container: the command lines for each engine, what comes out of one, and a real one.

mod archive;
mod arguments;
mod bypass;
#[cfg(target_os = "linux")]
mod real;
#[cfg(target_os = "linux")]
mod turns;
