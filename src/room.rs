//! Whether the disk has room for a turn: ledger, snapshot, working copies, transcripts.

use std::path::Path;

/// The least that must be free, in bytes. A turn on a small playbook takes a tenth of it.
const LEAST: u64 = 64 << 20;

/// Looks at the file system that holds `dir`, which must exist.
///
/// # Errors
/// A sentence with the cure, when there is too little or it can't be told.
pub(crate) fn check(dir: &Path) -> Result<(), String> {
    let place = rustix::fs::statvfs(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    let free = place.f_bavail.saturating_mul(place.f_frsize);
    if free >= LEAST {
        return Ok(());
    }
    Err(format!(
        "its disk is nearly full: {} MiB are free, a turn needs {}; free some, or set \
         SECLOOP_STATE_DIR to another disk",
        free >> 20,
        LEAST >> 20
    ))
}
