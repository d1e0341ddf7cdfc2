//! Looking at trees. No link is followed, and only regular files are opened.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::attributes::Attributes;
use super::manifest::Entry;
use super::store::{self, Store};

/// A larger file is compared by its hash, and can't be restored.
const MAX_FILE: u64 = 64 << 20;
/// More entries than this are refused: the watched trees are too large to be watched.
const MAX_ENTRIES: usize = 50_000;

/// How to look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Looking<'a> {
    /// Where the content of files is kept.
    pub(super) store: Option<&'a Store>,
    /// How many entries are too many.
    pub(super) limit: usize,
    /// Where what can't be read is noted, instead of ending the walk.
    pub(super) unread: Option<&'a RefCell<Vec<PathBuf>>>,
}

impl Looking<'_> {
    fn compares(&self) -> bool {
        self.store.is_none() && self.unread.is_none()
    }
}

impl Default for Looking<'_> {
    fn default() -> Self {
        Self {
            store: None,
            limit: MAX_ENTRIES,
            unread: None,
        }
    }
}

/// Looks at `path` and below it.
pub(super) fn walk(
    path: &Path,
    entries: &mut BTreeMap<PathBuf, Entry>,
    how: &Looking<'_>,
) -> std::io::Result<()> {
    match (look_at(path, entries, how), how.unread) {
        (Err(_), Some(unread)) => {
            unread.borrow_mut().push(path.to_owned());
            Ok(())
        }
        (done, _) => done,
    }
}

/// Looks at a directory's own entry; what is not a directory is looked at as a whole.
pub(super) fn entry_only(
    path: &Path,
    entries: &mut BTreeMap<PathBuf, Entry>,
    how: &Looking<'_>,
) -> std::io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => {
            entries.insert(path.to_owned(), dir_entry(path, &found));
            Ok(())
        }
        _ => walk(path, entries, how),
    }
}

fn look_at(
    path: &Path,
    entries: &mut BTreeMap<PathBuf, Entry>,
    how: &Looking<'_>,
) -> std::io::Result<()> {
    let named =
        |e: std::io::Error| std::io::Error::new(e.kind(), format!("{}: {e}", path.display()));
    if entries.len() >= how.limit {
        return Err(std::io::Error::other(format!(
            "more than {MAX_ENTRIES} paths are watched; narrow playbook.watch"
        )));
    }
    let found = match std::fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(e) if is_absent(&e) => {
            entries.insert(path.to_owned(), Entry::Missing);
            return Ok(());
        }
        Err(e) => return Err(named(e)),
    };
    let kind = found.file_type();
    if kind.is_dir() {
        entries.insert(path.to_owned(), dir_entry(path, &found));
        let mut names: Vec<PathBuf> = std::fs::read_dir(path)
            .map_err(named)?
            .map(|e| e.map(|e| e.path()))
            .collect::<Result<_, _>>()
            .map_err(named)?;
        names.sort();
        for name in names {
            walk(&name, entries, how)?;
        }
    } else if kind.is_symlink() {
        let entry = link_entry(path, &found).map_err(named)?;
        entries.insert(path.to_owned(), entry);
    } else if kind.is_file() {
        let store = how.store.filter(|_| found.len() <= MAX_FILE);
        let entry = match file_entry(path, &found, store, true) {
            // Of what is only compared it is enough to see that it is another.
            Err(e) if e.kind() == std::io::ErrorKind::PermissionDenied && how.compares() => {
                unread_entry(path, &found)
            }
            other => other.map_err(named)?,
        };
        entries.insert(path.to_owned(), entry);
    } else {
        entries.insert(path.to_owned(), Entry::Other);
    }
    Ok(())
}

/// Whether the path, or a directory on the way to it, is not there.
pub(super) fn is_absent(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
    )
}

pub(super) fn dir_entry(path: &Path, found: &Metadata) -> Entry {
    Entry::Dir {
        mode: found.mode() & 0o7777,
        uid: found.uid(),
        gid: found.gid(),
        attributes: Attributes::of(path),
    }
}

/// What may not be read.
pub(super) fn unread_entry(path: &Path, found: &Metadata) -> Entry {
    Entry::Unread {
        mode: found.mode() & 0o7777,
        uid: found.uid(),
        gid: found.gid(),
        mtime: (found.mtime(), found.mtime_nsec()),
        size: found.size(),
        attributes: Attributes::of(path),
    }
}

pub(super) fn link_entry(path: &Path, found: &Metadata) -> std::io::Result<Entry> {
    Ok(Entry::Link {
        to: std::fs::read_link(path)?,
        uid: found.uid(),
        gid: found.gid(),
    })
}

/// A file whose content is kept in `store`. One that is not `hashed` is known by its mode and owner.
pub(super) fn file_entry(
    path: &Path,
    found: &Metadata,
    store: Option<&Store>,
    hashed: bool,
) -> std::io::Result<Entry> {
    let sha256 = match store {
        Some(store) => store.keep(&mut File::open(path)?)?,
        None if hashed => store::copy(&mut File::open(path)?, &mut std::io::sink())?.0,
        None => String::new(),
    };
    Ok(Entry::File {
        mode: found.mode() & 0o7777,
        uid: found.uid(),
        gid: found.gid(),
        mtime: (found.mtime(), found.mtime_nsec()),
        sha256,
        kept: store.is_some(),
        attributes: Attributes::of(path),
    })
}
