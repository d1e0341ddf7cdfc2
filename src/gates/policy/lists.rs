//! Old and new lists of tasks: which task is new, changed, gone, or reached by a change elsewhere.

use std::collections::BTreeSet;

use super::env::mentions;
use super::expand::Locals;
use super::issue::{Issue, news};
use super::known::Known;
use super::tasks::{self, At};
use super::{conditions, deployed, expand, modules, moved, puts, weakened};

use crate::playbook::yaml::{Node, Value};

pub(super) const BLOCKS: [&str; 3] = ["block", "rescue", "always"];

/// A place in both sides.
#[derive(Clone, Copy)]
pub(super) struct Pair<'a> {
    pub(super) old: At<'a>,
    pub(super) new: At<'a>,
}

impl<'a> Pair<'a> {
    pub(super) fn of(known: &'a Known, file: &'a str, locals: &'a Locals) -> Self {
        let at = |side| At {
            known,
            side,
            file,
            locals,
        };
        Self {
            old: at(&known.old),
            new: at(&known.new),
        }
    }
}

/// Judges the tasks of `new` that `old` does not have.
pub(super) fn compare(pair: Pair<'_>, old: &[Node], new: &[Node]) -> Vec<Issue> {
    let mut issues = Vec::new();
    let mut left: Vec<&Node> = old.iter().collect();
    let mut rest: Vec<(&Node, Option<&Node>)> = Vec::new();
    for task in new {
        match left.iter().position(|o| o.canonical() == task.canonical()) {
            Some(at) => {
                left.remove(at);
                issues.extend(standing(pair, task));
            }
            None => rest.push((task, None)),
        }
    }
    rest.retain(
        |(task, _)| match moved::takes_together(pair, task, &mut left) {
            Some(found) => {
                issues.extend(found);
                false
            }
            None => true,
        },
    );
    // First by name, then by everything but the name, then by what they do where.
    for by in [name, body, subject] {
        for (task, before) in rest.iter_mut().filter(|(_, before)| before.is_none()) {
            let Some(key) = by(task) else { continue };
            if let Some(at) = left.iter().position(|o| by(o).as_ref() == Some(&key)) {
                *before = Some(left.remove(at));
            }
        }
    }
    for (task, before) in rest {
        issues.extend(one(pair, before, task));
    }
    let line = new.last().or(new.first()).map_or(1, |t| t.line);
    for gone in left {
        if moved::stands_elsewhere(pair.new.known, pair.old.file, gone) {
            continue;
        }
        let what = format!("the task \"{}\" is removed or renamed", tasks::title(gone));
        issues.push(Issue::held("task-removed", line, what));
    }
    issues
}

/// The tasks of a list with those of its blocks.
pub(super) fn all_of<'n>(list: &'n [Node], all: &mut Vec<&'n Node>) {
    for task in list {
        all.push(task);
        for key in BLOCKS {
            all_of(task.get(key).and_then(Node::list).unwrap_or_default(), all);
        }
    }
}

fn name(task: &Node) -> Option<String> {
    task.get("name").map(Node::canonical)
}

/// A task without its name, with its module's name as it is written in full.
pub(super) fn body(task: &Node) -> Option<String> {
    let pairs = task
        .map()?
        .iter()
        .filter(|(key, ..)| key != "name" && key != "tags")
        .map(|(key, line, value)| (bare(key).to_owned(), *line, value.clone()))
        .collect();
    Some(
        Node {
            line: task.line,
            value: Value::Map(pairs),
        }
        .canonical(),
    )
}

pub(super) fn bare(key: &str) -> &str {
    ["ansible.builtin.", "ansible.posix.", "community.general."]
        .iter()
        .find_map(|c| key.strip_prefix(c))
        .unwrap_or(key)
}

/// The module and where or what it is about.
fn subject(task: &Node) -> Option<String> {
    let (module, _, given) = tasks::module(task)?;
    let about = ["dest", "path", "name", "pkg", "domain", "to_port", "port"]
        .iter()
        .find_map(|k| given.get(k))?;
    let key = given.get("key").map(Node::canonical).unwrap_or_default();
    Some(format!("{} {} {key}", bare(module), about.canonical()))
}

