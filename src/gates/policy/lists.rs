//! Old and new lists of tasks: which task is new, changed, gone, or reached by a change elsewhere.

use std::collections::BTreeSet;

use super::env::mentions;
use super::expand::Locals;
use super::issue::{Issue, news};
use super::known::Known;
use super::tasks::{self, At};
use super::{conditions, deployed, expand, modules, puts, weakened};
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
    rest.retain(|(task, _)| match takes_together(pair, task, &mut left) {
        Some(found) => {
            issues.extend(found);
            false
        }
        None => true,
    });
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
        if moved(pair.new.known, pair.old.file, gone) {
            continue;
        }
        let what = format!("the task \"{}\" is removed or renamed", tasks::title(gone));
        issues.push(Issue::held("task-removed", line, what));
    }
    issues
}

/// What is to be said of a task whose loop does what several of the old ones did, one in each turn; those
/// are taken out. None where it does anything else.
fn takes_together<'n>(pair: Pair<'_>, task: &Node, left: &mut Vec<&'n Node>) -> Option<Vec<Issue>> {
    let (_, items) = expand::loop_of(task)?;
    if !is_reached(pair.new.known, pair.old.file, pair.new.file) {
        return None;
    }
    let loops = task
        .map()?
        .iter()
        .filter(|(key, ..)| key == "loop" || key.starts_with("with_"));
    // An item reaches the module through an expression, by which a number is written otherwise.
    let texts = |node: &Node| {
        let quoted = |value: &&Value| !matches!(value, Value::Scalar { plain: true, .. });
        let all = leaves(node);
        all.iter().all(|value| {
            quoted(value)
                || matches!(value, Value::Scalar { text, .. } if super::expression::is_text(text))
        })
    };
    let control = task
        .get("loop_control")
        .and_then(Node::map)
        .unwrap_or_default();
    let plain = loops.count() == 1
        && texts(items)
        && control.iter().all(|(key, ..)| key == "label")
        && task.get("register").is_none();
    let turns = each_turn(pair.new, task).filter(|turns| plain && turns.len() > 1)?;
    let mut taken = Vec::new();
    let mut rest: Vec<(&'n Node, Option<String>)> = left
        .iter()
        .map(|old| {
            let plain = expand::loop_of(old).is_none() && old.get("register").is_none();
            let one = each_turn(pair.old, old).filter(|all| plain && all.len() == 1);
            (*old, one.and_then(|mut all| all.pop()))
        })
        .collect();
    for turn in &turns {
        match rest.iter().position(|(_, own)| own.as_ref() == Some(turn)) {
            Some(at) => taken.push(rest.remove(at).0),
            None => return None,
        }
    }
    *left = rest.into_iter().map(|(old, _)| old).collect();
    let before: Vec<Issue> = taken
        .iter()
        .flat_map(|old| tasks::judge(pair.old, old))
        .collect();
    Some(news(&before, tasks::judge(pair.new, task)))
}

/// The values below that are no list and no map.
fn leaves(node: &Node) -> Vec<&Value> {
    match &node.value {
        Value::List(items) => items.iter().flat_map(leaves).collect(),
        Value::Map(pairs) => pairs.iter().flat_map(|(.., value)| leaves(value)).collect(),
        value @ Value::Scalar { .. } => vec![value],
    }
}

/// A node in which texts are the same with quotes and without.
fn unquoted(node: &Node) -> Node {
    let value = match &node.value {
        Value::List(items) => Value::List(items.iter().map(unquoted).collect()),
        Value::Map(pairs) => Value::Map(
            pairs
                .iter()
                .map(|(key, line, value)| (key.clone(), *line, unquoted(value)))
                .collect(),
        ),
        Value::Scalar { text, plain } => Value::Scalar {
            text: text.clone(),
            plain: *plain || super::expression::is_text(text),
        },
    };
    Node {
        line: node.line,
        value,
    }
}

