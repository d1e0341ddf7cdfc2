//! What a repository holds: its playbooks, how they are run, where a wiki is.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::usage;
use crate::config::defaults::allowed;
use crate::error::Fatal;
use crate::playbook::env_lookups_below;
use crate::playbook::yaml::{self, Node};

/// Directories below the top that are looked into, and how many files.
const MAX_DEPTH: usize = 5;
const MAX_FILES: usize = 20_000;
/// Largest file that may be a playbook, in bytes.
const MAX_FILE: u64 = 1 << 20;
/// Directories of others, or of build results.
const SKIPPED: [&str; 8] = [
    "node_modules",
    "target",
    "venv",
    "vendor",
    "dist",
    "build",
    "collections",
    "site-packages",
];
/// What was found in a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovery {
    /// The repository's top.
    pub top: PathBuf,
    /// The playbook, relative to it.
    pub playbook: PathBuf,
    /// Other playbooks, the likeliest first.
    pub others: Vec<PathBuf>,
    /// The arguments that people give with it.
    pub args: Vec<String>,
    /// The file that says so, relative to the top.
    pub said_in: Option<PathBuf>,
    /// What a proposal may touch.
    pub allowed: Vec<String>,
    /// Variables that the playbook reads from the environment.
    pub reads_env: BTreeSet<String>,
    /// A directory with wiki pages, relative to the top.
    pub wiki: Option<PathBuf>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// A file that is a playbook.
struct Candidate {
    path: PathBuf,
    score: i32,
}

/// Looks at the repository that `dir` belongs to.
///
/// # Errors
/// [`Fatal::Repo`] or [`Fatal::Config`] when there is no repository or no playbook, with the cure.
pub fn discover(dir: &Path) -> Result<Discovery, Fatal> {
    let dir = std::fs::canonicalize(dir)
        .map_err(|e| Fatal::Repo(format!("{}: {e}; name a directory", dir.display())))?;
    let top = dir
        .ancestors()
        .find(|d| d.join(".git").exists())
        .ok_or_else(|| {
            Fatal::Repo(format!(
                "{}: not in a git repository; run `git init` there and commit the playbook, or \
                 watch a trial with `secloop run --trial`",
                dir.display()
            ))
        })?
        .to_owned();
    let files = files(&top);
    let mut found: Vec<Candidate> = files
        .iter()
        .filter_map(|path| candidate(&top, path))
        .collect();
    found.sort_by(|a, b| b.score.cmp(&a.score).then_with(|| a.path.cmp(&b.path)));
    let mut found = found.into_iter().map(|c| c.path);
    let playbook = found.next().ok_or_else(|| {
        Fatal::Config(format!(
            "{}: no playbook was found; commit one (`secloop run --trial` shows the starter \
             playbook that comes with secloop), or write secloop.toml by hand",
            top.display()
        ))
    })?;
    let around = playbook.parent().unwrap_or(Path::new("")).to_owned();
    let used = usage::of(&top, &playbook, &files);
    let mut notes = Vec::new();
    if [
        top.join("ansible.cfg"),
        top.join(&around).join("ansible.cfg"),
    ]
    .iter()
    .any(|cfg| cfg.is_file())
    {
        notes.push(
            "ansible.cfg is not used: secloop runs Ansible with a configuration that no proposal \
             can reach; what the playbook needs from it goes into playbook.args"
                .to_owned(),
        );
    }
    notes.extend(used.notes);
    Ok(Discovery {
        allowed: allowed(&top, &playbook),
        reads_env: env_lookups_below(&top.join(&around)).map_err(Fatal::Config)?,
        wiki: wiki(&top),
        others: found.take(5).collect(),
        args: used.args,
        said_in: used.said_in,
        notes,
        playbook,
        top,
    })
}

