//! The file of this program, which starts itself as guard, guardian, timer and inner stage.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

static ELSEWHERE: OnceLock<PathBuf> = OnceLock::new();
static STARTED: OnceLock<OwnFile> = OnceLock::new();

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
    /// Device, number, size, and when its content changed.
    identity: (u64, u64, u64, i64),
}

impl OwnFile {
    /// The file as it was when this was asked for the first time: at the beginning.
    ///
    /// # Errors
    /// When it was not there any more, or the system couldn't tell.
    pub fn at_start() -> io::Result<Self> {
        if let Some(first) = STARTED.get() {
            return Ok(first.clone());
        }
        let now = Self::look()?;
        Ok(STARTED.get_or_init(|| now).clone())
    }

    fn look() -> io::Result<Self> {
        let path = own_program()?;
        let identity = identity(&path)?;
        Ok(Self { path, identity })
    }

    /// Whether it is still there and the same. A program goes on without its file, but what it
    /// starts of itself is the new one, or nothing.
    pub fn stands(&self) -> bool {
        match identity(&self.path) {
            Ok(now) => now == self.identity,
            // A file system that does not answer has not replaced it.
            Err(e) => e.kind() != io::ErrorKind::NotFound,
        }
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
