//! Looking at trees. No link is followed, and only regular files are opened.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::{Read as _, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::manifest::Entry;
use crate::turn::hex;

/// A larger file is compared by its hash, and can't be restored.
const MAX_FILE: u64 = 64 << 20;
/// More entries than this are refused: the watched trees are too large to be watched.
const MAX_ENTRIES: usize = 50_000;

/// How to look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Looking<'a> {
    /// Where the content of files is kept.
    pub(super) store: Option<&'a Path>,
    /// How many entries are too many.
    pub(super) limit: usize,
    /// Where what can't be read is noted, instead of ending the walk.
    pub(super) unread: Option<&'a RefCell<Vec<PathBuf>>>,
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
            entries.insert(path.to_owned(), dir_entry(&found));
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
        entries.insert(path.to_owned(), dir_entry(&found));
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
        let to = std::fs::read_link(path).map_err(named)?;
        let (uid, gid) = (found.uid(), found.gid());
        entries.insert(path.to_owned(), Entry::Link { to, uid, gid });
    } else if kind.is_file() {
        let entry = file_entry(path, &found, how.store).map_err(named)?;
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

fn dir_entry(found: &Metadata) -> Entry {
    Entry::Dir {
        mode: found.mode() & 0o7777,
        uid: found.uid(),
        gid: found.gid(),
    }
}

fn file_entry(path: &Path, found: &Metadata, store: Option<&Path>) -> std::io::Result<Entry> {
    let store = store.filter(|_| found.len() <= MAX_FILE);
    let sha256 = match store {
        Some(dir) => {
            // Beside and renamed: what is called by a hash has that content.
            let mut copy = tempfile::NamedTempFile::new_in(dir)?;
            let sha256 = hash(path, &mut copy)?;
            copy.as_file().sync_all()?;
            copy.persist(dir.join(&sha256)).map_err(|e| e.error)?;
            sha256
        }
        None => hash(path, &mut std::io::sink())?,
    };
    Ok(Entry::File {
        mode: found.mode() & 0o7777,
        uid: found.uid(),
        gid: found.gid(),
        mtime: (found.mtime(), found.mtime_nsec()),
        sha256,
        kept: store.is_some(),
    })
}

/// The hash of a file's content, which is also written to `copy`.
fn hash(path: &Path, copy: &mut dyn Write) -> std::io::Result<String> {
    let mut from = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0_u8; 64 << 10];
    loop {
        let piece = match from.read(&mut buffer) {
            Ok(0) => return Ok(hex(&hasher.finalize())),
            Ok(n) => buffer.get(..n).unwrap_or_default(),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        hasher.update(piece);
        copy.write_all(piece)?;
    }
}
