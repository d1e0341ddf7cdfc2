//! Who may still work for a run without being known by it: a program that became another user, whose
//! environment nobody may read and whom no signal of ours reaches.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

use super::{Identity, boot_id, own_identity, sys};

/// Whoever has a path that begins with `prefix` on its command line, and all below them. It must be
/// a name that nobody else can have come by: a directory that a run has made for itself.
pub fn working_in(prefix: &Path) -> Vec<Identity> {
    let mut system = System::new();
    system.refresh_processes_specifics(
        ProcessesToUpdate::All,
        true,
        ProcessRefreshKind::nothing()
            .with_cmd(UpdateKind::Always)
            .without_tasks(),
    );
    let wanted = memchr::memmem::Finder::new(prefix.as_os_str().as_bytes());
    let names = |p: &sysinfo::Process| p.cmd().iter().any(|w| wanted.find(w.as_bytes()).is_some());
    let table = sys::table();
    let mut above = BTreeSet::new();
    let mut at = std::process::id();
    while above.insert(at) {
        let row = table.iter().find(|row| row.pid == at);
        at = row.map_or(at, |row| row.parent);
    }
    let mut found: BTreeSet<u32> = system
        .processes()
        .values()
        .filter(|p| names(p))
        .map(|p| p.pid().as_u32())
        .filter(|pid| !above.contains(pid))
        .collect();
    loop {
        let below = table.iter().filter(|row| found.contains(&row.parent));
        let more: Vec<u32> = below
            .map(|row| row.pid)
            .filter(|pid| !found.contains(pid) && !above.contains(pid))
            .collect();
        if more.is_empty() {
            break;
        }
        found.extend(more);
    }
    let boot = boot_id();
    table
        .iter()
        .filter(|row| found.contains(&row.pid) && !row.zombie)
        .map(|row| Identity {
            pid: row.pid,
            started: row.started,
            boot: boot.clone(),
        })
        .collect()
}

/// Those of them that this process, or whoever it adopted, has started: they are ours.
pub fn below_this(all: Vec<Identity>) -> Vec<Identity> {
    let table = sys::table();
    let me = own_identity().pid;
    let is_below = |pid: u32| {
        let mut seen = BTreeSet::new();
        let mut at = pid;
        while seen.insert(at) {
            match table.iter().find(|row| row.pid == at) {
                Some(row) if row.parent == me => return true,
                Some(row) => at = row.parent,
                None => return false,
            }
        }
        false
    };
    all.into_iter().filter(|who| is_below(who.pid)).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt as _;

    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test's own program")]
    fn who_names_the_directory_is_found_with_all_below_and_nobody_else() {
        let at = tempfile::tempdir().unwrap();
        let dir = at.path().join("run-");
        let start = |word: &str| {
            std::process::Command::new("sh")
                .args(["-c", "sleep 600 & wait", "sh"])
                .arg(at.path().join(word))
                .process_group(0)
                .spawn()
                .unwrap()
        };
        let (mut named, mut other) = (start("run-x/module.py"), start("walk-x/module.py"));
        let pids = || -> Vec<u32> { working_in(&dir).iter().map(|who| who.pid).collect() };
        // The shell, and its child once that is there.
        while pids().len() < 2 {
            std::thread::yield_now();
        }
        let found = pids();
        assert!(found.contains(&named.id()) && !found.contains(&other.id()));
        assert_eq!(below_this(working_in(&dir)).len(), 2);
        for pid in found.into_iter().filter(|pid| *pid != named.id()) {
            let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        }
        named.wait().unwrap();
        assert_eq!(pids(), Vec::<u32>::new());
        // With its child, which would hold the test's output open.
        let group = rustix::process::Pid::from_raw(i32::try_from(other.id()).unwrap()).unwrap();
        rustix::process::kill_process_group(group, rustix::process::Signal::KILL).unwrap();
        other.wait().unwrap();
    }
}
