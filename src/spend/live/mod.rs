//! What a run of the supervisor's own costs while it runs, and when it has to end.
//!
//! ```text
//! its output ───────┐
//! its transcripts ──┤
//! the wire ─────────┼─ Meter ── reached ── the run is ended, and asks the model nothing any more
//! everybody else's ─┘
//!   day (Others)
//! ```
//!
//! A call's cost is known when it has ended, and its prompt's when its answer begins; so the run is
//! ended within one call of the line. What was asked for and never answered is booked at an
//! estimate: nobody else will ever tell what it cost. A call that several accounts tell of counts once,
//! field by field the most of them.

mod meter;
mod others;
mod own;
mod stream;
mod watched;
mod wire;

pub use meter::{Booked, Day, Limits, Meter, Reached};
pub use others::{Others, OthersSpend};
