//! The paths that a run's tasks name: what the playbook declares to change.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::ansible::AnsibleRun;

/// Absolute paths named by the tasks of a run, without those so short that they would mean half
/// the machine (fewer than three parts, such as `/etc`).
pub fn declared_paths(run: &AnsibleRun) -> Vec<PathBuf> {
    let all: BTreeSet<PathBuf> = run
        .events
        .tasks
        .iter()
        .flat_map(|task| &task.paths)
        .filter(|path| is_specific(path))
        .cloned()
        .collect();
    all.into_iter().collect()
}

fn is_specific(path: &Path) -> bool {
    let plain = path
        .components()
        .all(|c| matches!(c, Component::RootDir | Component::Normal(_)));
    path.is_absolute() && plain && path.components().count() > 2
}
