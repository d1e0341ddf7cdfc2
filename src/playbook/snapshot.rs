//! Snapshots of file trees: taken before an apply, kept on disk, restored after a refusal.
//!
//! A snapshot records content, mode, owner, modification time and links, and that a path was
//! missing. [`Snapshot::restore`] brings the trees back exactly; it follows no link, and may be
//! interrupted and repeated.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt, chown, lchown, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::turn::hex;

/// A larger file is compared by its hash, and can't be restored.
const MAX_FILE: u64 = 64 << 20;
/// More entries than this are refused: the watched trees are too large to be watched.
const MAX_ENTRIES: usize = 50_000;

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
enum Entry {
    File {
        mode: u32,
        uid: u32,
        gid: u32,
        mtime: (i64, i64),
        sha256: String,
        kept: bool,
    },
    Dir {
        mode: u32,
        uid: u32,
        gid: u32,
    },
    Link {
        to: PathBuf,
        uid: u32,
        gid: u32,
    },
    /// A socket, pipe or device: seen, never touched.
    Other,
    Missing,
}

/// The state of trees at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    entries: BTreeMap<PathBuf, Entry>,
}

/// One path that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Where.
    pub path: PathBuf,
    /// `added`, `removed`, `content`, `mode`, `owner`, `kind`, `target`.
    pub what: &'static str,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.path.display(), self.what)
    }
}

impl Manifest {
    /// Looks at the trees as they are now.
    ///
    /// # Errors
    /// When something can't be read, or the trees are too large.
    pub fn of(trees: &[PathBuf]) -> std::io::Result<Self> {
        let mut entries = BTreeMap::new();
        for tree in trees {
            walk(tree, &mut entries, &mut |_, _| Ok(false))?;
        }
        Ok(Self { entries })
    }

    /// What is different in `now`; modification times don't count.
    pub fn differences(&self, now: &Self) -> Vec<Difference> {
        let mut all = Vec::new();
        let paths: std::collections::BTreeSet<&PathBuf> =
            self.entries.keys().chain(now.entries.keys()).collect();
        for path in paths {
            let before = self.entries.get(path).unwrap_or(&Entry::Missing);
            let after = now.entries.get(path).unwrap_or(&Entry::Missing);
            if let Some(what) = changed(before, after) {
                all.push(Difference {
                    path: path.clone(),
                    what,
                });
            }
        }
        all
    }
}

fn changed(before: &Entry, after: &Entry) -> Option<&'static str> {
    let owner = |a: (&u32, &u32), b: (&u32, &u32)| (a != b).then_some("owner");
    match (before, after) {
        (Entry::Missing, Entry::Missing) | (Entry::Other, Entry::Other) => None,
        (Entry::Missing, _) => Some("added"),
        (_, Entry::Missing) => Some("removed"),
        (
            Entry::File {
                mode: m1,
                uid: u1,
                gid: g1,
                sha256: s1,
                ..
            },
            Entry::File {
                mode: m2,
                uid: u2,
                gid: g2,
                sha256: s2,
                ..
            },
        ) => {
            if s1 != s2 {
                Some("content")
            } else if m1 != m2 {
                Some("mode")
            } else {
                owner((u1, g1), (u2, g2))
            }
        }
        (
            Entry::Dir {
                mode: m1,
                uid: u1,
                gid: g1,
            },
            Entry::Dir {
                mode: m2,
                uid: u2,
                gid: g2,
            },
        ) => {
            if m1 == m2 {
                owner((u1, g1), (u2, g2))
            } else {
                Some("mode")
            }
        }
        (Entry::Link { to: t1, .. }, Entry::Link { to: t2, .. }) => (t1 != t2).then_some("target"),
        _ => Some("kind"),
    }
}

/// A pre-state on disk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Snapshot {
    #[serde(skip)]
    dir: PathBuf,
    trees: Vec<PathBuf>,
    manifest: Manifest,
}

