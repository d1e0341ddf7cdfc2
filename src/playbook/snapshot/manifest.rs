//! What is at the paths of trees, and how two looks differ.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::attributes::Attributes;
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
        /// Empty: the content is not compared.
        sha256: String,
        kept: bool,
        #[serde(default, skip_serializing_if = "Attributes::is_empty")]
        attributes: Attributes,
    },
    Dir {
        mode: u32,
        uid: u32,
        gid: u32,
        #[serde(default, skip_serializing_if = "Attributes::is_empty")]
        attributes: Attributes,
    },
    Link {
        to: PathBuf,
        uid: u32,
        gid: u32,
    },
    /// A file or directory of the system's whose content this user may not read: that it was changed
    /// is told by its size and time.
    Unread {
        mode: u32,
        uid: u32,
        gid: u32,
        mtime: (i64, i64),
        size: u64,
        #[serde(default, skip_serializing_if = "Attributes::is_empty")]
        attributes: Attributes,
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
    /// `added`, `removed`, `content`, `mode`, `owner`, `attributes`, `kind`, `target`.
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

    /// Whether there is anything in it that could not be read.
    pub fn has_unread(&self) -> bool {
        let mut all = self.entries.values();
        all.any(|entry| matches!(entry, Entry::Unread { .. }))
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

pub(super) fn changed(before: &Entry, after: &Entry) -> Option<&'static str> {
    match (before, after) {
        (Entry::Missing, Entry::Missing) | (Entry::Other, Entry::Other) => None,
        (Entry::Missing, _) => Some("added"),
        (_, Entry::Missing) => Some("removed"),
        (Entry::File { sha256: s1, .. }, Entry::File { sha256: s2, .. })
            if s1 != s2 && !s1.is_empty() && !s2.is_empty() =>
        {
            Some("content")
        }
        (
            Entry::Unread {
                mtime: m1,
                size: s1,
                ..
            },
            Entry::Unread {
                mtime: m2,
                size: s2,
                ..
            },
        ) if (m1, s1) != (m2, s2) => Some("content"),
        (Entry::File { .. }, Entry::File { .. })
        | (Entry::Dir { .. }, Entry::Dir { .. })
        | (Entry::Unread { .. }, Entry::Unread { .. }) => {
            let (was, is) = (before.rights()?, after.rights()?);
            if was.0 != is.0 {
                Some("mode")
            } else if was.1 != is.1 {
                Some("owner")
            } else {
                (was.2 != is.2).then_some("attributes")
            }
        }
        (Entry::Link { to: t1, .. }, Entry::Link { to: t2, .. }) => (t1 != t2).then_some("target"),
        _ => Some("kind"),
    }
}

impl Entry {
    /// Mode, owner and attributes, of what has them.
    pub(super) fn rights(&self) -> Option<(u32, (u32, u32), &Attributes)> {
        match self {
            Self::File {
                mode,
                uid,
                gid,
                attributes,
                ..
            }
            | Self::Dir {
                mode,
                uid,
                gid,
                attributes,
            }
            | Self::Unread {
                mode,
                uid,
                gid,
                attributes,
                ..
            } => Some((*mode, (*uid, *gid), attributes)),
            Self::Link { .. } | Self::Other | Self::Missing => None,
        }
    }
}

/// For people, in few words.
impl std::fmt::Display for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing => return f.write_str("not there"),
            Self::Other => return f.write_str("a socket, pipe or device"),
            Self::Link { to, .. } => return write!(f, "a link to {}", to.display()),
            Self::Dir { .. } => f.write_str("directory")?,
            Self::Unread { mtime, size, .. } => {
                let at = chrono::DateTime::from_timestamp(mtime.0, 0).unwrap_or_default();
                let at = at.format("%Y-%m-%dT%H:%M:%SZ");
                write!(f, "unreadable, {size} bytes of {at},")?;
            }
            Self::File { sha256, .. } => {
                f.write_str("file")?;
                if let Some(start) = sha256.get(..12) {
                    write!(f, " {start}")?;
                }
            }
        }
        let Some((mode, (uid, gid), attributes)) = self.rights() else {
            return Ok(());
        };
        write!(f, " mode {mode:04o} owner {uid}:{gid}")?;
        for name in attributes.extended.keys() {
            write!(f, " {name}")?;
        }
        if attributes.flags != 0 {
            f.write_str(" unchangeable")?;
        }
        Ok(())
    }
}
