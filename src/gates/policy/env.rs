//! The variables that a tree's files define, and the values that expressions have by them.

use std::collections::{BTreeMap, BTreeSet};

use super::known::is_home;
use super::tree::{self, Section, Tree};
use super::{expression, jinja, modules};
use crate::playbook::yaml::{Node, Value};

/// Most combinations of values that are tried for one task.
const MOST: usize = 32;
/// How deep variables may name each other.
pub(super) const DEEPEST: usize = 8;

/// What the files of a tree say about names.
#[derive(Debug, Default)]
pub(super) struct Env {
    /// Names with every value that they are given somewhere.
    defs: BTreeMap<String, Vec<Node>>,
    /// Names that only a run gives a value: registered, set as facts, of loops.
    dynamic: BTreeSet<String>,
    /// Names that expressions use.
    uses: BTreeSet<String>,
}

/// Which of a name's values is taken.
pub(super) type Choice = BTreeMap<String, usize>;

impl Env {
    pub(super) fn of(tree: &Tree) -> Self {
        let mut env = Self::default();
        // Elsewhere than in the usual places a file holds variables only where something says so.
        let named: BTreeSet<String> = tree
            .yaml()
            .flat_map(|(_, root)| root.scalars())
            .filter(|(_, text)| tree::is_yaml(text))
            .map(|(_, text)| text.rsplit('/').next().unwrap_or_default().to_owned())
            .collect();
        let outranked = outranked(tree);
        for (path, root) in tree.yaml() {
            let file = path.rsplit('/').next().unwrap_or(path);
            let variables = match tree::section(path) {
                Section::Defaults | Section::Vars => true,
                Section::Other => named.contains(file),
                _ => false,
            };
            let weakest = tree::section(path) == Section::Defaults;
            if variables {
                env.define(root, |name| weakest && outranked.contains(name));
            }
            for item in root.list().unwrap_or_default() {
                if let Some(vars) = item.get("vars").filter(|_| super::plays::is_play(item)) {
                    env.define(vars, |_| false);
                }
                for role in item.get("roles").and_then(Node::list).unwrap_or_default() {
                    role.get("vars")
                        .into_iter()
                        .for_each(|v| env.define(v, |_| false));
                }
            }
            env.look(root);
        }
        for (_, text) in tree.texts().filter(|(p, _)| p.ends_with(".j2")) {
            for part in jinja::parts(text) {
                env.uses.extend(jinja::names(&part));
            }
        }
        env
    }

    fn define(&mut self, vars: &Node, without: impl Fn(&str) -> bool) {
        let all = vars.map().unwrap_or_default().iter();
        for (name, _, value) in all.filter(|(name, ..)| !without(name)) {
            let all = self.defs.entry(name.clone()).or_default();
            if !all.iter().any(|v| v.canonical() == value.canonical()) {
                all.push(value.clone());
            }
        }
    }

    fn look(&mut self, node: &Node) {
        match &node.value {
            Value::List(items) => items.iter().for_each(|item| self.look(item)),
            Value::Map(pairs) => {
                for (key, _, value) in pairs {
                    if ["register", "loop_var", "index_var"].contains(&key.as_str()) {
                        self.dynamic.extend(value.text().map(str::to_owned));
                    }
                    if modules::is_set_fact(key) {
                        let set = value.map().unwrap_or_default();
                        self.dynamic
                            .extend(set.iter().map(|(name, ..)| name.clone()));
                    }
                    let bare = [
                        "when",
                        "that",
                        "until",
                        "changed_when",
                        "failed_when",
                        "var",
                    ];
                    if bare.contains(&key.as_str()) {
                        for (_, text) in value.scalars() {
                            self.uses.extend(jinja::names(text));
                        }
                    }
                    self.look(value);
                }
            }
            Value::Scalar { text, .. } => {
                for part in jinja::parts(text) {
                    self.uses.extend(jinja::names(&part));
                }
            }
        }
    }

