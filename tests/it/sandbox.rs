//! Confinement: the argument vectors, and what a confined program can really do.

mod arguments;
mod detect;
mod profile;
#[cfg(target_os = "linux")]
mod real;
mod sbpl;
