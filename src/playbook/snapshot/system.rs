//! Looking at the system's own trees: as far as they can be read, and within bounds. What is beyond
//! them is noted, and is not looked at later either.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::manifest::Entry;
use super::store::Store;
use super::walk::{dir_entry, file_entry, is_absent, link_entry, unread_entry};

/// Files that are larger are compared and can't be put back.
const MAX_FILE: u64 = 1 << 20;
/// Files that are larger are not even hashed.
const MAX_HASHED: u64 = 64 << 20;
/// Content kept of all system trees together.
const MAX_CONTENT: u64 = 128 << 20;
/// Entries of all system trees together.
const MAX_ENTRIES: usize = 40_000;
/// Entries of one directory.
const MAX_IN_DIR: usize = 4_000;

/// Files that the system itself keeps rewriting.
const REWRITTEN: [&str; 8] = [
    "/etc/mtab",
    "/etc/resolv.conf",
    "/etc/adjtime",
    "/etc/ld.so.cache",
    "/etc/.pwd.lock",
    "/etc/cups",
    "/private/etc/resolv.conf",
    "/private/etc/cups",
];

/// How to look at system trees.
#[derive(Debug)]
pub(super) struct SystemLook<'a> {
    /// Where content is kept; `None`: only looked at.
    pub(super) store: Option<&'a Store>,
    /// What is beyond the bounds. Grows while a snapshot is taken.
    pub(super) beyond: &'a RefCell<BTreeSet<PathBuf>>,
    /// Of files only that they are there, with mode and owner.
    pub(super) shallow: bool,
}

impl SystemLook<'_> {
    /// Looks at `path` and below it.
    pub(super) fn walk(&self, path: &Path, entries: &mut BTreeMap<PathBuf, Entry>) {
        if REWRITTEN.iter().any(|r| Path::new(r) == path) || self.beyond.borrow().contains(path) {
            return;
        }
        let looked = match std::fs::symlink_metadata(path) {
            Ok(found) => match self.look_at(path, &found, entries) {
                Err(e) if e.kind() == std::io::ErrorKind::PermissionDenied => {
                    entries.insert(path.to_owned(), unread_entry(path, &found));
                    Ok(())
                }
                looked => looked,
            },
            Err(e) if is_absent(&e) => {
                entries.insert(path.to_owned(), Entry::Missing);
                Ok(())
            }
            Err(e) => Err(e),
        };
        if looked.is_err() {
            entries.remove(path);
            self.beyond.borrow_mut().insert(path.to_owned());
        }
    }

    fn look_at(
        &self,
        path: &Path,
        found: &Metadata,
        entries: &mut BTreeMap<PathBuf, Entry>,
    ) -> std::io::Result<()> {
        let too_many = || std::io::Error::other("too many");
        // A name that is no text can't be noted.
        if path.to_str().is_none() {
            return Err(too_many());
        }
        if found.is_symlink() {
            entries.insert(path.to_owned(), link_entry(path, found)?);
        } else if found.is_file() {
            entries.insert(path.to_owned(), self.file(path, found)?);
        } else if found.is_dir() {
            let mut names: Vec<PathBuf> = std::fs::read_dir(path)?
                .map(|e| e.map(|e| e.path()))
                .collect::<Result<_, _>>()?;
            // Bounds hold while a snapshot is taken; later everything that was added has to be seen.
            let taking = self.store.is_some();
            if taking && (names.len() > MAX_IN_DIR || entries.len() + names.len() > MAX_ENTRIES) {
                return Err(too_many());
            }
            names.sort();
            entries.insert(path.to_owned(), dir_entry(path, found));
            for name in names {
                self.walk(&name, entries);
            }
        } else {
            entries.insert(path.to_owned(), Entry::Other);
        }
        Ok(())
    }

    fn file(&self, path: &Path, found: &Metadata) -> std::io::Result<Entry> {
        let hashed = !self.shallow && found.size() <= MAX_HASHED;
        let room = self
            .store
            .is_some_and(|s| s.size() + found.size() <= MAX_CONTENT);
        let kept = !self.shallow && room && found.size() <= MAX_FILE;
        let store = self.store.filter(|_| kept);
        file_entry(path, found, store, hashed)
    }
}
