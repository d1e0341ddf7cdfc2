//! Proof on the machine: probes, and whether the agent can still work.

pub mod autonomy;
pub mod committed;
pub mod decoys;
pub mod posture;
pub mod probe;
