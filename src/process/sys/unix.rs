//! What every Unix has.

use rustix::process::{Pid, Signal as Raw, kill_process, kill_process_group, test_kill_process};

/// The signals that end a child.
#[derive(Debug, Clone, Copy)]
pub(in crate::process) enum Signal {
    /// Asks to finish, as Ctrl-C does.
    Int,
    /// Asks politely.
    Term,
    /// Does not ask.
    Kill,
}

impl From<Signal> for Raw {
    fn from(signal: Signal) -> Self {
        match signal {
            Signal::Int => Self::INT,
            Signal::Term => Self::TERM,
            Signal::Kill => Self::KILL,
        }
    }
}

/// Signals the group that a child of ours leads. A group that is gone is not an error.
pub(in crate::process) fn signal_group(leader: Option<u32>, signal: Signal) {
    if let Some(pid) = leader.and_then(to_pid) {
        let _ = kill_process_group(pid, signal.into());
    }
}

/// Signals one process. One that is gone is not an error.
pub(super) fn signal_process(pid: u32, signal: Signal) {
    if let Some(pid) = to_pid(pid) {
        let _ = kill_process(pid, signal.into());
    }
}

/// Whether there is a process of that number, also one that may not be signalled.
pub(in crate::process) fn is_there(pid: u32) -> bool {
    to_pid(pid).is_some_and(|pid| test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

pub(super) fn to_pid(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

/// The effective user id.
pub fn effective_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// User and group id of a named account, from `/etc/passwd`.
pub fn user_ids(name: &str) -> Option<(u32, u32)> {
    let table = std::fs::read_to_string("/etc/passwd").ok()?;
    table.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then_some(())?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some((uid, gid))
    })
}

/// The home directory of the account that this process runs as, where the system's own table has it
/// (on macOS it has none of a person's).
pub fn account_home() -> Option<std::path::PathBuf> {
    let uid = rustix::process::geteuid().as_raw().to_string();
    let table = std::fs::read_to_string("/etc/passwd").ok()?;
    table.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.nth(2)? == uid).then_some(())?;
        Some(fields.nth(2)?.into())
    })
}
