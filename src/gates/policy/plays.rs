//! Plays: who is managed, and with which lists of tasks.

use super::expand::Locals;
use super::issue::Issue;
use super::known::{Known, Side};
use super::lists::Pair;
use super::{items, jinja, lists, vars};
use crate::playbook::yaml::Node;

/// A play's lists of tasks.
pub(super) const LISTS: [&str; 4] = ["tasks", "handlers", "pre_tasks", "post_tasks"];

/// Whether a list is one of plays.
pub(super) fn are_plays(list: &[Node]) -> bool {
    list.iter().any(is_play)
}

/// Whether an item of a list is a play.
pub(super) fn is_play(item: &Node) -> bool {
    [
        "hosts",
        "import_playbook",
        "ansible.builtin.import_playbook",
    ]
    .iter()
    .any(|key| item.get(key).is_some())
}

/// Judges what is new in a playbook.
pub(super) fn compare(known: &Known, file: &str, old: &[Node], new: &[Node]) -> Vec<Issue> {
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
            Some(_) => issues.extend(one(known, file, before, play)),
            None => issues.push(Issue::refused("layout", play.line, "a play that is no map")),
        }
    }
    let line = new.first().map_or(1, |p| p.line);
    for gone in left {
        let name = gone
            .get("name")
            .and_then(Node::text)
            .unwrap_or("without a name");
        issues.push(Issue::held(
            "task-removed",
            line,
            format!("the play \"{name}\" is removed or renamed"),
        ));
    }
    issues
}

