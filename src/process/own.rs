//! The file of this program, which starts itself as guard, guardian, timer and inner stage.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
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

/// The file of this program as it was at some time, to tell whether it still is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnFile {
    path: PathBuf,
    /// Device, number, size and time of change.
    identity: (u64, u64, u64, i64),
}

impl OwnFile {
    /// The file as it is now.
    ///
    /// # Errors
    /// When it is not there any more, or the system can't tell.
    pub fn look() -> io::Result<Self> {
        let path = own_program()?;
        let identity = identity(&path)?;
        Ok(Self { path, identity })
    }

    /// Whether it is still there and the same. A program goes on without its file, but what it
    /// starts of itself is the new one, or nothing.
    pub fn stands(&self) -> bool {
        identity(&self.path).is_ok_and(|now| now == self.identity)
    }

    /// Where it was.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64, u64, i64)> {
    let found = std::fs::metadata(path)?;
    Ok((found.dev(), found.ino(), found.size(), found.mtime()))
}
