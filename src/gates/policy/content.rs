//! What files hold that are put on the machine: whole files, and text inline in a task.

use std::collections::BTreeSet;

use super::known::{Known, is_home_fact};
use super::{Issue, hooks, jinja, params, places, settings, tasks};
use crate::playbook::yaml::Node;

/// Words in a line that grant, start or weaken something, and why a person decides.
const LINES: [(&str, &str); 18] = [
    ("nopasswd", "it grants root without a password"),
    ("permitrootlogin yes", "it lets root log in"),
    ("permitemptypasswords yes", "it lets in without a password"),
    ("passwordauthentication yes", "it opens logins by password"),
    ("authorizedkeyscommand", "it runs a program at a login"),
    (
        "authorizedkeysfile",
        "it moves the keys that let somebody in",
    ),
    ("proxycommand", "it runs a program at a connection"),
    ("localcommand", "it runs a program at a connection"),
    ("ld_preload", "it loads code into other programs"),
    ("ld.so.preload", "it loads code into other programs"),
    ("dyld_insert_libraries", "it loads code into other programs"),
    ("core_pattern", "it runs a program at a crash"),
    ("programarguments", "it starts a program"),
    ("execstart", "it starts a program"),
    ("pam_permit", "it lets everybody in"),
    ("userdel_cmd", "it runs a program"),
    ("sshcommand", "it runs a program"),
    ("fsmonitor", "it runs a program"),
];

/// Judges a file that is deployed, by its path (in lower case) and what is new in it.
pub(super) fn judge(known: &Known, path: &str, old: Option<&str>, new: &str) -> Vec<Issue> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let (kind, template) = match name.strip_suffix(".j2") {
        Some(inner) => (inner, true),
        None => (name, false),
    };
    let mut issues = Vec::new();
    if template {
        issues.extend(template_news(old, new));
        if [".sh", ".json"].iter().any(|end| kind.ends_with(end)) || new.starts_with("#!") {
            issues.extend(unknown(known, old, new));
        }
    }
    if let Some(why) = unread(path, kind) {
        issues.push(Issue::held(1, format!("{why}; a person decides about it")));
    }
    if kind.ends_with(".md") {
        return issues;
    }
    issues.extend(text(kind, old, new));
    issues
}

/// Why nobody can tell from a file's text what it does where it is deployed.
fn unread(path: &str, kind: &str) -> Option<&'static str> {
    let deployed = path
        .split('/')
        .rev()
        .skip(1)
        .any(|dir| ["files", "templates"].contains(&dir));
    // A role keeps .zshrc as zshrc, dot_zshrc or .zshrc.
    let bare = kind
        .trim_start_matches("dot")
        .trim_start_matches(['.', '_', '-']);
    if kind.ends_with(".plist") {
        Some("a property list can start programs")
    } else if kind.ends_with(".sh") || kind.ends_with(".json") || !deployed {
        None
    } else if kind.ends_with(".md") {
        Some("a deployed text for people or agents, which no rule reads")
    } else if places::is_persistent(&format!("/.{bare}")) {
        Some("a file of this name starts programs or grants access")
    } else {
        None
    }
}

/// Expressions of a template that the old one does not have.
fn template_news(old: Option<&str>, new: &str) -> Vec<Issue> {
    let known: BTreeSet<String> = old
        .map(jinja::parts)
        .unwrap_or_default()
        .into_iter()
        .collect();
    if jinja::parts(new).iter().all(|part| known.contains(part))
        && !new.trim_start().starts_with("#jinja2:")
    {
        return Vec::new();
    }
    let before = old.map(|o| jinja::text(o, 1)).unwrap_or_default();
    let old_has = |issue: &Issue| before.iter().any(|b| b.what == issue.what);
    // A call that is there already may be there again only as it was written.
    let whole = |issue: &Issue| {
        let line = new
            .lines()
            .nth(issue.line.saturating_sub(1))
            .unwrap_or_default();
        old.is_some_and(|o| o.lines().any(|l| l == line))
    };
    jinja::text(new, 1)
        .into_iter()
        .filter(|i| !(old_has(i) && whole(i)))
        .collect()
}

