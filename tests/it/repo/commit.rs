//! The commit: exactly the proposal, on secloop's branch alone.

use std::path::Path;

use secloop::repo::Repo;

use crate::support::git::{Checkout, chmod, files, git, write};

fn edit(clone: &Path) {
    write(&clone.join("new.yml"), "new\n");
    write(&clone.join("glob[a-z]*.yml"), "odd name\n");
    std::fs::remove_file(clone.join("site.yml")).unwrap();
    chmod(&clone.join("run.sh"), 0o644);
}

#[tokio::test]
async fn exactly_the_proposal_is_committed() {
    let at = Checkout::new();
    write(&at.top().join("dirty.yml"), "dirty\n");
    let (repo, changes) = at.edited(edit).await;
    let before = files(at.top());
    let base = repo.head().await.unwrap();
    // Whatever lies in the worktree is not part of it.
    write(&at.worktree().join("stray.yml"), "stray\n");
    write(&at.worktree().join("roles/a/tasks/main.yml"), "stray\n");
    let turn = uuid::Uuid::now_v7();

    let made = repo
        .commit(&changes, "Close a port\n\nWhy.\n\n", turn, &[])
        .await
        .unwrap();

    assert_eq!(repo.head().await.unwrap(), made);
    let show = |args: &[&str]| git(at.top(), &[args, &[made.as_str()]].concat());
    assert_eq!(
        show(&["rev-parse", "HEAD"]).lines().next(),
        Some(base.as_str())
    );
    assert_eq!(
        show(&["diff-tree", "-r", "--no-commit-id", "--name-status", "-z"]),
        "A\0glob[a-z]*.yml\0A\0new.yml\0M\0run.sh\0D\0site.yml\0"
    );
    assert_eq!(
        show(&["log", "-1", "--format=%B"]),
        format!("Close a port\n\nWhy.\n\nSecloop-Turn: {turn}")
    );
    let trailer = show(&[
        "log",
        "-1",
        "--format=%(trailers:key=Secloop-Turn,valueonly)",
    ]);
    assert_eq!(trailer, turn.to_string());
    assert_eq!(show(&["log", "-1", "--format=%P"]), base.as_str());
    assert_eq!(git(&at.worktree(), &["status", "--porcelain"]), "");
    let after = files(at.top());
    for (path, was) in before.iter().filter(|(p, _)| {
        !p.starts_with(".git/worktrees") && !p.to_string_lossy().contains("heads/secloop")
    }) {
        assert_eq!(after.get(path), Some(was), "{}", path.display());
    }
}

#[tokio::test]
async fn the_commit_of_a_turn_is_found() {
    let at = Checkout::new();
    let (repo, changes) = at.edited(edit).await;
    let (turn, other) = (uuid::Uuid::now_v7(), uuid::Uuid::now_v7());
    assert_eq!(repo.find_commit(turn).await.unwrap(), None);
    let made = repo.commit(&changes, "One", turn, &[]).await.unwrap();
    write(&at.worktree().join("later.yml"), "later\n");
    git(&at.worktree(), &["add", "--all"]);
    git(&at.worktree(), &["commit", "--quiet", "-m", "Later"]);
    assert_eq!(repo.find_commit(turn).await.unwrap(), Some(made));
    assert_eq!(repo.find_commit(other).await.unwrap(), None);
}

#[tokio::test]
async fn a_branch_that_moved_meanwhile_is_not_committed_to() {
    let at = Checkout::new();
    let (repo, changes) = at.edited(edit).await;
    write(&at.worktree().join("later.yml"), "later\n");
    git(&at.worktree(), &["add", "--all"]);
    git(&at.worktree(), &["commit", "--quiet", "-m", "Later"]);
    let head = repo.head().await.unwrap();
    let why = repo
        .commit(&changes, "One", uuid::Uuid::now_v7(), &[])
        .await
        .unwrap_err();
    assert!(why.contains("moved while the change was proven"), "{why}");
    assert_eq!(repo.head().await.unwrap(), head);
    assert_eq!(git(&at.worktree(), &["status", "--porcelain"]), "");
}

