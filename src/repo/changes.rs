//! The difference between an agent's working copy and the branch's head, read without running git
//! in that copy: it is hostile ground.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::intake::Intake;
use super::names::folded;
use super::tree::LINK;
use super::{CommitId, Repo};

/// Most files that one proposal may change.
const MAX_FILES: usize = 50;
/// Largest file that may be added or changed, in bytes.
const MAX_FILE: u64 = 256 * 1024;
/// Most that all added and changed files may hold together, in bytes.
const MAX_ALL: u64 = 8 << 20;
/// How long the shortest difference of one file is searched; after that a longer one will do.
const DIFF_TIME: Duration = Duration::from_secs(1);
/// Longest log of a clone's head that is read, in bytes.
const MAX_LOG: u64 = 64 * 1024;

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It is new.
    Added,
    /// Its content is different.
    Modified,
    /// It is gone.
    Deleted,
    /// Only its executable bit is different.
    ModeChanged,
}

/// One changed file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Relative to the repository's top.
    pub path: PathBuf,
    /// What happened to it.
    pub kind: Kind,
    /// Its old content, if it was there.
    pub old: Option<Vec<u8>>,
    /// Its new content, if it is there.
    pub new: Option<Vec<u8>>,
    /// Its old mode as git has it; 0 if it was not there.
    pub old_mode: u32,
    /// Its new mode as git has it; 0 if it is not there.
    pub new_mode: u32,
}

/// All that a proposal changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    base: CommitId,
    all: Vec<Change>,
    /// The files that stay as they are, as far as they are text of a readable size.
    standing: BTreeMap<PathBuf, Vec<u8>>,
    /// The agent moved its clone's head: it committed by itself.
    pub agent_committed: bool,
}

impl Changes {
    /// The changed files, sorted by path.
    pub fn all(&self) -> &[Change] {
        &self.all
    }

    /// The commit that they are relative to.
    pub fn base(&self) -> &CommitId {
        &self.base
    }

    /// Whether nothing is changed.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The paths, as text.
    pub fn paths(&self) -> Vec<String> {
        self.all
            .iter()
            .map(|c| c.path.display().to_string())
            .collect()
    }

    /// The files that stay as they are, by their paths.
    pub fn standing(&self) -> &BTreeMap<PathBuf, Vec<u8>> {
        &self.standing
    }

    /// Changes made by hand, for tests.
    pub fn from_parts(
        base: CommitId,
        all: Vec<Change>,
        standing: BTreeMap<PathBuf, Vec<u8>>,
    ) -> Self {
        Self {
            base,
            all,
            standing,
            agent_committed: false,
        }
    }

    /// A unified diff for people, with three lines of context.
    pub fn unified_diff(&self) -> String {
        let mut out = String::new();
        for change in &self.all {
            let path = change.path.display();
            let text = |side: &Option<Vec<u8>>| {
                String::from_utf8_lossy(side.as_deref().unwrap_or_default()).into_owned()
            };
            let (old, new) = (text(&change.old), text(&change.new));
            if change.old_mode != change.new_mode {
                out.push_str(&format!(
                    "mode {:o} -> {:o} {path}\n",
                    change.old_mode, change.new_mode
                ));
            }
            let from = if change.old.is_some() {
                format!("a/{path}")
            } else {
                "/dev/null".into()
            };
            let to = if change.new.is_some() {
                format!("b/{path}")
            } else {
                "/dev/null".into()
            };
            let diff = similar::TextDiff::configure()
                .timeout(DIFF_TIME)
                .diff_lines(&old, &new);
            out.push_str(
                &diff
                    .unified_diff()
                    .context_radius(3)
                    .header(&from, &to)
                    .to_string(),
            );
        }
        out
    }
}

