//! Finding transcript files. Each is looked up in its directory, not along its whole path: on a
//! machine with years of transcripts that is most of what a look costs.

use std::collections::HashSet;
use std::ffi::{CStr, OsStr};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rustix::fs::{AtFlags, CWD, Dir, DirEntry, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

/// Directories inside each other that are open at once; Claude Code makes five. Deeper ones are
/// opened later, by their whole path.
const DEPTH: usize = 100;

/// A transcript as its directory entry shows it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) dev: u64,
    pub(super) ino: u64,
    /// In bytes.
    pub(super) size: u64,
    /// When its content was last changed, in nanoseconds since 1970.
    pub(super) mtime: i64,
    /// When anything about it was last changed; nobody can set it.
    pub(super) ctime: i64,
}

impl Found {
    /// As the system tells of it.
    pub(super) fn of(path: PathBuf, meta: &std::fs::Metadata) -> Self {
        Self {
            path,
            dev: meta.dev(),
            ino: meta.ino(),
            size: meta.size(),
            mtime: nanos(meta.mtime(), meta.mtime_nsec()),
            ctime: nanos(meta.ctime(), meta.ctime_nsec()),
        }
    }

    fn listed(path: PathBuf, stat: &Stat) -> Self {
        let (dev, ino) = node(stat);
        Self {
            path,
            dev,
            ino,
            size: unsigned(stat.st_size),
            mtime: nanos(signed(stat.st_mtime), signed(stat.st_mtime_nsec)),
            ctime: nanos(signed(stat.st_ctime), signed(stat.st_ctime_nsec)),
        }
    }

    /// When its content was last changed.
    pub(super) fn touched(&self) -> Option<DateTime<Utc>> {
        (self.mtime != i64::MAX && self.mtime != i64::MIN)
            .then(|| DateTime::from_timestamp_nanos(self.mtime))
    }
}

/// The transcripts below the roots.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Each file once, whatever names it has; in no order.
    pub(super) files: Vec<Arc<Found>>,
    /// What could not be looked at, as sentences.
    pub(super) problems: Vec<String>,
    /// What was not there.
    pub(super) notes: Vec<String>,
}

/// Lists every `*.jsonl` file below `projects/` of each root. Links are followed; a directory or
/// file that is reached twice, by links or by two roots, is taken once.
pub(super) fn walk(roots: &[PathBuf]) -> Listing {
    let mut walker = Walker::default();
    let mut missing = Vec::new();
    let mut none = true;
    for root in roots {
        let projects = root.join("projects");
        match open(CWD, projects.as_os_str()) {
            Err(Errno::NOENT) => missing.push(projects),
            Err(e) => walker.trouble(&projects, e),
            Ok(dir) => {
                none = false;
                if let Some(level) = walker.enter(dir, projects) {
                    walker.descend(level);
                }
            }
        }
    }
    // The place of other installations is missed only where there is nothing at all.
    let other = Path::new(".config/claude/projects");
    missing.retain(|path| none || !path.ends_with(other));
    walker.found.notes = missing
        .iter()
        .map(|path| format!("{} is not there", shown(path)))
        .collect();
    walker.found
}

fn open(dir: impl AsFd, name: &OsStr) -> rustix::io::Result<Dir> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Dir::new(rustix::fs::openat(dir, name, flags, Mode::empty())?)
}

/// A directory that is being listed.
struct Level {
    dir: Dir,
    path: PathBuf,
}

#[derive(Default)]
struct Walker {
    seen: HashSet<(u64, u64)>,
    found: Listing,
}

impl Walker {
    fn descend(&mut self, first: Level) {
        let mut open_ones = vec![first];
        let mut deep = Vec::new();
        loop {
            while let Some(level) = open_ones.last_mut() {
                match level.dir.read() {
                    Some(Ok(entry)) => match self.visit(level, &entry) {
                        Some(next) if open_ones.len() < DEPTH => open_ones.push(next),
                        next => deep.extend(next.map(|next| next.path)),
                    },
                    Some(Err(e)) => {
                        self.trouble(&level.path, e);
                        open_ones.pop();
                    }
                    None => {
                        open_ones.pop();
                    }
                }
            }
            let Some(path) = deep.pop() else { return };
            match open(CWD, path.as_os_str()) {
                Ok(dir) => open_ones.push(Level { dir, path }),
                Err(Errno::NOENT) => {}
                Err(e) => self.trouble(&path, e),
            }
        }
    }

