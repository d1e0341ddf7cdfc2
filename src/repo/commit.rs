//! The commit of exactly the proven paths, on secloop's own branch.

use super::changes::Changes;
use super::landed::{TURN, Trailer};
use super::tree::put;
use super::{CommitId, Repo};
use crate::error::Fatal;
use crate::turn::TurnId;

impl Repo {
    /// Commits `changes`, whose base must still be the branch's head, and nothing else. The turn and
    /// `trailers` end the message.
    ///
    /// # Errors
    /// In words; the worktree is back at the branch's head then.
    pub async fn commit(
        &self,
        changes: &Changes,
        message: &str,
        turn: TurnId,
        trailers: &[Trailer],
    ) -> Result<CommitId, String> {
        match self.try_commit(changes, message, turn, trailers).await {
            Ok(commit) => Ok(commit),
            Err(why) => {
                self.reset().await.map_err(|e| format!("{why}; and {e}"))?;
                Err(why)
            }
        }
    }

    async fn try_commit(
        &self,
        changes: &Changes,
        message: &str,
        turn: TurnId,
        trailers: &[Trailer],
    ) -> Result<CommitId, String> {
        let head = self.head().await.map_err(|e| e.to_string())?;
        if head != *changes.base() {
            return Err(format!("{} moved while the change was proven", self.branch));
        }
        self.reset().await?;
        put(changes, &self.worktree)?;
        let paths = changes.paths();
        let mut add = vec!["--literal-pathspecs", "add", "--force", "--all", "--"];
        add.extend(paths.iter().map(String::as_str));
        self.git.out(&self.worktree, &add).await?;
        let mut message = format!("{}\n\n{TURN}: {turn}\n", message.trim_end());
        for Trailer { name, value } in trailers {
            message.push_str(&format!("{name}: {value}\n"));
        }
        // The index was the head's, so it now holds exactly these paths.
        let commit = [
            "commit",
            "--quiet",
            "--no-verify",
            "--cleanup=verbatim",
            "--file=-",
        ];
        let given = self
            .git
            .give(&self.worktree, &commit, message.into_bytes())
            .await;
        let done = match given {
            Ok(_) => self.read_back(changes, &head).await,
            // It may have been made all the same.
            Err(why) => Err(why),
        };
        match done {
            Ok(made) => Ok(made),
            Err(why) => match self.take_back(&head).await {
                Ok(()) => Err(why),
                Err(e) => Err(format!("{why}; and the commit was not taken back: {e}")),
            },
        }
    }

    async fn read_back(&self, changes: &Changes, base: &CommitId) -> Result<CommitId, String> {
        let made = self.head().await.map_err(|e| e.to_string())?;
        self.verify(changes, base, &made).await?;
        Ok(made)
    }

    /// Puts the branch back to `base`, if it is at a commit whose only parent that is.
    async fn take_back(&self, base: &CommitId) -> Result<(), String> {
        let reference = format!("refs/heads/{}", self.branch);
        let args = ["rev-list", "--parents", "--max-count=1", &reference];
        let line = self.git.out(&self.checkout, &args).await?;
        let Some((made, parents)) = line.split_once(' ') else {
            return Ok(());
        };
        if parents != base.as_str() {
            return Ok(());
        }
        let args = ["update-ref", &reference, base.as_str(), made];
        self.git.out(&self.checkout, &args).await.map(drop)
    }

    /// Reads the commit back: its parent is the base, its paths and contents are the change's.
    async fn verify(
        &self,
        changes: &Changes,
        base: &CommitId,
        made: &CommitId,
    ) -> Result<(), String> {
        let parent = self.rev(&format!("{made}^")).await?;
        let blobs = self.blobs(made).await?;
        let before = self.blobs(base).await?;
        let contents = self.contents(blobs.values()).await?;
        let right = changes
            .all()
            .iter()
            .all(|c| match (&c.new, blobs.get(&c.path)) {
                (None, None) => true,
                (Some(new), Some(blob)) => {
                    contents.get(&blob.object) == Some(new) && blob.mode == c.new_mode
                }
                _ => false,
            });
        let changed = blobs
            .iter()
            .filter(|(p, b)| before.get(*p) != Some(b))
            .count()
            + before.keys().filter(|p| !blobs.contains_key(*p)).count();
        if parent == *base && right && changed == changes.all().len() {
            return Ok(());
        }
        Err("the commit did not hold exactly the proven change and was undone".to_owned())
    }

    /// The commit of a turn, if it was made.
    ///
    /// # Errors
    /// When git fails.
    pub async fn find_commit(&self, turn: TurnId) -> Result<Option<CommitId>, Fatal> {
        let reference = format!("refs/heads/{}", self.branch);
        let pattern = format!("--grep=^{TURN}: {turn}$");
        let args = ["log", "-1", "--format=%H", &pattern, &reference];
        let out = self
            .git
            .out(&self.checkout, &args)
            .await
            .map_err(Fatal::Repo)?;
        Ok((!out.is_empty()).then_some(CommitId(out)))
    }
}
