//! Reads an agent's working copy from outside: it is hostile ground.
//!
//! Every step is made from the directory above by a descriptor, through no link, so that nothing
//! outside of the copy is opened, whatever is swapped for what meanwhile. Of files, only plain ones
//! with a single name are read, and no more of them than is allowed.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::fs::{fstat, open, openat, readlinkat, statat};

use super::names::is_dot_git;
use super::tree::{EXECUTABLE, FILE, LINK};

/// Most entries that a working copy may have.
const MAX_ENTRIES: usize = 100_000;
/// Longest path, in bytes.
const MAX_PATH: usize = 512;
/// Deepest nesting of directories: each level holds a descriptor.
const MAX_DEPTH: usize = 60;

const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
/// Not hanging on a pipe that was swapped for the file.
const PLAIN: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);

/// A working copy that has been looked through.
pub(super) struct Intake {
    top: OwnedFd,
    entries: usize,
    /// Every file and link, with the mode that git would give it.
    pub(super) found: BTreeMap<PathBuf, u32>,
}

impl Intake {
    /// Looks through a working copy; its own `.git` is left out.
    ///
    /// # Errors
    /// A sentence for the receipt: what can't be taken in.
    pub(super) fn of(copy: &Path) -> Result<Self, String> {
        let top = open(copy, DIRECTORY, Mode::empty())
            .map_err(|e| format!("the working copy can't be opened: {e}"))?;
        let mut intake = Self {
            top,
            entries: 0,
            found: BTreeMap::new(),
        };
        let top = intake.top.try_clone().map_err(|e| e.to_string())?;
        intake.walk(top.as_fd(), Path::new(""), 0)?;
        Ok(intake)
    }

    fn walk(&mut self, dir: BorrowedFd<'_>, below: &Path, depth: usize) -> Result<(), String> {
        let named = |e: rustix::io::Errno| format!("{}: {e}", below.display());
        if depth > MAX_DEPTH {
            return Err(format!("{}: nested too deeply", below.display()));
        }
        for entry in Dir::read_from(dir).map_err(named)? {
            let entry = entry.map_err(named)?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." || depth == 0 && name == b".git" {
                continue;
            }
            self.entries += 1;
            if self.entries > MAX_ENTRIES {
                return Err(format!("more than {MAX_ENTRIES} files in the working copy"));
            }
            let name = usable(below, name)?;
            let path = below.join(name);
            let stat = statat(dir, name, AtFlags::SYMLINK_NOFOLLOW).map_err(named)?;
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::Directory => {
                    let inner = openat(dir, name, DIRECTORY, Mode::empty()).map_err(named)?;
                    let device = |of| fstat(of).map(|s| s.st_dev).map_err(named);
                    if device(inner.as_fd())? != device(self.top.as_fd())? {
                        return Err(format!("{}: another file system", path.display()));
                    }
                    self.walk(inner.as_fd(), &path, depth + 1)?;
                }
                FileType::Symlink => {
                    self.found.insert(path, LINK);
                }
                FileType::RegularFile => {
                    self.found.insert(path, mode(&stat));
                }
                _ => {
                    let path = path.display();
                    return Err(format!("{path}: neither a file nor a directory"));
                }
            }
        }
        Ok(())
    }

    /// The content of a file that was found, or what a link names. Of a file no more than `limit`
    /// bytes are read.
    ///
    /// # Errors
    /// A sentence for the receipt; also where it is no longer what was found.
    pub(super) fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>, String> {
        let named = |e: std::io::Error| format!("{}: {e}", path.display());
        let name = path.file_name().unwrap_or_default();
        let dir = self.directory(path.parent().unwrap_or(Path::new("")))?;
        if self.found.get(path) == Some(&LINK) {
            let to = readlinkat(&dir, name, Vec::new()).map_err(|e| named(e.into()))?;
            return Ok(to.into_bytes());
        }
        let file = openat(&dir, name, PLAIN, Mode::empty()).map_err(|e| named(e.into()))?;
        let stat = fstat(&file).map_err(|e| named(e.into()))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(format!("{}: it was exchanged meanwhile", path.display()));
        }
        if stat.st_nlink != 1 {
            return Err(format!(
                "{}: a file with a second name (hard link)",
                path.display()
            ));
        }
        let mut content = Vec::new();
        std::fs::File::from(file)
            .take(limit + 1)
            .read_to_end(&mut content)
            .map_err(named)?;
        if content.len() as u64 > limit {
            return Err(format!("{}: larger than {limit} bytes", path.display()));
        }
        Ok(content)
    }

    /// A directory of the copy, reached name by name.
    fn directory(&self, path: &Path) -> Result<OwnedFd, String> {
        let mut dir = self.top.try_clone().map_err(|e| e.to_string())?;
        for name in path {
            dir = openat(&dir, name, DIRECTORY, Mode::empty())
                .map_err(|e| format!("{}: {e}", path.display()))?;
        }
        Ok(dir)
    }
}

/// The name as text, where it is an ordinary one.
fn usable<'a>(below: &Path, name: &'a [u8]) -> Result<&'a str, String> {
    let name = std::str::from_utf8(name)
        .map_err(|_| format!("{}: a file name that is not UTF-8", below.display()))?;
    let length = below.as_os_str().len() + 1 + name.len();
    if length > MAX_PATH || name.chars().any(char::is_control) || name.contains('\\') {
        return Err(format!("{}: a strange file name", below.display()));
    }
    if is_dot_git(name) {
        let path = below.join(name);
        return Err(format!(
            "{}: a repository inside the repository",
            path.display()
        ));
    }
    Ok(name)
}

fn mode(stat: &Stat) -> u32 {
    if stat.st_mode & 0o100 == 0 {
        FILE
    } else {
        EXECUTABLE
    }
}
