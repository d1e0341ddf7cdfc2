//! What a task gives its module: in every turn of its loop, with every value that is known.

use std::collections::BTreeMap;

use super::env::{Choice, Env, View};
use super::expression;
use super::tasks;
use crate::playbook::yaml::{Node, Value};

/// Stands for a parameter that is left away.
pub(super) const OMIT: &str = "__omit__";
/// Most turns of a loop that are judged.
const MOST_TURNS: usize = 200;

/// The variables that a task's blocks and the task itself bring.
pub(super) type Locals = BTreeMap<String, Node>;

/// A task's module parameters, once for each turn and each choice of values.
///
/// # Errors
/// Why they can't all be told.
pub(super) fn instances(
    env: &Env,
    locals: &Locals,
    task: &Node,
) -> Result<Vec<Node>, &'static str> {
    let Some((name, line, given)) = tasks::module(task) else {
        return Ok(Vec::new());
    };
    let given = with_args(&as_map(name, line, given), task);
    let mut locals = locals.clone();
    for (name, _, value) in task.get("vars").and_then(Node::map).unwrap_or_default() {
        locals.insert(name.clone(), value.clone());
    }
    // The loop counts as a part: its variables have choices too.
    let around = Node {
        line,
        value: Value::List(vec![
            given.clone(),
            loop_of(task).map_or_else(|| given.clone(), |(_, l)| l.clone()),
        ]),
    };
    let choices = env
        .choices(&around, &locals)
        .ok_or("its variables have too many combinations of values to be judged")?;
    let mut all = Vec::new();
    for choice in &choices {
        for locals in turns(env, &locals, choice, task)? {
            let view = View {
                env,
                locals: &locals,
                choice,
            };
            all.push(without_omitted(view.put(&given)));
            if all.len() > MOST_TURNS {
                return Err("a loop over more than 200 items");
            }
        }
    }
    Ok(all)
}

/// The keyword and list of a loop.
pub(super) fn loop_of(task: &Node) -> Option<(&str, &Node)> {
    [
        "loop",
        "with_items",
        "with_list",
        "with_dict",
        "with_flattened",
    ]
    .iter()
    .find_map(|key| Some((*key, task.get(key)?)))
}

fn turns(
    env: &Env,
    locals: &Locals,
    choice: &Choice,
    task: &Node,
) -> Result<Vec<Locals>, &'static str> {
    let Some((keyword, looped)) = loop_of(task) else {
        return Ok(vec![locals.clone()]);
    };
    let view = View {
        env,
        locals,
        choice,
    };
    let list = view.put(looped);
    let list = if keyword == "with_dict" {
        expression::items(&list)
    } else {
        list
    };
    let Some(items) = list.list() else {
        return Err("a loop over something that is no literal list");
    };
    let mut flat = Vec::new();
    for item in items {
        match item.list() {
            Some(inner) if keyword != "loop" => flat.extend(inner.iter().cloned()),
            _ => flat.push(item.clone()),
        }
    }
    if flat.len() > MOST_TURNS {
        return Err("a loop over more than 200 items");
    }
    let control = task.get("loop_control");
    let name = control.and_then(|c| c.get("loop_var")).and_then(Node::text);
    let name = name.unwrap_or("item").to_owned();
    let one = |item: &Node| {
        let mut locals = locals.clone();
        locals.insert(name.clone(), item.clone());
        locals
    };
    Ok(flat.iter().map(one).collect())
}

/// Parameters given as `key=value` in one text.
fn as_map(module: &str, line: usize, given: &Node) -> Node {
    let Some(text) = given.text().filter(|_| !super::modules::takes_text(module)) else {
        return given.clone();
    };
    let Some(words) = shlex::split(text).filter(|w| !w.is_empty()) else {
        return given.clone();
    };
    let pairs: Option<Vec<_>> = words
        .iter()
        .map(|word| {
            let (key, value) = word.split_once('=')?;
            let value = Node {
                line,
                value: Value::Scalar {
                    text: value.to_owned(),
                    plain: false,
                },
            };
            Some((key.to_owned(), line, value))
        })
        .collect();
    match pairs {
        Some(pairs) => Node {
            line,
            value: Value::Map(pairs),
        },
        None => given.clone(),
    }
}

fn with_args(given: &Node, task: &Node) -> Node {
    let more = task.get("args").and_then(Node::map).unwrap_or_default();
    match &given.value {
        Value::Map(pairs) if !more.is_empty() => Node {
            line: given.line,
            value: Value::Map(pairs.iter().chain(more).cloned().collect()),
        },
        Value::Scalar { .. } if !more.is_empty() => {
            let text = ("_raw_params".to_owned(), given.line, given.clone());
            Node {
                line: given.line,
                value: Value::Map(std::iter::once(text).chain(more.iter().cloned()).collect()),
            }
        }
        _ => given.clone(),
    }
}

fn without_omitted(mut node: Node) -> Node {
    if let Value::Map(pairs) = &mut node.value {
        pairs.retain(|(.., value)| value.text() != Some(OMIT));
    }
    node
}
