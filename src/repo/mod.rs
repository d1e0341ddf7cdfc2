//! The playbook's repository, through secloop's own worktree on its own branch.
//!
//! The user's checkout is only read: its files, index, branch and uncommitted work never change.
//! Host git runs with a pinned configuration, and never inside an agent's clone.

mod changes;
mod commit;
mod git;
mod intake;
mod landed;
mod locks;
mod names;
mod open;
mod reverse;
mod tree;

pub use changes::{Change, Changes, Kind};
pub use landed::{Landed, Trailer, finding_trailer, probe_trailer, reverts_trailer};
pub use names::{folded, is_dot_git};
pub use open::{Repo, init_with_all};

/// A commit's full object name.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct CommitId(String);

impl CommitId {
    /// The first ten characters, as shown to people.
    pub fn short(&self) -> String {
        self.0.chars().take(10).collect()
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for CommitId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
