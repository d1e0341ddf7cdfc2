//! What every Unix has.

use std::time::Duration;

use rustix::process::{Pid, Signal as Raw, kill_process, kill_process_group};

use crate::process::family::end_marked;
use crate::process::{Identity, Likeness, likeness};

/// The signals that end a child.
#[derive(Debug, Clone, Copy)]
pub(in crate::process) enum Signal {
    /// Asks politely.
    Term,
    /// Does not ask.
    Kill,
}

impl From<Signal> for Raw {
    fn from(signal: Signal) -> Self {
        match signal {
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
pub(in crate::process) fn signal_process(pid: u32, signal: Signal) {
    if let Some(pid) = to_pid(pid) {
        let _ = kill_process(pid, signal.into());
    }
}

fn to_pid(pid: u32) -> Option<Pid> {
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

/// Ends another run of secloop, proven to be `who`: TERM, `grace`, KILL. Its children die with it
/// (parent-death signal on Linux, process group elsewhere), and on Linux whoever still bears its
/// mark is ended after it. Returns whether all that is gone; a process whose identity is not
/// certain is never signalled.
pub async fn terminate_tree(who: &Identity, grace: Duration) -> bool {
    terminate(who, grace).await && end_marked(grace, |marked| marked == who).await
}

async fn terminate(who: &Identity, grace: Duration) -> bool {
    for (signal, wait) in [(Raw::TERM, grace), (Raw::KILL, Duration::from_secs(5))] {
        match likeness(who) {
            Likeness::Gone => return true,
            Likeness::Unknown => return false,
            Likeness::Same => {}
        }
        let Some(pid) = to_pid(who.pid) else {
            return false;
        };
        if kill_process(pid, signal).is_err() && likeness(who) != Likeness::Gone {
            return false;
        }
        let until = tokio::time::Instant::now() + wait;
        while tokio::time::Instant::now() < until {
            if likeness(who) == Likeness::Gone {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    likeness(who) == Likeness::Gone
}
