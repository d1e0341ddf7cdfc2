//! Snapshots of file trees: taken before an apply, kept on disk, restored after a refusal.
//!
//! A snapshot records content, mode, owner, attributes, modification time and links, and that a path
//! was missing. [`Snapshot::restore`] brings the trees back exactly; it follows no link, and may be
//! interrupted and repeated.

mod attributes;
mod manifest;
mod part;
mod restore;
mod store;
mod system;
#[cfg(test)]
mod tests;
mod walk;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use self::manifest::Entry;
pub use self::manifest::{Difference, Manifest};
pub use self::part::Part;
pub use self::restore::Restored;
use self::store::{Index, Store};
use self::system::SystemLook;
use self::walk::{Looking, entry_only, is_absent, walk};
use crate::turn::Left;
use crate::whole;

/// What a snapshot covers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Covered as a whole; what can't be read is an error.
    pub trees: Vec<PathBuf>,
    /// Of these directories the existence, mode and owner, and not the content, so that what others
    /// put there meanwhile stays. One that is in a tree, or no directory now, is covered as a whole.
    pub entries_only: Vec<PathBuf>,
    /// The system's own trees: as far as they can be read, within bounds.
    pub system: Vec<PathBuf>,
    /// Trees of which no content is looked at, and nothing that is added: programs.
    pub modes: Vec<PathBuf>,
}

/// A pre-state on disk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Snapshot {
    #[serde(skip)]
    dir: PathBuf,
    #[serde(flatten)]
    covers: Coverage,
    manifest: Manifest,
    content: Index,
    /// What of the system's trees is beyond the bounds.
    beyond: BTreeSet<PathBuf>,
}

/// Takes a snapshot of `trees` into `dir`, which it makes. The manifest is written last, so that
/// a snapshot that can be loaded is whole.
///
/// # Errors
/// When something can't be read or written; then nothing may be applied.
pub fn take(trees: &[PathBuf], dir: &Path) -> std::io::Result<Snapshot> {
    let covers = Coverage {
        trees: trees.to_vec(),
        ..Coverage::default()
    };
    take_of(covers, dir)
}

/// As [`take()`], of more than trees.
///
/// # Errors
/// As [`take()`].
pub fn take_of(covers: Coverage, dir: &Path) -> std::io::Result<Snapshot> {
    crate::world::make_private(dir).map_err(std::io::Error::other)?;
    let store = Store::create(dir)?;
    let beyond = RefCell::default();
    let covers = resolved(covers);
    let how = Looking {
        store: Some(&store),
        ..Looking::default()
    };
    let entries = look(&covers, &how, &beyond)?;
    let is_text = |path: &Path| path.to_str().is_some();
    let odd = |path: &Path, entry: &Entry| {
        !is_text(path) || matches!(entry, Entry::Link { to, .. } if !is_text(to))
    };
    if let Some((path, _)) = entries.iter().find(|(path, entry)| odd(path, entry)) {
        return Err(std::io::Error::other(format!(
            "{}: its name or target is not UTF-8 and can't be noted; rename it, or narrow \
             playbook.watch",
            path.display()
        )));
    }
    let snapshot = Snapshot {
        dir: dir.to_owned(),
        covers,
        manifest: Manifest { entries },
        content: store.finish()?,
        beyond: beyond.into_inner(),
    };
    let text = serde_json::to_vec(&snapshot).map_err(std::io::Error::other)?;
    whole::replace(&dir.join("manifest.json"), &text, 0o600)?;
    Ok(snapshot)
}

/// Each path once, by the stronger of what was asked for.
fn resolved(covers: Coverage) -> Coverage {
    let is_dir = |path: &PathBuf| std::fs::symlink_metadata(path).is_ok_and(|f| f.is_dir());
    let (entries_only, others): (Vec<PathBuf>, Vec<PathBuf>) =
        covers.entries_only.into_iter().partition(is_dir);
    let trees: Vec<PathBuf> = covers
        .trees
        .iter()
        .chain(&others)
        .map(|t| first_missing(t))
        .collect();
    let trees = outermost(&trees);
    let system = outermost(&covers.system);
    let outside = |of: &[&[PathBuf]], path: &PathBuf| {
        !of.iter()
            .any(|trees| trees.iter().any(|t| path.starts_with(t)))
    };
    Coverage {
        entries_only: entries_only
            .into_iter()
            .filter(|path| outside(&[&trees, &system], path))
            .collect(),
        modes: outermost(&covers.modes)
            .into_iter()
            .filter(|path| outside(&[&trees, &system], path))
            .collect(),
        system: system
            .into_iter()
            .filter(|path| outside(&[&trees], path))
            .collect(),
        trees,
    }
}

fn look(
    covers: &Coverage,
    how: &Looking<'_>,
    beyond: &RefCell<BTreeSet<PathBuf>>,
) -> std::io::Result<BTreeMap<PathBuf, Entry>> {
    // Of the weaker first: a watched path in a system's tree is looked at as a whole.
    let mut entries = BTreeMap::new();
    for (trees, shallow) in [(&covers.modes, true), (&covers.system, false)] {
        let look = SystemLook {
            store: how.store,
            beyond,
            shallow,
        };
        for tree in trees {
            look.walk(tree, &mut entries);
        }
    }
    let mut whole = BTreeMap::new();
    for tree in &covers.trees {
        walk(tree, &mut whole, how)?;
    }
    for path in &covers.entries_only {
        entry_only(path, &mut whole, how)?;
    }
    entries.extend(whole);
    Ok(entries)
}

