//! A process of secloop's own that outlives a killed supervisor, and ends what that one had started.
//!
//! On Linux the children of a supervisor die with it by themselves, but not whom they started; on
//! macOS nobody does. The guardian holds the reading end of a pipe whose writing end the supervisor
//! alone has: it is closed when the supervisor ends, however that happens.

use std::io::{Read as _, Write as _};
use std::process::Stdio;
use std::time::Duration;

use super::family::end_marked;
use super::{Identity, own_identity};

/// Between TERM and KILL of what the supervisor left.
const GRACE: Duration = Duration::from_secs(2);
/// Longest identity that is read.
const MAX: u64 = 4096;

/// A guardian at work. Dropped, it does what it is there for.
#[derive(Debug)]
pub struct Guardian(#[expect(dead_code, reason = "open is on guard")] std::process::ChildStdin);

impl Guardian {
    /// Starts `program` with these arguments, which has to call [`stand_guard`].
    ///
    /// # Errors
    /// When it can't be started.
    #[expect(
        clippy::disallowed_methods,
        reason = "it must not die with this process"
    )]
    pub fn start(program: &std::path::Path, args: &[&str]) -> std::io::Result<Self> {
        use std::os::unix::process::CommandExt as _;
        let mut child = std::process::Command::new(program)
            .args(args)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let mut pipe = child.stdin.take().ok_or(std::io::ErrorKind::BrokenPipe)?;
        let mut me = serde_json::to_vec(&own_identity())?;
        me.push(b'\n');
        pipe.write_all(&me)?;
        Ok(Self(pipe))
    }
}

/// Waits for the supervisor's end, then ends what it left. Whether nobody is left.
pub async fn stand_guard() -> bool {
    let mut told = Vec::new();
    let read = std::io::stdin().take(MAX).read_to_end(&mut told);
    let who = serde_json::from_slice::<Identity>(&told);
    match (read, who) {
        (Ok(_), Ok(who)) => end_marked(GRACE, |marked| *marked == who).await,
        _ => false,
    }
}
