//! A run that meets another one does exactly one of: end it and take over, wait a while and look
//! again (once at most), skip this cycle (once at most for the same turn of the other run).
//!
//! Who decides can be plugged in; what may be decided can't: an unknown process is never ended,
//! a turn that changes the machine is ended only when it gives no sign of life for long.

mod facts;
mod resolve;
mod rules;

pub use facts::{Facts, facts_text};
pub use resolve::{Look, Meeting, Outcome, Step, resolve};
pub use rules::{Choice, Ruling, allowed, parse_choice, rules};