    /// `None` for one that was listed before.
    fn enter(&mut self, dir: Dir, path: PathBuf) -> Option<Level> {
        match dir.stat() {
            Ok(stat) => self.seen.insert(node(&stat)).then_some(Level { dir, path }),
            Err(e) => {
                self.trouble(&path, e);
                None
            }
        }
    }

    /// Takes a file, and gives a directory to be listed.
    fn visit(&mut self, level: &Level, entry: &DirEntry) -> Option<Level> {
        let name = entry.file_name();
        if name == c"." || name == c".." {
            return None;
        }
        let path = || level.path.join(os(name));
        let transcript = Path::new(os(name))
            .extension()
            .is_some_and(|e| e == "jsonl");
        let looked = level.dir.fd().and_then(|dir| {
            let kind = match entry.file_type() {
                kind @ (FileType::Directory | FileType::RegularFile) => kind,
                // A link, or a file system that doesn't tell.
                _ => kind(&rustix::fs::statat(dir, name, AtFlags::empty())?),
            };
            Ok(match kind {
                FileType::Directory => Some(Looked::Directory(open(dir, os(name))?)),
                FileType::RegularFile if transcript => Some(Looked::File(rustix::fs::statat(
                    dir,
                    name,
                    AtFlags::empty(),
                )?)),
                // Other files, pipes, sockets, devices.
                _ => None,
            })
        });
        match looked {
            Ok(Some(Looked::Directory(dir))) => return self.enter(dir, path()),
            Ok(Some(Looked::File(stat))) => {
                if self.seen.insert(node(&stat)) {
                    self.found
                        .files
                        .push(Arc::new(Found::listed(path(), &stat)));
                }
            }
            // Gone since it was listed: sessions and projects are cleaned up while we look.
            Ok(None) | Err(Errno::NOENT) => {}
            Err(e) => self.trouble(&path(), e),
        }
        None
    }

    fn trouble(&mut self, path: &Path, error: Errno) {
        let error = std::io::Error::from(error);
        self.found.problems.push(format!(
            "{} can't be read ({error}); make it readable, or move it away",
            shown(path)
        ));
    }
}

enum Looked {
    Directory(Dir),
    File(Stat),
}

fn kind(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

fn node(stat: &Stat) -> (u64, u64) {
    (unsigned(stat.st_dev), unsigned(stat.st_ino))
}

fn os(name: &CStr) -> &OsStr {
    OsStr::from_bytes(name.to_bytes())
}

fn nanos(s: i64, ns: i64) -> i64 {
    s.saturating_mul(1_000_000_000).saturating_add(ns)
}

// The fields' types differ from system to system.

fn unsigned<T>(number: T) -> u64
where
    u64: TryFrom<T>,
{
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn signed<T>(number: T) -> i64
where
    i64: TryFrom<T>,
{
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A path, fit for a message.
pub(super) fn shown(path: &Path) -> String {
    crate::text::plain(&path.to_string_lossy(), 300)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_depth_is_too_deep() {
        let root = tempfile::tempdir().unwrap();
        let mut dir = root.path().join("projects");
        for _ in 0..2 * DEPTH + 10 {
            dir.push("d");
        }
        std::fs::create_dir_all(&dir).unwrap();
        let file = dir.join("s.jsonl");
        std::fs::write(&file, "x\n").unwrap();
        std::fs::write(dir.join("s.txt"), "x\n").unwrap();
        std::os::unix::fs::symlink(root.path(), dir.join("back")).unwrap();
        let found = walk(&[root.path().to_owned()]);
        let paths: Vec<&Path> = found.files.iter().map(|f| f.path.as_path()).collect();
        assert_eq!(paths, [file.as_path()]);
        assert_eq!(found.problems, [""; 0]);
        let meta = std::fs::metadata(&file).unwrap();
        assert_eq!(*found.files[0], Found::of(file.clone(), &meta));
    }
}
