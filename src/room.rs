//! Whether the disk has room for a turn: ledger, snapshot, working copies, transcripts.

use std::path::Path;

/// The least that must be free, in bytes. A turn on a small playbook takes a tenth of it.
const LEAST: u64 = 64 << 20;
/// The least number of files that can still be made. A turn on a small playbook makes a fifth of it.
const LEAST_FILES: u64 = 5_000;

/// Looks at the file system that holds `dir`, which must exist.
///
/// # Errors
/// A sentence with the cure, when there is too little or it can't be told.
pub(crate) fn check(dir: &Path) -> Result<(), String> {
    let place = rustix::fs::statvfs(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    let free = place.f_bavail.saturating_mul(place.f_frsize);
    if free < LEAST {
        return Err(format!(
            "its disk is nearly full: {} MiB are free, a turn needs {}; free some, or set \
             SECLOOP_STATE_DIR to another disk",
            free >> 20,
            LEAST >> 20
        ));
    }
    // Where there is no fixed number of them, as on btrfs, none are counted.
    if place.f_files > 0 && place.f_favail < LEAST_FILES {
        return Err(format!(
            "its disk has room for {} more files, a turn needs {LEAST_FILES}; remove some (`df -i` \
             shows them), or set SECLOOP_STATE_DIR to another disk",
            place.f_favail
        ));
    }
    Ok(())
}
