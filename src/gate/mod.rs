//! Money and the decision whether an iteration may start. Pure: no I/O, no clock.

mod decide;
mod money;

pub use decide::{Allowance, Closed, Decision, Figures, GateInput, MIN_ALLOWANCE, decide};
pub use money::MicroUsd;