fn one(known: &Known, file: &str, old: Option<&Node>, new: &Node) -> Vec<Issue> {
    let mut issues = Vec::new();
    for (key, line, value) in new.map().unwrap_or_default() {
        let before = old.and_then(|o| o.get(key));
        if LISTS.contains(&key.as_str()) {
            let locals = Locals::new();
            let pair = Pair::of(known, file, &locals);
            issues.extend(lists::compare(pair, items(before), items(Some(value))));
            if value.list().is_none() && !value.is_null() {
                issues.push(Issue::refused(
                    "layout",
                    *line,
                    format!("{key} that is no list"),
                ));
            }
            continue;
        }
        if before.is_some_and(|b| b.canonical() == value.canonical()) {
            if super::env::mentions(value, &known.affected) && key != "vars" && key != "name" {
                issues.push(Issue::held(
                    "variable",
                    *line,
                    format!("the play's {key} uses a variable that changes"),
                ));
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
            "roles" => issues.extend(roles(known, items(before), value)),
            "hosts" if value.text().is_some_and(|h| known.hosts.contains(h)) => {}
            "vars_files" => issues.extend(vars_files(known, file, items(before), value)),
            _ => issues.extend(keyword(known, file, key, *line, value, old.is_none())),
        }
    }
    for (key, ..) in old.and_then(Node::map).unwrap_or_default() {
        if new.get(key).is_none() && key != "name" {
            issues.push(Issue::held(
                "weakened",
                new.line,
                format!("the play's {key} is removed"),
            ));
        }
    }
    issues
}

/// A play's keyword whose value is new.
fn keyword(
    known: &Known,
    file: &str,
    key: &str,
    line: usize,
    value: &Node,
    is_new: bool,
) -> Vec<Issue> {
    let text = value.text().unwrap_or_default();
    let held = |what: String| vec![Issue::held("play-keyword", line, what)];
    let refused = |what: String| vec![Issue::refused("play-keyword", line, what)];
    match key {
        "name" => jinja::text(text, line),
        "hosts" if text == "localhost" => Vec::new(),
        "hosts" => vec![Issue::refused(
            "hosts",
            line,
            "hosts other than localhost; this machine alone is managed",
        )],
        "connection" if text == "local" => Vec::new(),
        "gather_facts" | "any_errors_fatal" if value.boolean().is_some() => Vec::new(),
        "become" if value.boolean() == Some(false) => Vec::new(),
        // In a new play every task is judged; in a standing one it would reach those that are not.
        "become" if is_new && value.boolean() == Some(true) => Vec::new(),
        "become_user" if is_new && text == "root" => Vec::new(),
        "import_playbook" | "ansible.builtin.import_playbook" => {
            let found = known.new.tree.find(file, "", text);
            match found {
                Some(_) if !jinja::is_template(text) && !text.contains("..") => Vec::new(),
                _ => vec![Issue::refused(
                    "unresolved",
                    line,
                    format!("the playbook {text}, which is no file of the repository"),
                )],
            }
        }
        "handlers" | "tasks" => Vec::new(),
        "tags" => super::tasks::tags(value),
        "connection" | "remote_user" | "port" | "strategy" | "module_defaults" | "collections"
        | "become_exe" | "become_flags" | "become_method" | "debugger" | "no_log"
        | "ignore_errors" | "ignore_unreachable" | "check_mode" | "diff" => {
            refused(format!("the play's {key}; leave it out"))
        }
        _ => held(format!("the play's {key} is new or changed")),
    }
}

fn roles(known: &Known, old: &[Node], new: &Node) -> Vec<Issue> {
    let Some(list) = new.list() else {
        return vec![Issue::refused("layout", new.line, "roles that are no list")];
    };
    let mut issues = Vec::new();
    let standing = |role: &Node| old.iter().any(|o| o.canonical() == role.canonical());
    for role in list.iter().filter(|r| !standing(r)) {
        let name = role
            .text()
            .or_else(|| role.get("role").or(role.get("name"))?.text());
        if !name.is_some_and(plain_name) {
            issues.push(Issue::held(
                "role",
                role.line,
                "a role that is not named by a plain word",
            ));
        }
        if let Some(name) = name.filter(|n| plain_name(n)) {
            issues.extend(role_is_here(&known.new, name, role.line));
            issues.extend(role_is_new(known, name, role.line));
        }
        for (key, line, value) in role.map().unwrap_or_default() {
            match key.as_str() {
                "role" | "name" => {}
                "tags" => issues.extend(super::tasks::tags(value)),
                "become" if value.boolean() == Some(false) => {}
                "when" => issues.extend(super::tasks::condition("when", value)),
                _ => issues.push(Issue::held("role", *line, format!("the role's {key}"))),
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
        issues.push(Issue::held("task-removed", new.line, what));
    }
    issues
}

/// A role has to be in the repository: what comes from elsewhere nobody here has read.
pub(super) fn role_is_here(side: &Side, name: &str, line: usize) -> Option<Issue> {
    (!jinja::is_template(name) && !side.tree.has_role(name)).then(|| {
        Issue::refused(
            "unresolved",
            line,
            format!("the role {name} is not in the repository; add it, or mend its name"),
        )
    })
}

/// A role that was there and that nothing brought in: its tasks have never been judged.
pub(super) fn role_is_new(known: &Known, name: &str, line: usize) -> Option<Issue> {
    let stood = known.old.tree.has_role(name);
    let said = known
        .old
        .tree
        .yaml()
        .any(|(_, root)| root.scalars().iter().any(|(_, t)| *t == name));
    (stood && !said && plain_name(name)).then(|| {
        Issue::held(
            "include",
            line,
            format!("the role {name} was there, and nothing ran it before; a person decides"),
        )
    })
}

fn vars_files(known: &Known, file: &str, old: &[Node], new: &Node) -> Vec<Issue> {
    let mut issues = Vec::new();
    for (line, text) in new.scalars() {
        if old.iter().any(|o| o.text() == Some(text)) {
            continue;
        }
        if jinja::is_template(text) || text.starts_with(['/', '~']) || text.contains("..") {
            issues.push(Issue::held(
                "include",
                line,
                format!("variables from {text}, which is no file by its plain name"),
            ));
        } else if known.new.tree.find(file, "vars", text).is_none() {
            issues.push(Issue::refused(
                "unresolved",
                line,
                format!("variables from {text}, which is no file of the repository"),
            ));
        }
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
