//! Linux: children die with their parent, and orphans are adopted.

use rustix::process::{
    PidfdFlags, Signal, WaitOptions, pidfd_open, pidfd_send_signal, set_child_subreaper,
    set_parent_process_death_signal, waitpid,
};

use super::Row;
use super::unix::{signal_process, to_pid};

/// Orphans below this process become its children.
pub(in crate::process) const ADOPTS: bool = true;

/// Asks the kernel to kill the child when secloop dies.
pub(in crate::process) fn prepare(command: &mut tokio::process::Command) {
    // Where it is refused, orphans are found by their mark only after secloop's own end.
    let _ = set_child_subreaper(Some(rustix::process::getpid()));
    let parent = rustix::process::getpid();
    #[expect(
        unsafe_code,
        reason = "pre_exec is the only way to set the parent-death signal"
    )]
    // SAFETY: the closure runs between fork and exec and makes three system calls that are
    // async-signal-safe; it allocates nothing and touches no lock.
    unsafe {
        command.pre_exec(move || {
            close_on_exec();
            set_parent_process_death_signal(Some(Signal::KILL))?;
            // The parent may have died before the call; then nobody would send the signal.
            if rustix::process::getppid() != Some(parent) {
                return Err(std::io::Error::from_raw_os_error(
                    rustix::io::Errno::CANCELED.raw_os_error(),
                ));
            }
            Ok(())
        });
    }
}

/// Hands on no descriptor but the standard ones, also none that this process was started with.
pub(in crate::process) fn close_on_exec() {
    #[expect(unsafe_code, reason = "rustix does not have it")]
    // SAFETY: it changes a flag of descriptors, takes no pointer, and closes nothing here.
    unsafe {
        // Linux 5.11; sandboxes need a newer one.
        libc::syscall(
            libc::SYS_close_range,
            3,
            libc::c_uint::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        );
    }
}

/// Takes a mount namespace of its own: what is mounted from here on only this process and its
/// children see.
pub(in crate::process) fn leave_mounts() -> rustix::io::Result<()> {
    #[expect(unsafe_code, reason = "rustix can't know what else is unshared")]
    // SAFETY: no descriptors are unshared, and file names keep their meaning.
    unsafe {
        rustix::thread::unshare_unsafe(rustix::thread::UnshareFlags::NEWNS)
    }
}

/// Ends with the parent.
pub(in crate::process) fn die_with_parent() -> rustix::io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))
}

/// The kernel's version of Landlock; 0 where there is none, or it is off.
pub(crate) fn landlock_version() -> u32 {
    #[expect(unsafe_code, reason = "the crate tells it only after restricting")]
    // SAFETY: without attributes and with this flag (VERSION) it only gives a number.
    let version = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<libc::c_void>(),
            0,
            1,
        )
    };
    u32::try_from(version).unwrap_or(0)
}

/// The process table.
pub(in crate::process) fn table() -> Vec<Row> {
    let pids = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(row)
        .collect()
}

/// One process.
pub(in crate::process) fn row(pid: u32) -> Option<Row> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    // The name, in parentheses, may hold anything.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    let id = |at: usize| u32::try_from(number(at)?).ok();
    Some(Row {
        pid,
        zombie: matches!(*fields.first()?, "Z" | "X"),
        parent: id(1)?,
        group: id(2)?,
        session: id(3)?,
        started: number(19)?,
    })
}

/// The mark in a process's environment, where that can be read.
pub(in crate::process) fn mark(pid: u32) -> Option<String> {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
    let name = crate::process::family::MARK.as_bytes();
    environment.split(|b| *b == 0).find_map(|variable| {
        let value = variable.strip_prefix(name)?.strip_prefix(b"=")?;
        String::from_utf8(value.to_vec()).ok()
    })
}

/// What file a process runs (device and inode), where that can be read.
pub(in crate::process) fn executable(pid: u32) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    let file = std::fs::metadata(format!("/proc/{pid}/exe")).ok()?;
    Some((file.dev(), file.ino()))
}

/// Signals one process, and nobody to whom its pid may have passed since it was looked at.
pub(in crate::process) fn signal_row(seen: &Row, signal: super::Signal) {
    let Some(pid) = to_pid(seen.pid) else { return };
    let same = || row(seen.pid).is_some_and(|now| now.started == seen.started);
    match pidfd_open(pid, PidfdFlags::empty()) {
        // It names one process for ever: whoever is still the same now is the one it names.
        Ok(process) if same() => {
            let _ = pidfd_send_signal(process, signal.into());
        }
        Ok(_) | Err(rustix::io::Errno::SRCH) => (),
        // Before Linux 5.3, or forbidden.
        Err(_) if same() => signal_process(seen.pid, signal),
        Err(_) => (),
    }
}

/// Identifies this boot.
pub(in crate::process) fn boot_id() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned())
}

/// Within what pids mean the same.
pub(in crate::process) fn pid_namespace() -> Option<u64> {
    use std::os::unix::fs::MetadataExt as _;
    Some(std::fs::metadata("/proc/self/ns/pid").ok()?.ino())
}

/// How long the machine has slept since it was booted.
pub(crate) fn asleep() -> Option<std::time::Duration> {
    use rustix::time::{ClockId, clock_gettime};
    let at = |clock| std::time::Duration::try_from(clock_gettime(clock)).ok();
    Some(at(ClockId::Boottime)?.saturating_sub(at(ClockId::Monotonic)?))
}

/// Takes the end of an adopted child that has ended.
pub(in crate::process) fn reap(pid: u32) {
    if let Some(pid) = to_pid(pid) {
        let _ = waitpid(Some(pid), WaitOptions::NOHANG);
    }
}

/// Keeps others of the same user, children included, from reading this process's memory and files.
pub(crate) fn hide_from_children() -> bool {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    set_dumpable_behavior(DumpableBehavior::NotDumpable).is_ok()
}
