//! `secloop stop`.

use super::{Surroundings, print};
use crate::config::state_dir;
use crate::error::{Exit, Fatal};
use crate::lock;
use crate::records::stop_file;
use crate::whole;

/// Leaves a request for the running loop, which looks for it every two seconds. A loop can be
/// stopped whatever has become of its configuration: only the state directory counts.
pub(super) fn stop(around: &Surroundings, now: bool) -> Result<Exit, Fatal> {
    let state_dir = state_dir(&around.env)?;
    let Some(holder) = lock::active(&state_dir) else {
        print("No loop is running.\n");
        return Ok(Exit::Done);
    };
    let file = stop_file(&state_dir);
    let request = if now { "now" } else { "after-turn" };
    whole::replace(&file, request.as_bytes(), 0o600)
        .map_err(Fatal::io(format!("writing {}", file.display())))?;
    let when = if now {
        "takes its turn back and ends"
    } else {
        "ends after its current turn"
    };
    print(&format!(
        "Asked the loop (pid {}): it {when}.\n",
        holder.identity.pid
    ));
    Ok(Exit::Done)
}
