//! A user's checkout in a temporary place, made with real git.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use secloop::config::RepoConfig;
use secloop::error::Fatal;
use secloop::repo::{Changes, Repo};

/// The branch that the tests' configuration names.
pub(crate) const BRANCH: &str = "secloop/hardening";

/// Runs git as the user would, with nobody's configuration, and gives its output.
#[expect(clippy::disallowed_methods, reason = "the user's own git")]
pub(crate) fn git(dir: &Path, args: &[&str]) -> String {
    let done = std::process::Command::new("git")
        .args(args)
        .current_dir(dir)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", "/nonexistent")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "User")
        .env("GIT_AUTHOR_EMAIL", "user@localhost")
        .env("GIT_COMMITTER_NAME", "User")
        .env("GIT_COMMITTER_EMAIL", "user@localhost")
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "git {args:?}: {err}");
    String::from_utf8(done.stdout)
        .unwrap()
        .trim_end()
        .to_owned()
}

/// Writes a file and the directories above it.
pub(crate) fn write(path: &Path, content: impl AsRef<[u8]>) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

/// Sets a file's mode.
pub(crate) fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

/// Every file and link below `dir` with its content and mode.
pub(crate) fn files(dir: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let mut all = BTreeMap::new();
    let mut left = vec![dir.to_owned()];
    while let Some(at) = left.pop() {
        for entry in std::fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            let meta = std::fs::symlink_metadata(&path).unwrap();
            if meta.is_dir() {
                left.push(path);
                continue;
            }
            let content = if meta.is_symlink() {
                let to = std::fs::read_link(&path).unwrap();
                to.into_os_string().into_encoded_bytes()
            } else {
                std::fs::read(&path).unwrap()
            };
            let below = path.strip_prefix(dir).unwrap().to_owned();
            all.insert(below, (meta.permissions().mode(), content));
        }
    }
    all
}

/// A checkout with one commit, and a place for secloop's state.
pub(crate) struct Checkout {
    dir: tempfile::TempDir,
    pub(crate) config: RepoConfig,
}

impl Checkout {
    /// With `site.yml`, an executable `run.sh`, `roles/a/tasks/main.yml` and `.gitignore`.
    pub(crate) fn new() -> Self {
        let at = Self::empty();
        write(&at.top().join("site.yml"), "- hosts: localhost\n");
        write(&at.top().join("run.sh"), "#!/bin/sh\n");
        chmod(&at.top().join("run.sh"), 0o755);
        write(
            &at.top().join("roles/a/tasks/main.yml"),
            "one\ntwo\nthree\n",
        );
        write(&at.top().join(".gitignore"), "*.log\n!keep.log\n");
        at.commit("The playbook");
        at
    }

    /// Without any commit.
    pub(crate) fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().join("checkout");
        std::fs::create_dir(&top).unwrap();
        git(&top, &["init", "--quiet", "--initial-branch=main"]);
        let config = RepoConfig {
            path: top,
            branch: BRANCH.to_owned(),
            push: false,
            idle_lines: 40,
            allowed: vec![String::new()],
            off_limits: Vec::new(),
        };
        Self { dir, config }
    }

    /// The place that holds everything.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The checkout's top.
    pub(crate) fn top(&self) -> &Path {
        &self.config.path
    }

    /// secloop's own worktree.
    pub(crate) fn worktree(&self) -> PathBuf {
        self.dir.path().join("state/worktree")
    }

    /// Commits everything in the checkout as the user.
    pub(crate) fn commit(&self, message: &str) {
        git(self.top(), &["add", "--all"]);
        git(self.top(), &["commit", "--quiet", "-m", message]);
    }

    pub(crate) async fn try_open(&self) -> Result<Repo, Fatal> {
        let state = self.dir.path().join("state");
        std::fs::create_dir_all(&state).unwrap();
        Repo::open(&self.config, &state, &std::env::var_os("PATH").unwrap()).await
    }

    pub(crate) async fn open(&self) -> Repo {
        self.try_open().await.unwrap()
    }

    /// Why it can't be opened; looking without making anything must say the same.
    pub(crate) async fn refusal(&self) -> String {
        let why = self.try_open().await.unwrap_err().to_string();
        let path = std::env::var_os("PATH").unwrap();
        let looked = Repo::check(&self.config, &path).await.unwrap_err();
        assert_eq!(looked.to_string(), why);
        why
    }

    /// Opens it and makes an agent's clone.
    pub(crate) async fn cloned(&self) -> (Repo, PathBuf) {
        let repo = self.open().await;
        let clone = self.dir.path().join("clone");
        repo.clone_for_agent(&clone).await.unwrap();
        (repo, clone)
    }

    /// What `edit` did to a fresh clone.
    pub(crate) async fn edited(&self, edit: impl FnOnce(&Path)) -> (Repo, Changes) {
        let (repo, clone) = self.cloned().await;
        edit(&clone);
        let changes = repo.changes(&clone).await.unwrap();
        (repo, changes)
    }

    /// Why what `edit` did to a fresh clone is refused.
    pub(crate) async fn refused(&self, edit: impl FnOnce(&Path)) -> String {
        let (repo, clone) = self.cloned().await;
        edit(&clone);
        repo.changes(&clone).await.unwrap_err()
    }
}
