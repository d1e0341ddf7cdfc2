//! Both sides of a change, and what the old one shows about places.

use std::collections::{BTreeMap, BTreeSet};

use super::env::Env;
use super::tree::Tree;
use super::{expand, modules, places, tasks};
use crate::playbook::yaml::{Node, Value};

/// One side: its files and what they say about names.
#[derive(Debug, Default)]
pub(super) struct Side {
    pub(super) tree: Tree,
    pub(super) env: Env,
}

/// Both sides.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) old: Side,
    pub(super) new: Side,
    /// Names whose values the change changes, directly or through others.
    pub(super) affected: BTreeSet<String>,
    /// Files whose content the change changes.
    pub(super) changed: BTreeSet<String>,
    /// Variables that are the home directory and that nothing sets to something else.
    homes: BTreeSet<String>,
    /// Where the old tasks write, as it is written.
    written: BTreeSet<String>,
    /// Names that the old tasks give their modules: services, packages.
    names: BTreeSet<String>,
    /// Packages that the new tasks install.
    installed: BTreeSet<String>,
    /// Hosts of the old plays.
    pub(super) hosts: BTreeSet<String>,
}

impl Side {
    /// Whether a task notifies this handler.
    pub(super) fn notifies(&self, name: &str) -> bool {
        fn below(node: &Node, name: &str) -> bool {
            match &node.value {
                Value::List(items) => items.iter().any(|i| below(i, name)),
                Value::Map(pairs) => pairs.iter().any(|(key, _, value)| {
                    key == "notify" && value.scalars().iter().any(|(_, t)| *t == name)
                        || below(value, name)
                }),
                Value::Scalar { .. } => false,
            }
        }
        self.tree.yaml().any(|(_, root)| below(root, name))
    }
}

impl Known {
    pub(super) fn of(old: Tree, new: Tree, changed: BTreeSet<String>) -> Self {
        let side = |tree: Tree| Side {
            env: Env::of(&tree),
            tree,
        };
        let (old, new) = (side(old), side(new));
        let mut known = Self {
            affected: old.env.differs(&new.env),
            old,
            new,
            changed,
            ..Self::default()
        };
        let mut written = BTreeSet::new();
        let mut set = BTreeSet::new();
        for (_, root) in known.old.tree.yaml() {
            look(root, &known.old.env, &mut written, &mut known.names);
            for play in root.list().unwrap_or_default() {
                known
                    .hosts
                    .extend(play.get("hosts").and_then(Node::text).map(str::to_owned));
            }
        }
        for (_, root) in known.new.tree.yaml() {
            sets(root, &mut set);
            packages(root, &known.new.env, &mut known.installed);
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
            .filter_map(|text| places::of(&known, text))
            .collect();
        known
    }

    /// Whether a variable is the home directory.
    pub(super) fn is_home(&self, name: &str) -> bool {
        self.homes.contains(name)
    }

    /// Whether an old task writes there.
    pub(super) fn writes(&self, place: &str) -> bool {
        self.written.contains(place)
    }

    /// Where the new tasks write.
    pub(super) fn places(&self) -> BTreeSet<String> {
        let mut written = BTreeSet::new();
        for (_, root) in self.new.tree.yaml() {
            look(root, &self.new.env, &mut written, &mut BTreeSet::new());
        }
        written
            .iter()
            .filter_map(|text| places::of(self, text))
            .collect()
    }

    /// Whether the old tasks name it to a module, or the new ones install it.
    pub(super) fn names(&self, name: &str) -> bool {
        self.names.contains(name) || self.installed.contains(name)
    }
}

/// Where tasks below write, and what they name.
fn look(node: &Node, env: &Env, written: &mut BTreeSet<String>, names: &mut BTreeSet<String>) {
    match &node.value {
        Value::List(items) => items.iter().for_each(|i| look(i, env, written, names)),
        Value::Map(pairs) => {
            if let Some((module, ..)) = tasks::module(node) {
                for given in expand::instances(env, &BTreeMap::new(), node).unwrap_or_default() {
                    let texts = |key: &str| -> Vec<String> {
                        let value = given.get(key);
                        let one = value.and_then(Node::text).into_iter();
                        let all = value.and_then(Node::list).unwrap_or_default().iter();
                        one.chain(all.filter_map(Node::text))
                            .map(str::to_owned)
                            .collect()
                    };
                    written.extend(texts("sysctl_file"));
                    if modules::is_of_files(module) {
                        written.extend(["dest", "path", "name"].iter().flat_map(|k| texts(k)));
                    } else {
                        names.extend(["name", "pkg", "package"].iter().flat_map(|k| texts(k)));
                    }
                }
            }
            for (.., value) in pairs {
                look(value, env, written, names);
            }
        }
        Value::Scalar { .. } => {}
    }
}

/// Packages that tasks below install.
fn packages(node: &Node, env: &Env, names: &mut BTreeSet<String>) {
    match &node.value {
        Value::List(items) => items.iter().for_each(|i| packages(i, env, names)),
        Value::Map(pairs) => {
            if tasks::module(node).is_some_and(|(module, ..)| modules::installs(module)) {
                look(node, env, &mut BTreeSet::new(), names);
            }
            for (.., value) in pairs.iter().filter(|(.., v)| v.list().is_some()) {
                packages(value, env, names);
            }
        }
        Value::Scalar { .. } => {}
    }
}

/// The paths that a task writes to, in every turn of its loop.
pub(super) fn paths(task: &Node) -> Vec<String> {
    let mut written = BTreeSet::new();
    look(task, &Env::default(), &mut written, &mut BTreeSet::new());
    written.into_iter().collect()
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

/// Whether a text is an expression for the home directory.
pub(super) fn is_home(text: &str) -> bool {
    let inner = text
        .trim()
        .strip_prefix("{{")
        .and_then(|t| t.strip_suffix("}}"));
    inner.is_some_and(is_home_expression)
}

/// Whether an expression is Ansible's own word for the home directory.
pub(super) fn is_home_expression(inner: &str) -> bool {
    let tight = inner.chars().filter(|c| !c.is_whitespace());
    let plain: String = tight.map(|c| if c == '"' { '\'' } else { c }).collect();
    [
        "ansible_facts['env']['HOME']",
        "ansible_facts.env.HOME",
        "ansible_facts.env['HOME']",
        "ansible_env['HOME']",
        "ansible_env.HOME",
        "ansible_facts['user_dir']",
        "ansible_facts.user_dir",
        "ansible_user_dir",
        "lookup('env','HOME')",
        "lookup('ansible.builtin.env','HOME')",
    ]
    .contains(&plain.as_str())
}
