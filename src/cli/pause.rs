//! `secloop pause` and `resume`.

use super::{Surroundings, print};
use crate::config::state_dir;
use crate::error::{Exit, Fatal};
use crate::lock;
use crate::records::pause_file;
use crate::whole;

/// Leaves word that no further turn begins, until [`resume`]. It holds for loops that are started later,
/// too; only the state directory counts.
pub(super) fn pause(around: &Surroundings) -> Result<Exit, Fatal> {
    let state_dir = state_dir(&around.env)?;
    crate::world::make_private(&state_dir)?;
    let file = pause_file(&state_dir);
    whole::replace(&file, b"paused\n", 0o600)
        .map_err(Fatal::io(format!("writing {}", file.display())))?;
    print(if lock::active(&state_dir).is_some() {
        "Paused: the loop begins no further turn.\n"
    } else {
        "Paused: no loop is running, and one that is started begins no turn.\n"
    });
    Ok(Exit::Done)
}

/// Takes the word back.
pub(super) fn resume(around: &Surroundings) -> Result<Exit, Fatal> {
    let file = pause_file(&state_dir(&around.env)?);
    match std::fs::remove_file(&file) {
        Ok(()) => print("Resumed.\n"),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => print("It is not paused.\n"),
        Err(e) => return Err(Fatal::io(format!("removing {}", file.display()))(e)),
    }
    Ok(Exit::Done)
}
