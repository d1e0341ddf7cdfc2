//! Which files a proposal may touch, and of what kind they may be.

use std::collections::BTreeSet;
use std::path::Path;

use super::{Findings, Unknown};
use crate::config::RepoConfig;
use crate::repo::{Change, Changes, folded, is_dot_git};
use crate::turn::Verdict;

const EXECUTABLE: u32 = 0o100_755;
const FILE: u32 = 0o100_644;

/// File kinds that the other gates can judge or that nothing runs.
const KINDS: [&str; 14] = [
    "yml", "yaml", "j2", "sh", "json", "md", "conf", "toml", "txt", "cfg", "plist", "rules",
    "local", "rst",
];

/// Judges the paths, modes and plain shape of what is changed.
pub fn scope(changes: &Changes, repo: &RepoConfig, playbook: &Path) -> Verdict {
    let around = match playbook.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => format!("{}/", dir.display()),
        _ => String::new(),
    };
    let default = [around];
    let allowed = if repo.allowed.is_empty() {
        &default[..]
    } else {
        &repo.allowed[..]
    };
    let mut found = Findings::default();
    judge(changes.all(), allowed, &repo.off_limits, &mut found);
    found.verdict(Unknown::Hold)
}

/// Judges each changed file.
pub(super) fn judge(
    changes: &[Change],
    allowed: &[String],
    off_limits: &[String],
    found: &mut Findings,
) {
    for change in changes {
        place(change, allowed, off_limits, found);
        name(change, allowed, found);
        mode(change, found);
        kind(change, found);
        characters(change, found);
    }
}

fn place(change: &Change, allowed: &[String], off_limits: &[String], found: &mut Findings) {
    let path = change.path.to_string_lossy();
    if !allowed.iter().any(|prefix| below(&path, prefix)) {
        let places = allowed.iter().map(|a| if a.is_empty() { "." } else { a });
        let what = format!(
            "outside of what may be changed ({}); change files there only, or a person adds it to \
             repo.allowed",
            places.collect::<Vec<_>>().join(", ")
        );
        found.refuse("path", &change.path, None, &what);
    }
    // A file system without case takes Secrets/ for secrets/.
    let name = folded(&path);
    if let Some(prefix) = off_limits.iter().find(|p| below(&name, &folded(p))) {
        let what = format!("{prefix} is off limits (repo.off_limits); leave it as it is");
        found.refuse("path", &change.path, None, &what);
    }
}

