//! Locks that a git left when it was killed: they would stop every later one.
//!
//! Those of secloop's own worktree and branch are removed, and only where no git is at work in the
//! repository; the run lock is held, so that none of ours is. Those of the user's checkout are never
//! touched: they are said, with the cure.

use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::Repo;
use crate::process::{AtWork, at_work};

impl Repo {
    /// Removes what dead gits left in our own places; gives what was done, in words.
    ///
    /// # Errors
    /// When a git is at work that may need the lock, with the cure.
    pub(super) async fn unlock(&self) -> Result<Vec<String>, String> {
        let common = PathBuf::from(self.common_dir(&self.checkout).await?);
        let mut notes = Vec::new();
        for lock in self.own_locks(&common) {
            self.remove(&lock, &common)?;
            notes.push(format!(
                "removed {}, which a git that was killed had left",
                lock.display()
            ));
        }
        Ok(notes)
    }

    /// What a person should know about locks in the user's own part of the repository.
    pub(super) async fn foreign_locks(&self) -> Result<Vec<String>, String> {
        let common = PathBuf::from(self.common_dir(&self.checkout).await?);
        let args = ["rev-parse", "--absolute-git-dir"];
        let private = PathBuf::from(self.git.out(&self.checkout, &args).await?);
        let mut found: Vec<PathBuf> = ["index.lock", "HEAD.lock"]
            .map(|name| private.join(name))
            .into_iter()
            .chain(["packed-refs.lock", "config.lock"].map(|name| common.join(name)))
            .filter(|lock| lock.symlink_metadata().is_ok())
            .collect();
        found.retain(|lock| self.at_work_on(lock, &common) == AtWork::Nobody);
        Ok(found
            .iter()
            .map(|lock| {
                format!(
                    "{0} was left by a git that is gone, and stops the next one: `rm {0}`",
                    lock.display()
                )
            })
            .collect())
    }

    fn own_locks(&self, common: &Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        if let Some(private) = self.private_dir(common) {
            below(&private, &mut found);
        }
        for above in ["refs/heads", "logs/refs/heads"] {
            let lock = common.join(above).join(format!("{}.lock", self.branch));
            found.extend(lock.symlink_metadata().is_ok().then_some(lock));
        }
        found
    }

    /// Where git keeps what belongs to our worktree alone. Read from the directory and not asked
    /// from git, which can't tell where it was killed in the middle of making it.
    fn private_dir(&self, common: &Path) -> Option<PathBuf> {
        let ours = self.worktree.join(".git");
        std::fs::read_dir(common.join("worktrees"))
            .ok()?
            .flatten()
            .map(|entry| entry.path())
            .find(|dir| {
                std::fs::read_to_string(dir.join("gitdir"))
                    .is_ok_and(|text| same(Path::new(text.trim_end()), &ours))
            })
    }

    fn remove(&self, lock: &Path, common: &Path) -> Result<(), String> {
        let lives = |pid: u32, may: &str| {
            Err(format!(
                "{} is there and git (process {pid}) {may} in the repository: wait until it has \
                 ended, or end it, and start again",
                lock.display()
            ))
        };
        match self.at_work_on(lock, common) {
            AtWork::Nobody => {
                std::fs::remove_file(lock).map_err(|e| format!("removing {}: {e}", lock.display()))
            }
            AtWork::Somebody(pid) => lives(pid, "is at work"),
            AtWork::Unknown(pid) => lives(pid, "may be at work"),
        }
    }

    /// Whether a git of the lock's owner is at work anywhere in the repository.
    fn at_work_on(&self, lock: &Path, common: &Path) -> AtWork {
        let owner = lock.symlink_metadata().map_or(0, |found| found.uid());
        let mut dirs = vec![
            self.checkout.clone(),
            self.worktree.clone(),
            common.to_owned(),
        ];
        // Of other worktrees of the user's.
        let others = std::fs::read_dir(common.join("worktrees"));
        dirs.extend(others.into_iter().flatten().flatten().filter_map(|entry| {
            let text = std::fs::read_to_string(entry.path().join("gitdir")).ok()?;
            Some(Path::new(text.trim_end()).parent()?.to_owned())
        }));
        at_work("git", owner, &dirs)
    }
}

/// Whether two paths name the same worktree; its directory may be gone.
fn same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| {
        let parent = path.parent().and_then(|p| p.canonicalize().ok());
        parent.unwrap_or_else(|| path.parent().unwrap_or(path).to_owned())
    };
    real(one) == real(other)
}

fn below(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => below(&path, found),
            Ok(_) if path.extension() == Some(OsStr::new("lock")) => found.push(path),
            _ => {}
        }
    }
}
