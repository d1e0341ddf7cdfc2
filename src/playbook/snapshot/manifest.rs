//! What is at the paths of trees, and how two looks differ.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::walk::{Looking, walk};

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub(super) enum Entry {
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
    pub(super) entries: BTreeMap<PathBuf, Entry>,
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
            walk(tree, &mut entries, &Looking::default())?;
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
