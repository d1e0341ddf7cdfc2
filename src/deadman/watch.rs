//! The timer's own process.

use std::path::Path;
use std::time::Duration;

use fs2::FileExt as _;
use tokio::time::Instant;

use super::{ARMED, DISARMED, FIRED, Fired, ORDER, ORPHANED, ORPHANED_PART, Order, hold};
use crate::error::{Exit, Fatal};
use crate::playbook::{PreState, as_left, still_at_work};
use crate::process::{Likeness, end_tree_of, leave_session, likeness};
use crate::whole;

/// Between two looks at the owner and at what it has said.
const LOOK: Duration = Duration::from_secs(1);
/// What the owner's programs have between TERM and KILL.
const GRACE: Duration = Duration::from_secs(5);

/// Waits over the pre-state in `dir` and puts the machine back when its time is over.
///
/// # Errors
/// When the directory holds no order.
pub async fn watch(dir: &Path) -> Result<Exit, Fatal> {
    // Started by systemd, it has left already.
    let _ = leave_session();
    let broken = |e: std::io::Error| Fatal::io(format!("reading {}", dir.display()))(e);
    let order = std::fs::read(dir.join(ORDER)).map_err(broken)?;
    let order: Order =
        serde_json::from_slice(&order).map_err(|e| broken(std::io::Error::other(e)))?;
    let lock = std::fs::File::options()
        .create(true)
        .append(true)
        .open(dir.join("deadman.lock"))
        .map_err(broken)?;
    if lock.try_lock_exclusive().is_err() {
        // Another one waits already.
        return Ok(Exit::Done);
    }
    whole::replace(&dir.join(ARMED), b"", 0o600).map_err(broken)?;
    let Some(why) = wait(dir, &order).await else {
        return Ok(Exit::Done);
    };
    fire(dir, &order, why).await.map_err(broken)?;
    Ok(Exit::Done)
}

/// Why the time is over; `None`: it has nothing to do. Time that the machine sleeps does not count,
/// and clocks that are set don't either.
async fn wait(dir: &Path, order: &Order) -> Option<String> {
    let deadline = Duration::from_millis(order.deadline_ms);
    let mut due = Instant::now() + deadline;
    let mut orphaned = false;
    loop {
        if is_over(dir) {
            return None;
        }
        let now = Instant::now();
        if !orphaned && likeness(&order.owner) == Likeness::Gone {
            orphaned = true;
            due = due.min(now + ORPHANED.min(deadline / ORPHANED_PART));
        }
        if now >= due {
            return Some(if orphaned {
                "secloop was gone".to_owned()
            } else {
                format!(
                    "no proof came within {}",
                    humantime::format_duration(deadline)
                )
            });
        }
        tokio::time::sleep(LOOK.min(due - now)).await;
    }
}

/// Whether nobody needs the pre-state any more.
fn is_over(dir: &Path) -> bool {
    dir.join(DISARMED).exists() || !dir.join("manifest.json").exists()
}

async fn fire(dir: &Path, order: &Order, why: String) -> std::io::Result<()> {
    let held = match hold(dir).await {
        // It was removed meanwhile.
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    if is_over(dir) {
        return Ok(());
    }
    let mut fired = Fired {
        why,
        finished: false,
        done: Vec::new(),
        left: Vec::new(),
    };
    tell(dir, &fired)?;
    // Whoever still applies would change again what is put back.
    if !end_tree_of(&order.owner, GRACE).await {
        fired
            .done
            .push("a program of the interrupted run could not be ended".to_owned());
    }
    let before = PreState::load(dir)?;
    fired.done.extend(before.restore().await);
    fired.left = before.now().await.left;
    // STATE/snapshots/TURN
    if let Some(state_dir) = dir.ancestors().nth(2) {
        let at_work = still_at_work(state_dir, Duration::ZERO).await;
        fired.left.extend(as_left(&at_work));
    }
    fired.finished = true;
    tell(dir, &fired)?;
    drop(held);
    Ok(())
}

fn tell(dir: &Path, fired: &Fired) -> std::io::Result<()> {
    let text = serde_json::to_vec(fired).map_err(std::io::Error::other)?;
    whole::replace(&dir.join(FIRED), &text, 0o600)
}