/// Where a path is not there, the outermost directory on the way to it that is not there either,
/// so that directories made on the way are noticed and taken back.
fn first_missing(path: &Path) -> PathBuf {
    path.ancestors()
        .take_while(|p| std::fs::symlink_metadata(p).is_err_and(|e| is_absent(&e)))
        .last()
        .unwrap_or(path)
        .to_owned()
}

/// Whether this user may change what is at a path: where it lies.
fn may_write(path: &Path) -> bool {
    use rustix::fs::{Access, access};
    path.parent()
        .is_some_and(|dir| access(dir, Access::WRITE_OK).is_ok() || !dir.exists())
}

/// The trees without those that lie inside another one.
fn outermost(trees: &[PathBuf]) -> Vec<PathBuf> {
    let mut sorted: Vec<PathBuf> = trees.to_vec();
    sorted.sort();
    sorted.dedup();
    let inside = |path: &Path| sorted.iter().any(|t| t != path && path.starts_with(t));
    sorted
        .iter()
        .filter(|path| !inside(path))
        .cloned()
        .collect()
}

impl Snapshot {
    /// Reads a snapshot back from disk.
    ///
    /// # Errors
    /// When it is not whole.
    pub fn load(dir: &Path) -> std::io::Result<Self> {
        let text = std::fs::read(dir.join("manifest.json"))?;
        let mut snapshot: Self = serde_json::from_slice(&text).map_err(std::io::Error::other)?;
        dir.clone_into(&mut snapshot.dir);
        Ok(snapshot)
    }

    fn look(&self, how: &Looking<'_>) -> std::io::Result<BTreeMap<PathBuf, Entry>> {
        look(&self.covers, how, &RefCell::new(self.beyond.clone()))
    }

    /// Looks at all that it covers as it is now.
    ///
    /// # Errors
    /// When something can't be read, or the trees are too large.
    pub fn now(&self) -> std::io::Result<Manifest> {
        let entries = self.look(&Looking::default())?;
        Ok(Manifest { entries })
    }

    /// What of it is different in `now`. Programs that were added are their packages' affair.
    pub fn compare(&self, now: &Manifest) -> Vec<Difference> {
        let new_program = |d: &Difference| {
            let in_modes = |t: &PathBuf| d.path.starts_with(t);
            let is_known = self.manifest.entries.contains_key(&d.path);
            d.what == "added" && !is_known && self.covers.modes.iter().any(in_modes)
        };
        let mut all = self.manifest.differences(now);
        all.retain(|d| !new_program(d));
        all
    }

    /// What is not as it was, for people.
    ///
    /// # Errors
    /// As [`Self::now()`].
    pub fn left(&self) -> std::io::Result<Vec<Left>> {
        let now = self.now()?;
        let shown = |of: &Manifest, path: &Path| {
            let entry = of.entries.get(path).unwrap_or(&Entry::Missing);
            entry.to_string()
        };
        Ok(self
            .compare(&now)
            .iter()
            .map(|d| {
                let path = d.path.display();
                let cure = match (d.what, self.manifest.entries.get(&d.path)) {
                    ("added", _) if !may_write(&d.path) => {
                        format!("remove {path} as root (this user may not)")
                    }
                    ("added", _) => format!("remove {path}"),
                    (_, Some(Entry::Unread { .. })) => format!(
                        "look as root at what was done to {path} and mend it (this user could not \
                         read its content)"
                    ),
                    _ if !may_write(&d.path) => format!(
                        "bring {path} back as root, from a backup or its package (this user may not)"
                    ),
                    (_, Some(Entry::File { kept: false, .. })) => format!(
                        "bring {path} back from its package or a backup (its content was not kept)"
                    ),
                    _ => format!("see why {path} can't be changed, then start secloop again"),
                };
                let (was, is) = (shown(&self.manifest, &d.path), shown(&now, &d.path));
                Left::new(d.path.display().to_string(), &was, &is, &cure)
            })
            .collect())
    }

    /// Files and directories of the system's whose content this user may not read.
    pub fn unread(&self) -> impl Iterator<Item = &Path> {
        let unread = |e: &Entry| matches!(e, Entry::Unread { .. });
        let all = self.manifest.entries.iter();
        all.filter(move |(_, e)| unread(e))
            .map(|(p, _)| p.as_path())
    }

    /// The trees that it covers as a whole.
    pub fn trees(&self) -> &[PathBuf] {
        &self.covers.trees
    }

    /// Whether a path is covered only since the system's own trees are.
    pub fn is_system(&self, path: &Path) -> bool {
        let below = |trees: &[PathBuf]| trees.iter().any(|t| path.starts_with(t));
        (below(&self.covers.system) || below(&self.covers.modes)) && !below(&self.covers.trees)
    }

    /// What of the system's trees it does not cover.
    pub fn beyond(&self) -> impl Iterator<Item = &Path> {
        self.beyond.iter().map(PathBuf::as_path)
    }

    /// Entries and bytes of content that it holds.
    pub fn size(&self) -> (usize, u64) {
        let bytes = self.content.values().map(|(_, length)| length).sum();
        (self.manifest.entries.len(), bytes)
    }

    /// Their state when it was taken.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Files that are too large to be restored.
    pub fn not_restorable(&self) -> Vec<PathBuf> {
        let large = |(path, e): &(&PathBuf, &Entry)| {
            matches!(e, Entry::File { kept: false, .. })
                && !self.covers.modes.iter().any(|t| path.starts_with(t))
        };
        let all = self.manifest.entries.iter();
        all.filter(large).map(|(p, _)| p.clone()).collect()
    }
}
