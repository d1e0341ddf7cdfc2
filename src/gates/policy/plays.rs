//! Plays: who is managed, and with which lists of tasks.

use super::known::Known;
use super::{Issue, items, jinja, lists, vars};
use crate::playbook::yaml::Node;

const LISTS: [&str; 4] = ["tasks", "handlers", "pre_tasks", "post_tasks"];

/// Whether a list is one of plays.
pub(super) fn are_plays(list: &[Node]) -> bool {
    list.iter().any(|item| {
        item.get("hosts").is_some()
            || item.get("import_playbook").is_some()
            || item.get("ansible.builtin.import_playbook").is_some()
    })
}

/// Judges what is new in a playbook.
pub(super) fn compare(known: &Known, old: &[Node], new: &[Node]) -> Vec<Issue> {
    let mut issues = Vec::new();
    let mut left: Vec<&Node> = old.iter().collect();
    for (at, play) in new.iter().enumerate() {
        let same_name = |o: &&Node| match (o.get("name"), play.get("name")) {
            (Some(a), Some(b)) => a.canonical() == b.canonical(),
            (None, None) => old.get(at).is_some_and(|same| std::ptr::eq(same, *o)),
            _ => false,
        };
        let found = left.iter().position(same_name);
        let before = found.map(|at| left.remove(at));
        match play.map() {
            Some(_) => issues.extend(one(known, before, play)),
            None => issues.push(Issue::refused(play.line, "a play that is no map")),
        }
    }
    let line = new.first().map_or(1, |p| p.line);
    for gone in left {
        let name = gone
            .get("name")
            .and_then(Node::text)
            .unwrap_or("without a name");
        issues.push(Issue::held(
            line,
            format!("the play \"{name}\" is removed or renamed"),
        ));
    }
    issues
}

fn one(known: &Known, old: Option<&Node>, new: &Node) -> Vec<Issue> {
    let mut issues = Vec::new();
    for (key, line, value) in new.map().unwrap_or_default() {
        let before = old.and_then(|o| o.get(key));
        if before.is_some_and(|b| b.canonical() == value.canonical()) {
            continue;
        }
        if LISTS.contains(&key.as_str()) {
            issues.extend(lists::compare(known, items(before), items(Some(value))));
            if value.list().is_none() && !value.is_null() {
                issues.push(Issue::refused(*line, format!("{key} that is no list")));
            }
            continue;
        }
        match key.as_str() {
            "vars" => {
                let roles = new.scalars().into_iter().any(|(_, text)| {
                    ["roles", "include_role", "import_role"]
                        .contains(&text.trim_start_matches("ansible.builtin."))
                });
                let place = if roles {
                    vars::Place::Strong
                } else {
                    vars::Place::Weakest
                };
                issues.extend(vars::compare(known, before, value, place));
            }
            "roles" => issues.extend(roles(items(before), value)),
            _ => issues.extend(keyword(key, *line, value)),
        }
    }
    for (key, ..) in old.and_then(Node::map).unwrap_or_default() {
        if new.get(key).is_none() && key != "name" {
            issues.push(Issue::held(
                new.line,
                format!("the play's {key} is removed"),
            ));
        }
    }
    issues
}

/// A play's keyword whose value is new.
fn keyword(key: &str, line: usize, value: &Node) -> Vec<Issue> {
    let text = value.text().unwrap_or_default();
    let held = |what: String| vec![Issue::held(line, what)];
    let refused = |what: String| vec![Issue::refused(line, what)];
    match key {
        "name" => jinja::text(text, line),
        "hosts" if text == "localhost" => Vec::new(),
        "hosts" => refused("hosts other than localhost; this machine alone is managed".to_owned()),
        "connection" if text == "local" => Vec::new(),
        "gather_facts" | "any_errors_fatal" if value.boolean().is_some() => Vec::new(),
        "become" if value.boolean() == Some(false) => Vec::new(),
        "tags" => super::tasks::tags(value),
        "connection" | "remote_user" | "port" | "strategy" | "module_defaults" | "collections"
        | "become_exe" | "become_flags" | "become_method" | "debugger" | "no_log"
        | "ignore_errors" | "ignore_unreachable" | "check_mode" | "diff" => {
            refused(format!("the play's {key}; leave it out"))
        }
        _ => held(format!("the play's {key} is new or changed")),
    }
}

fn roles(old: &[Node], new: &Node) -> Vec<Issue> {
    let Some(list) = new.list() else {
        return vec![Issue::refused(new.line, "roles that are no list")];
    };
    let mut issues = Vec::new();
    let known = |role: &Node| old.iter().any(|o| o.canonical() == role.canonical());
    for role in list.iter().filter(|r| !known(r)) {
        let name = role
            .text()
            .or_else(|| role.get("role").or(role.get("name"))?.text());
        if !name.is_some_and(plain_name) {
            issues.push(Issue::held(
                role.line,
                "a role that is not named by a plain word",
            ));
        }
        for (key, line, value) in role.map().unwrap_or_default() {
            match key.as_str() {
                "role" | "name" => {}
                "tags" => issues.extend(super::tasks::tags(value)),
                "become" if value.boolean() == Some(false) => {}
                "when" => issues.extend(super::tasks::condition("when", value)),
                _ => issues.push(Issue::held(*line, format!("the role's {key}"))),
            }
        }
    }
    for gone in old
        .iter()
        .filter(|o| !list.iter().any(|n| n.canonical() == o.canonical()))
    {
        let name = gone
            .text()
            .or_else(|| gone.get("role").or(gone.get("name"))?.text());
        let what = format!("the role \"{}\" is removed or changed", name.unwrap_or("?"));
        issues.push(Issue::held(new.line, what));
    }
    issues
}

/// The name of a role or file of the repository itself: no path, no collection.
pub(super) fn plain_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
}