    /// Whether anything defines, sets or uses a name.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.defs.contains_key(name) || self.dynamic.contains(name) || self.uses.contains(name)
    }

    /// Whether an expression uses a name.
    pub(super) fn uses(&self, name: &str) -> bool {
        self.uses.contains(name)
    }

    /// Whether only a run tells a name's value.
    pub(super) fn is_dynamic(&self, name: &str) -> bool {
        self.dynamic.contains(name)
    }

    /// Whether a name has no value at all.
    pub(super) fn is_undefined(&self, name: &str) -> bool {
        !self.defs.contains_key(name) && !self.dynamic.contains(name)
    }

    pub(super) fn values(&self, name: &str) -> &[Node] {
        self.defs.get(name).map_or(&[], Vec::as_slice)
    }

    /// The names whose values differ from another's, and those that name such ones.
    pub(super) fn differs(&self, other: &Self) -> BTreeSet<String> {
        let canonical = |env: &Self, name: &String| {
            let all = env.defs.get(name).into_iter().flatten();
            let all: BTreeSet<String> = all.map(Node::canonical).collect();
            (all, env.dynamic.contains(name))
        };
        let names = self.defs.keys().chain(other.defs.keys());
        let names = names.chain(&self.dynamic).chain(&other.dynamic);
        let mut found: BTreeSet<String> = names
            .filter(|name| canonical(self, name) != canonical(other, name))
            .cloned()
            .collect();
        loop {
            let more: Vec<String> = [self, other]
                .iter()
                .flat_map(|env| env.defs.iter())
                .filter(|(name, values)| {
                    !found.contains(*name) && values.iter().any(|v| mentions(v, &found))
                })
                .map(|(name, _)| name.clone())
                .collect();
            if more.is_empty() {
                return found;
            }
            found.extend(more);
        }
    }

    /// Every way in which the names that a node uses can have their values. `None`: too many.
    pub(super) fn choices(
        &self,
        node: &Node,
        locals: &BTreeMap<String, Node>,
    ) -> Option<Vec<Choice>> {
        let mut seen = BTreeSet::new();
        let mut next: Vec<String> = names_in(node).into_iter().collect();
        next.extend(locals.values().flat_map(names_in));
        let mut all = vec![Choice::new()];
        while let Some(name) = next.pop() {
            if locals.contains_key(&name) || !seen.insert(name.clone()) {
                continue;
            }
            let values = self.values(&name);
            next.extend(values.iter().flat_map(names_in));
            if values.len() > 1 {
                if all.len() * values.len() > MOST {
                    return None;
                }
                let with = |choice: &Choice, at| {
                    let mut choice = choice.clone();
                    choice.insert(name.clone(), at);
                    choice
                };
                all = all
                    .iter()
                    .flat_map(|c| (0..values.len()).map(|at| with(c, at)).collect::<Vec<_>>())
                    .collect();
            }
        }
        Some(all)
    }
}

/// Names that `group_vars/all` beside every playbook of the tree gives a value: it counts for every
/// host, and a role's default for none.
fn outranked(tree: &Tree) -> BTreeSet<String> {
    let plays = |root: &Node| {
        root.list()
            .is_some_and(|l| l.iter().any(super::plays::is_play))
    };
    let playbooks = tree.yaml().filter(|(_, root)| plays(root));
    let mut places: BTreeSet<&str> = playbooks.map(|(path, _)| tree::parent(path)).collect();
    let (Some(beside), None) = (places.pop_first(), places.pop_first()) else {
        return BTreeSet::new();
    };
    // Of several spellings Ansible reads one.
    let front = match beside {
        "" => "group_vars/all".to_owned(),
        beside => format!("{beside}/group_vars/all"),
    };
    let behind = |path: &str| path.strip_prefix(&front).map(str::to_owned);
    let spelled = |rest: &String| rest.is_empty() || rest.starts_with(['/', '.']);
    let mut all = tree
        .texts()
        .filter_map(|(path, _)| behind(path))
        .filter(spelled);
    let (Some(only), None) = (all.next(), all.next()) else {
        return BTreeSet::new();
    };
    let root = tree
        .root(&format!("{front}{only}"))
        .filter(|_| [".yml", ".yaml"].contains(&only.as_str()));
    let names = root.and_then(Node::map).unwrap_or_default();
    names.iter().map(|(name, ..)| name.clone()).collect()
}

