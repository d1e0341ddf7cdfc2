//! macOS: there is no parent-death signal, no adoption of orphans and no environment of others to
//! read. The process group is ended by the supervisor, and a later start of secloop ends what a
//! killed one left (see `lock::recover`); who leaves the group is not found.

use super::Row;

/// Nothing to prepare.
pub(in crate::process) fn prepare(_command: &mut tokio::process::Command) {}

/// Nobody is found.
pub(in crate::process) fn table() -> Vec<Row> {
    Vec::new()
}

/// Nobody is found.
pub(in crate::process) fn row(_pid: u32) -> Option<Row> {
    None
}

/// Can't be read.
pub(in crate::process) fn mark(_pid: u32) -> Option<String> {
    None
}

/// There are none.
pub(in crate::process) fn pid_namespace() -> Option<u64> {
    None
}

/// Nobody is adopted.
pub(in crate::process) fn reap(_pid: u32) {}
