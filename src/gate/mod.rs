//! Money and the decision whether an iteration may start. Pure: no I/O, no clock.

mod money;

pub use money::MicroUsd;