/// A tree's variables with those of a task, and one choice of values.
pub(super) struct View<'a> {
    pub(super) env: &'a Env,
    pub(super) locals: &'a BTreeMap<String, Node>,
    pub(super) choice: &'a Choice,
}

impl View<'_> {
    /// A name's value; `Err(true)`: nothing defines it, `Err(false)`: only a run tells.
    pub(super) fn get(&self, name: &str) -> Result<&Node, bool> {
        if let Some(value) = self.locals.get(name) {
            return Ok(value);
        }
        if self.env.is_dynamic(name) {
            return Err(false);
        }
        let at = self.choice.get(name).copied().unwrap_or_default();
        self.env
            .values(name)
            .get(at)
            .ok_or(!name.starts_with("ansible_"))
    }

    /// A node with the values of what it names; what has none stays as it is written.
    pub(super) fn put(&self, node: &Node) -> Node {
        self.put_at(node, 0)
    }

    pub(super) fn put_at(&self, node: &Node, depth: usize) -> Node {
        let value = match &node.value {
            Value::List(items) => {
                Value::List(items.iter().map(|i| self.put_at(i, depth)).collect())
            }
            Value::Map(pairs) => Value::Map(
                pairs
                    .iter()
                    .map(|(k, line, v)| (k.clone(), *line, self.put_at(v, depth)))
                    .collect(),
            ),
            Value::Scalar { text, plain } => return self.scalar(node.line, text, *plain, depth),
        };
        Node {
            line: node.line,
            value,
        }
    }

    fn scalar(&self, line: usize, text: &str, plain: bool, depth: usize) -> Node {
        let same = Node {
            line,
            value: Value::Scalar {
                text: text.to_owned(),
                plain,
            },
        };
        if depth > DEEPEST || !text.contains("{{") {
            return same;
        }
        if is_home(text) {
            return Node::quoted(line, "~");
        }
        let parts = jinja::parts(text);
        if let [only] = parts.as_slice()
            && text.trim().starts_with("{{")
            && text.trim().ends_with("}}")
        {
            return match expression::value(self, only, depth + 1) {
                Some(value) => Node { line, ..value },
                None => same,
            };
        }
        Node {
            line,
            value: Value::Scalar {
                text: jinja::replace(text, |part| {
                    let value = if super::known::is_home_expression(part) {
                        return Some("~".to_owned());
                    } else {
                        expression::value(self, part, depth + 1)?
                    };
                    let json = ["| to_json", "| to_nice_json"]
                        .iter()
                        .any(|filter| part.trim_end().ends_with(filter));
                    shown(&value).or_else(|| json.then(|| super::puts::as_json(&value).to_string()))
                }),
                plain,
            },
        }
    }
}

/// A value as it stands in a text: not as YAML has it, but as Python writes what YAML takes it for.
pub(super) fn shown(value: &Node) -> Option<String> {
    let text = value.text()?;
    if !value.is_plain() {
        return Some(text.to_owned());
    }
    let word = |all: &[&str]| {
        all.iter().any(|one| {
            let (first, rest) = one.split_at(1);
            [
                one.to_string(),
                one.to_uppercase(),
                first.to_uppercase() + rest,
            ]
            .contains(&text.to_owned())
        })
    };
    let octal = text.strip_prefix('0').filter(|t| !t.is_empty());
    Some(if word(&["yes", "true", "on"]) {
        "True".to_owned()
    } else if word(&["no", "false", "off"]) {
        "False".to_owned()
    } else if word(&["null"]) || text == "~" {
        "None".to_owned()
    } else if let Some(number) = octal.and_then(|t| i64::from_str_radix(t, 8).ok()) {
        number.to_string()
    } else {
        text.to_owned()
    })
}

/// The names that the expressions below use.
pub(super) fn names_in(node: &Node) -> BTreeSet<String> {
    let scalars = node.scalars();
    scalars
        .iter()
        .flat_map(|(_, text)| jinja::parts(text))
        .flat_map(|part| jinja::names(&part))
        .collect()
}

/// Whether a node's expressions use one of these names.
pub(super) fn mentions(node: &Node, names: &BTreeSet<String>) -> bool {
    names_in(node).iter().any(|n| names.contains(n))
}
