//! Showing text that others wrote: bounded, printable, without secrets, without effect.

mod markup;
mod plain;
mod redact;
mod secrets;

pub use markup::{discord_plain, markdown_cell, markdown_text};
pub use plain::{clamp, counted, one_line, plain, terminal_safe};
pub use redact::redact;
pub(crate) use secrets::{entropy, find as credentials};
