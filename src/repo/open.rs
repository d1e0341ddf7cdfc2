//! Opening the repository: secloop's own worktree and branch.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::CommitId;
use super::git::Git;
use crate::config::RepoConfig;
use crate::error::Fatal;

/// The user's repository, reached through secloop's own worktree.
#[derive(Debug, Clone)]
pub struct Repo {
    pub(super) git: Git,
    /// The user's checkout; only read.
    pub(super) checkout: PathBuf,
    pub(super) worktree: PathBuf,
    pub(super) branch: String,
    notes: Vec<String>,
}

/// Makes a repository of everything in `dir`, with one commit: for a trial.
///
/// # Errors
/// When git is missing or fails.
pub async fn init_with_all(dir: &Path, message: &str, path: &OsStr) -> Result<(), Fatal> {
    let git = Git::find(path).map_err(Fatal::Repo)?;
    for args in [
        &["init", "--quiet"][..],
        &["add", "--all"],
        &["commit", "--quiet", "-m", message],
    ] {
        git.out(dir, args).await.map_err(Fatal::Repo)?;
    }
    Ok(())
}

impl Repo {
    /// Looks whether the configured repository can be used, without making anything.
    ///
    /// # Errors
    /// [`Fatal::Repo`] with the cure.
    pub async fn check(config: &RepoConfig, path: &OsStr) -> Result<String, Fatal> {
        let git = Git::find(path).map_err(Fatal::Repo)?;
        let (head, notes) = examine(&git, config).await?;
        let notes = if notes.is_empty() {
            String::new()
        } else {
            format!(" ({})", notes.join("; "))
        };
        Ok(format!(
            "{} at {}{notes}",
            config.path.display(),
            head.short()
        ))
    }

    /// The repository for looking only: nothing is made, and no lock is needed.
    ///
    /// # Errors
    /// When it is not a usable repository, with the cure.
    pub async fn reader(
        config: &RepoConfig,
        state_dir: &Path,
        path: &OsStr,
    ) -> Result<Self, Fatal> {
        let git = Git::find(path).map_err(Fatal::Repo)?;
        examine(&git, config).await?;
        Ok(Self {
            git,
            checkout: config.path.clone(),
            worktree: state_dir.join("worktree"),
            branch: config.branch.clone(),
            notes: Vec::new(),
        })
    }

    /// Opens the repository and makes or mends secloop's own worktree. The run lock must be held.
    ///
    /// # Errors
    /// [`Fatal::Repo`] when it is not a usable repository, with the cure.
    pub async fn open(config: &RepoConfig, state_dir: &Path, path: &OsStr) -> Result<Self, Fatal> {
        let git = Git::find(path).map_err(Fatal::Repo)?;
        let (head, mut notes) = examine(&git, config).await?;
        let worktree = state_dir.join("worktree");
        let repo = Self {
            git,
            checkout: config.path.clone(),
            worktree,
            branch: config.branch.clone(),
            notes: Vec::new(),
        };
        notes.extend(repo.unlock().await.map_err(Fatal::Repo)?);
        notes.extend(repo.foreign_locks().await.map_err(Fatal::Repo)?);
        repo.ready(&head, &mut notes).await.map_err(Fatal::Repo)?;
        Ok(Self { notes, ..repo })
    }

    /// What a person should know about the repository.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The head of secloop's branch.
    ///
    /// # Errors
    /// When git fails.
    pub async fn head(&self) -> Result<CommitId, Fatal> {
        self.rev(&format!("refs/heads/{}", self.branch))
            .await
            .map_err(Fatal::Repo)
    }

    /// The commit that a name stands for.
    ///
    /// # Errors
    /// When there is none.
    pub async fn named(&self, name: &str) -> Result<CommitId, Fatal> {
        let unknown = || {
            Fatal::NotFound(format!(
                "{name} names no commit of the playbook's repository"
            ))
        };
        if name.starts_with('-') {
            return Err(unknown());
        }
        self.rev(name).await.map_err(|_| unknown())
    }

    pub(super) async fn rev(&self, name: &str) -> Result<CommitId, String> {
        let name = format!("{name}^{{commit}}");
        self.git
            .out(&self.checkout, &["rev-parse", "--verify", "--quiet", &name])
            .await
            .map(CommitId)
    }

