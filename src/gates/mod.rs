//! gates
use std::path::Path;

use crate::config::RepoConfig;
use crate::repo::Changes;
use crate::turn::Verdict;

/// Scope.
pub fn scope(_changes: &Changes, _repo: &RepoConfig, _playbook: &Path) -> Verdict {
    Verdict::Passed
}

/// Policy.
pub fn policy(_changes: &Changes, _playbook: &Path) -> Verdict {
    Verdict::Passed
}

/// Secrets.
pub fn secrets(_changes: &Changes, _texts: &[String]) -> Verdict {
    Verdict::Passed
}
