//! Tasks that stand elsewhere now, or several of which one with a loop takes the place.

use super::issue::{Issue, news};
use super::known::Known;
use super::lists::{Pair, all_of, bare, body};
use super::tasks::{self, At};
use super::{expand, modules};
use crate::playbook::yaml::{Node, Value};

/// What is to be said of a task whose loop does what several of the old ones did, one in each turn; those
/// are taken out. None where it does anything else.
pub(super) fn takes_together<'n>(
    pair: Pair<'_>,
    task: &Node,
    left: &mut Vec<&'n Node>,
) -> Option<Vec<Issue>> {
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
pub(super) fn stands_elsewhere(known: &Known, from: &str, gone: &Node) -> bool {
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
