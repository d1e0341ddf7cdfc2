//! Variables: they reach tasks that nobody judges again.

use super::{Issue, jinja, params};
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
pub(super) fn compare(old: Option<&Node>, new: &Node, place: Place) -> Vec<Issue> {
    let mut issues = Vec::new();
    for (name, line, value) in new.map().unwrap_or_default() {
        let before = old.and_then(|o| o.get(name));
        if before.is_some_and(|b| b.canonical() == value.canonical()) {
            continue;
        }
        issues.extend(one(name, *line, value));
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
pub(super) fn one(name: &str, line: usize, value: &Node) -> Vec<Issue> {
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
        issues.extend(params::path(name, value));
    }
    issues
}

/// Judges `vars:` of a task or a block, which reach only its own task.
pub(super) fn own(vars: &Node) -> Vec<Issue> {
    match vars.map() {
        Some(pairs) => pairs
            .iter()
            .flat_map(|(n, line, value)| one(n, *line, value))
            .collect(),
        None => vec![Issue::refused(vars.line, "vars that are no map")],
    }
}
