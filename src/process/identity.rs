//! Who a process is: pid, start time and boot id together, since a pid alone is reused.

use serde::{Deserialize, Serialize};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// Names one process for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Process id.
    pub pid: u32,
    /// When it started, in seconds since the epoch.
    pub started: u64,
    /// Identifies the boot of the machine.
    pub boot: String,
}

/// Whether a recorded identity is a process that lives now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// That very process is alive: it may be signalled.
    Same,
    /// It is gone: the pid is free or belongs to another process.
    Gone,
    /// Can't be told. Never signalled, never taken for dead.
    Unknown,
}

/// This process.
pub fn own_identity() -> Identity {
    let pid = std::process::id();
    Identity {
        pid,
        started: start_time(pid).unwrap_or(0),
        boot: boot_id(),
    }
}

/// Compares a recorded identity with the process table.
pub fn likeness(of: &Identity) -> Likeness {
    let boot = boot_id();
    if boot.is_empty() || of.boot.is_empty() || of.started == 0 {
        return Likeness::Unknown;
    }
    if of.boot != boot {
        return Likeness::Gone;
    }
    match start_time(of.pid) {
        Some(started) if started == of.started => Likeness::Same,
        Some(_) | None => Likeness::Gone,
    }
}

fn start_time(pid: u32) -> Option<u64> {
    let pid = Pid::from_u32(pid);
    let mut system = System::new();
    system.refresh_processes_specifics(
        ProcessesToUpdate::Some(&[pid]),
        true,
        ProcessRefreshKind::nothing(),
    );
    system.process(pid).map(sysinfo::Process::start_time)
}

/// Identifies this boot; empty where it can't be told.
pub fn boot_id() -> String {
    match std::fs::read_to_string("/proc/sys/kernel/random/boot_id") {
        Ok(id) => id.trim().to_owned(),
        Err(_) => match System::boot_time() {
            0 => String::new(),
            // Seconds jitter when the wall clock is stepped; a minute's grain absorbs it.
            at => format!("boot-{}", at / 60),
        },
    }
}