impl Discovery {
    /// What was found, in lines for a person.
    pub fn summary(&self) -> String {
        let mut out = format!("playbook    {}\n", self.playbook.display());
        let mut line = |name: &str, text: &str| out.push_str(&format!("{name:<12}{text}\n"));
        if !self.others.is_empty() {
            let others: Vec<String> = self
                .others
                .iter()
                .map(|p| p.display().to_string())
                .collect();
            line("", &format!("(also there: {})", others.join(", ")));
        }
        match &self.said_in {
            Some(file) => line(
                "run with",
                &format!(
                    "{} (as {} says)",
                    if self.args.is_empty() {
                        "no arguments".to_owned()
                    } else {
                        self.args.join(" ")
                    },
                    file.display()
                ),
            ),
            None => line(
                "run with",
                "no arguments (nothing in the repository says otherwise)",
            ),
        }
        line("may touch", &self.allowed.join(", "));
        if !self.reads_env.is_empty() {
            let names: Vec<&str> = self.reads_env.iter().map(String::as_str).collect();
            line(
                "environment",
                &format!("{}: export before secloop is started", names.join(", ")),
            );
        }
        if let Some(wiki) = &self.wiki {
            line(
                "wiki log",
                &format!(
                    "secloop's state directory; {} looks like your wiki (see [wiki])",
                    wiki.display()
                ),
            );
        }
        for note in &self.notes {
            line("note", note);
        }
        out
    }
}

/// The files below the top, breadth first, so that a huge directory hides nothing above it.
fn files(top: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut level = vec![PathBuf::new()];
    for _ in 0..=MAX_DEPTH {
        let mut next = Vec::new();
        for below in level {
            let Ok(entries) = std::fs::read_dir(top.join(&below)) else {
                continue;
            };
            for entry in entries.flatten() {
                let Ok(name) = entry.file_name().into_string() else {
                    continue;
                };
                let Ok(kind) = entry.file_type() else {
                    continue;
                };
                if kind.is_file() && found.len() < MAX_FILES {
                    found.push(below.join(&name));
                } else if kind.is_dir()
                    && !name.starts_with('.')
                    && !SKIPPED.contains(&name.as_str())
                {
                    next.push(below.join(name));
                }
            }
        }
        level = next;
    }
    found.sort();
    found
}

fn candidate(top: &Path, path: &Path) -> Option<Candidate> {
    let ends = path.extension().and_then(|e| e.to_str())?;
    if ends != "yml" && ends != "yaml" {
        return None;
    }
    let file = top.join(path);
    if std::fs::metadata(&file).ok()?.len() > MAX_FILE {
        return None;
    }
    let text = std::fs::read_to_string(&file).ok()?;
    let local = plays(&text)?;
    let name = path
        .file_stem()
        .and_then(|s| s.to_str())
        .unwrap_or_default();
    let depth = i32::try_from(path.components().count()).unwrap_or(i32::MAX);
    let mut score = -depth;
    for (weight, holds) in [
        (20, local),
        (40, text.contains(".claude")),
        (10, ["playbook", "site", "main", "local"].contains(&name)),
        (-30, path.components().any(|c| is_test(c.as_os_str()))),
    ] {
        if holds {
            score += weight;
        }
    }
    Some(Candidate {
        path: path.to_owned(),
        score,
    })
}

fn is_test(part: &std::ffi::OsStr) -> bool {
    ["test", "tests", "molecule", "examples"]
        .iter()
        .any(|name| part == *name)
}

/// Whether a text is a playbook, and then whether all its plays are for this machine.
fn plays(text: &str) -> Option<bool> {
    let parsed = yaml::parse(text).ok()?;
    let plays = parsed.root.list()?;
    let mut local = true;
    for play in plays {
        play.map()?;
        if let Some(hosts) = play.get("hosts") {
            let here = play.get("connection").and_then(Node::text) == Some("local");
            let named = hosts.text().unwrap_or_default();
            local &= here || ["localhost", "127.0.0.1"].contains(&named);
        } else {
            ["import_playbook", "ansible.builtin.import_playbook"]
                .iter()
                .find_map(|key| play.get(key))?;
        }
    }
    (!plays.is_empty()).then_some(local)
}

/// A directory of wiki pages.
fn wiki(top: &Path) -> Option<PathBuf> {
    ["wiki", "docs/wiki", "wiki-log", "doc/wiki"]
        .iter()
        .map(PathBuf::from)
        .find(|dir| top.join(dir).is_dir())
}
