//! Starting something that outlives this process.

use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;

/// Starts a program that this process's end does not end: without the mark of a run, and without a
/// parent-death signal. It has to take a session of its own itself ([`leave_session`]), so that the
/// signals of a terminal or of a group don't reach it.
///
/// # Errors
/// When it can't be started.
#[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
pub fn spawn_detached(program: &Path, args: &[OsString]) -> std::io::Result<()> {
    // Whoever adopts orphans takes its end, as that of any other (see `family`).
    std::process::Command::new(program)
        .args(args)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map(drop)
}

/// Takes a session of this process's own.
///
/// # Errors
/// When it leads a group already, and so has left before.
pub fn leave_session() -> std::io::Result<()> {
    rustix::process::setsid()?;
    Ok(())
}
