//! What one change made of files: how they were, how they are, and the way from there back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::manifest::{Entry, Manifest, changed};
use super::restore::Restored;
use super::store::{self, Store};
use super::walk::{Looking, entry_only};
use super::{Coverage, Snapshot};
use crate::whole;

/// The name of its file.
const FILE: &str = "files.json";

/// The paths that one change made different, before and after it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Part {
    before: Snapshot,
    after: Manifest,
}

impl Snapshot {
    /// Keeps in `dir` what is different in `now`, contents included.
    ///
    /// # Errors
    /// When something can't be read or written.
    pub fn keep_changed(&self, now: &Manifest, dir: &Path) -> std::io::Result<Part> {
        crate::world::make_private(dir).map_err(std::io::Error::other)?;
        let paths: BTreeSet<PathBuf> = self.compare(now).into_iter().map(|d| d.path).collect();
        let of = |manifest: &Manifest| -> BTreeMap<PathBuf, Entry> {
            let entry = |p: &PathBuf| manifest.entries.get(p).cloned().unwrap_or(Entry::Missing);
            paths.iter().map(|p| (p.clone(), entry(p))).collect()
        };
        let entries = of(&self.manifest);
        let store = Store::create(dir)?;
        for entry in entries.values() {
            if let Entry::File {
                sha256, kept: true, ..
            } = entry
            {
                let mut content = Vec::new();
                store::read(&self.dir, &self.content, sha256, &mut content)?;
                store.keep(&mut content.as_slice())?;
            }
        }
        let part = Part {
            before: Self {
                dir: dir.to_owned(),
                covers: Coverage::default(),
                manifest: Manifest { entries },
                content: store.finish()?,
                beyond: BTreeSet::new(),
            },
            after: Manifest { entries: of(now) },
        };
        let text = serde_json::to_vec(&part).map_err(std::io::Error::other)?;
        whole::replace(&dir.join(FILE), &text, 0o600)?;
        Ok(part)
    }
}

impl Part {
    /// Reads one back.
    ///
    /// # Errors
    /// When it is not whole.
    pub fn load(dir: &Path) -> std::io::Result<Self> {
        let text = std::fs::read(dir.join(FILE))?;
        let mut part: Self = serde_json::from_slice(&text).map_err(std::io::Error::other)?;
        dir.clone_into(&mut part.before.dir);
        Ok(part)
    }

    /// The files and links of it; a directory is no more than its entry.
    pub fn paths(&self) -> Vec<PathBuf> {
        let is_dir = |path: &PathBuf| {
            let sides = [&self.before.manifest, &self.after];
            sides
                .iter()
                .any(|m| matches!(m.entries.get(path), Some(Entry::Dir { .. })))
        };
        let all = self.after.entries.keys();
        all.filter(|path| !is_dir(path)).cloned().collect()
    }

    /// Puts back what still is as the change left it; what was changed since is somebody else's.
    /// Directories that it made go once they are empty.
    pub fn restore(&self) -> Restored {
        let mut covers = Coverage::default();
        let mut entries = BTreeMap::new();
        let mut made = Vec::new();
        for (path, after) in &self.after.entries {
            let mut now = BTreeMap::new();
            let looked = entry_only(path, &mut now, &Looking::default());
            let now = now.remove(path).unwrap_or(Entry::Missing);
            if looked.is_err() || changed(after, &now).is_some() {
                continue;
            }
            let before = self
                .before
                .manifest
                .entries
                .get(path)
                .unwrap_or(&Entry::Missing);
            match (before, after) {
                (Entry::Missing, Entry::Dir { .. }) => {
                    made.push(path.clone());
                    continue;
                }
                (Entry::Dir { .. }, Entry::Dir { .. }) => covers.entries_only.push(path.clone()),
                _ => covers.trees.push(path.clone()),
            }
            entries.insert(path.clone(), before.clone());
        }
        let part = Snapshot {
            covers,
            manifest: Manifest { entries },
            ..self.before.clone()
        };
        let done = part.restore_all();
        for dir in made.iter().rev() {
            // Others may have put something there.
            let _ = std::fs::remove_dir(dir);
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::super::take;
    use super::*;

    #[test]
    fn a_change_is_taken_back_where_nobody_has_changed_it_since() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        let at = |name: &str| home.join(name);
        let put = |name: &str, text: &str| {
            std::fs::create_dir_all(at(name).parent().unwrap()).unwrap();
            std::fs::write(at(name), text).unwrap();
        };
        let mode = |name: &str, mode| {
            std::fs::set_permissions(at(name), std::fs::Permissions::from_mode(mode)).unwrap();
        };
        for name in ["edited", "moved-on", "gone", "untouched"] {
            put(name, "before");
        }
        mode("untouched", 0o644);
        mode("edited", 0o644);
        let snapshot = take(std::slice::from_ref(&home), &dir.path().join("pre")).unwrap();
        put("edited", "after");
        put("moved-on", "after");
        put("new/made", "after");
        std::fs::remove_file(at("gone")).unwrap();
        mode("untouched", 0o600);
        let now = snapshot.now().unwrap();
        let kept = dir.path().join("kept");
        snapshot.keep_changed(&now, &kept).unwrap();
        std::fs::remove_dir_all(dir.path().join("pre")).unwrap();
        // Later, by others.
        put("moved-on", "later");
        put("beside", "later");
        let done = Part::load(&kept).unwrap().restore();
        assert!(done.failed.is_empty(), "{done:?}");
        let text = |name: &str| std::fs::read_to_string(at(name)).unwrap_or_default();
        assert_eq!(
            (text("edited"), text("gone")),
            ("before".to_owned(), "before".to_owned())
        );
        assert_eq!(
            (text("moved-on"), text("beside")),
            ("later".to_owned(), "later".to_owned())
        );
        assert!(!at("new").exists());
        let bits = std::fs::metadata(at("untouched"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(bits & 0o777, 0o644);
    }
}
