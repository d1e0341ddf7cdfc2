//! Old and new lists of tasks: which task is new, changed, gone.

use super::known::Known;
use super::{Issue, content, news, tasks};
use crate::playbook::yaml::{Node, Value};

/// Judges the tasks of `new` that `old` does not have.
pub(super) fn compare(known: &Known, old: &[Node], new: &[Node]) -> Vec<Issue> {
    let mut issues = Vec::new();
    let mut left: Vec<&Node> = old.iter().collect();
    let mut rest: Vec<(&Node, Option<&Node>)> = Vec::new();
    for task in new {
        match left.iter().position(|o| o.canonical() == task.canonical()) {
            Some(at) => drop(left.remove(at)),
            None => rest.push((task, None)),
        }
    }
    // First by name, then by everything but the name.
    for by in [name, body] {
        for (task, before) in rest.iter_mut().filter(|(_, before)| before.is_none()) {
            let Some(key) = by(task) else { continue };
            if let Some(at) = left.iter().position(|o| by(o).as_ref() == Some(&key)) {
                *before = Some(left.remove(at));
            }
        }
    }
    for (task, before) in rest {
        issues.extend(one(known, before, task));
    }
    let line = new.last().or(new.first()).map_or(1, |t| t.line);
    for gone in left {
        let what = format!("the task \"{}\" is removed or renamed", tasks::title(gone));
        issues.push(Issue::held(line, what));
    }
    issues
}

fn name(task: &Node) -> Option<String> {
    task.get("name").map(Node::canonical)
}

fn body(task: &Node) -> Option<String> {
    let pairs = task
        .map()?
        .iter()
        .filter(|(key, ..)| key != "name")
        .cloned()
        .collect();
    Some(
        Node {
            line: task.line,
            value: Value::Map(pairs),
        }
        .canonical(),
    )
}

/// Judges a task that is new (`old` is none) or changed.
fn one(known: &Known, old: Option<&Node>, new: &Node) -> Vec<Issue> {
    let Some(pairs) = new.map() else {
        return vec![Issue::refused(new.line, "a task that is no map")];
    };
    let before = old.map(|o| tasks::judge(known, o)).unwrap_or_default();
    let mut issues = news(&before, tasks::judge(known, new));
    let block = ["block", "rescue", "always"];
    for (key, line, value) in pairs
        .iter()
        .filter(|(key, ..)| block.contains(&key.as_str()))
    {
        let Some(list) = value.list() else {
            issues.push(Issue::refused(*line, format!("{key} that is no list")));
            continue;
        };
        let before = old.and_then(|o| o.get(key)).and_then(Node::list);
        issues.extend(compare(known, before.unwrap_or_default(), list));
    }
    for (key, ..) in old.and_then(Node::map).unwrap_or_default() {
        let gone = new.get(key).is_none();
        if gone && block.contains(&key.as_str()) {
            issues.push(Issue::held(
                new.line,
                format!("the task's {key} is removed"),
            ));
        }
        // What proved that a task did its work.
        if gone && ["failed_when", "notify"].contains(&key.as_str()) {
            issues.push(Issue::held(
                new.line,
                format!("the task's {key} is removed"),
            ));
        }
    }
    issues.extend(content::inline(known, old, new));
    issues
}
