//! A task by itself: its keywords.

use super::known::Known;
use super::{Issue, jinja, modules, vars};
use crate::playbook::yaml::{Node, Value};

/// Keywords that are judged or harmless.
const KNOWN: [&str; 19] = [
    "name",
    "when",
    "loop",
    "with_items",
    "loop_control",
    "register",
    "notify",
    "listen",
    "become",
    "vars",
    "changed_when",
    "failed_when",
    "tags",
    "block",
    "rescue",
    "always",
    "args",
    "check_mode",
    "ignore_errors",
];
/// Keywords that take a task out of what can be judged, seen or taken back.
const REFUSED: [&str; 20] = [
    "delegate_to",
    "delegate_facts",
    "local_action",
    "action",
    "connection",
    "remote_user",
    "port",
    "async",
    "poll",
    "no_log",
    "ignore_unreachable",
    "become_exe",
    "become_flags",
    "become_method",
    "debugger",
    "module_defaults",
    "collections",
    "diff",
    "throttle",
    "strategy",
];
/// Keywords that a person decides about.
const HELD: [&str; 8] = [
    "environment",
    "become_user",
    "until",
    "retries",
    "delay",
    "run_once",
    "timeout",
    "any_errors_fatal",
];

/// A task's name for people.
pub(super) fn title(task: &Node) -> &str {
    task.get("name")
        .and_then(Node::text)
        .unwrap_or("without a name")
}

/// Whether a key is a keyword and no module.
fn is_keyword(key: &str) -> bool {
    KNOWN.contains(&key)
        || REFUSED.contains(&key)
        || HELD.contains(&key)
        || key.starts_with("with_")
        || key == "<<"
}

/// A task's module and what it is given.
pub(super) fn module(task: &Node) -> Option<(&str, usize, &Node)> {
    let mut modules = task.map()?.iter().filter(|(key, ..)| !is_keyword(key));
    let (name, line, params) = modules.next()?;
    modules.next().is_none().then_some((name, *line, params))
}

/// Judges a task without the tasks of its blocks.
pub(super) fn judge(known: &Known, task: &Node) -> Vec<Issue> {
    let Some(pairs) = task.map() else {
        return vec![Issue::refused(task.line, "a task that is no map")];
    };
    let reader = modules::is_read_only(task);
    let mut issues = Vec::new();
    for (key, line, value) in pairs.iter().filter(|(key, ..)| is_keyword(key)) {
        let about = value.canonical();
        let found = keyword(known, key, *line, value, task, reader);
        // As root everything else in the task matters, so that no part of it is the baseline.
        let whole = key == "become";
        issues.extend(
            found
                .into_iter()
                .map(|i| if whole { i } else { i.about(&about) }),
        );
    }
    let is_block = task.get("block").is_some();
    match (is_block, module(task)) {
        (true, None) if pairs.iter().all(|(key, ..)| is_keyword(key)) => {}
        (false, Some((name, line, params))) => {
            issues.extend(modules::judge(known, name, line, params, task));
        }
        _ => issues.push(Issue::refused(
            task.line,
            format!(
                "the task \"{}\" has no module, or several; give it one",
                title(task)
            ),
        )),
    }
    issues
}

