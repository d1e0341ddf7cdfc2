//! Opening: what is refused, what is made, what is mended, and that the checkout stays as it is.

use std::os::unix::fs::symlink;

use crate::support::git::{BRANCH, Checkout, files, git, write};

#[tokio::test]
async fn a_worktree_is_made_and_the_checkout_stays_as_it_is() {
    let at = Checkout::new();
    write(&at.top().join("staged.yml"), "staged\n");
    git(at.top(), &["add", "staged.yml"]);
    write(&at.top().join("site.yml"), "dirty\n");
    write(&at.top().join("untracked.yml"), "untracked\n");
    let status = git(at.top(), &["status", "--porcelain"]);
    let before = files(at.top());

    let repo = at.open().await;

    let after = files(at.top());
    for (path, was) in &before {
        assert_eq!(after.get(path), Some(was), "{}", path.display());
    }
    let own = [
        ".git/worktrees/worktree",
        ".git/refs/heads/secloop",
        ".git/logs/refs/heads/secloop",
    ];
    for path in after.keys().filter(|p| !before.contains_key(*p)) {
        assert!(
            own.iter().any(|o| path.starts_with(o)),
            "{}",
            path.display()
        );
    }
    assert_eq!(git(at.top(), &["status", "--porcelain"]), status);
    assert_eq!(
        git(&at.worktree(), &["symbolic-ref", "--short", "HEAD"]),
        BRANCH
    );
    assert_eq!(git(&at.worktree(), &["status", "--porcelain"]), "");
    assert_eq!(
        git(at.top(), &["rev-parse", "HEAD"]),
        repo.head().await.unwrap().as_str()
    );
    let original = std::fs::read_to_string(at.worktree().join("site.yml")).unwrap();
    assert_eq!(original, "- hosts: localhost\n");
    assert!(!at.worktree().join("staged.yml").exists());
    assert!(!at.worktree().join("untracked.yml").exists());
    assert_eq!(repo.notes().len(), 1);
    assert!(
        repo.notes()[0].contains("uncommitted work"),
        "{:?}",
        repo.notes()
    );
}

#[tokio::test]
async fn a_clean_checkout_opens_twice_without_a_note() {
    let at = Checkout::new();
    at.open().await;
    let repo = at.open().await;
    assert_eq!(repo.notes(), Vec::<String>::new());
}

#[tokio::test]
async fn a_detached_head_works_and_is_noted() {
    let at = Checkout::new();
    git(at.top(), &["checkout", "--quiet", "--detach"]);
    let repo = at.open().await;
    assert!(
        repo.notes()[0].contains("detached HEAD"),
        "{:?}",
        repo.notes()
    );
    assert_eq!(
        git(at.top(), &["rev-parse", "HEAD"]),
        repo.head().await.unwrap().as_str()
    );
}

#[tokio::test]
async fn what_is_no_usable_checkout_is_refused_with_the_cure() {
    let at = Checkout::empty();
    let why = at.refusal().await;
    assert!(
        why.contains("no commit yet; commit the playbook first"),
        "{why}"
    );

    let mut at = Checkout::new();
    at.config.path = at.dir().join("nowhere");
    let why = at.refusal().await;
    assert!(why.contains("no such directory; set repo.path"), "{why}");

    at.config.path = at.dir().join("plain");
    std::fs::create_dir(&at.config.path).unwrap();
    let why = at.refusal().await;
    assert!(why.contains("not a git repository"), "{why}");
    assert!(why.contains("git init"), "{why}");
    assert!(!at.config.path.join(".git").exists());
}

#[tokio::test]
async fn a_bare_repository_is_refused_as_such() {
    let mut at = Checkout::new();
    let bare = at.dir().join("bare.git");
    let (from, to) = (at.top().to_str().unwrap(), bare.to_str().unwrap());
    git(at.dir(), &["clone", "--quiet", "--bare", from, to]);
    at.config.path = bare;
    let why = at.refusal().await;
    assert!(
        why.contains("a bare repository; set repo.path to a checkout"),
        "{why}"
    );
}

#[tokio::test]
async fn a_directory_inside_the_checkout_is_refused_with_the_top() {
    let mut at = Checkout::new();
    let top = at.config.path.clone();
    at.config.path = top.join("roles");
    let why = at.refusal().await;
    assert!(
        why.contains(&format!("set repo.path to {}", top.display())),
        "{why}"
    );
}

#[tokio::test]
async fn a_checkout_on_our_own_branch_is_refused() {
    let at = Checkout::new();
    git(at.top(), &["checkout", "--quiet", "-b", BRANCH]);
    let why = at.refusal().await;
    assert!(why.contains(BRANCH) && why.contains("git switch"), "{why}");
}

/// Opens again and expects a worktree that is as good as new.
async fn mended(at: &Checkout) {
    let repo = at.open().await;
    assert_eq!(
        git(&at.worktree(), &["symbolic-ref", "--short", "HEAD"]),
        BRANCH
    );
    assert_eq!(
        git(&at.worktree(), &["status", "--porcelain", "--ignored"]),
        ""
    );
    let head = git(&at.worktree(), &["rev-parse", "HEAD"]);
    assert_eq!(head, repo.head().await.unwrap().as_str());
    assert_eq!(
        git(
            &at.worktree(),
            &["rev-parse", "--path-format=absolute", "--git-common-dir"]
        ),
        at.top().join(".git").to_str().unwrap()
    );
    assert!(at.worktree().join("site.yml").is_file());
}