/// Whether a proposal of all kinds can be committed, with nothing left behind if it can't.
async fn commits(at: &Checkout) -> Result<Repo, String> {
    let (repo, changes) = at.edited(edit).await;
    let head = repo.head().await.unwrap();
    let done = repo
        .commit(&changes, "One", uuid::Uuid::now_v7(), &[])
        .await;
    if let Err(why) = done {
        assert_eq!(repo.head().await.unwrap(), head);
        assert_eq!(git(&at.worktree(), &["status", "--porcelain"]), "");
        return Err(why);
    }
    Ok(repo)
}

#[tokio::test]
async fn the_users_hooks_and_settings_have_no_part_in_it() {
    let at = Checkout::new();
    let marker = at.dir().join("marker");
    for hook in [
        "pre-commit",
        "commit-msg",
        "post-commit",
        "post-checkout",
        "reference-transaction",
    ] {
        let path = at.top().join(".git/hooks").join(hook);
        write(
            &path,
            format!("#!/bin/sh\ntouch {}\nexit 1\n", marker.display()),
        );
        chmod(&path, 0o755);
    }
    let touch = format!("touch {}", marker.display());
    for (key, value) in [
        ("core.fsmonitor", touch.as_str()),
        ("core.fileMode", "false"),
        ("core.autocrlf", "true"),
        ("commit.gpgSign", "true"),
        ("gpg.program", &touch),
        ("core.editor", &touch),
        ("core.pager", &touch),
    ] {
        git(at.top(), &["config", key, value]);
    }
    commits(&at).await.unwrap();
    assert!(!marker.exists());
}

#[tokio::test]
async fn a_commit_that_git_would_alter_is_undone() {
    let at = Checkout::new();
    write(&at.top().join(".gitattributes"), "*.yml text eol=lf\n");
    at.commit("Attributes");
    let (repo, changes) = at.edited(|c| write(&c.join("crlf.yml"), "one\r\n")).await;
    let head = repo.head().await.unwrap();
    let why = repo
        .commit(&changes, "One", uuid::Uuid::now_v7(), &[])
        .await
        .unwrap_err();
    assert!(why.contains("exactly the proven change"), "{why}");
    assert_eq!(repo.head().await.unwrap(), head);
    assert_eq!(git(&at.worktree(), &["status", "--porcelain"]), "");
    assert!(!at.worktree().join("crlf.yml").exists());
}

/// A git that fails at what `fails` (a shell pattern) says.
fn failing_git(at: &Checkout, fails: &str) -> std::ffi::OsString {
    let path = std::env::var_os("PATH").unwrap();
    let real = secloop::process::find_on_path("git", &path).unwrap();
    let bin = at.dir().join("bin");
    write(
        &bin.join("git"),
        format!(
            "#!/bin/sh\ncase \"$*\" in {fails}) echo broken >&2; exit 1;; esac\nexec {} \"$@\"\n",
            real.display()
        ),
    );
    chmod(&bin.join("git"), 0o755);
    std::env::join_paths(std::iter::once(bin).chain(std::env::split_paths(&path))).unwrap()
}

#[tokio::test]
async fn a_commit_that_cannot_be_read_back_is_undone() {
    for fails in ["*'^^{commit}'*", "*cat-file*"] {
        let at = Checkout::new();
        let (repo, changes) = at.edited(edit).await;
        let head = repo.head().await.unwrap();
        let path = failing_git(&at, fails);
        let broken = Repo::open(&at.config, &at.dir().join("state"), &path)
            .await
            .unwrap();
        let turn = uuid::Uuid::now_v7();
        let why = broken.commit(&changes, "One", turn, &[]).await.unwrap_err();
        assert!(why.contains("broken"), "{why}");
        assert_eq!(repo.head().await.unwrap(), head, "{fails}");
        assert_eq!(repo.find_commit(turn).await.unwrap(), None);
        assert_eq!(git(&at.worktree(), &["status", "--porcelain"]), "");
    }
}