/// What a task is in each turn of its loop, without its name; none where that is only known in the run.
fn each_turn(at: At<'_>, task: &Node) -> Option<Vec<String>> {
    let (module, line, _) = tasks::module(task)?;
    let own = ["name", "loop", "with_items", "loop_control", "args"];
    let around = |key: &str| !own.contains(&key) && key != module;
    let named = task.map()?.iter().filter(|(key, ..)| around(key));
    let item = |value: &Node| {
        let texts = value.scalars();
        texts
            .iter()
            .any(|(_, text)| text.contains("item") || super::jinja::is_template(text))
    };
    let keywords: Vec<_> = named.cloned().collect();
    if keywords.iter().any(|(.., value)| item(value)) || task.get("vars").is_some() {
        return None;
    }
    let instances = expand::instances(&at.side.env, at.locals, task).ok()?;
    let known = |given: &Node| {
        let texts = given.scalars();
        !texts
            .iter()
            .any(|(_, text)| super::jinja::is_template(text))
    };
    let one = |given: Node| {
        let own = std::iter::once((bare(module).to_owned(), line, given));
        let all = Node {
            line,
            value: Value::Map(keywords.iter().cloned().chain(own).collect()),
        };
        Some(unquoted(&all).canonical())
    };
    let whole = instances.iter().all(known);
    instances.into_iter().filter(|_| whole).map(one).collect()
}

/// Whether a task stands elsewhere now, as it is.
fn moved(known: &Known, from: &str, gone: &Node) -> bool {
    let own = body(gone);
    let count = |side: &super::known::Side| {
        let lists = side.tree.lists();
        let mut all = Vec::new();
        for list in lists
            .iter()
            .filter(|list| is_reached(known, from, list.path))
        {
            all_of(list.tasks, &mut all);
        }
        all.iter().filter(|t| body(t) == own).count()
    };
    modules::is_of_files(tasks::module(gone).map_or("", |(n, ..)| n))
        && count(&known.new) >= count(&known.old)
        || count(&known.new) >= count(&known.old)
            && tasks::module(gone).is_some_and(|(n, ..)| !modules::is_include(n))
}

/// Whether what stands in a file runs as it ran when it stood in `from`: a new file has to be brought in
/// by one that was there, as that one is or from within it, and nothing in its list may end the play.
fn is_reached(known: &Known, from: &str, path: &str) -> bool {
    let tree = &known.new.tree;
    let lists = tree.lists();
    let ends = |list: &super::tree::List<'_>| list.tasks.iter().any(may_end);
    if lists.iter().any(|list| list.path == path && ends(list)) {
        return false;
    }
    if known.old.tree.text(path).is_some() {
        return true;
    }
    // Where a file is brought in, and with which keywords.
    let brought = |path: &str| -> Vec<(&str, String)> {
        let mut all = Vec::new();
        for list in lists
            .iter()
            .filter(|list| known.old.tree.text(list.path).is_some() && !ends(list))
        {
            for task in list.tasks {
                if let Some((file, keywords)) = brings(task)
                    && tree.find(list.path, "tasks", file) == Some(path)
                {
                    all.push((list.path, keywords));
                }
            }
        }
        all
    };
    let nothing = Node {
        line: 0,
        value: Value::Map(Vec::new()),
    }
    .canonical();
    let before = brought(from);
    let alike = |(by, keywords): &(&str, String)| {
        *by == from && *keywords == nothing
            || before.iter().any(|(_, own)| own == keywords)
            || before.is_empty() && *keywords == nothing
    };
    brought(path).iter().any(alike)
}

/// The file of tasks that a task brings in, and its other keywords.
fn brings(task: &Node) -> Option<(&str, String)> {
    let (module, ..) = tasks::module(task)?;
    if !["include_tasks", "import_tasks"].contains(&bare(module)) {
        return None;
    }
    let given = task.get(module)?;
    let file = given.text().or_else(|| given.get("file")?.text())?;
    let others = task
        .map()?
        .iter()
        .filter(|(key, ..)| key != "name" && key != module);
    let keywords = Node {
        line: 0,
        value: Value::Map(others.cloned().collect()),
    };
    Some((file, keywords.canonical()))
}

/// Whether a task may end the play, so that nothing behind it is done.
fn may_end(task: &Node) -> bool {
    let text = tasks::module(task).and_then(|(_, _, given)| given.text());
    text.is_some_and(|text| text.starts_with("end_"))
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
