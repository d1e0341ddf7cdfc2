//! Bringing trees back.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, PermissionsExt, chown, lchown, symlink,
};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use super::manifest::{Difference, Entry, Manifest};
use super::walk::{Looking, walk};
use super::{Snapshot, store};
use crate::process::{inode_flags, set_inode_flags};
use crate::whole;

/// What a restore did.
#[derive(Debug, Default)]
pub struct Restored {
    /// What it found different, and so has put back but for what follows.
    pub changed: Vec<Difference>,
    /// What could not be put back, and why.
    pub failed: Vec<(PathBuf, String)>,
}

impl Snapshot {
    /// Brings the trees back, as far as possible.
    ///
    /// # Errors
    /// The first path that can't be brought back; the others are. A repeat goes on from there.
    pub fn restore(&self) -> std::io::Result<()> {
        match self.restore_all().failed.first() {
            None => Ok(()),
            Some((path, why)) => Err(std::io::Error::other(format!("{}: {why}", path.display()))),
        }
    }

    /// The same, with everything that it did.
    pub fn restore_all(&self) -> Restored {
        let mut done = Restored::default();
        for tree in &self.covers.trees {
            open_up(tree);
        }
        let unread = RefCell::new(Vec::new());
        let how = Looking {
            store: None,
            // However much was added, it has to go.
            limit: usize::MAX,
            unread: Some(&unread),
        };
        let mut entries = match self.look(&how) {
            Ok(entries) => entries,
            Err(e) => {
                done.failed.push((PathBuf::from("/"), e.to_string()));
                return done;
            }
        };
        let unread = unread.take();
        for path in &unread {
            // What was there counts as removed, so that it is put back; the rest has to go.
            if !self.manifest.entries.contains_key(path) {
                entries.entry(path.clone()).or_insert(Entry::Other);
            }
        }
        let differences = self.compare(&Manifest { entries });
        let mut note = |path: &Path, result: std::io::Result<()>| {
            if let Err(e) = result {
                done.failed.push((path.to_owned(), e.to_string()));
            }
        };
        let freed = free(&differences);
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
        for path in freed.iter().chain(differences.iter().map(|d| &d.path)) {
            let rights = self.manifest.entries.get(path).and_then(Entry::rights);
            if let Some((_, _, attributes)) = rights
                && attributes.flags != 0
            {
                note(path, set_inode_flags(path, attributes.flags));
            }
        }
        for path in &unread {
            note(path, walk(path, &mut BTreeMap::new(), &Looking::default()));
        }
        done.changed = differences;
        done
    }

    fn put_back(&self, path: &Path, entry: &Entry, what: &str) -> std::io::Result<()> {
        match entry {
            Entry::Missing | Entry::Other => Ok(()),
            Entry::Unread { .. } => Err(std::io::Error::other("its content could not be read")),
            Entry::Dir {
                uid,
                gid,
                attributes,
                ..
            } => {
                if std::fs::symlink_metadata(path).is_err() {
                    std::fs::DirBuilder::new().mode(0o700).create(path)?;
                }
                own(path, *uid, *gid)?;
                attributes.put_back(path)
            }
            Entry::File {
                mode,
                uid,
                gid,
                attributes,
                ..
            } if matches!(what, "mode" | "owner" | "attributes") => {
                own(path, *uid, *gid)?;
                std::fs::set_permissions(path, PermissionsExt::from_mode(*mode))?;
                attributes.put_back(path)
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
                attributes,
            } => {
                if !kept {
                    return Err(std::io::Error::other("its content was not kept"));
                }
                let nanos = u32::try_from(mtime.1).unwrap_or(0);
                let since = Duration::new(u64::try_from(mtime.0).unwrap_or(0), nanos);
                whole::replace_with(path, *mode, |file| {
                    store::read(&self.dir, &self.content, sha256, file)?;
                    own(&whole::beside(path), *uid, *gid)?;
                    attributes.put_back(&whole::beside(path))?;
                    file.set_modified(UNIX_EPOCH + since)
                })
            }
        }
    }
}

/// Takes away the flags that would keep what differs, and the directory around it, from being
/// changed; gives whom they were taken from.
fn free(differences: &[Difference]) -> BTreeSet<PathBuf> {
    let with_parents = differences
        .iter()
        .flat_map(|d| [Some(d.path.as_path()), d.path.parent()])
        .flatten()
        .collect::<BTreeSet<&Path>>();
    with_parents
        .into_iter()
        .filter(|path| inode_flags(path) != 0 && set_inode_flags(path, 0).is_ok())
        .map(Path::to_owned)
        .collect()
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