fn text(kind: &str, old: Option<&str>, new: &str) -> Vec<Issue> {
    let mut issues = lines(old.unwrap_or_default(), new);
    if kind.ends_with(".sh") || new.starts_with("#!") {
        issues.extend(hooks::judge(old, new));
    }
    if kind.ends_with(".json") {
        issues.extend(settings::judge(old, new));
    }
    issues
}

fn lines(old: &str, new: &str) -> Vec<Issue> {
    let known: BTreeSet<&str> = old.lines().map(str::trim).collect();
    let mut issues = Vec::new();
    for (at, line) in new.lines().enumerate() {
        let folded = line.to_lowercase();
        let words = folded.split_whitespace().collect::<Vec<_>>().join(" ");
        let comment = words.starts_with('#') || words.starts_with("//");
        if comment || known.contains(line.trim()) {
            continue;
        }
        if let Some((what, why)) = LINES.iter().find(|(what, _)| words.contains(what)) {
            issues.push(Issue::held(
                at + 1,
                format!("{what}: {why}; a person decides"),
            ));
        }
    }
    issues
}

/// Judges text inline in a task, by where it goes.
pub(super) fn inline(known: &Known, old: Option<&Node>, new: &Node) -> Vec<Issue> {
    let mut issues = Vec::new();
    let Some((_, _, given)) = tasks::module(new) else {
        return issues;
    };
    let now = params::instances(given, new).unwrap_or_default();
    let before = old
        .and_then(|o| Some((tasks::module(o)?.2, o)))
        .and_then(|(given, o)| params::instances(given, o))
        .unwrap_or_default();
    for (at, given) in now.iter().enumerate() {
        let to = destination(given);
        let before = before
            .iter()
            .find(|b| destination(b) == to)
            .or(before.get(at));
        for key in ["content", "line", "block"] {
            let Some(node) = given.get(key) else { continue };
            let text_now = as_text(node);
            let before = before.and_then(|b| b.get(key)).map(as_text);
            if before.as_deref() == Some(&text_now) {
                continue;
            }
            let kind = if key == "content" {
                to.to_lowercase()
            } else {
                String::new()
            };
            let kind = kind.trim_end_matches(".j2");
            let mut found = text(kind, before.as_deref(), &text_now);
            if before.is_some() && places::is_persistent(to) {
                found.push(Issue::held(
                    1,
                    format!("the text of {to} starts programs; a person decides about it"),
                ));
            }
            if places::is_judged(to) {
                found.extend(unknown(known, before.as_deref(), &text_now));
            }
            issues.extend(found.into_iter().map(|i| i.at(node.line)));
        }
    }
    issues
}

/// Expressions that are new in a script or in settings and whose value no rule has seen.
fn unknown(known: &Known, old: Option<&str>, new: &str) -> Vec<Issue> {
    let before = old.map(jinja::parts).unwrap_or_default();
    jinja::parts(new)
        .into_iter()
        .filter(|part| !before.contains(part))
        .filter(|part| !known.is_home(part) && !is_home_fact(part))
        .map(|part| {
            Issue::held(
                1,
                format!("the value of {part} becomes a part of it unread; write the text itself"),
            )
        })
        .collect()
}

fn destination(given: &Node) -> &str {
    ["dest", "path", "name"]
        .iter()
        .find_map(|k| given.get(k)?.text())
        .unwrap_or_default()
}

/// Ansible writes a map or a list as JSON.
fn as_text(node: &Node) -> String {
    node.text()
        .map_or_else(|| as_json(node).to_string(), str::to_owned)
}

fn as_json(node: &Node) -> serde_json::Value {
    if let Some(items) = node.list() {
        return items.iter().map(as_json).collect();
    }
    if let Some(pairs) = node.map() {
        return pairs
            .iter()
            .map(|(key, _, value)| (key.clone(), as_json(value)))
            .collect();
    }
    match (node.is_plain(), node.boolean()) {
        (true, Some(yes)) if node.text() != Some("1") && node.text() != Some("0") => yes.into(),
        _ => node.text().unwrap_or_default().into(),
    }
}