/// Whether a path is a prefix or below it, by whole names; the empty prefix is everything.
fn below(path: &str, prefix: &str) -> bool {
    let prefix = prefix.trim_start_matches("./").trim_end_matches('/');
    prefix.is_empty()
        || prefix == "."
        || path
            .strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn name(change: &Change, allowed: &[String], found: &mut Findings) {
    let name = folded(&change.path.to_string_lossy());
    let parts: Vec<&str> = name.split('/').collect();
    let (dirs, file) = match parts.split_last() {
        Some((file, dirs)) => (dirs, *file),
        None => return,
    };
    // What a person named in `repo.allowed` as such may be touched.
    let named = allowed
        .iter()
        .filter(|prefix| below(&name, &folded(prefix)));
    let named = named.map(|p| {
        p.trim_start_matches("./")
            .split('/')
            .filter(|n| !n.is_empty())
    });
    let named = named.map(Iterator::count).max().unwrap_or(0);
    let rule = dirs
        .iter()
        .enumerate()
        .find_map(|(at, dir)| bad_dir(dir).filter(|(_, cure)| at >= named || *cure != NAMED))
        .or_else(|| bad_file(dirs, file).filter(|(_, cure)| parts.len() > named || *cure != NAMED));
    if let Some((what, cure)) = rule {
        let id = if [BY_HAND, NAMED].contains(&cure) {
            "control-file"
        } else {
            "plugin"
        };
        found.refuse(id, &change.path, None, &format!("{what}; {cure}"));
    } else if ["claude.md", "claude.local.md", "agents.md", "gemini.md"].contains(&file) {
        let what = "instructions to agents; a person decides about them";
        found.hold("agent-words", &change.path, None, what);
    }
}

type Rule = (&'static str, &'static str);

const BY_HAND: &str = "it is changed by a person, not by a proposal";
/// The cure of what a person may allow by naming it.
const NAMED: &str = "it is changed by a person, who may also name it in repo.allowed";

fn bad_dir(dir: &str) -> Option<Rule> {
    if matches!(dir, "library" | "module_utils" | "collections" | "plugins")
        || dir.ends_with("_plugins")
    {
        return Some((
            "code that Ansible loads by itself, also while it only checks",
            "use the modules that Ansible brings",
        ));
    }
    if is_dot_git(dir) {
        return Some(("git's own files", BY_HAND));
    }
    if dir.starts_with(".git") {
        return Some(("git's and the forge's own files", NAMED));
    }
    match dir {
        "git-hooks" | "githooks" | ".husky" => Some(("hooks, which git runs", NAMED)),
        ".circleci" | ".buildkite" | ".woodpecker" | ".drone" | ".teamcity"
        | ".azure-pipelines" => Some(("what runs in continuous integration", NAMED)),
        ".claude" | ".vscode" | ".idea" | ".cursor" | ".zed" | ".devcontainer" | ".codex"
        | ".gemini" | ".agents" | ".continue" | ".windsurf" | ".fleet" => {
            Some(("the settings of a tool that opens the repository", NAMED))
        }
        "inventory" | "inventories" => Some(("an inventory decides what is managed", BY_HAND)),
        _ => None,
    }
}

fn bad_file(dirs: &[&str], file: &str) -> Option<Rule> {
    if is_dot_git(file) || matches!(file, ".gitmodules" | ".gitattributes") {
        return Some(("git's own files", BY_HAND));
    }
    if file.starts_with(".git") {
        return Some(("git's and the forge's own files", NAMED));
    }
    let stem = file.split('.').next().unwrap_or(file);
    let deployed = dirs.iter().any(|d| *d == "files" || *d == "templates");
    match file {
        "ansible.cfg" | ".ansible.cfg" => Some(("it configures Ansible itself", BY_HAND)),
        "requirements.yml" | "requirements.yaml" | "galaxy.yml" | "galaxy.yaml" => {
            Some(("it names code to download", BY_HAND))
        }
        "secloop.toml" => Some(("secloop's own configuration", BY_HAND)),
        ".mcp.json" | ".claude.json" | ".envrc" | ".editorconfig" | ".devcontainer.json"
        | ".cursorrules" | ".windsurfrules" | ".mise.toml" | ".tool-versions" => {
            Some(("the settings of a tool that opens the repository", NAMED))
        }
        ".travis.yml"
        | "jenkinsfile"
        | "azure-pipelines.yml"
        | "bitbucket-pipelines.yml"
        | ".drone.yml"
        | ".woodpecker.yml"
        | ".pre-commit-config.yaml"
        | "lefthook.yml" => Some(("what runs in continuous integration or at a commit", NAMED)),
        ".ansible-lint" | ".ansible-lint-ignore" | ".yamllint" => {
            Some(("it configures a check", BY_HAND))
        }
        _ if !deployed && matches!(stem, "inventory" | "hosts") => {
            Some(("an inventory decides what is managed", BY_HAND))
        }
        _ => None,
    }
}

fn mode(change: &Change, found: &mut Findings) {
    let path = &change.path;
    let new = change.new_mode;
    if ![0, FILE, EXECUTABLE].contains(&new) || ![0, FILE, EXECUTABLE].contains(&change.old_mode) {
        let what = "a link or a submodule; put the file itself in the repository";
        found.refuse("file-mode", path, None, what);
    } else if new == EXECUTABLE && change.old_mode != EXECUTABLE && extension(change) != "sh" {
        let what = "it becomes executable; only *.sh files may, give other files mode 0644";
        found.refuse("file-mode", path, None, what);
    }
}

fn extension(change: &Change) -> String {
    change
        .path
        .extension()
        .map(|e| e.to_string_lossy().to_lowercase())
        .unwrap_or_default()
}

fn kind(change: &Change, found: &mut Findings) {
    let deployed = change.path.components().any(|c| {
        ["files", "templates"]
            .map(std::ffi::OsStr::new)
            .contains(&c.as_os_str())
    });
    // What has no ending is judged by where it goes.
    if deployed && change.path.extension().is_none() {
        return;
    }
    if !KINDS.contains(&extension(change).as_str()) {
        let what = format!(
            "no rule knows this kind of file; a person decides, or use one of .{}",
            KINDS.join(" .")
        );
        found.hold("file-kind", &change.path, None, &what);
    }
}

/// Text only, and nothing in it that reads otherwise than it works.
fn characters(change: &Change, found: &mut Findings) {
    let path = &change.path;
    if change.path.to_string_lossy().chars().any(hidden) {
        let what = "a hidden character in the name; rename the file";
        found.refuse("hidden-character", path, None, what);
    }
    let Some(new) = &change.new else { return };
    let Ok(new) = std::str::from_utf8(new) else {
        found.refuse(
            "not-text",
            path,
            None,
            "not UTF-8 text; only text can be judged",
        );
        return;
    };
    let old = String::from_utf8_lossy(change.old.as_deref().unwrap_or_default());
    let known: BTreeSet<&str> = old.lines().collect();
    for (at, line) in new.lines().enumerate() {
        let Some(c) = line.chars().find(|c| hidden(*c)) else {
            continue;
        };
        if known.contains(line) {
            continue;
        }
        let what = format!(
            "the hidden character U+{:04X}; write the text without it, or escape it",
            u32::from(c)
        );
        found.refuse("hidden-character", path, Some(at + 1), &what);
    }
}

/// Control, bidirectional, zero-width and tag characters.
fn hidden(c: char) -> bool {
    (c.is_control() && c != '\t')
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e01ef}')
}
