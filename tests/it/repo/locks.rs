//! Locks that a killed git leaves: ours go, those of the user stay and are said.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::git::{BRANCH, Checkout, git, write};

/// A git that is at work in the checkout until it is ended. With `transaction` it holds what that
/// locks.
#[expect(clippy::disallowed_methods, reason = "the user's own git")]
fn at_work(dir: &Path, args: &[&str], transaction: &str) -> Child {
    let mut child = Command::new("git")
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(transaction.as_bytes()).unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let answered = ["start", "prepare"];
    for _ in transaction.lines().filter(|l| answered.contains(l)) {
        stdout.read_line(&mut String::new()).unwrap();
    }
    child.stdin = Some(stdin);
    child
}

fn end(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn locks_of_a_killed_git_in_our_own_places_are_removed_and_said() {
    let at = Checkout::new();
    let first = at.open().await.head().await.unwrap();
    let private = at.top().join(".git/worktrees/worktree");
    let branch = at.top().join(format!(".git/refs/heads/{BRANCH}.lock"));
    let mut locks: Vec<_> = ["index.lock", "HEAD.lock", "logs/HEAD.lock"]
        .map(|name| private.join(name))
        .into();
    for lock in &locks {
        write(lock, "");
    }
    // A real one: killed between taking the lock and letting go of it.
    let transaction = format!("start\nverify refs/heads/{BRANCH} {first}\nprepare\n");
    let git = at_work(at.top(), &["update-ref", "--stdin"], &transaction);
    end(git);
    assert!(branch.exists());
    locks.push(branch);

    let repo = at.open().await;
    for lock in &locks {
        assert!(!lock.exists(), "{}", lock.display());
        let said = format!("removed {}", lock.display());
        assert!(repo.notes().iter().any(|n| n.starts_with(&said)), "{said}");
    }
    assert_eq!(repo.head().await.unwrap(), first);
    assert!(at.open().await.notes().is_empty());
}

#[tokio::test]
async fn a_lock_stays_while_a_git_is_at_work_in_the_repository() {
    let at = Checkout::new();
    at.open().await;
    let lock = at.top().join(".git/worktrees/worktree/index.lock");
    write(&lock, "");
    for place in [at.top().to_owned(), at.worktree(), at.top().join("roles")] {
        let git = at_work(&place, &["cat-file", "--batch"], "");
        let why = at.try_open().await.unwrap_err().to_string();
        assert!(why.contains(&format!("process {}", git.id())), "{why}");
        assert!(
            why.contains("index.lock") && why.contains("start again"),
            "{why}"
        );
        assert!(lock.exists());
        end(git);
    }
    // One at work elsewhere is no reason.
    let elsewhere = tempfile::tempdir().unwrap();
    let git = at_work(elsewhere.path(), &["hash-object", "--stdin"], "");
    at.open().await;
    assert!(!lock.exists());
    end(git);
}

#[tokio::test]
async fn the_users_own_locks_are_never_touched_and_said_when_they_are_dead() {
    let at = Checkout::new();
    at.open().await;
    let locks = ["index.lock", "HEAD.lock", "packed-refs.lock", "config.lock"]
        .map(|name| at.top().join(".git").join(name));
    for lock in &locks {
        write(lock, "");
    }
    let git = at_work(at.top(), &["cat-file", "--batch"], "");
    assert_eq!(at.open().await.notes(), Vec::<String>::new());
    end(git);
    // A process of another test may be about to become a program, and nobody knows then where it works:
    // nothing is said until that is known.
    let cures = locks.clone().map(|lock| format!("`rm {}`", lock.display()));
    let mut missing = Vec::new();
    for _ in 0..50 {
        let repo = at.open().await;
        let said = |cure: &&String| repo.notes().iter().any(|n| n.ends_with(cure.as_str()));
        missing = cures.iter().filter(|cure| !said(cure)).cloned().collect();
        if missing.is_empty() {
            break;
        }
    }
    assert_eq!(missing, Vec::<String>::new());
    assert!(locks.iter().all(|lock| lock.exists()));
}

#[tokio::test]
async fn a_worktree_whose_making_was_killed_is_made_again() {
    let at = Checkout::new();
    at.open().await;
    // As git leaves it: registered, locked, and not there or half there.
    let locked = at.top().join(".git/worktrees/worktree/locked");
    write(&locked, "initializing");
    std::fs::remove_dir_all(at.worktree()).unwrap();
    at.open().await;
    assert!(at.worktree().join("site.yml").is_file());
    assert_eq!(git(&at.worktree(), &["status", "--porcelain"]), "");

    write(&locked, "initializing");
    std::fs::remove_file(at.worktree().join(".git")).unwrap();
    at.open().await;
    assert_eq!(git(&at.worktree(), &["status", "--porcelain"]), "");
}
