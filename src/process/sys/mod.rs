//! Operating system calls; the only `unsafe` of the program.

#[cfg(target_os = "linux")]
mod attempts;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use attempts::{Attempt, attempt};
#[cfg(target_os = "linux")]
pub(super) use attempts::{crowd, open_terminal};
#[cfg(target_os = "linux")]
pub(super) use linux::{
    ADOPTS, boot_id, executable, mark, pid_namespace, prepare, reap, row, signal_row, table,
};

#[cfg(not(target_os = "linux"))]
mod macos;
#[cfg(not(target_os = "linux"))]
pub(super) use macos::{
    ADOPTS, boot_id, executable, mark, pid_namespace, prepare, reap, row, signal_row, table,
};

#[cfg(target_os = "linux")]
pub(crate) use linux::{asleep, hide_from_children, landlock_version};
#[cfg(target_os = "linux")]
pub(super) use linux::{close_on_exec, die_with_parent, leave_mounts};
#[cfg(not(target_os = "linux"))]
pub(crate) use macos::{asleep, hide_from_children, landlock_version};

mod unix;
pub(super) use unix::{Signal, is_there, signal_group};
pub use unix::{account_home, effective_uid, user_ids};

/// One line of the process table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::process) struct Row {
    /// Process id.
    pub(in crate::process) pid: u32,
    /// Its parent's.
    pub(in crate::process) parent: u32,
    /// Its process group.
    pub(in crate::process) group: u32,
    /// Its session.
    pub(in crate::process) session: u32,
    /// When it started, in the kernel's own unit.
    pub(in crate::process) started: u64,
    /// It has ended, and nobody has taken note of it.
    pub(in crate::process) zombie: bool,
}
