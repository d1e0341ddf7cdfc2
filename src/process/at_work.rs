//! Whether a program is at work in some directories: who may still need what lies there.

use std::path::PathBuf;

use sysinfo::{Process, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

/// Whether somebody is at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AtWork {
    /// Nobody is.
    Nobody,
    /// This process is.
    Somebody(u32),
    /// This process may be: where it works can't be told.
    Unknown(u32),
}

/// Looks for a process of user `uid` whose name begins with `name` and that works in one of `dirs`
/// or below. Programs of other users are not looked at.
pub fn at_work(name: &str, uid: u32, dirs: &[PathBuf]) -> AtWork {
    let mut system = System::new();
    system.refresh_processes_specifics(
        ProcessesToUpdate::All,
        true,
        ProcessRefreshKind::nothing()
            .with_cwd(UpdateKind::Always)
            .with_user(UpdateKind::Always),
    );
    let dirs: Vec<PathBuf> = dirs
        .iter()
        .map(|dir| std::fs::canonicalize(dir).unwrap_or_else(|_| dir.clone()))
        .collect();
    let of_user = |p: &&Process| p.effective_user_id().is_none_or(|user| **user == uid);
    let mut unknown = None;
    for process in system.processes().values().filter(of_user) {
        let called = process.name().to_string_lossy();
        if !called.starts_with(name) || process.status() == sysinfo::ProcessStatus::Zombie {
            continue;
        }
        let pid = process.pid().as_u32();
        match process.cwd() {
            Some(cwd) if dirs.iter().any(|dir| cwd.starts_with(dir)) => {
                return AtWork::Somebody(pid);
            }
            Some(_) => {}
            None => unknown = Some(pid),
        }
    }
    unknown.map_or(AtWork::Nobody, AtWork::Unknown)
}