#[tokio::test]
async fn a_worktree_that_is_gone_or_is_something_else_is_made_again() {
    let at = Checkout::new();
    at.open().await;
    std::fs::remove_dir_all(at.worktree()).unwrap();
    mended(&at).await;

    std::fs::remove_file(at.worktree().join(".git")).unwrap();
    mended(&at).await;

    write(&at.worktree().join(".git"), "gitdir: /nonexistent\n");
    mended(&at).await;

    std::fs::remove_dir_all(at.worktree()).unwrap();
    write(&at.worktree(), "a file");
    mended(&at).await;

    std::fs::remove_dir_all(at.worktree()).unwrap();
    symlink("/nonexistent", at.worktree()).unwrap();
    mended(&at).await;
}

#[tokio::test]
async fn a_worktree_of_another_checkout_is_not_used() {
    let (at, other) = (Checkout::new(), Checkout::new());
    at.open().await;
    write(&other.top().join("other.yml"), "other\n");
    other.commit("Another playbook");
    let state = at.dir().join("state");
    let path = std::env::var_os("PATH").unwrap();
    let repo = secloop::repo::Repo::open(&other.config, &state, &path)
        .await
        .unwrap();
    assert_eq!(
        git(&at.worktree(), &["rev-parse", "HEAD"]),
        repo.head().await.unwrap().as_str()
    );
    assert!(at.worktree().join("other.yml").is_file());
}

#[tokio::test]
async fn what_a_dead_run_left_in_the_worktree_is_cleared() {
    let at = Checkout::new();
    at.open().await;
    let private = at.top().join(".git/worktrees/worktree");
    write(&private.join("index.lock"), "");
    write(&private.join("HEAD.lock"), "");
    write(&at.worktree().join("site.yml"), "half written");
    write(&at.worktree().join("new/deep/file.yml"), "new");
    write(&at.worktree().join("ignored.log"), "ignored");
    git(
        at.dir(),
        &[
            "init",
            "--quiet",
            at.worktree().join("nested").to_str().unwrap(),
        ],
    );
    std::fs::remove_file(at.worktree().join("run.sh")).unwrap();
    mended(&at).await;
    assert!(!at.worktree().join("nested").exists());
    assert!(!private.join("index.lock").exists());

    write(&private.join("index"), "no index");
    mended(&at).await;

    git(&at.worktree(), &["checkout", "--quiet", "--detach"]);
    mended(&at).await;
}

#[tokio::test]
async fn a_merge_moves_our_branch_forward() {
    let at = Checkout::new();
    at.open().await;
    write(&at.top().join("more.yml"), "more\n");
    at.commit("More");
    let repo = at.open().await;
    assert_eq!(
        git(at.top(), &["rev-parse", "HEAD"]),
        repo.head().await.unwrap().as_str()
    );
    assert!(at.worktree().join("more.yml").is_file());
    assert!(repo.notes()[0].contains("moved on"), "{:?}", repo.notes());

    // Ahead of the checkout is the usual state and no news.
    write(&at.worktree().join("ours.yml"), "ours\n");
    git(&at.worktree(), &["add", "ours.yml"]);
    git(&at.worktree(), &["commit", "--quiet", "-m", "Ours"]);
    let ours = git(&at.worktree(), &["rev-parse", "HEAD"]);
    let repo = at.open().await;
    assert_eq!(repo.head().await.unwrap().as_str(), ours);
    assert_eq!(repo.notes(), Vec::<String>::new());

    // The user takes it with a merge commit.
    git(
        at.top(),
        &["merge", "--quiet", "--no-ff", "-m", "Take it", BRANCH],
    );
    let repo = at.open().await;
    assert_eq!(
        git(at.top(), &["rev-parse", "HEAD"]),
        repo.head().await.unwrap().as_str()
    );
}

#[tokio::test]
async fn diverged_branches_are_kept_and_noted() {
    let at = Checkout::new();
    at.open().await;
    write(&at.worktree().join("ours.yml"), "ours\n");
    git(&at.worktree(), &["add", "ours.yml"]);
    git(&at.worktree(), &["commit", "--quiet", "-m", "Ours"]);
    let ours = git(&at.worktree(), &["rev-parse", "HEAD"]);
    write(&at.top().join("theirs.yml"), "theirs\n");
    at.commit("Theirs");
    let theirs = git(at.top(), &["rev-parse", "HEAD"]);

    let repo = at.open().await;
    assert_eq!(repo.head().await.unwrap().as_str(), ours);
    assert_eq!(git(at.top(), &["rev-parse", "HEAD"]), theirs);
    assert!(repo.notes()[0].contains("diverged"), "{:?}", repo.notes());
    assert!(at.worktree().join("ours.yml").is_file());
    assert!(!at.worktree().join("theirs.yml").exists());
}
