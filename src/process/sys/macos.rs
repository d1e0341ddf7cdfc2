//! macOS: there is no parent-death signal and no adoption of orphans. Who belongs to a run is known
//! by the process group, by descent while the parent lives, and by the mark in the environment. The
//! system shows the environment of its own programs (`/bin/sleep`) to nobody: such a one that also
//! left group and parent is not found.

use std::cell::RefCell;
use std::ffi::{CStr, c_int, c_void};
use std::time::Duration;

use super::Row;
use super::unix::{signal_process, to_pid};
use crate::process::procargs;

/// Largest arguments and environment that a process can have.
const ARG_MAX: usize = 1 << 20;

/// Orphans go to the system's first process.
pub(in crate::process) const ADOPTS: bool = false;

thread_local! {
    /// Where arguments and environments are read to: there are many processes, and a buffer for the
    /// longest is large.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; ARG_MAX]);
}

/// Nothing to prepare.
pub(in crate::process) fn prepare(_command: &mut tokio::process::Command) {}

/// The process table, as far as it is shown to this user.
pub(in crate::process) fn table() -> Vec<Row> {
    pids().into_iter().filter_map(row).collect()
}

fn pids() -> Vec<u32> {
    // SAFETY: with a null buffer the call only counts.
    #[expect(unsafe_code, reason = "libproc is the only list of processes")]
    let count = unsafe { libc::proc_listallpids(std::ptr::null_mut(), 0) };
    // Some may be started between the two calls.
    let mut pids: Vec<c_int> = vec![0; usize::try_from(count).unwrap_or(0) + 64];
    let bytes = c_int::try_from(std::mem::size_of_val(pids.as_slice())).unwrap_or(0);
    // SAFETY: the buffer is as long as is said, and any bits are a valid `c_int`.
    #[expect(unsafe_code, reason = "libproc is the only list of processes")]
    let count = unsafe { libc::proc_listallpids(pids.as_mut_ptr().cast(), bytes) };
    pids.truncate(usize::try_from(count).unwrap_or(0));
    let pids = pids.into_iter().filter_map(|pid| u32::try_from(pid).ok());
    pids.filter(|pid| *pid != 0).collect()
}

/// One process.
pub(in crate::process) fn row(pid: u32) -> Option<Row> {
    let raw = c_int::try_from(pid).ok()?;
    // SAFETY: the structure is plain numbers, for which zero is a valid value.
    #[expect(unsafe_code, reason = "a buffer for libproc")]
    let mut info: libc::proc_bsdinfo = unsafe { std::mem::zeroed() };
    let size = c_int::try_from(size_of_val(&info)).ok()?;
    let to: *mut c_void = std::ptr::from_mut(&mut info).cast();
    // SAFETY: the buffer is a `proc_bsdinfo`, which is what this flavour writes, and `size` long.
    #[expect(unsafe_code, reason = "libproc is the only way to look at a process")]
    let got = unsafe { libc::proc_pidinfo(raw, libc::PROC_PIDTBSDINFO, 0, to, size) };
    if got != size {
        return None;
    }
    let session = rustix::process::getsid(to_pid(pid)).ok()?;
    Some(Row {
        pid,
        parent: info.pbi_ppid,
        group: info.pbi_pgid,
        session: u32::try_from(session.as_raw_nonzero().get()).ok()?,
        started: info.pbi_start_tvsec * 1_000_000 + info.pbi_start_tvusec,
        zombie: info.pbi_status == libc::SZOMB,
    })
}

/// The mark in a process's environment, where that can be read.
pub(in crate::process) fn mark(pid: u32) -> Option<String> {
    BUFFER.with_borrow_mut(|buffer| mark_by(pid, buffer))
}

fn mark_by(pid: u32, buffer: &mut [u8]) -> Option<String> {
    let mut name = [
        libc::CTL_KERN,
        libc::KERN_PROCARGS2,
        c_int::try_from(pid).ok()?,
    ];
    let mut size = buffer.len();
    // SAFETY: the name has three parts, as is said; the buffer is `size` long, and `size` is set to
    // what was written. Nothing is set, so that the new value may be null.
    #[expect(unsafe_code, reason = "sysctl is the only way to an environment")]
    let failed = unsafe {
        libc::sysctl(
            name.as_mut_ptr(),
            3,
            buffer.as_mut_ptr().cast(),
            &raw mut size,
            std::ptr::null_mut(),
            0,
        )
    };
    if failed != 0 {
        return None;
    }
    procargs::variable(buffer.get(..size)?, crate::process::family::MARK)
}

/// Nothing runs below a wrapper: `sandbox-exec` becomes the program.
pub(in crate::process) fn executable(_pid: u32) -> Option<(u64, u64)> {
    None
}

/// Signals one process, unless its pid has passed to somebody else since it was looked at.
pub(in crate::process) fn signal_row(seen: &Row, signal: super::Signal) {
    if row(seen.pid).is_some_and(|now| now.started == seen.started) {
        signal_process(seen.pid, signal);
    }
}

/// Identifies this boot. The time of the boot would not do: it moves when the clock is set.
pub(in crate::process) fn boot_id() -> Option<String> {
    let mut buffer = [0_u8; 64];
    let mut size = buffer.len();
    // SAFETY: the name ends with a zero; the buffer is `size` long, and `size` is set to what was
    // written. Nothing is set, so that the new value may be null.
    #[expect(unsafe_code, reason = "sysctl is the only way to the boot's id")]
    let failed = unsafe {
        libc::sysctlbyname(
            c"kern.bootsessionuuid".as_ptr(),
            buffer.as_mut_ptr().cast(),
            &raw mut size,
            std::ptr::null_mut(),
            0,
        )
    };
    if failed != 0 {
        return None;
    }
    let id = CStr::from_bytes_until_nul(buffer.get(..size)?).ok()?;
    id.to_str().ok().map(str::to_owned)
}

/// Pids mean the same everywhere.
#[expect(clippy::unnecessary_wraps, reason = "on Linux it may not be told")]
pub(in crate::process) fn pid_namespace() -> Option<u64> {
    Some(0)
}

/// How long the machine has slept since it was booted.
pub(crate) fn asleep() -> Option<Duration> {
    let total = clock(libc::CLOCK_MONOTONIC_RAW)?;
    Some(total.saturating_sub(clock(libc::CLOCK_UPTIME_RAW)?))
}

fn clock(which: libc::clockid_t) -> Option<Duration> {
    let mut at = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the call writes one `timespec`, which is what it is given.
    #[expect(unsafe_code, reason = "rustix does not know this clock")]
    let failed = unsafe { libc::clock_gettime(which, &raw mut at) };
    let nanos = u32::try_from(at.tv_nsec).ok()?;
    (failed == 0).then_some(Duration::new(u64::try_from(at.tv_sec).ok()?, nanos))
}

/// Nobody is adopted.
pub(in crate::process) fn reap(_pid: u32) {}

/// There is no Landlock.
pub(crate) fn landlock_version() -> u32 {
    0
}

/// Others of the same user can't look into a process here without the system's leave.
pub(crate) fn hide_from_children() -> bool {
    true
}
