//! A task by itself: its keywords.

use super::expand::Locals;
use super::issue::Issue;
use super::known::{Known, Side};
use super::schema::{self, Word};
use super::{conditions, jinja, modules, plays, vars};
use crate::playbook::yaml::Node;

pub(super) use conditions::condition;

/// Keywords that are judged or harmless.
const KNOWN: [&str; 29] = [
    "name",
    "when",
    "loop",
    "with_items",
    "with_list",
    "with_dict",
    "with_flattened",
    "loop_control",
    "register",
    "notify",
    "listen",
    "become",
    "become_user",
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
    "environment",
    "until",
    "retries",
    "delay",
    "run_once",
    "delegate_to",
];
/// Keywords that take a task out of what can be judged, seen or taken back.
const REFUSED: [&str; 20] = [
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
    "vars_prompt",
];
/// Keywords that a person decides about.
const HELD: [&str; 2] = ["timeout", "any_errors_fatal"];

/// Where a task stands.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) known: &'a Known,
    pub(super) side: &'a Side,
    pub(super) file: &'a str,
    /// What the blocks around it bring.
    pub(super) locals: &'a Locals,
}

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
pub(super) fn judge(at: At<'_>, task: &Node) -> Vec<Issue> {
    let Some(pairs) = task.map() else {
        return vec![Issue::refused("layout", task.line, "a task that is no map")];
    };
    let reader = modules::is_read_only(at.known, at.side, at.locals, task);
    let mut issues = Vec::new();
    for (key, line, value) in pairs.iter().filter(|(key, ..)| is_keyword(key)) {
        let about = value.canonical();
        let found = keyword(at, key, *line, value, task, reader);
        issues.extend(found.into_iter().map(|i| i.about(&about)));
    }
    let is_block = task.get("block").is_some();
    match (is_block, module(task)) {
        (true, None) if pairs.iter().all(|(key, ..)| is_keyword(key)) => {}
        (false, Some(_)) => {
            issues.extend(modules::judge(at.known, at.side, at.file, at.locals, task));
        }
        _ => issues.push(Issue::refused(
            "layout",
            task.line,
            format!(
                "the task \"{}\" has no module, or several; give it one",
                title(task)
            ),
        )),
    }
    issues
}

