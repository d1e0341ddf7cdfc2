//! Programs that a run started as another user: a task that became root. Their environment can't be
//! read and no signal of an ordinary user reaches them, but the module that they run lies in the run's
//! own scratch directory, and is on their command line.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::process::{self, Identity, Spec, below_this, find_on_path, working_in};
use crate::turn::Left;

/// Begins the names of scratch directories.
pub(super) const SCRATCH: &str = "run-";
/// How long they may take to end.
const ENDING: Duration = Duration::from_secs(10);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(100);

/// How the path of every scratch directory below a state directory begins.
pub fn scratch_prefix(state_dir: &Path) -> PathBuf {
    state_dir.join("ansible").join(SCRATCH)
}

/// Ends them, in the way in which they became what they are, where they are proven to be below this
/// process. Whether nobody is left.
pub(super) async fn end_others(scratch: &Path, path: &OsStr) -> bool {
    let until = Instant::now() + ENDING;
    loop {
        let left = working_in(scratch);
        if left.is_empty() {
            return true;
        }
        let ours = below_this(left);
        let sudo = find_on_path("sudo", path);
        let (Some(sudo), false) = (sudo, ours.is_empty() || Instant::now() >= until) else {
            return false;
        };
        let pids = ours.iter().map(|who| who.pid.to_string());
        let spec = Spec::new(sudo, "/", ENDING)
            .args(["-n", "kill", "-KILL", "--"])
            .args(pids)
            .env("PATH", path)
            .env("LC_ALL", "C");
        // One that has ended meanwhile makes it fail: the next look tells.
        let _ = process::run(&spec, &CancellationToken::new(), |_| ()).await;
        tokio::time::sleep(LOOK).await;
    }
}

/// Whoever may still work for a run of this state directory, after it had time to end by itself.
pub async fn still_at_work(state_dir: &Path, longest: Duration) -> Vec<Identity> {
    let prefix = scratch_prefix(state_dir);
    let until = Instant::now() + longest;
    loop {
        let left = working_in(&prefix);
        if left.is_empty() || Instant::now() >= until {
            return left;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// What is known of them, and what to do.
pub fn may_work(who: &[Identity]) -> String {
    let pids: Vec<String> = who.iter().take(10).map(|w| w.pid.to_string()).collect();
    format!(
        "what an interrupted run of Ansible started as another user may still be at work, and can't \
         be proven to be secloop's, so it is not ended: see what they are with `ps -fp {}`, end them \
         or wait for their end, then start again",
        pids.join(",")
    )
}

/// The same, for a list of what is left.
pub fn as_left(who: &[Identity]) -> Vec<Left> {
    who.iter()
        .map(|who| {
            Left::new(
                format!("process {}", who.pid),
                "not there",
                "at work as another user, for an interrupted run of Ansible",
                &format!(
                    "see what it is (ps -fp {0}) and end it (sudo kill {0})",
                    who.pid
                ),
            )
        })
        .collect()
}