/// A task as it was. What it names, or the file that it deploys, may have changed.
fn standing(pair: Pair<'_>, task: &Node) -> Vec<Issue> {
    let known = pair.new.known;
    let mut issues = Vec::new();
    let block = task.get("block").is_some();
    if !block && reached(pair, task) {
        issues.extend(reached_issues(pair, task));
    }
    let brings = tasks::module(task).is_some_and(|(name, ..)| modules::is_include(name));
    if brings && expand::loop_of(task).is_some_and(|(_, list)| mentions(list, &known.affected)) {
        let what = "the list changes by which it brings in tasks; a person decides";
        issues.push(Issue::held("variable", task.line, what));
    }
    if goes_over_results(known, task) {
        let what = "it goes over what a task has found whose own list changes; a person decides";
        issues.push(Issue::held("variable", task.line, what));
    }
    // A handler that is gone leaves its task without effect.
    if let Some(value) = task.get("notify") {
        for (line, text) in value.scalars() {
            if tasks::has_handler(pair.old.side, text) && !tasks::has_handler(pair.new.side, text) {
                issues.push(Issue::refused(
                    "unresolved",
                    line,
                    format!(
                        "the handler {} is gone, and a task still notifies it",
                        crate::text::plain(text, 80)
                    ),
                ));
            }
        }
    }
    if block {
        if task
            .get("when")
            .is_some_and(|w| mentions_bare(w, &known.affected))
        {
            issues.extend(switched(pair, task));
        }
        let locals = with_vars(pair.new.locals, task);
        let inner = Pair {
            old: At {
                locals: &locals,
                ..pair.old
            },
            new: At {
                locals: &locals,
                ..pair.new
            },
        };
        for key in BLOCKS {
            for task in task.get(key).and_then(Node::list).unwrap_or_default() {
                issues.extend(standing(inner, task));
            }
        }
    }
    issues
}

fn with_vars(locals: &Locals, task: &Node) -> Locals {
    let mut locals = locals.clone();
    for (name, _, value) in task.get("vars").and_then(Node::map).unwrap_or_default() {
        locals.insert(name.clone(), value.clone());
    }
    locals
}

/// Whether an expression without braces uses one of these names.
fn mentions_bare(value: &Node, names: &BTreeSet<String>) -> bool {
    value
        .scalars()
        .iter()
        .any(|(_, text)| super::jinja::names(text).iter().any(|n| names.contains(n)))
}

/// Whether a task's loop is over the results of one that loops over a variable that changes.
fn goes_over_results(known: &Known, task: &Node) -> bool {
    let Some((_, given)) = expand::loop_of(task) else {
        return false;
    };
    let names = super::env::names_in(given);
    let lists = known.new.tree.lists();
    let mut all = Vec::new();
    for list in &lists {
        all_of(list.tasks, &mut all);
    }
    all.iter().any(|other| {
        let found = other.get("register").and_then(Node::text);
        let own = expand::loop_of(other).is_some_and(|(_, list)| mentions(list, &known.affected));
        own && found.is_some_and(|name| names.contains(name))
    })
}

/// Whether a change elsewhere reaches a task: by a variable, or by the file that it deploys.
fn reached(pair: Pair<'_>, task: &Node) -> bool {
    let affected = &pair.new.known.affected;
    let bare = ["when", "changed_when", "failed_when", "until"];
    mentions(task, affected)
        || bare
            .iter()
            .any(|k| task.get(k).is_some_and(|v| mentions_bare(v, affected)))
        || puts::sources(pair.new, task).iter().any(|source| {
            let text = pair.new.side.tree.text(source).unwrap_or_default();
            pair.new.known.changed.contains(source)
                || super::jinja::parts(text)
                    .iter()
                    .any(|p| super::jinja::names(p).iter().any(|n| affected.contains(n)))
        })
}

fn reached_issues(pair: Pair<'_>, task: &Node) -> Vec<Issue> {
    let mut issues = Vec::new();
    let affected = &pair.new.known.affected;
    if task.get("when").is_some_and(|w| mentions_bare(w, affected)) {
        issues.extend(switched(pair, task));
    }
    issues.extend(news(
        &tasks::judge(pair.old, task),
        tasks::judge(pair.new, task),
    ));
    issues.extend(deployed::judge(pair, Some(task), task));
    issues.extend(weakened::fewer(pair, task, task));
    for key in [
        "changed_when",
        "failed_when",
        "until",
        "become",
        "become_user",
        "environment",
        "delegate_to",
        "notify",
    ] {
        if let Some(value) = task.get(key)
            && (mentions_bare(value, affected) && !["environment", "notify"].contains(&key)
                || mentions(value, affected))
        {
            issues.push(Issue::held(
                "variable",
                value.line,
                format!("{key} uses a variable that changes; a person decides"),
            ));
        }
    }
    issues
}

