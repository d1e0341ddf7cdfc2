//! What a task puts on the machine: where to, and the text with every value put in that is known.

use std::collections::BTreeSet;

use super::env::{Choice, View};
use super::tasks::{self, At};
use super::{expand, places};
use crate::playbook::yaml::Node;

/// A text that a task puts somewhere.
pub(super) struct Put {
    pub(super) to: String,
    pub(super) text: String,
    pub(super) line: usize,
    pub(super) template: bool,
}

/// The files of the repository that a task puts on the machine.
pub(super) fn sources(at: At<'_>, task: &Node) -> Vec<String> {
    let each = expand::instances(&at.side.env, at.locals, task).unwrap_or_default();
    let module = tasks::module(task).map_or("", |(name, ..)| name);
    let dir = if module.ends_with("template") {
        "templates"
    } else {
        "files"
    };
    each.iter()
        .filter_map(|given| at.side.tree.find(at.file, dir, given.get("src")?.text()?))
        .map(str::to_owned)
        .collect()
}

/// The texts of a task, with every value put in that is known.
pub(super) fn texts(at: At<'_>, task: &Node) -> Vec<Put> {
    let Some((module, ..)) = tasks::module(task) else {
        return Vec::new();
    };
    let bare = module.rsplit('.').next().unwrap_or(module);
    if !["copy", "template"].contains(&bare) {
        return Vec::new();
    }
    let dir = if bare == "template" {
        "templates"
    } else {
        "files"
    };
    let mut all = Vec::new();
    for given in expand::instances(&at.side.env, at.locals, task).unwrap_or_default() {
        let mut to = ["dest", "path", "name"]
            .iter()
            .find_map(|k| given.get(k)?.text())
            .unwrap_or_default()
            .to_owned();
        if let Some(content) = given.get("content") {
            all.push(Put {
                to,
                text: as_text(content),
                line: content.line,
                template: true,
            });
        } else if let Some(src) = given.get("src").and_then(Node::text)
            && let Some(path) = at.side.tree.find(at.file, dir, src)
        {
            if places::is_directory(&to) {
                let name = src.rsplit('/').next().unwrap_or_default();
                to = format!("{}/{name}", to.trim_end_matches('/'));
            }
            let text = at.side.tree.text(path).unwrap_or_default();
            let line = given.get("src").map_or(task.line, |s| s.line);
            for text in rendered(at, task, text, bare == "template") {
                all.push(Put {
                    to: to.clone(),
                    text,
                    line,
                    template: bare == "template",
                });
            }
        }
    }
    all
}

/// A template's text for each choice of values.
fn rendered(at: At<'_>, task: &Node, text: &str, template: bool) -> Vec<String> {
    let given = tasks::module(task).map(|(_, _, given)| given);
    let otherwise = [
        "trim_blocks",
        "lstrip_blocks",
        "block_start_string",
        "block_end_string",
        "variable_start_string",
        "variable_end_string",
    ];
    let read_otherwise = otherwise
        .iter()
        .any(|key| given.is_some_and(|g| g.get(key).is_some()));
    if !template || read_otherwise {
        return vec![text.to_owned()];
    }
    let mut locals = at.locals.clone();
    for (name, _, value) in task.get("vars").and_then(Node::map).unwrap_or_default() {
        locals.insert(name.clone(), value.clone());
    }
    let node = Node::quoted(1, text);
    let choices = at
        .side
        .env
        .choices(&node, &locals)
        .unwrap_or_else(|| vec![Choice::new()]);
    let one = |choice: &Choice| {
        let view = View {
            env: &at.side.env,
            locals: &locals,
            choice,
        };
        super::rendered::text(&view, text)
    };
    let all: BTreeSet<String> = choices.iter().map(one).collect();
    all.into_iter().collect()
}

/// Parts of files as settings in lines: what a module sets, with the place where it does.
pub(super) fn settings_of(at: At<'_>, task: &Node) -> Vec<(String, String, usize)> {
    let Some((module, line, _)) = tasks::module(task) else {
        return Vec::new();
    };
    let bare = module.rsplit('.').next().unwrap_or(module);
    let mut all = Vec::new();
    for given in expand::instances(&at.side.env, at.locals, task).unwrap_or_default() {
        let text = |key: &str| {
            given
                .get(key)
                .and_then(Node::text)
                .unwrap_or_default()
                .to_owned()
        };
        let to = ["dest", "path"]
            .iter()
            .find_map(|k| given.get(k)?.text())
            .unwrap_or_default()
            .to_owned();
        match bare {
            "lineinfile" => all.push((to, text("line"), line)),
            "blockinfile" => all.push((to, text("block") + &text("content"), line)),
            "ini_file" => {
                let section = text("section");
                let heading = if section.is_empty() {
                    section
                } else {
                    format!("[{section}]\n")
                };
                let setting = format!("{heading}{}={}", text("option"), text("value"));
                all.push((to, setting, line));
            }
            "sysctl" => all.push((
                "/etc/sysctl.conf".to_owned(),
                format!(
                    "{}{}={}{}",
                    text("name"),
                    text("key"),
                    text("value"),
                    text("val")
                ),
                line,
            )),
            _ => {}
        }
    }
    all
}

/// Every text that a task puts somewhere, whole or as a part, with its line.
pub(super) fn written(at: At<'_>, task: &Node) -> Vec<(String, String, usize)> {
    let whole = texts(at, task).into_iter();
    let whole = whole.map(|put| (put.to, put.text, put.line));
    whole.chain(settings_of(at, task)).collect()
}

/// Ansible writes a map or a list as JSON.
fn as_text(node: &Node) -> String {
    node.text()
        .map_or_else(|| as_json(node).to_string(), str::to_owned)
}

pub(super) fn as_json(node: &Node) -> serde_json::Value {
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
