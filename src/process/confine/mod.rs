//! Takes rights away from this very process, before it becomes another program: bounds on what it
//! may use up, Landlock, seccomp, and then a look whether the kernel says the same.
//!
//! Only Linux has these; nothing here can be taken back.

#[cfg(target_os = "linux")]
mod landlock;
#[cfg(target_os = "linux")]
mod limits;
#[cfg(target_os = "linux")]
mod seccomp;
mod status;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Bounds on what a confined program may use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Processes and threads, all together.
    pub processes: u64,
    /// Bytes of memory of one process.
    pub memory: u64,
    /// Bytes of one file.
    pub file: u64,
    /// Open files of one process.
    pub files: u64,
}

/// What is left to a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confinement {
    /// Bounds.
    pub limits: Limits,
    /// What may be read and run, with all below. What is not there is left out.
    pub read: Vec<PathBuf>,
    /// What may be written too.
    pub write: Vec<PathBuf>,
    /// Where the devices are, which may be used but not made.
    pub devices: PathBuf,
    /// Whether it may be uid 0: a probe that has to see the machine as its administrator does.
    pub root: bool,
}

/// Confines this process, which must have one thread only.
///
/// # Errors
/// What of it can't be had. Some of it may be in force then; the process has to end.
#[cfg(target_os = "linux")]
pub fn confine(to: &Confinement) -> Result<(), String> {
    super::sys::close_on_exec();
    limits::set(&to.limits)?;
    landlock::restrict(to)?;
    seccomp::filter()?;
    let status = std::fs::read_to_string("/proc/self/status")
        .map_err(|e| format!("/proc/self/status: {e}"))?;
    status::check(&status, to.root)
}

/// Only Linux has the means.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn confine(_to: &Confinement) -> Result<(), String> {
    let _ = status::check;
    Err("only Linux has this".to_owned())
}

/// Becomes another program, with this process's environment. Comes back only with the reason why
/// that can't be.
#[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
pub fn become_program(program: &Path, args: &[OsString]) -> std::io::Error {
    use std::os::unix::process::CommandExt as _;
    std::process::Command::new(program).args(args).exec()
}

/// Starts a program beside this process, with `input` and nothing else: no environment, no output.
/// It ends with the sandbox that this process is in; nobody waits for it.
///
/// # Errors
/// When it can't be started.
#[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
pub fn start_beside(
    program: &Path,
    args: &[&str],
    input: std::os::fd::OwnedFd,
) -> std::io::Result<()> {
    use std::process::Stdio;
    std::process::Command::new(program)
        .args(args)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(input))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map(|_| ())
}
