//! The file of this program, which starts itself as guard, guardian, timer and inner stage.

use std::io;
use std::path::PathBuf;
use std::sync::OnceLock;

static ELSEWHERE: OnceLock<PathBuf> = OnceLock::new();

/// Where secloop is, for a process that uses it as a library. Only the first call counts.
pub fn secloop_is_at(program: PathBuf) {
    let _ = ELSEWHERE.set(program);
}

/// The file of this program. After an upgrade its name is another one's, or nobody's.
///
/// # Errors
/// When the system can't tell.
pub fn own_program() -> io::Result<PathBuf> {
    ELSEWHERE
        .get()
        .cloned()
        .map_or_else(std::env::current_exe, Ok)
}
