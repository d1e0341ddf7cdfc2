//! Confinement: the argument vectors, and what a confined program can really do.

mod arguments;
#[cfg(target_os = "linux")]
mod boundary;
#[cfg(target_os = "linux")]
mod command;
mod detect;
#[cfg(target_os = "linux")]
mod group;
mod profile;
#[cfg(target_os = "linux")]
mod real;
mod sbpl;
