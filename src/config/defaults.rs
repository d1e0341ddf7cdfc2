//! Defaults that the loader, `init` and its file share.

use std::path::Path;
use std::time::Duration;

/// Files below the home directory that hardening touches and that nothing else rewrites.
pub(super) const WATCHED: [&str; 13] = [
    ".claude/settings.json",
    ".claude/hooks",
    ".ssh/authorized_keys",
    ".ssh/config",
    ".gitconfig",
    ".config/git",
    ".zprofile",
    ".zshrc",
    ".zshenv",
    ".bashrc",
    ".bash_profile",
    ".profile",
    "Library/LaunchAgents",
];

/// Lines that do nothing and may come along with an improvement.
pub(crate) const IDLE_LINES: usize = 40;

/// How many tokens of a prompt what is remembered may take.
pub(crate) const MEMORY_TOKENS: usize = 2_000;

/// How long the proof of an apply may take: two runs of Ansible, and the probes.
pub(super) fn deadman(run: Duration) -> Duration {
    run * 2 + Duration::from_mins(15)
}

/// Directories of a role or beside a play that belong to it.
const PARTS: [&str; 9] = [
    "defaults",
    "files",
    "group_vars",
    "handlers",
    "host_vars",
    "roles",
    "tasks",
    "templates",
    "vars",
];

/// What a proposal may touch where nothing else is said: the playbook's own directory; in a
/// repository's top only the playbook and its parts.
pub(super) fn allowed(top: &Path, playbook: &Path) -> Vec<String> {
    match playbook.parent().filter(|p| !p.as_os_str().is_empty()) {
        Some(around) => vec![format!("{}/", around.display())],
        None => std::iter::once(playbook.display().to_string())
            .chain(
                PARTS
                    .iter()
                    .filter(|part| top.join(part).is_dir())
                    .map(|part| format!("{part}/")),
            )
            .collect(),
    }
}
