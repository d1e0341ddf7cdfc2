//! Where a dry run says that the changed tasks write, with every variable put in.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::known::paths;
use super::{places, tasks};
use crate::gates::{Findings, Unknown, shown};
use crate::playbook::yaml::{self, Node, Value};
use crate::playbook::{AnsibleRun, TaskRun};
use crate::repo::{Change, Changes};
use crate::turn::Verdict;

/// Refuses a dry run in which a task of the change would write to a place that the change may
/// not write to. What the playbook wrote before is not judged again.
pub fn resolved(changes: &Changes, run: &AnsibleRun, home: &Path) -> Verdict {
    let mut homes = vec![home.to_owned()];
    homes.extend(std::fs::canonicalize(home));
    let written = super::written(changes);
    let mut found = Findings::default();
    for change in changes.all() {
        let names = Names::of(change);
        // By its end: the tree may be known to Ansible by another name.
        let here = |task: &&TaskRun| {
            let file = task.key.split('|').next().unwrap_or_default();
            Path::new(file).ends_with(&change.path)
        };
        for task in run.events.tasks.iter().filter(here) {
            if !task.changed || names.stood(task) {
                continue;
            }
            for path in &task.paths {
                if let Some(why) = bad(path, &homes, &written) {
                    let what = format!(
                        "in the dry run \"{}\" writes to {}, {why}",
                        task.name,
                        shown(path)
                    );
                    found.refuse("destination", &change.path, None, &what);
                }
            }
        }
    }
    found.verdict(Unknown::Refuse)
}

fn bad(path: &Path, homes: &[PathBuf], written: &BTreeSet<String>) -> Option<&'static str> {
    // Places have been judged with what is written there, as long as they are those of the text.
    let text = path.display().to_string();
    if written.contains(&text) && !places::is_own(&text) {
        return None;
    }
    let up = path.components().any(|c| c == Component::ParentDir);
    let below = homes.iter().find_map(|home| path.strip_prefix(home).ok());
    let Some(below) = below.filter(|_| !up) else {
        return Some("which is not below the home directory");
    };
    let rest = format!("/{}", below.display());
    if places::is_own(&rest) {
        Some("which belongs to the supervisor")
    } else if written.contains(&format!("~{rest}")) {
        None
    } else if places::is_persistent(&rest) {
        Some("which starts programs, steers an agent or grants access")
    } else {
        None
    }
}

/// The names of a file's tasks.
#[derive(Default)]
struct Names {
    /// Of tasks that write where the old task of that name writes.
    same: Vec<String>,
    /// Of tasks that write elsewhere.
    new: Vec<String>,
}

impl Names {
    fn of(change: &Change) -> Self {
        let tree = |bytes: &Option<Vec<u8>>| {
            let text = String::from_utf8_lossy(bytes.as_deref().unwrap_or_default()).into_owned();
            yaml::parse(&text).ok().map(|parsed| parsed.root)
        };
        let all = |root: &Option<Node>| {
            let mut all = Vec::new();
            if let Some(root) = root {
                collect(root, &mut all);
            }
            all
        };
        let (old, new) = (all(&tree(&change.old)), all(&tree(&change.new)));
        let mut names = Self::default();
        for (name, writes) in new {
            let same = old
                .iter()
                .any(|(n, before)| *n == name && writes.iter().all(|w| before.contains(w)));
            if same {
                names.same.push(name);
            } else {
                names.new.push(name);
            }
        }
        names
    }

    /// Whether a task is one that wrote there before. A name that only the run knows in full is
    /// told by what stands in front of its first variable.
    fn stood(&self, task: &TaskRun) -> bool {
        let name = |name: &String| {
            if name.is_empty() {
                return task.name == task.action;
            }
            match name.split_once("{{") {
                Some((front, _)) => task.name.starts_with(front),
                None => *name == task.name,
            }
        };
        self.same.iter().any(name) && !self.new.iter().any(name)
    }
}

/// Every task below with its name and where it writes.
fn collect(node: &Node, all: &mut Vec<(String, Vec<String>)>) {
    match &node.value {
        Value::List(items) => items.iter().for_each(|item| collect(item, all)),
        Value::Map(pairs) => {
            if tasks::module(node).is_some() {
                let name = node.get("name").and_then(Node::text).unwrap_or_default();
                all.push((name.to_owned(), paths(node)));
            }
            for (.., value) in pairs {
                collect(value, all);
            }
        }
        Value::Scalar { .. } => {}
    }
}
