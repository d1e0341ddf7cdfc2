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

/// Those of them that are directories which tasks only make: what is in them is not the playbook's.
pub fn declared_entries(run: &AnsibleRun) -> Vec<PathBuf> {
    let named = |path: &PathBuf| {
        run.events
            .tasks
            .iter()
            .filter(|task| task.paths.contains(path))
            .all(|task| task.entry_only)
    };
    declared_paths(run).into_iter().filter(named).collect()
}

fn is_specific(path: &Path) -> bool {
    let plain = path
        .components()
        .all(|c| matches!(c, Component::RootDir | Component::Normal(_)));
    path.is_absolute() && plain && path.components().count() > 2
}