/// Takes a snapshot of `trees` into `dir`, which it makes. The manifest is written last, so that
/// a snapshot that can be loaded is whole.
///
/// # Errors
/// When something can't be read or written; then nothing may be applied.
pub fn take(trees: &[PathBuf], dir: &Path) -> std::io::Result<Snapshot> {
    crate::world::make_private(dir).map_err(std::io::Error::other)?;
    let trees: Vec<PathBuf> = trees.iter().map(|t| first_missing(t)).collect();
    let trees = outermost(&trees);
    let mut entries = BTreeMap::new();
    for tree in &trees {
        walk(tree, &mut entries, &mut |path, sha256| {
            let kept = dir.join(sha256);
            if !kept.exists() {
                let mut to = File::create(&kept)?;
                std::io::copy(&mut File::open(path)?, &mut to)?;
                to.sync_all()?;
            }
            Ok(true)
        })?;
    }
    let snapshot = Snapshot {
        dir: dir.to_owned(),
        trees,
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

    /// The trees it covers.
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

    /// Brings the trees back.
    ///
    /// # Errors
    /// At the first path that can't be brought back; a repeat goes on from there.
    pub fn restore(&self) -> std::io::Result<()> {
        let now = Manifest::of(&self.trees)?;
        let differences = self.manifest.differences(&now);
        // What was added goes first, the deepest first; then what was there comes back, the
        // shallowest first.
        for difference in differences.iter().rev() {
            if matches!(difference.what, "added" | "kind" | "target") {
                remove(&difference.path)?;
            }
        }
        for difference in &differences {
            if let Some(entry) = self.manifest.entries.get(&difference.path) {
                self.put_back(&difference.path, entry).map_err(|e| {
                    std::io::Error::new(e.kind(), format!("{}: {e}", difference.path.display()))
                })?;
            }
        }
        Ok(())
    }

    fn put_back(&self, path: &Path, entry: &Entry) -> std::io::Result<()> {
        match entry {
            Entry::Missing | Entry::Other => Ok(()),
            Entry::Dir { mode, uid, gid } => {
                if std::fs::symlink_metadata(path).is_err() {
                    std::fs::create_dir(path)?;
                }
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
                let parent = path.parent().unwrap_or(Path::new("/"));
                let mut file = tempfile::NamedTempFile::new_in(parent)?;
                std::io::copy(&mut File::open(self.dir.join(sha256))?, &mut file)?;
                own(file.path(), *uid, *gid)?;
                file.as_file()
                    .set_permissions(PermissionsExt::from_mode(*mode))?;
                let nanos = u32::try_from(mtime.1).unwrap_or(0);
                let since = Duration::new(u64::try_from(mtime.0).unwrap_or(0), nanos);
                file.as_file().set_modified(UNIX_EPOCH + since)?;
                file.as_file().sync_all()?;
                file.persist(path).map_err(|e| e.error)?;
                Ok(())
            }
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

/// Looks at `path` and below it; `keep` stores a file's content and says whether it did.
fn walk(
    path: &Path,
    entries: &mut BTreeMap<PathBuf, Entry>,
    keep: &mut dyn FnMut(&Path, &str) -> std::io::Result<bool>,
) -> std::io::Result<()> {
    let named =
        |e: std::io::Error| std::io::Error::new(e.kind(), format!("{}: {e}", path.display()));
    if entries.len() >= MAX_ENTRIES {
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
        let (mode, uid, gid) = (found.mode() & 0o7777, found.uid(), found.gid());
        entries.insert(path.to_owned(), Entry::Dir { mode, uid, gid });
        let mut names: Vec<PathBuf> = std::fs::read_dir(path)
            .map_err(named)?
            .map(|e| e.map(|e| e.path()))
            .collect::<Result<_, _>>()
            .map_err(named)?;
        names.sort();
        for name in names {
            walk(&name, entries, keep)?;
        }
    } else if kind.is_symlink() {
        let to = std::fs::read_link(path).map_err(named)?;
        let (uid, gid) = (found.uid(), found.gid());
        entries.insert(path.to_owned(), Entry::Link { to, uid, gid });
    } else if kind.is_file() {
        let entry = file_entry(path, &found, keep).map_err(named)?;
        entries.insert(path.to_owned(), entry);
    } else {
        entries.insert(path.to_owned(), Entry::Other);
    }
    Ok(())
}

fn is_absent(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
    )
}

fn file_entry(
    path: &Path,
    found: &Metadata,
    keep: &mut dyn FnMut(&Path, &str) -> std::io::Result<bool>,
) -> std::io::Result<Entry> {
    let mut hasher = Sha256::new();
    std::io::copy(&mut File::open(path)?, &mut hasher)?;
    let sha256 = hex(&hasher.finalize());
    let kept = found.len() <= MAX_FILE && keep(path, &sha256)?;
    Ok(Entry::File {
        mode: found.mode() & 0o7777,
        uid: found.uid(),
        gid: found.gid(),
        mtime: (found.mtime(), found.mtime_nsec()),
        sha256,
        kept,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let (home, store) = (dir.path().join("home"), dir.path().join("store"));
        std::fs::create_dir_all(home.join("a/b")).unwrap();
        std::fs::write(home.join("a/file"), "one").unwrap();
        std::fs::set_permissions(home.join("a/file"), PermissionsExt::from_mode(0o640)).unwrap();
        symlink("file", home.join("a/link")).unwrap();
        (dir, home, store)
    }

    #[test]
    fn every_kind_of_change_is_seen_and_taken_back() {
        let (_dir, home, store) = tree();
        let missing = home.join("new/deep/file");
        let before = take(&[home.clone(), missing.clone()], &store).unwrap();

        std::fs::write(home.join("a/file"), "two").unwrap();
        std::fs::set_permissions(home.join("a"), PermissionsExt::from_mode(0o700)).unwrap();
        std::fs::remove_file(home.join("a/link")).unwrap();
        symlink("elsewhere", home.join("a/link")).unwrap();
        std::fs::remove_dir(home.join("a/b")).unwrap();
        std::fs::write(home.join("a/b"), "now a file").unwrap();
        std::fs::create_dir_all(missing.parent().unwrap()).unwrap();
        std::fs::write(&missing, "new").unwrap();

        let after = Manifest::of(before.trees()).unwrap();
        let kinds: std::collections::BTreeSet<&str> = before
            .manifest()
            .differences(&after)
            .iter()
            .map(|d| d.what)
            .collect();
        assert_eq!(kinds, ["added", "content", "kind", "mode", "target"].into());

        let found = Snapshot::load(&store).unwrap();
        found.restore().unwrap();
        found.restore().unwrap();
        let now = Manifest::of(found.trees()).unwrap();
        assert_eq!(found.manifest().differences(&now), vec![]);
        assert_eq!(std::fs::read_to_string(home.join("a/file")).unwrap(), "one");
        assert!(!home.join("new").exists());
    }

    #[test]
    fn a_path_below_a_missing_tree_is_taken_back_with_its_parents() {
        let (_dir, home, store) = tree();
        let missing = home.join("x/y/z");
        let before = take(std::slice::from_ref(&missing), &store).unwrap();
        std::fs::create_dir_all(&missing).unwrap();
        before.restore().unwrap();
        assert!(!home.join("x").exists());
    }

    #[test]
    fn a_link_is_never_followed() {
        let (_dir, home, store) = tree();
        let outside = home.parent().unwrap().join("outside");
        std::fs::write(&outside, "safe").unwrap();
        let before = take(std::slice::from_ref(&home), &store).unwrap();
        std::fs::remove_file(home.join("a/file")).unwrap();
        symlink(&outside, home.join("a/file")).unwrap();
        before.restore().unwrap();
        assert_eq!(std::fs::read_to_string(&outside).unwrap(), "safe");
        assert_eq!(std::fs::read_to_string(home.join("a/file")).unwrap(), "one");
    }

    #[test]
    fn a_snapshot_without_its_manifest_is_not_one() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Snapshot::load(dir.path()).is_err());
    }
}
