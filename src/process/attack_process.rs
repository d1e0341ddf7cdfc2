//! What attacks on the boundary do to processes and mounts, and the process that they are tried on.

use std::io;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::{
    Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal, setpriority_process,
};

/// A process outside, with a secret in its environment.
#[derive(Debug)]
pub struct Victim(Child);

impl Victim {
    /// Starts it in `dir`, as `user` where that is not who starts it.
    ///
    /// # Errors
    /// When it can't be started.
    #[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
    pub fn start(dir: &Path, secret: &str, user: Option<(u32, u32)>) -> io::Result<Self> {
        use std::os::unix::process::CommandExt as _;
        let mut command = std::process::Command::new("/bin/sleep");
        if let Some((uid, gid)) = user {
            command.uid(uid).gid(gid);
        }
        command
            .arg("600")
            .env_clear()
            .env("SECRET", secret)
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map(Self)
    }

    /// Its number.
    pub fn pid(&self) -> i32 {
        i32::try_from(self.0.id()).unwrap_or(0)
    }

    /// Its priority: 0, up to 19 for the least.
    pub fn nice(&self) -> i32 {
        to_pid(self.pid())
            .and_then(|pid| Ok(rustix::process::getpriority_process(Some(pid))?))
            .unwrap_or(0)
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn to_pid(pid: i32) -> io::Result<Pid> {
    Pid::from_raw(pid).ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// Whether a process ends, or has ended.
pub fn ended_within(pid: i32, time: Duration) -> bool {
    use rustix::event::{PollFd, PollFlags, poll};
    let Ok(process) = to_pid(pid).and_then(|pid| Ok(pidfd_open(pid, PidfdFlags::empty())?)) else {
        return true;
    };
    let wait = rustix::time::Timespec::try_from(time).ok();
    let mut all = [PollFd::new(&process, PollFlags::IN)];
    poll(&mut all, wait.as_ref()).is_ok_and(|ready| ready > 0)
}

/// Ends a process.
pub fn kill(pid: i32) {
    if let Ok(pid) = to_pid(pid) {
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// Asks one to end.
pub fn signal(pid: i32) -> io::Result<()> {
    Ok(kill_process(to_pid(pid)?, Signal::TERM)?)
}

/// The same by a descriptor.
pub fn signal_by_descriptor(pid: i32) -> io::Result<()> {
    let process = pidfd_open(to_pid(pid)?, PidfdFlags::empty())?;
    Ok(pidfd_send_signal(process, Signal::TERM)?)
}

/// Gives one the least priority.
pub fn slow_down(pid: i32) -> io::Result<()> {
    Ok(setpriority_process(Some(to_pid(pid)?), 19)?)
}

/// Leaves a process behind that bears `word`: in a session of its own, and nobody's child.
#[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
pub fn leave(arguments: &[&str]) -> io::Result<()> {
    let me = std::env::current_exe()?;
    let done = std::process::Command::new("setsid")
        .arg("--fork")
        .arg(me)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if done.success() {
        Ok(())
    } else {
        Err(io::Error::other("it could not be left"))
    }
}

/// Waits to be ended, ten minutes at most.
pub fn wait() {
    let time = rustix::time::Timespec {
        tv_sec: 600,
        tv_nsec: 0,
    };
    let _ = rustix::event::poll(&mut [], Some(&time));
}

/// A file system for temporary files.
pub fn mount(at: &Path) -> io::Result<()> {
    use rustix::mount::{MountFlags, mount};
    Ok(mount("none", at, "tmpfs", MountFlags::empty(), None)?)
}

/// Makes the root writable.
pub fn remount() -> io::Result<()> {
    use rustix::mount::{MountFlags, mount_remount};
    Ok(mount_remount("/", MountFlags::BIND, c"")?)
}

/// Takes a mount away.
pub fn unmount(at: &Path) -> io::Result<()> {
    Ok(rustix::mount::unmount(
        at,
        rustix::mount::UnmountFlags::DETACH,
    )?)
}

/// Makes a device that reads as nothing.
pub fn make_device(at: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
    let mode = Mode::RUSR | Mode::WUSR;
    Ok(mknodat(
        CWD,
        at,
        FileType::CharacterDevice,
        mode,
        makedev(1, 3),
    )?)
}

/// Takes room on the disk at once.
pub fn reserve(file: &std::fs::File, bytes: u64) -> io::Result<()> {
    let all = rustix::fs::FallocateFlags::empty();
    Ok(rustix::fs::fallocate(file, all, 0, bytes)?)
}

/// So many processes at once, which end again.
pub fn crowd(most: usize) -> io::Result<()> {
    super::sys::crowd(most)
}

/// A terminal of its own, both ends.
pub fn open_terminal() -> io::Result<()> {
    super::sys::open_terminal()
}
