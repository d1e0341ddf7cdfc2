//! Variables: they reach tasks that nobody judges again.

use super::known::Known;
use super::{Issue, jinja, places};
use crate::playbook::yaml::{Node, Value};

/// Where variables stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A role's defaults: every other place outranks them, so a new name changes nothing.
    Weakest,
    /// A place whose new names could outrank others.
    Strong,
}

/// Judges the variables that are new, changed or gone.
pub(super) fn compare(known: &Known, old: Option<&Node>, new: &Node, place: Place) -> Vec<Issue> {
    let mut issues = Vec::new();
    for (name, line, value) in new.map().unwrap_or_default() {
        let before = old.and_then(|o| o.get(name));
        if before.is_some_and(|b| b.canonical() == value.canonical()) {
            continue;
        }
        issues.extend(one(known, name, *line, value));
        if before.is_some() {
            issues.push(Issue::held(
                *line,
                format!("the variable {name} changes, and with it every task that uses it"),
            ));
        } else if place == Place::Strong {
            issues.push(Issue::held(
                *line,
                format!(
                    "the new variable {name} could outrank another; put it into a role's defaults, \
                     or into the vars of a task"
                ),
            ));
        } else {
            issues.extend(taken(known, name, *line));
        }
    }
    for (name, ..) in old.and_then(Node::map).unwrap_or_default() {
        if new.get(name).is_none() {
            issues.push(Issue::held(
                new.line,
                format!("the variable {name} is removed"),
            ));
        }
    }
    issues
}

/// Judges a variable by itself.
pub(super) fn one(known: &Known, name: &str, line: usize, value: &Node) -> Vec<Issue> {
    let mut issues = Vec::new();
    if name.to_lowercase().starts_with("ansible_") {
        issues.push(Issue::refused(
            line,
            format!("the variable {name} directs Ansible itself; choose another name"),
        ));
    }
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        issues.push(Issue::held(
            line,
            format!("{name} is no name of a variable"),
        ));
    }
    for (line, text) in value.scalars() {
        issues.extend(jinja::text(text, line));
    }
    if let Value::Scalar { text, .. } = &value.value
        && text.starts_with('/')
    {
        issues.extend(places::path(known, name, value));
    }
    issues
}

/// A name that the old text has already, so that setting it reaches tasks that are not judged.
pub(super) fn taken(known: &Known, name: &str, line: usize) -> Option<Issue> {
    known.says(name).then(|| {
        Issue::held(
            line,
            format!("the name {name} is in use and would reach other tasks; choose a new one"),
        )
    })
}

/// Judges `vars:` of a task or a block, which reach only its own tasks.
pub(super) fn own(known: &Known, vars: &Node) -> Vec<Issue> {
    match vars.map() {
        Some(pairs) => pairs
            .iter()
            .flat_map(|(n, line, value)| {
                let mut issues = one(known, n, *line, value);
                issues.extend(taken(known, n, *line));
                if known.has_fact(n) {
                    issues.push(Issue::held(
                        *line,
                        format!("{n} is also a fact, which outranks it; choose another name"),
                    ));
                }
                issues
            })
            .collect(),
        None => vec![Issue::refused(vars.line, "vars that are no map")],
    }
}
