//! Linux: children die with their parent.

use rustix::process::{Signal, set_parent_process_death_signal};

/// Asks the kernel to kill the child when secloop dies.
pub(in crate::process) fn prepare(command: &mut tokio::process::Command) {
    let parent = rustix::process::getpid();
    #[expect(
        unsafe_code,
        reason = "pre_exec is the only way to set the parent-death signal"
    )]
    // SAFETY: the closure runs between fork and exec and makes two system calls that are
    // async-signal-safe; it allocates nothing and touches no lock.
    unsafe {
        command.pre_exec(move || {
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
