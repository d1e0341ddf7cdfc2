//! Proof on the machine: probes, and whether the agent can still work.

mod autonomy;
mod hooks;
mod machine;
mod probes;
mod replay;
mod settings;