#[expect(clippy::too_many_lines, reason = "one arm for each keyword")]
fn keyword(
    at: At<'_>,
    key: &str,
    line: usize,
    value: &Node,
    task: &Node,
    reader: bool,
) -> Vec<Issue> {
    let held = |rule: &'static str, what: &str| vec![Issue::held(rule, line, what)];
    let refused = |rule: &'static str, what: &str| vec![Issue::refused(rule, line, what)];
    let name = module(task).map(|(name, ..)| name);
    match key {
        "name" | "listen" => texts(value),
        "changed_when" | "failed_when" if value.boolean() == Some(false) => {
            let computes = name.is_some_and(modules::only_computes);
            if reader || computes {
                return Vec::new();
            }
            held(
                "hides-result",
                &format!("{key}: false hides what the task does; write a condition"),
            )
        }
        "when" | "changed_when" | "failed_when" | "until" => {
            let mut issues = condition(key, value);
            issues.extend(conditions::of_results(at, key, value));
            issues
        }
        "retries" | "delay" => match value.text().and_then(|t| t.parse::<u32>().ok()) {
            Some(0..=30) => Vec::new(),
            _ => held(
                "rollback",
                &format!("{key} that keeps the run going for long"),
            ),
        },
        "run_once" if value.boolean().is_some() => Vec::new(),
        "delegate_to" if matches!(value.text(), Some("localhost" | "127.0.0.1")) => Vec::new(),
        "delegate_to" => refused(
            "hosts",
            "the keyword delegate_to; this machine alone is managed",
        ),
        "loop" | "with_items" | "with_list" | "with_dict" | "with_flattened" => {
            if name.is_some_and(modules::is_include) {
                return held(
                    "loop",
                    "a loop over included tasks, whose variable outranks theirs",
                );
            }
            texts(value)
        }
        "loop_control" => loop_control(at.known, line, value),
        "register" => match value.text() {
            Some(name) if plays::plain_name(name) && !name.starts_with("ansible_") => {
                vars::taken(at.known, name, line).into_iter().collect()
            }
            _ => refused("variable", "register without a plain name of its own"),
        },
        "notify" => notified(at, line, value),
        "become" => match value.boolean() {
            Some(_) => Vec::new(),
            None => held(
                "become",
                "whether the task runs as root is only known in the run",
            ),
        },
        "become_user" => match value.text() {
            Some("root") => Vec::new(),
            _ => held("become", "the task runs as somebody else; a person decides"),
        },
        "environment" => environment(line, value),
        "vars" if name.is_some_and(modules::is_include) => held(
            "variable",
            "variables for included tasks, which outrank others; put them into defaults",
        ),
        "vars" if task.get("block").is_some_and(has_include) => held(
            "variable",
            "variables for tasks included in a block, which outrank others",
        ),
        "vars" => vars::own(at, value),
        "tags" => tags(value),
        "args" if value.map().is_some() => match name {
            Some(name) if !modules::is_command(name) => held(
                "module-parameter",
                &format!("args of {name}, which are judged apart from it; write them below {name}"),
            ),
            _ => Vec::new(),
        },
        "args" => refused("module-parameter", "args that are no map"),
        "check_mode" if value.boolean() == Some(false) && !reader => refused(
            "gate-aware",
            "check_mode: false runs it while it is only judged; keep that for a command that \
             reads, with register and changed_when: false",
        ),
        "check_mode" if reader => Vec::new(),
        "check_mode" => held("switched-off", "check_mode: the task never does anything"),
        "ignore_errors" if value.boolean() == Some(false) => Vec::new(),
        "ignore_errors" => refused(
            "hides-result",
            "ignore_errors hides a failure; use failed_when",
        ),
        "block" | "rescue" | "always" => Vec::new(),
        "<<" => held("yaml", "a merge key; write the keys out"),
        _ if key.starts_with("with_") => refused(
            "template-lookup",
            &format!("{key} is a lookup, which reads files or runs programs; use loop"),
        ),
        _ if REFUSED.contains(&key) => {
            refused("task-keyword", &format!("the keyword {key}; leave it out"))
        }
        _ => held(
            "task-keyword",
            &format!("the keyword {key}, which a person decides about"),
        ),
    }
}

fn loop_control(known: &Known, line: usize, value: &Node) -> Vec<Issue> {
    let Some(pairs) = value.map() else {
        return vec![Issue::refused("loop", line, "loop_control that is no map")];
    };
    let good = ["loop_var", "label", "index_var"];
    pairs
        .iter()
        .filter(|(k, ..)| !good.contains(&k.as_str()))
        .map(|(k, line, _)| Issue::held("loop", *line, format!("loop_control's {k}")))
        .chain(texts(value))
        .chain(["loop_var", "index_var"].iter().filter_map(|key| {
            let name = value.get(key)?.text()?;
            vars::taken(known, name, line)
        }))
        .collect()
}

/// Every handler that is named has to be there.
fn notified(at: At<'_>, line: usize, value: &Node) -> Vec<Issue> {
    let mut issues = Vec::new();
    for (_, text) in value.scalars() {
        if jinja::is_template(text) {
            issues.push(Issue::held(
                "unresolved",
                line,
                "notify with a template; name the handler",
            ));
        } else if !has_handler(at.side, text) {
            issues.push(Issue::refused(
                "unresolved",
                line,
                format!(
                    "notify {}, and no handler of that name is there",
                    crate::text::plain(text, 80)
                ),
            ));
        } else if !std::ptr::eq(at.side, &raw const at.known.old)
            && has_handler(&at.known.old, text)
            && !at.known.old.notifies(text)
        {
            issues.push(Issue::held(
                "include",
                line,
                format!(
                    "the handler {} was there, and nothing notified it before; a person decides",
                    crate::text::plain(text, 80)
                ),
            ));
        }
    }
    issues
}