impl Repo {
    /// Compares an agent's working copy with the branch's head.
    ///
    /// # Errors
    /// A sentence for the receipt: links, odd names, too much, or files that can't be read.
    pub async fn changes(&self, copy: &Path) -> Result<Changes, String> {
        let base = self.head().await.map_err(|e| e.to_string())?;
        let blobs = self.blobs(&base).await?;
        let copied = Intake::of(copy)?;
        let found = &copied.found;
        let new: Vec<&PathBuf> = found.keys().filter(|p| !blobs.contains_key(*p)).collect();
        let ignored = self.ignored(&new).await?;
        let old = self.contents(blobs.values()).await?;

        let mut all = Vec::new();
        let mut standing = BTreeMap::new();
        let mut held = 0_u64;
        for (path, mode) in found {
            if ignored.contains(path) {
                continue;
            }
            let before = blobs.get(path);
            let old_content = before.and_then(|b| old.get(&b.object));
            // A large file is only read where it may be the old one.
            let limit = old_content.map_or(MAX_FILE, |old| MAX_FILE.max(old.len() as u64));
            let content = copied.read(path, limit)?;
            let old_mode = before.map_or(0, |b| b.mode);
            if old_content == Some(&content) && old_mode == *mode {
                if *mode != LINK && content.len() as u64 <= MAX_FILE {
                    standing.insert(path.clone(), content);
                }
                continue;
            }
            if *mode == LINK || old_mode == LINK {
                return Err(format!("{}: a link is made or changed", path.display()));
            }
            if content.len() as u64 > MAX_FILE {
                return Err(format!("{}: larger than {MAX_FILE} bytes", path.display()));
            }
            held += content.len() as u64;
            if held > MAX_ALL {
                return Err(format!("what is new has more than {MAX_ALL} bytes"));
            }
            let kind = match old_content {
                None => Kind::Added,
                Some(same) if *same == content => Kind::ModeChanged,
                Some(_) => Kind::Modified,
            };
            all.push(Change {
                path: path.clone(),
                kind,
                old: old_content.cloned(),
                new: Some(content),
                old_mode,
                new_mode: *mode,
            });
            bounded(&all)?;
        }
        for (path, blob) in blobs.iter().filter(|(p, _)| !found.contains_key(*p)) {
            if blob.mode == LINK {
                return Err(format!("{}: a link is made or changed", path.display()));
            }
            all.push(Change {
                path: path.clone(),
                kind: Kind::Deleted,
                old: old.get(&blob.object).cloned(),
                new: None,
                old_mode: blob.mode,
                new_mode: 0,
            });
            bounded(&all)?;
        }
        all.sort_by(|a, b| a.path.cmp(&b.path));
        collisions(&all, blobs.keys())?;
        Ok(Changes {
            base,
            all,
            standing,
            agent_committed: commits(copy) > 1,
        })
    }

    /// Which of `paths` the repository's own rules ignore, asked in secloop's worktree.
    async fn ignored(&self, paths: &[&PathBuf]) -> Result<BTreeSet<PathBuf>, String> {
        if paths.is_empty() {
            return Ok(BTreeSet::new());
        }
        let mut input = Vec::new();
        for path in paths {
            input.extend_from_slice(path.as_os_str().as_encoded_bytes());
            input.push(0);
        }
        let args = [
            "check-ignore",
            "--no-index",
            "--stdin",
            "-z",
            "--verbose",
            "--non-matching",
        ];
        let done = self.git.give(&self.worktree, &args, input).await;
        let out = match done {
            Ok(done) => done.stdout,
            // Exit 1 means that none is ignored.
            Err(_) => return Ok(BTreeSet::new()),
        };
        let fields: Vec<&[u8]> = out.split(|b| *b == 0).collect();
        Ok(fields
            .chunks_exact(4)
            .filter_map(|row| match row {
                // A negated pattern, which un-ignores, begins with `!`.
                [source, _, pattern, path] if !source.is_empty() && !pattern.starts_with(b"!") => {
                    std::str::from_utf8(path).ok().map(PathBuf::from)
                }
                _ => None,
            })
            .collect())
    }
}

fn bounded(all: &[Change]) -> Result<(), String> {
    if all.len() > MAX_FILES {
        return Err(format!("more than {MAX_FILES} files are changed"));
    }
    Ok(())
}

/// Two names that a file system would take for one.
fn collisions<'a>(
    all: &[Change],
    existing: impl Iterator<Item = &'a PathBuf>,
) -> Result<(), String> {
    let fold = |p: &Path| folded(&p.to_string_lossy());
    let mut seen: BTreeMap<String, &Path> = existing
        .flat_map(|p| names(p))
        .map(|p| (fold(p), p))
        .collect();
    for change in all.iter().filter(|c| c.kind == Kind::Added) {
        for path in names(&change.path) {
            if let Some(other) = seen.insert(fold(path), path)
                && other != path
            {
                return Err(format!(
                    "{} and {} differ only in case",
                    other.display(),
                    path.display()
                ));
            }
        }
    }
    Ok(())
}

/// A path and the directories above it.
fn names(path: &Path) -> impl Iterator<Item = &Path> {
    path.ancestors().filter(|p| !p.as_os_str().is_empty())
}

/// How many entries the clone's own log of its head has: one is ours. Read as plain text, and only
/// a plain file.
fn commits(copy: &Path) -> usize {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let mut text = String::new();
    std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(copy.join(".git/logs/HEAD"))
        .and_then(|file| {
            let meta = file.metadata()?;
            if !meta.is_file() || meta.len() > MAX_LOG {
                return Err(std::io::ErrorKind::InvalidInput.into());
            }
            file.take(MAX_LOG).read_to_string(&mut text)
        })
        .map_or(2, |_| text.lines().count())
}