fn keyword(
    known: &Known,
    key: &str,
    line: usize,
    value: &Node,
    task: &Node,
    reader: bool,
) -> Vec<Issue> {
    let held = |what: &str| vec![Issue::held(line, what)];
    let refused = |what: &str| vec![Issue::refused(line, what)];
    match key {
        "name" | "listen" => texts(value),
        "changed_when" | "failed_when" if value.boolean() == Some(false) => {
            let computes = module(task).is_some_and(|(name, ..)| modules::only_computes(name));
            if reader || computes {
                return Vec::new();
            }
            held(&format!(
                "{key}: false hides what the task does; write a condition"
            ))
        }
        "when" | "changed_when" | "failed_when" => condition(key, value),
        "loop" | "with_items"
            if module(task).is_some_and(|(name, ..)| modules::is_include(name)) =>
        {
            held("a loop over included tasks, whose variable outranks theirs")
        }
        "loop" | "with_items" => repeated(key, line, value),
        "loop_control" => match value.map() {
            Some(pairs) => pairs
                .iter()
                .filter(|(k, ..)| !["loop_var", "label", "index_var"].contains(&k.as_str()))
                .map(|(k, line, _)| Issue::held(*line, format!("loop_control's {k}")))
                .chain(texts(value))
                .chain(["loop_var", "index_var"].iter().filter_map(|key| {
                    let name = value.get(key)?.text()?;
                    vars::taken(known, name, line)
                }))
                .collect(),
            None => refused("loop_control that is no map"),
        },
        "register" => match value.text() {
            Some(name) if super::plays::plain_name(name) && !name.starts_with("ansible_") => {
                vars::taken(known, name, line).into_iter().collect()
            }
            _ => refused("register without a plain name of its own"),
        },
        "notify" => {
            if value.scalars().iter().all(|(_, t)| !jinja::is_template(t)) {
                Vec::new()
            } else {
                held("notify with a template; name the handler")
            }
        }
        "become" => match value.boolean() {
            Some(false) => Vec::new(),
            _ => held("the task runs as root (become); a person decides about that"),
        },
        "vars" if module(task).is_some_and(|(name, ..)| modules::is_include(name)) => {
            held("variables for included tasks, which outrank others; put them into defaults")
        }
        "vars" if task.get("block").is_some_and(has_include) => {
            held("variables for tasks included in a block, which outrank others")
        }
        "vars" => vars::own(known, value),
        "tags" => tags(value),
        "args" if value.map().is_some() => match module(task) {
            Some((name, ..)) if !modules::is_command(name) => held(&format!(
                "args of {name}, which are judged apart from it; write them below {name}"
            )),
            _ => Vec::new(),
        },
        "args" => refused("args that are no map"),
        "check_mode" if value.boolean() == Some(false) && !reader => refused(
            "check_mode: false runs it while it is only judged; keep that for a command that \
             reads, with register and changed_when: false",
        ),
        "check_mode" if reader => Vec::new(),
        "check_mode" => held("check_mode: the task never does anything"),
        "ignore_errors" if value.boolean() == Some(false) => Vec::new(),
        "ignore_errors" => refused("ignore_errors hides a failure; use failed_when"),
        "block" | "rescue" | "always" => Vec::new(),
        _ if key.starts_with("with_") => refused(&format!(
            "{key} is a lookup, which reads files or runs programs; use loop"
        )),
        _ if REFUSED.contains(&key) => refused(&format!("the keyword {key}; leave it out")),
        _ => held(&format!("the keyword {key}, which a person decides about")),
    }
}

/// Whether there is an include anywhere below.
fn has_include(block: &Node) -> bool {
    let scalars = block.scalars();
    scalars.iter().any(|(_, text)| modules::is_include(text))
}

/// Judges every text below for its templates.
pub(super) fn texts(value: &Node) -> Vec<Issue> {
    let one = |(line, text): (usize, &str)| -> Vec<Issue> {
        jinja::text(text, line)
            .into_iter()
            .map(|i| i.about(text))
            .collect()
    };
    value.scalars().into_iter().flat_map(one).collect()
}

/// Judges a condition: an expression, or a list of them.
pub(super) fn condition(key: &str, value: &Node) -> Vec<Issue> {
    let items = match &value.value {
        Value::List(items) => items.as_slice(),
        Value::Scalar { .. } => std::slice::from_ref(value),
        Value::Map(_) => {
            return vec![Issue::refused(
                value.line,
                format!("{key} that is no expression"),
            )];
        }
    };
    let mut issues = Vec::new();
    for item in items {
        let text = item.text().unwrap_or_default();
        if key == "when" && item.boolean() == Some(false) {
            issues.push(Issue::held(item.line, "when: false switches the task off"));
        }
        issues.extend(jinja::expression(text, item.line));
        issues.extend(jinja::text(text, item.line));
    }
    issues
}

/// Tags, none of which may keep a task from running.
pub(super) fn tags(value: &Node) -> Vec<Issue> {
    let mut issues = Vec::new();
    for (line, text) in value.scalars() {
        if jinja::is_template(text) || text.split(',').any(|t| t.trim() == "never") {
            let what = "a tag that keeps the task from running (never, or a template)";
            issues.push(Issue::held(line, what));
        }
    }
    issues
}

fn repeated(key: &str, line: usize, value: &Node) -> Vec<Issue> {
    let literal = match value.list() {
        Some(items) => items.iter().all(|i| i.list().is_none()),
        None => false,
    };
    if !literal {
        return vec![Issue::held(
            line,
            format!("{key} over something else than a literal list"),
        )];
    }
    texts(value)
}
