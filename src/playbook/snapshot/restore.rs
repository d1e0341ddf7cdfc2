//! Bringing trees back.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, PermissionsExt, chown, lchown, symlink,
};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use super::manifest::{Entry, Manifest};
use super::walk::{Looking, walk};
use super::{Snapshot, look};
use crate::whole;

impl Snapshot {
    /// Brings the trees back, as far as possible.
    ///
    /// # Errors
    /// The first path that can't be brought back; the others are. A repeat goes on from there.
    pub fn restore(&self) -> std::io::Result<()> {
        for tree in &self.trees {
            open_up(tree);
        }
        let unread = RefCell::new(Vec::new());
        let how = Looking {
            store: None,
            // However much was added, it has to go.
            limit: usize::MAX,
            unread: Some(&unread),
        };
        let mut entries = look(&self.trees, &self.entries_only, &how)?;
        let unread = unread.take();
        for path in &unread {
            // What was there counts as removed, so that it is put back; the rest has to go.
            if !self.manifest.entries.contains_key(path) {
                entries.entry(path.clone()).or_insert(Entry::Other);
            }
        }
        let differences = self.manifest.differences(&Manifest { entries });
        let mut failed = Ok(());
        let mut note = |path: &Path, done: std::io::Result<()>| {
            if let (Err(e), true) = (done, failed.is_ok()) {
                failed = Err(std::io::Error::new(
                    e.kind(),
                    format!("{}: {e}", path.display()),
                ));
            }
        };
        // What was added goes first, the deepest first; then what was there comes back, the
        // shallowest first; the modes of directories are last, since they may forbid all this.
        for difference in differences.iter().rev() {
            if matches!(difference.what, "added" | "kind" | "target") {
                note(&difference.path, remove(&difference.path));
            }
        }
        for difference in &differences {
            let path = &difference.path;
            if let Some(entry) = self.manifest.entries.get(path) {
                note(path, self.put_back(path, entry, difference.what));
            }
        }
        for difference in differences.iter().rev() {
            let path = &difference.path;
            if let Some(Entry::Dir { mode, .. }) = self.manifest.entries.get(path) {
                let mode = PermissionsExt::from_mode(*mode);
                note(path, std::fs::set_permissions(path, mode));
            }
        }
        for path in &unread {
            note(path, walk(path, &mut BTreeMap::new(), &Looking::default()));
        }
        failed
    }

    fn put_back(&self, path: &Path, entry: &Entry, what: &str) -> std::io::Result<()> {
        match entry {
            Entry::Missing | Entry::Other => Ok(()),
            Entry::Dir { uid, gid, .. } => {
                if std::fs::symlink_metadata(path).is_err() {
                    std::fs::DirBuilder::new().mode(0o700).create(path)?;
                }
                own(path, *uid, *gid)
            }
            Entry::File { mode, uid, gid, .. } if matches!(what, "mode" | "owner") => {
                own(path, *uid, *gid)?;
                std::fs::set_permissions(path, PermissionsExt::from_mode(*mode))
            }
            Entry::Link { to, uid, gid } => {
                if std::fs::symlink_metadata(path).is_err() {
                    symlink(to, path)?;
                }
                if std::fs::symlink_metadata(path)?.uid() != *uid {
                    lchown(path, Some(*uid), Some(*gid))?;
                }
                Ok(())
            }
            Entry::File {
                mode,
                uid,
                gid,
                mtime,
                sha256,
                kept,
            } => {
                if !kept {
                    return Err(std::io::Error::other("too large to have been kept"));
                }
                let nanos = u32::try_from(mtime.1).unwrap_or(0);
                let since = Duration::new(u64::try_from(mtime.0).unwrap_or(0), nanos);
                whole::replace_with(path, *mode, |file| {
                    std::io::copy(&mut File::open(self.dir.join(sha256))?, file)?;
                    own(&whole::beside(path), *uid, *gid)?;
                    file.set_modified(UNIX_EPOCH + since)
                })
            }
        }
    }
}

/// Lets the owner look into and change every directory, and read every file, below `path`; what
/// must be otherwise is different then, and so is put back. What can't be opened is met again.
fn open_up(path: &Path) {
    let Ok(found) = std::fs::symlink_metadata(path) else {
        return;
    };
    let needed = if found.is_dir() {
        0o700
    } else if found.is_file() {
        0o400
    } else {
        return;
    };
    let mode = found.mode() & 0o7777;
    if mode & needed != needed {
        let _ = std::fs::set_permissions(path, PermissionsExt::from_mode(mode | needed));
    }
    if found.is_dir() {
        for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
            open_up(&entry.path());
        }
    }
}

fn own(path: &Path, uid: u32, gid: u32) -> std::io::Result<()> {
    let now = std::fs::symlink_metadata(path)?;
    if (now.uid(), now.gid()) == (uid, gid) {
        return Ok(());
    }
    chown(path, Some(uid), Some(gid))
}

fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
        Ok(found) if found.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
    }
}
