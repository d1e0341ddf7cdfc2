//! What a changed playbook may say: a static allow-list over what is added or changed.
//!
//! What the playbook says already is the baseline and is not judged again. A rule's word is a
//! refusal where a thing is known bad and a hold where no rule knows it.

mod content;
mod hooks;
mod jinja;
mod known;
mod lists;
mod modules;
mod params;
mod places;
mod plays;
mod resolved;
mod settings;
mod shell;
mod tasks;
mod vars;

pub use resolved::resolved;

use std::path::Path;

use self::known::Known;
use super::{Findings, shown};
use crate::playbook::yaml::{self, Node, Value};
use crate::repo::{Change, Changes};
use crate::turn::Verdict;

/// What a rule found.
#[derive(Debug, Clone)]
struct Issue {
    line: usize,
    /// Known bad, and not only unknown.
    bad: bool,
    /// What it is, and the cure behind a semicolon.
    what: String,
    /// The value that it is about. An issue that the old text has with the same value is the
    /// baseline; one without a value never is.
    value: Option<String>,
}

impl Issue {
    fn refused(line: usize, what: impl Into<String>) -> Self {
        Self {
            line,
            bad: true,
            what: what.into(),
            value: None,
        }
    }

    fn held(line: usize, what: impl Into<String>) -> Self {
        Self {
            line,
            bad: false,
            what: what.into(),
            value: None,
        }
    }

    /// Excused where the old text says the same.
    fn about(mut self, value: &str) -> Self {
        self.value = Some(value.to_owned());
        self
    }

    /// At another line, for text that is not where it was found.
    fn at(mut self, line: usize) -> Self {
        self.line = line;
        self
    }
}

/// The issues of `new` that `old` did not have.
fn news(old: &[Issue], new: Vec<Issue>) -> Vec<Issue> {
    let known = |issue: &Issue| {
        issue.value.is_some()
            && old
                .iter()
                .any(|o| o.what == issue.what && o.value == issue.value)
    };
    new.into_iter().filter(|issue| !known(issue)).collect()
}

/// Judges what is added or changed; `playbook` is the playbook's file.
pub fn policy(changes: &Changes, playbook: &Path) -> Verdict {
    let mut found = Findings::default();
    let known = Known::of(changes);
    for change in changes.all() {
        let path = shown(&change.path);
        for issue in file(&known, change, playbook) {
            let what = crate::text::plain(&issue.what, 400);
            let cure = if what.contains("; ") {
                ""
            } else if issue.bad {
                "; write it without that"
            } else {
                "; a person decides about it"
            };
            let why = format!("{path}:{}: {what}{cure}", issue.line);
            if issue.bad {
                found.refuse(why);
            } else {
                found.hold(why);
            }
        }
    }
    found.verdict()
}

fn file(known: &Known, change: &Change, playbook: &Path) -> Vec<Issue> {
    let path = change.path.to_string_lossy().to_lowercase();
    let name = path.rsplit('/').next().unwrap_or(&path);
    let Some(new) = &change.new else {
        let prose = [".md", ".txt"].iter().any(|end| name.ends_with(end));
        let issue = Issue::held(1, "the file is deleted, and with it what it protects");
        return if prose { Vec::new() } else { vec![issue] };
    };
    let Ok(new) = std::str::from_utf8(new) else {
        return vec![Issue::refused(1, "not UTF-8 text; only text can be judged")];
    };
    let old = change.old.as_deref().map(String::from_utf8_lossy);
    let old = old.as_deref();
    let mut issues = Vec::new();
    if change.old_mode & 0o111 != 0 && change.new_mode & 0o111 == 0 && name.ends_with(".sh") {
        issues.push(Issue::held(1, "the script is no longer executable"));
    }
    if name.ends_with(".yml") || name.ends_with(".yaml") {
        issues.extend(yaml_file(known, &path, change.path == playbook, old, new));
    } else {
        issues.extend(content::judge(known, &path, old, new));
    }
    issues
}

fn yaml_file(
    known: &Known,
    path: &str,
    is_playbook: bool,
    old: Option<&str>,
    new: &str,
) -> Vec<Issue> {
    let parsed = match yaml::parse(new) {
        Ok(parsed) => parsed,
        Err((line, why)) => return vec![Issue::refused(line, why)],
    };
    // What can't be read has no baseline: everything counts as added.
    let before = old.and_then(|o| yaml::parse(o).ok());
    let oddities = |parsed: &yaml::Parsed| -> Vec<Issue> {
        let issue = |o: &yaml::Oddity| Issue {
            line: o.line,
            bad: o.bad,
            what: o.what.clone(),
            value: Some(String::new()),
        };
        parsed.oddities.iter().map(issue).collect()
    };
    let old_oddities = before.as_ref().map(&oddities).unwrap_or_default();
    let mut issues = news(&old_oddities, oddities(&parsed));
    let before = before.map(|b| b.root);
    let root = &parsed.root;
    let in_dir = |dir: &str| path.split('/').rev().skip(1).any(|d| d == dir);
    match &root.value {
        _ if before
            .as_ref()
            .is_some_and(|b| b.canonical() == root.canonical()) => {}
        _ if in_dir("meta") => {
            issues.push(Issue::held(
                root.line,
                "a role's metadata can bring in other roles",
            ));
        }
        Value::List(plays) if is_playbook || plays::are_plays(plays) => {
            issues.extend(plays::compare(known, items(before.as_ref()), plays));
        }
        Value::List(tasks) if !is_playbook => {
            issues.extend(lists::compare(known, items(before.as_ref()), tasks));
        }
        Value::Map(_) if !is_playbook => {
            let place = if in_dir("defaults") {
                vars::Place::Weakest
            } else {
                vars::Place::Strong
            };
            issues.extend(vars::compare(known, before.as_ref(), root, place));
        }
        _ if root.is_null() && !is_playbook => {
            issues.extend(lists::compare(known, items(before.as_ref()), &[]));
        }
        _ => issues.push(Issue::refused(
            root.line,
            "neither plays nor tasks nor variables; keep to the layout that is there",
        )),
    }
    issues
}

fn items(node: Option<&Node>) -> &[Node] {
    node.and_then(Node::list).unwrap_or_default()
}

/// For tables: "" is no issue, "refused: X" and "held: X" are the weightiest issue's.
#[cfg(test)]
#[track_caller]
fn assert_issue(case: &str, issues: &[Issue], says: &str) {
    let first = issues.iter().find(|i| i.bad).or_else(|| issues.first());
    let good = match (first, says.split_once(": ")) {
        (None, None) => says.is_empty(),
        (Some(issue), Some((weight, part))) => {
            issue.bad == (weight == "refused") && issue.what.contains(part)
        }
        _ => false,
    };
    assert!(good, "{case}\n  expected {says:?}\n  got {issues:?}");
}