/// A condition whose variable changes: off is a removal, on makes the task a new one.
fn switched(pair: Pair<'_>, task: &Node) -> Vec<Issue> {
    let Some(when) = task.get("when") else {
        return Vec::new();
    };
    let texts: Vec<&str> = when.scalars().iter().map(|(_, t)| *t).collect();
    let mut issues = Vec::new();
    for text in texts {
        if !super::jinja::names(text)
            .iter()
            .any(|n| pair.new.known.affected.contains(n))
        {
            continue;
        }
        let old = conditions::holds(pair.old, pair.old.locals, text);
        let new = conditions::holds(pair.new, pair.new.locals, text);
        match (old, new) {
            (Some(a), Some(b)) if a == b => {}
            (Some(true) | None, Some(false)) => {
                let what = format!(
                    "the task \"{}\" is switched off by a variable",
                    tasks::title(task)
                );
                issues.push(Issue::held("switched-off", when.line, what));
            }
            (Some(false) | None, Some(true)) => {
                issues.extend(tasks::judge(pair.new, task));
                issues.extend(deployed::judge(pair, None, task));
                if task.get("block").is_some() {
                    let inner = task.get("block").and_then(Node::list).unwrap_or_default();
                    issues.extend(compare(pair, &[], inner));
                }
            }
            _ => {
                let what = format!(
                    "whether the task \"{}\" runs depends on a variable that changes",
                    tasks::title(task)
                );
                issues.push(Issue::held("variable", when.line, what));
            }
        }
    }
    issues
}

/// Judges a task that is new (`old` is none) or changed.
fn one(pair: Pair<'_>, old: Option<&Node>, new: &Node) -> Vec<Issue> {
    let Some(pairs) = new.map() else {
        return vec![Issue::refused("layout", new.line, "a task that is no map")];
    };
    let before = old.map(|o| tasks::judge(pair.old, o)).unwrap_or_default();
    let own = new.get("name").and_then(Node::text).unwrap_or_default();
    let handler = super::tree::section(pair.new.file) == super::tree::Section::Handlers;
    let mut issues = Vec::new();
    if old.is_none()
        && handler
        && !own.is_empty()
        && tasks::has_handler(pair.old.side, own)
        && !moved_handler(pair, own)
    {
        issues.push(Issue::held(
            "shadow",
            new.line,
            format!("a second handler {own} takes the place of the one that is there"),
        ));
    }
    issues.extend(news(&before, tasks::judge(pair.new, new)));
    let locals = (
        with_vars(pair.old.locals, old.unwrap_or(new)),
        with_vars(pair.new.locals, new),
    );
    let inner = Pair {
        old: At {
            locals: &locals.0,
            ..pair.old
        },
        new: At {
            locals: &locals.1,
            ..pair.new
        },
    };
    for (key, line, value) in pairs
        .iter()
        .filter(|(key, ..)| BLOCKS.contains(&key.as_str()))
    {
        let Some(list) = value.list() else {
            issues.push(Issue::refused(
                "layout",
                *line,
                format!("{key} that is no list"),
            ));
            continue;
        };
        let before = old.and_then(|o| o.get(key)).and_then(Node::list);
        if key == "rescue" && before.is_none() && swallows(pair, new, list) {
            let what = "a rescue that goes on where a task that was there fails, which would be seen \
                        before";
            issues.push(Issue::held("hides-result", *line, what));
        }
        issues.extend(compare(inner, before.unwrap_or_default(), list));
    }
    if let Some(old) = old {
        issues.extend(weakened::judge(pair, old, new));
    }
    issues.extend(deployed::judge(pair, old, new));
    issues
}

/// Whether a rescue does not fail again and its block has a task that the old side has.
fn swallows(pair: Pair<'_>, block: &Node, rescue: &[Node]) -> bool {
    let fails = |task: &Node| {
        let fail = tasks::module(task).is_some_and(|(name, ..)| bare(name) == "fail");
        fail && task.get("when").is_none()
    };
    let mut stood = Vec::new();
    let lists = pair.old.side.tree.lists();
    for list in &lists {
        all_of(list.tasks, &mut stood);
    }
    let inner = block.get("block").and_then(Node::list).unwrap_or_default();
    let same = |a: &Node, b: &Node| body(a) == body(b) || name(a).is_some() && name(a) == name(b);
    let mut stands = Vec::new();
    let lists = pair.new.side.tree.lists();
    for list in &lists {
        all_of(list.tasks, &mut stands);
    }
    let count = |all: &[&Node], task: &Node| all.iter().filter(|other| same(task, other)).count();
    let moved = |task: &Node| {
        let before = count(&stood, task);
        before > 0 && count(&stands, task) <= before
    };
    !rescue.iter().any(fails) && inner.iter().any(moved)
}

/// Whether the old handler of this name is gone from where it was.
fn moved_handler(pair: Pair<'_>, name: &str) -> bool {
    let count = |side: &super::known::Side| {
        let lists = side.tree.lists();
        let handlers = lists.iter().filter(|l| l.handlers).flat_map(|l| l.tasks);
        handlers
            .filter(|t| t.get("name").and_then(Node::text) == Some(name))
            .count()
    };
    count(pair.new.side) <= count(pair.old.side)
}