/// Whether a handler goes by this name.
pub(super) fn has_handler(side: &Side, name: &str) -> bool {
    let goes_by = |task: &Node| {
        let own = task.get("name").and_then(Node::text) == Some(name);
        let listens = task
            .get("listen")
            .is_some_and(|l| l.scalars().iter().any(|(_, t)| *t == name));
        own || listens
    };
    let in_role = name.rsplit(" : ").next().unwrap_or(name);
    side.tree.lists().iter().filter(|l| l.handlers).any(|list| {
        list.tasks.iter().any(|task| {
            let inner = task.get("block").and_then(Node::list).unwrap_or_default();
            goes_by(task)
                || inner.iter().any(goes_by)
                || task.get("name").and_then(Node::text) == Some(in_role)
        })
    })
}

fn environment(line: usize, value: &Node) -> Vec<Issue> {
    let Some(pairs) = value.map() else {
        return vec![Issue::held(
            "environment",
            line,
            "the keyword environment, whose value is only known in the run",
        )];
    };
    let mut issues = Vec::new();
    for (name, line, value) in pairs {
        let plain = [
            "DEBIAN_FRONTEND",
            "NEEDRESTART_MODE",
            "NEEDRESTART_SUSPEND",
            "LANG",
            "LC_ALL",
            "LANGUAGE",
            "TZ",
        ]
        .contains(&name.as_str())
            || name.starts_with("HOMEBREW_NO_");
        let word = if plain {
            Word::Good
        } else {
            schema::variable(name, value.text().unwrap_or("$("))
        };
        match word {
            Word::Good => {}
            Word::Refused(why) => issues.push(Issue::refused(
                "environment",
                *line,
                format!("environment: {why}"),
            )),
            Word::Held(why) => issues.push(Issue::held(
                "environment",
                *line,
                format!("environment: {why}"),
            )),
        }
    }
    issues
}

/// Whether there is an include anywhere below.
fn has_include(block: &Node) -> bool {
    let scalars = block.scalars();
    scalars.iter().any(|(_, text)| modules::is_include(text))
}

/// Judges every text below for its templates.
pub(super) fn texts(value: &Node) -> Vec<Issue> {
    let one = |(line, text): (usize, &str)| -> Vec<Issue> {
        let opaque = text.contains("$ANSIBLE_VAULT") || is_blob(text);
        let opaque = opaque.then(|| {
            Issue::held(
                "opaque",
                line,
                "a text that nobody can read: a vault or encoded bytes",
            )
        });
        jinja::text(text, line)
            .into_iter()
            .chain(opaque)
            .map(|i| i.about(text))
            .collect()
    };
    value.scalars().into_iter().flat_map(one).collect()
}

/// A long run of letters and digits as encoders make them.
fn is_blob(text: &str) -> bool {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || "+/=".contains(c)))
        .any(|word| {
            let path = word.matches('/').count() > 3;
            let hex = word.chars().all(|c| c.is_ascii_hexdigit());
            word.len() >= 64
                && !path
                && !hex
                && word.chars().any(|c| c.is_ascii_digit())
                && word.chars().any(|c| c.is_ascii_uppercase())
        })
}

/// Tags, none of which may keep a task from running.
pub(super) fn tags(value: &Node) -> Vec<Issue> {
    let mut issues = Vec::new();
    for (line, text) in value.scalars() {
        if jinja::is_template(text) || text.split(',').any(|t| t.trim() == "never") {
            let what = "a tag that keeps the task from running (never, or a template)";
            issues.push(Issue::held("switched-off", line, what));
        }
    }
    issues
}
