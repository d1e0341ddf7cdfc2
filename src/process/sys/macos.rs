//! macOS: there is no parent-death signal; the process group is ended by the supervisor, and a
//! later start of secloop ends what a killed one left (see `lock::recover`).

/// Nothing to prepare.
pub(in crate::process) fn prepare(_command: &mut tokio::process::Command) {}
