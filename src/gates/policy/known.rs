//! What the playbook said before the change, as far as the changed files show it.

use std::collections::{BTreeMap, BTreeSet};

use super::{modules, params, places, tasks};
use crate::playbook::yaml::{self, Node, Value};
use crate::repo::Changes;

/// Names and places of the old text, and names of the new one.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Variables that are the home directory and that nothing sets to something else.
    homes: BTreeSet<String>,
    /// Where the old tasks write, below the home directory.
    written: BTreeSet<String>,
    /// What the new text sets as facts, which outrank the variables of a task.
    facts: BTreeSet<String>,
    /// Every word of the old text.
    old: BTreeSet<String>,
    /// Every word of the new text, and how often it is there.
    new: BTreeMap<String, usize>,
}

impl Known {
    pub(super) fn of(changes: &Changes) -> Self {
        let mut known = Self::default();
        let mut written = BTreeSet::new();
        let mut set = BTreeSet::new();
        for change in changes.all() {
            let text = |bytes: &Option<Vec<u8>>| {
                let bytes = bytes.as_deref().unwrap_or_default();
                String::from_utf8_lossy(bytes).into_owned()
            };
            let (old, new) = (text(&change.old), text(&change.new));
            known.old.extend(words(&old).map(str::to_owned));
            for word in words(&new) {
                *known.new.entry(word.to_owned()).or_default() += 1;
            }
            let path = change.path.to_string_lossy().to_lowercase();
            if !path.ends_with(".yml") && !path.ends_with(".yaml") {
                continue;
            }
            if let Ok(old) = yaml::parse(&old) {
                known.look(&old.root, &mut written);
            }
            if let Ok(new) = yaml::parse(&new) {
                sets(&new.root, &mut set);
                facts(&new.root, &mut known.facts);
            }
        }
        // A place directly below the home directory shows what a variable of another file is.
        for text in &written {
            if let Some((name, rest)) = places::leading(text)
                && (rest == "/.claude" || rest.starts_with("/.claude/"))
            {
                known.homes.insert(name.to_owned());
            }
        }
        known.homes.retain(|name| !set.contains(name));
        known.written = written
            .iter()
            .filter_map(|text| places::below_home(&known, text))
            .map(str::to_owned)
            .collect();
        known
    }

    /// Whether a variable is the home directory.
    pub(super) fn is_home(&self, name: &str) -> bool {
        self.homes.contains(name)
    }

    /// Whether the new text sets a fact of this name.
    pub(super) fn has_fact(&self, name: &str) -> bool {
        self.facts.contains(name)
    }

    /// Whether an old task writes there, given from the home directory on.
    pub(super) fn writes(&self, rest: &str) -> bool {
        self.written.contains(rest)
    }

    /// Whether the old text has this word anywhere.
    pub(super) fn says(&self, word: &str) -> bool {
        self.old.contains(word)
    }

    /// Whether the new text has this word more than once.
    pub(super) fn uses(&self, word: &str) -> bool {
        self.new.get(word).is_some_and(|times| *times > 1)
    }

    fn look(&mut self, node: &Node, written: &mut BTreeSet<String>) {
        written.extend(paths(node));
        match &node.value {
            Value::List(items) => items.iter().for_each(|item| self.look(item, written)),
            Value::Map(pairs) => {
                for (key, _, value) in pairs {
                    if value.text().is_some_and(is_home) {
                        self.homes.insert(key.clone());
                    }
                    self.look(value, written);
                }
            }
            Value::Scalar { .. } => {}
        }
    }

    #[cfg(test)]
    pub(super) fn with(homes: &[&str], written: &[&str]) -> Self {
        let all = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
        Self {
            homes: all(homes),
            written: all(written),
            ..Self::default()
        }
    }
}

/// The paths that a task writes to, in every turn of its loop.
pub(super) fn paths(task: &Node) -> Vec<String> {
    let Some((name, _, given)) = tasks::module(task) else {
        return Vec::new();
    };
    if !modules::is_of_files(name) {
        return Vec::new();
    }
    let each = params::instances(given, task).unwrap_or_default();
    each.iter()
        .flat_map(|given| ["dest", "path", "name"].map(|key| given.get(key)?.text()))
        .flatten()
        .map(str::to_owned)
        .collect()
}

/// The names that anything below sets to something else than the home directory.
fn sets(node: &Node, names: &mut BTreeSet<String>) {
    match &node.value {
        Value::List(items) => items.iter().for_each(|item| sets(item, names)),
        Value::Map(pairs) => {
            for (key, _, value) in pairs {
                if ["register", "loop_var", "index_var"].contains(&key.as_str()) {
                    names.extend(value.text().map(str::to_owned));
                }
                if !value.text().is_some_and(is_home) {
                    names.insert(key.clone());
                }
                sets(value, names);
            }
        }
        Value::Scalar { .. } => {}
    }
}

/// The names that tasks below set for all that follow.
fn facts(node: &Node, names: &mut BTreeSet<String>) {
    match &node.value {
        Value::List(items) => items.iter().for_each(|item| facts(item, names)),
        Value::Map(pairs) => {
            for (key, _, value) in pairs {
                if key == "register" {
                    names.extend(value.text().map(str::to_owned));
                }
                if modules::is_set_fact(key) {
                    let set = value.map().unwrap_or_default();
                    names.extend(set.iter().map(|(name, ..)| name.clone()));
                }
                facts(value, names);
            }
        }
        Value::Scalar { .. } => {}
    }
}

/// Whether a text is an expression for the home directory.
fn is_home(text: &str) -> bool {
    let inner = text
        .trim()
        .strip_prefix("{{")
        .and_then(|t| t.strip_suffix("}}"));
    inner.is_some_and(|inner| is_home_fact(inner) || is_home_lookup(inner))
}

/// Whether an expression is Ansible's own word for the home directory.
pub(super) fn is_home_fact(inner: &str) -> bool {
    [
        "ansible_facts['env']['HOME']",
        "ansible_facts.env.HOME",
        "ansible_facts.env['HOME']",
        "ansible_env['HOME']",
        "ansible_env.HOME",
        "ansible_facts['user_dir']",
        "ansible_facts.user_dir",
        "ansible_user_dir",
    ]
    .contains(&plain(inner).as_str())
}

fn is_home_lookup(inner: &str) -> bool {
    [
        "lookup('env','HOME')",
        "lookup('ansible.builtin.env','HOME')",
    ]
    .contains(&plain(inner).as_str())
}

/// An expression in one spelling.
fn plain(inner: &str) -> String {
    let tight = inner.chars().filter(|c| !c.is_whitespace());
    tight.map(|c| if c == '"' { '\'' } else { c }).collect()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
}
