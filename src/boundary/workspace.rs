//! The user's own tree, by what the agent leaves in its copy of it.

use std::fs;
use std::path::Path;

use super::Open::Anyone;
use super::Seen::Outside;
use super::files::{append, done, write};
use super::{Ground, Probe};

macro_rules! changes {
    ($name:literal, $what:literal, $path:literal) => {
        Probe::new(
            $name,
            $what,
            Outside(|a| a.changed(concat!("parent/ws/", $path))),
            Anyone,
            |g| append(&g.ws($path)),
        )
    };
}
macro_rules! makes {
    ($name:literal, $what:literal, $path:literal) => {
        Probe::new(
            $name,
            $what,
            Outside(|a| a.has(concat!("parent/ws/", $path))),
            Anyone,
            |g| made(g, $path),
        )
    };
}

pub(super) const ALL: &[Probe] = &[
    changes!(
        "git_hooks",
        "a hook of its repository",
        ".git/hooks/pre-commit"
    ),
    makes!("git_hooks_new", "a new hook", ".git/hooks/post-checkout"),
    changes!(
        "git_config",
        "the repository's configuration",
        ".git/config"
    ),
    Probe::new(
        "git_rename",
        "another repository in the place of the first",
        Outside(|a| a.has("parent/ws/.git.old")),
        Anyone,
        |g| done(fs::rename(g.ws(".git"), g.ws(".git.old"))),
    ),
    changes!(
        "git_nested",
        "a hook of a repository within",
        "sub/.git/hooks/pre-commit"
    ),
    makes!(
        "git_nested_new",
        "a new repository within",
        "new/.git/hooks/pre-commit"
    ),
    changes!(
        "claude_settings",
        "the agent's settings",
        ".claude/settings.json"
    ),
    makes!(
        "claude_settings_new",
        "new settings further down",
        "new/.claude/settings.json"
    ),
    makes!(
        "claude_local_new",
        "new local settings",
        ".claude/settings.local.json"
    ),
    changes!("ws_bashrc", "a shell's start-up file", ".bashrc"),
    makes!("ws_bashrc_new", "a new start-up file", ".zshrc"),
    changes!("mcp_json", "the tools that an agent is given", ".mcp.json"),
    makes!("vscode_tasks", "what an editor runs", ".vscode/tasks.json"),
];

fn made(ground: &Ground, path: &str) -> std::io::Result<String> {
    let path = ground.ws(path);
    fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
    write(&path)
}
