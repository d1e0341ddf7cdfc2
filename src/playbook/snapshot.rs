//! Snapshots of file trees: taken before an apply, kept on disk, restored after a refusal.
//!
//! A snapshot records content, mode, owner, modification time and links, and that a path was
//! missing. [`Snapshot::restore`] brings the trees back exactly; it follows no link, and may be
//! interrupted and repeated.

mod manifest;
mod restore;
#[cfg(test)]
mod tests;
mod walk;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use self::manifest::Entry;
pub use self::manifest::{Difference, Manifest};
use self::walk::{Looking, entry_only, is_absent, walk};

/// A pre-state on disk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Snapshot {
    #[serde(skip)]
    dir: PathBuf,
    trees: Vec<PathBuf>,
    /// Directories of which only the entry is covered, not the content.
    #[serde(default)]
    entries_only: Vec<PathBuf>,
    manifest: Manifest,
}

/// Takes a snapshot of `trees` into `dir`, which it makes. The manifest is written last, so that
/// a snapshot that can be loaded is whole.
///
/// # Errors
/// When something can't be read or written; then nothing may be applied.
pub fn take(trees: &[PathBuf], dir: &Path) -> std::io::Result<Snapshot> {
    take_with(trees, &[], dir)
}

/// As [`take()`]; of the directories `entries_only` it covers the existence, mode and owner, and not
/// the content, so that what others put there meanwhile stays. One that is in a tree, or no
/// directory now, is covered as a whole.
///
/// # Errors
/// As [`take()`].
pub fn take_with(
    trees: &[PathBuf],
    entries_only: &[PathBuf],
    dir: &Path,
) -> std::io::Result<Snapshot> {
    crate::world::make_private(dir).map_err(std::io::Error::other)?;
    let (entries_only, others): (Vec<PathBuf>, Vec<PathBuf>) = entries_only
        .iter()
        .cloned()
        .partition(|path| std::fs::symlink_metadata(path).is_ok_and(|found| found.is_dir()));
    let trees: Vec<PathBuf> = trees
        .iter()
        .chain(&others)
        .map(|t| first_missing(t))
        .collect();
    let trees = outermost(&trees);
    let entries_only: Vec<PathBuf> = entries_only
        .into_iter()
        .filter(|path| !trees.iter().any(|t| path.starts_with(t)))
        .collect();
    let how = Looking {
        store: Some(dir),
        ..Looking::default()
    };
    let entries = look(&trees, &entries_only, &how)?;
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
        trees,
        entries_only,
        manifest: Manifest { entries },
    };
    let text = serde_json::to_vec(&snapshot).map_err(std::io::Error::other)?;
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(&text)?;
    file.as_file().sync_all()?;
    file.persist(dir.join("manifest.json"))
        .map_err(|e| e.error)?;
    File::open(dir)?.sync_all()?;
    Ok(snapshot)
}

fn look(
    trees: &[PathBuf],
    entries_only: &[PathBuf],
    how: &Looking<'_>,
) -> std::io::Result<BTreeMap<PathBuf, Entry>> {
    let mut entries = BTreeMap::new();
    for tree in trees {
        walk(tree, &mut entries, how)?;
    }
    for path in entries_only {
        entry_only(path, &mut entries, how)?;
    }
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

    /// Looks at all that it covers as it is now.
    ///
    /// # Errors
    /// When something can't be read, or the trees are too large.
    pub fn now(&self) -> std::io::Result<Manifest> {
        let entries = look(&self.trees, &self.entries_only, &Looking::default())?;
        Ok(Manifest { entries })
    }

    /// The trees that it covers as a whole.
    pub fn trees(&self) -> &[PathBuf] {
        &self.trees
    }

    /// Their state when it was taken.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Files that are too large to be restored.
    pub fn not_restorable(&self) -> Vec<PathBuf> {
        let large = |e: &Entry| matches!(e, Entry::File { kept: false, .. });
        self.manifest
            .entries
            .iter()
            .filter(|(_, e)| large(e))
            .map(|(p, _)| p.clone())
            .collect()
    }
}
