//! Proof on the machine: probes, and whether the agent can still work.

pub mod autonomy;
pub mod decoys;
pub mod probe;
