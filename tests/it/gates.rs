//! The static gates, by tables: what is proposed and what they say.

mod changes;
mod honest;
mod offline;
mod policy;
mod resolved;
mod scope;
mod secrets;
mod substance;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use secloop::config::RepoConfig;
use secloop::repo::{Change, Changes, CommitId, Kind, Repo, init_with_all};
use secloop::turn::Verdict;

const FILE: u32 = 0o100_644;
const EXECUTABLE: u32 = 0o100_755;

/// The commit of a repository made for the purpose: nothing else makes one.
fn base() -> CommitId {
    static BASE: OnceLock<CommitId> = OnceLock::new();
    BASE.get_or_init(|| {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        std::thread::scope(|s| s.spawn(|| runtime.block_on(make_base())).join().unwrap())
    })
    .clone()
}

async fn make_base() -> CommitId {
    let dir = tempfile::tempdir().unwrap();
    let (top, state) = (dir.path().join("top"), dir.path().join("state"));
    std::fs::create_dir_all(&top).unwrap();
    std::fs::create_dir_all(&state).unwrap();
    std::fs::write(top.join("a"), "a\n").unwrap();
    let path = std::env::var_os("PATH").unwrap();
    init_with_all(&top, "a", &path).await.unwrap();
    let repo = Repo::open(&repo_config(&top, &[]), &state, &path)
        .await
        .unwrap();
    repo.head().await.unwrap()
}

fn repo_config(path: &Path, allowed: &[&str]) -> RepoConfig {
    RepoConfig {
        path: path.to_owned(),
        branch: "secloop/test".to_owned(),
        push: false,
        idle_lines: 40,
        allowed: allowed.iter().map(|a| (*a).to_owned()).collect(),
        off_limits: vec!["ansible/vault/".to_owned()],
    }
}

/// A change of a file from `old` to `new`.
fn change(path: &str, old: Option<&str>, new: Option<&str>) -> Change {
    let mode = if path.ends_with(".sh") {
        EXECUTABLE
    } else {
        FILE
    };
    Change {
        path: PathBuf::from(path),
        kind: match (old, new) {
            (None, _) => Kind::Added,
            (_, None) => Kind::Deleted,
            _ => Kind::Modified,
        },
        old: old.map(|o| o.as_bytes().to_vec()),
        new: new.map(|n| n.as_bytes().to_vec()),
        old_mode: if old.is_some() { mode } else { 0 },
        new_mode: if new.is_some() { mode } else { 0 },
    }
}

fn changes(all: Vec<Change>) -> Changes {
    beside(all, &[])
}

/// Changes beside files that stay as they are.
fn beside(all: Vec<Change>, standing: &[(&str, &str)]) -> Changes {
    let standing = standing
        .iter()
        .map(|(path, text)| (PathBuf::from(path), text.as_bytes().to_vec()));
    Changes::from_parts(base(), all, standing.collect())
}

/// Asserts a verdict: "" is passed, "refused: X" and "held: X" contain X.
#[track_caller]
fn assert_says(case: &str, verdict: &Verdict, says: &str) {
    let good = match (verdict, says.split_once(": ")) {
        (Verdict::Passed, None) => says.is_empty(),
        (Verdict::Refused(why), Some(("refused", part)))
        | (Verdict::Held(why), Some(("held", part))) => why.contains(part),
        _ => false,
    };
    assert!(good, "{case}\n  expected {says:?}\n  got {verdict:?}");
}