    async fn ready(&self, head: &CommitId, notes: &mut Vec<String>) -> Result<(), String> {
        let full = format!("refs/heads/{}", self.branch);
        let git =
            |args: Vec<String>| async move { self.git.out(&self.checkout, &args).await.map(drop) };
        let worktree = self.worktree.display().to_string();
        match self.rev(&full).await {
            Err(_) => {
                git(vec![
                    "branch".into(),
                    "--no-track".into(),
                    self.branch.clone(),
                    head.to_string(),
                ])
                .await?;
            }
            Ok(ours) if ours == *head => {}
            Ok(ours) if self.is_ancestor(&ours, head).await => {
                notes.push(format!("{} moved on to {}", self.branch, head.short()));
                git(vec![
                    "update-ref".into(),
                    full.clone(),
                    head.to_string(),
                    ours.to_string(),
                ])
                .await?;
            }
            Ok(ours) if self.is_ancestor(head, &ours).await => {}
            Ok(ours) => notes.push(format!(
                "{} ({}) and the checkout ({}) have diverged: going on from the branch; merge it \
                 to bring them together",
                self.branch,
                ours.short(),
                head.short()
            )),
        }
        // A registration whose directory is gone, or a directory that is no worktree any more.
        git(vec!["worktree".into(), "prune".into()]).await?;
        let alive = self
            .git
            .out(&self.worktree, &["rev-parse", "--show-toplevel"])
            .await
            .is_ok()
            && self.worktree.join(".git").is_file()
            && self.common_dir(&self.worktree).await? == self.common_dir(&self.checkout).await?;
        if !alive {
            remove(&self.worktree).map_err(|e| format!("{worktree}: {e}"))?;
            git(vec!["worktree".into(), "prune".into()]).await?;
            git(vec![
                "worktree".into(),
                "add".into(),
                "--quiet".into(),
                // Twice: also where a git that was killed in making it left it locked.
                "--force".into(),
                "--force".into(),
                worktree.clone(),
                self.branch.clone(),
            ])
            .await?;
        }
        self.reset().await
    }

    /// Brings the worktree to the head of the branch, whatever a dead run left in it.
    ///
    /// # Errors
    /// When git fails.
    pub(super) async fn reset(&self) -> Result<(), String> {
        let dir = self
            .git
            .out(&self.worktree, &["rev-parse", "--absolute-git-dir"])
            .await?;
        self.unlock().await?;
        let reference = format!("refs/heads/{}", self.branch);
        self.git
            .out(&self.worktree, &["symbolic-ref", "HEAD", &reference])
            .await?;
        let hard = ["reset", "--quiet", "--hard", "HEAD"];
        if self.git.out(&self.worktree, &hard).await.is_err() {
            // An index that a crash left torn; everything in it comes from the head anyway.
            let _ = std::fs::remove_file(Path::new(&dir).join("index"));
            self.git.out(&self.worktree, &hard).await?;
        }
        self.git
            .out(&self.worktree, &["clean", "-ffdxq"])
            .await
            .map(drop)
    }

    /// Where the repository that a checkout belongs to keeps its objects.
    pub(super) async fn common_dir(&self, checkout: &Path) -> Result<String, String> {
        let args = ["rev-parse", "--path-format=absolute", "--git-common-dir"];
        self.git.out(checkout, &args).await
    }

    async fn is_ancestor(&self, old: &CommitId, new: &CommitId) -> bool {
        let args = ["merge-base", "--is-ancestor", old.as_str(), new.as_str()];
        self.git.out(&self.checkout, &args).await.is_ok()
    }

    /// Pushes the branch to `origin`, never forced, with what `env` says about reaching it.
    ///
    /// # Errors
    /// In git's words.
    pub async fn push(&self, env: &BTreeMap<String, String>) -> Result<(), String> {
        self.git.push(&self.worktree, &self.branch, env).await
    }
}

/// Removes whatever is there; a link itself, not what it points to.
fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
    }
}

async fn examine(git: &Git, config: &RepoConfig) -> Result<(CommitId, Vec<String>), Fatal> {
    let path = &config.path;
    let refuse = |why: &str| Fatal::Repo(format!("{}: {why}", path.display()));
    if !path.is_dir() {
        return Err(refuse("no such directory; set repo.path"));
    }
    let inside = git.out(path, &["rev-parse", "--is-inside-work-tree"]).await;
    let bare = path.join("HEAD").is_file() && path.join("objects").is_dir();
    match inside.as_deref() {
        Ok("true") => {}
        _ if bare => return Err(refuse("a bare repository; set repo.path to a checkout")),
        Ok(_) => return Err(refuse("inside .git; set repo.path to the checkout")),
        Err(why) => {
            return Err(refuse(&format!(
                "not a git repository ({why}); run `git init` and commit the playbook, or set \
                 repo.path"
            )));
        }
    }
    let top = git
        .out(path, &["rev-parse", "--show-toplevel"])
        .await
        .map_err(Fatal::Repo)?;
    let same = std::fs::canonicalize(&top).ok() == std::fs::canonicalize(path).ok();
    if !same {
        return Err(refuse(&format!(
            "inside a repository, not its top; set repo.path to {top}"
        )));
    }
    let head = git
        .out(path, &["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])
        .await
        .map_err(|_| refuse("no commit yet; commit the playbook first"))?;
    let mut notes = Vec::new();
    let branch = git
        .out(path, &["symbolic-ref", "--quiet", "--short", "HEAD"])
        .await;
    if branch.as_ref().is_ok_and(|b| *b == config.branch) {
        return Err(refuse(&format!(
            "the checkout is on {}, which is secloop's own branch: `git switch` to another",
            config.branch
        )));
    }
    if branch.is_err() {
        notes.push("the checkout is on a detached HEAD; starting from that commit".to_owned());
    }
    let dirty = git
        .out(path, &["status", "--porcelain", "--ignore-submodules"])
        .await;
    if dirty.is_ok_and(|d| !d.is_empty()) {
        notes.push(
            "the checkout has uncommitted work; it is left alone and not part of this".to_owned(),
        );
    }
    Ok((CommitId(head), notes))
}
