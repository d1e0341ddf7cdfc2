//! Finding transcript files.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};

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
    pub(super) fn of(path: PathBuf, meta: &std::fs::Metadata) -> Self {
        let nanos = |s: i64, ns: i64| s.saturating_mul(1_000_000_000).saturating_add(ns);
        Self {
            path,
            dev: meta.dev(),
            ino: meta.ino(),
            size: meta.size(),
            mtime: nanos(meta.mtime(), meta.mtime_nsec()),
            ctime: nanos(meta.ctime(), meta.ctime_nsec()),
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
    /// Each file once, whatever names it has; by path.
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
    for root in roots {
        let projects = root.join("projects");
        match std::fs::metadata(&projects) {
            Ok(meta) => walker.enter(projects, &meta),
            Err(e) if e.kind() == ErrorKind::NotFound => missing.push(projects),
            Err(e) => walker.trouble(&projects, &e),
        }
    }
    // The place of other installations is missed only where there is nothing at all.
    let other = Path::new(".config/claude/projects");
    missing.retain(|path| walker.todo.is_empty() || !path.ends_with(other));
    walker.found.notes = missing
        .iter()
        .map(|path| format!("{} is not there", shown(path)))
        .collect();
    while let Some(dir) = walker.todo.pop() {
        walker.list(&dir);
    }
    walker.found.files.sort_by(|a, b| a.path.cmp(&b.path));
    walker.found
}

#[derive(Default)]
struct Walker {
    todo: Vec<PathBuf>,
    seen: HashSet<(u64, u64)>,
    found: Listing,
}

impl Walker {
    fn enter(&mut self, path: PathBuf, meta: &std::fs::Metadata) {
        if self.seen.insert((meta.dev(), meta.ino())) {
            self.todo.push(path);
        }
    }

    fn list(&mut self, dir: &Path) {
        let entries = match std::fs::read_dir(dir) {
            Ok(entries) => entries,
            // Gone since it was listed: sessions and projects are cleaned up while we look.
            Err(e) if e.kind() == ErrorKind::NotFound => return,
            Err(e) => return self.trouble(dir, &e),
        };
        for entry in entries {
            match entry {
                Ok(entry) => self.visit(&entry),
                Err(e) => self.trouble(dir, &e),
            }
        }
    }

    fn visit(&mut self, entry: &std::fs::DirEntry) {
        let path = entry.path();
        let transcript = path.extension().is_some_and(|e| e == "jsonl");
        let plain_file = entry.file_type().is_ok_and(|t| t.is_file());
        if plain_file && !transcript {
            return;
        }
        match std::fs::metadata(&path) {
            Ok(meta) if meta.is_dir() => self.enter(path, &meta),
            Ok(meta) if meta.is_file() && transcript => {
                if self.seen.insert((meta.dev(), meta.ino())) {
                    self.found.files.push(Arc::new(Found::of(path, &meta)));
                }
            }
            // Pipes, sockets, devices, links to other files.
            Ok(_) => {}
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) => self.trouble(&path, &e),
        }
    }

    fn trouble(&mut self, path: &Path, error: &std::io::Error) {
        self.found.problems.push(format!(
            "{} can't be read ({error}); make it readable, or move it away",
            shown(path)
        ));
    }
}

/// A path, fit for a message.
pub(super) fn shown(path: &Path) -> String {
    crate::text::plain(&path.to_string_lossy(), 300)
}
