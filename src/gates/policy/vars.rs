//! Variables: they reach tasks that nobody judges again.

use super::issue::Issue;
use super::known::Known;
use super::modules::packages;
use super::tasks::{self, At};
use crate::playbook::yaml::Node;

/// Where variables stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A role's defaults: every other place outranks them, so a new name changes nothing.
    Weakest,
    /// A place whose new names could outrank others.
    Strong,
}

/// Judges the variables that are new, changed or gone. What uses them is judged with their new
/// values where it stands.
pub(super) fn compare(known: &Known, old: Option<&Node>, new: &Node, place: Place) -> Vec<Issue> {
    let mut issues = Vec::new();
    for (name, line, value) in new.map().unwrap_or_default() {
        let before = old.and_then(|o| o.get(name));
        if before.is_some_and(|b| b.canonical() == value.canonical()) {
            continue;
        }
        issues.extend(one(name, *line, value));
        let used = known.new.env.uses(name);
        if before.is_none()
            && place == Place::Strong
            && known.old.env.knows(name)
            && !known.old.env.is_undefined(name)
        {
            issues.push(Issue::held(
                "shadow",
                *line,
                format!("the new variable {name} outranks another of that name; choose a new one"),
            ));
        }
        let old = &known.old.env;
        let in_use = old.is_dynamic(name) || old.uses(name) && old.is_undefined(name);
        if before.is_none() && in_use {
            issues.push(Issue::held(
                "shadow",
                *line,
                format!("the name {name} is in use and would reach other tasks; choose a new one"),
            ));
        }
        if !used && (before.is_some() || place == Place::Strong) {
            issues.extend(unseen(name, *line, before, value));
        }
    }
    for (name, ..) in old.and_then(Node::map).unwrap_or_default() {
        if new.get(name).is_none() && (known.new.env.uses(name) || !known.old.env.uses(name)) {
            issues.push(Issue::held(
                "variable",
                new.line,
                format!("the variable {name} is removed"),
            ));
        }
    }
    issues
}

/// A variable that nothing here uses: a role from elsewhere may. Lists of packages are known by name.
fn unseen(name: &str, line: usize, before: Option<&Node>, value: &Node) -> Vec<Issue> {
    let folded = name.to_lowercase();
    let listed = [
        "_packages",
        "_formulae",
        "_formulas",
        "_casks",
        "_cask_apps",
        "_apps",
    ]
    .iter()
    .any(|end| folded.ends_with(end));
    if let Some(items) = value.list().filter(|_| listed) {
        let mut issues = Vec::new();
        for item in items {
            let package = item.text().or_else(|| item.get("name")?.text());
            issues.extend(packages::installed(line, package.unwrap_or("-")));
        }
        let gone = before.and_then(Node::list).unwrap_or_default();
        if gone
            .iter()
            .any(|g| !items.iter().any(|i| i.canonical() == g.canonical()))
        {
            issues.push(Issue::held(
                "package-removed",
                line,
                format!("{name} has fewer packages than before"),
            ));
        }
        return issues;
    }
    vec![Issue::held(
        "variable",
        line,
        format!(
            "nothing in the repository uses the variable {name}, so that nobody can tell what it does"
        ),
    )]
}

/// Judges a variable by itself.
pub(super) fn one(name: &str, line: usize, value: &Node) -> Vec<Issue> {
    let mut issues = Vec::new();
    if name.to_lowercase().starts_with("ansible_") {
        issues.push(Issue::refused(
            "connection-variable",
            line,
            format!("the variable {name} directs Ansible itself; choose another name"),
        ));
    }
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        issues.push(Issue::held(
            "variable",
            line,
            format!("{name} is no name of a variable"),
        ));
    }
    issues.extend(tasks::texts(value));
    issues
}

/// A name that the old text has already, so that setting it reaches tasks that are not judged.
pub(super) fn taken(known: &Known, name: &str, line: usize) -> Option<Issue> {
    known.old.env.knows(name).then(|| {
        Issue::held(
            "shadow",
            line,
            format!("the name {name} is in use and would reach other tasks; choose a new one"),
        )
    })
}

/// Judges `vars:` of a task or a block, which reach only its own tasks.
pub(super) fn own(at: At<'_>, vars: &Node) -> Vec<Issue> {
    let Some(pairs) = vars.map() else {
        return vec![Issue::refused("layout", vars.line, "vars that are no map")];
    };
    pairs
        .iter()
        .flat_map(|(n, line, value)| {
            let mut issues = one(n, *line, value);
            // The old task may have it already.
            issues.extend(taken(at.known, n, *line).map(|issue| issue.about(n)));
            if at.side.env.is_dynamic(n) {
                issues.push(Issue::held(
                    "shadow",
                    *line,
                    format!("{n} is also a fact, which outranks it; choose another name"),
                ));
            }
            issues
        })
        .collect()
}
