//! Changes of another day: moved to today's head, or turned round.

use super::changes::Changes;
use super::{CommitId, Repo};

impl Repo {
    /// The same change of today's head, where the files that it changes are as they were.
    ///
    /// # Errors
    /// Names the files that are not.
    pub async fn moved_to_head(&self, changes: Changes) -> Result<Changes, String> {
        let head = self.head().await.map_err(|e| e.to_string())?;
        if head == *changes.base() {
            return Ok(changes);
        }
        let blobs = self.blobs(&head).await?;
        let contents = self.contents(blobs.values()).await?;
        let moved: Vec<String> = changes
            .all()
            .iter()
            .filter(|c| {
                let now = blobs.get(&c.path);
                let content = now.and_then(|blob| contents.get(&blob.object));
                now.map_or(0, |blob| blob.mode) != c.old_mode || content != c.old.as_ref()
            })
            .map(|c| c.path.display().to_string())
            .collect();
        if moved.is_empty() {
            let all = changes.all().to_vec();
            let changed = |path: &std::path::PathBuf| all.iter().any(|c| c.path == *path);
            let standing = blobs
                .into_iter()
                .filter(|(path, _)| !changed(path))
                .filter_map(|(path, blob)| Some((path, contents.get(&blob.object)?.clone())))
                .collect();
            return Ok(Changes::from_parts(head, all, standing));
        }
        Err(format!(
            "{} changed since: the change does not fit the playbook of today any more",
            moved.join(", ")
        ))
    }

    /// The reverse of a commit on the branch, as a change of its head.
    ///
    /// # Errors
    /// Where it is not on the branch, or a later commit is in its way: which, and at which files.
    pub async fn reverse(&self, commit: &str) -> Result<Changes, String> {
        let head = self.head().await.map_err(|e| e.to_string())?;
        let on_branch = ["merge-base", "--is-ancestor", commit, head.as_str()];
        if self.git.out(&self.checkout, &on_branch).await.is_err() {
            return Err(format!(
                "its commit {} is not on {} any more: what was taken out by hand can't be taken back",
                short(commit),
                self.branch
            ));
        }
        self.reset().await?;
        let done = self.try_reverse(commit, &head).await;
        self.reset().await?;
        done
    }

    async fn try_reverse(&self, commit: &str, head: &CommitId) -> Result<Changes, String> {
        let revert = ["revert", "--no-commit", "--no-edit", commit];
        if self.git.out(&self.worktree, &revert).await.is_err() {
            return Err(self.in_the_way(commit, head).await);
        }
        let changes = self.changes(&self.worktree).await?;
        if changes.is_empty() {
            return Err("the branch holds nothing of it any more".to_owned());
        }
        Ok(Changes::from_parts(
            head.clone(),
            changes.all().to_vec(),
            changes.standing().clone(),
        ))
    }

    async fn in_the_way(&self, commit: &str, head: &CommitId) -> String {
        let files = ["diff", "--name-only", "--diff-filter=U"];
        let files = self
            .git
            .out(&self.worktree, &files)
            .await
            .unwrap_or_default();
        let files: Vec<&str> = files.lines().collect();
        let range = format!("{commit}..{head}");
        let mut log = vec!["log", "--format=%h %s", &range, "--"];
        log.extend(&files);
        let later = self.git.out(&self.worktree, &log).await.unwrap_or_default();
        let later: Vec<&str> = later.lines().collect();
        format!(
            "a later commit conflicts with taking it back, at {}: take back first {}",
            files.join(", "),
            later.join("; ")
        )
    }
}

fn short(commit: &str) -> String {
    commit.chars().take(10).collect()
}
