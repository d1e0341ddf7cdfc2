//! A playbook's files as they were and as they would be, and where names in them lead.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::playbook::yaml::{self, Node, Parsed};
use crate::repo::Change;

/// Files that a change leaves alone, by their paths.
pub type Standing = BTreeMap<PathBuf, Vec<u8>>;

/// What a directory of a role or playbook holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Tasks,
    Handlers,
    /// A role's defaults.
    Defaults,
    /// Variables that outrank defaults.
    Vars,
    Meta,
    /// What is put on the machine as it is, or as a template.
    Deployed,
    Other,
}

/// One side of a change.
#[derive(Debug, Default)]
pub(super) struct Tree {
    texts: BTreeMap<String, String>,
    parsed: BTreeMap<String, Parsed>,
}

/// A list of tasks, and where it stands.
pub(super) struct List<'t> {
    pub(super) path: &'t str,
    pub(super) handlers: bool,
    pub(super) tasks: &'t [Node],
}

impl Tree {
    /// The new side, or the old one.
    pub(super) fn of(changes: &[Change], standing: &Standing, new: bool) -> Self {
        let mut tree = Self::default();
        let side = |c: &'_ Change| if new { c.new.clone() } else { c.old.clone() };
        let changed = changes
            .iter()
            .filter_map(|c| Some((c.path.clone(), side(c)?)));
        let same = standing.iter().map(|(p, t)| (p.clone(), t.clone()));
        for (path, bytes) in same.chain(changed) {
            let path = path.to_string_lossy().into_owned();
            let Ok(text) = String::from_utf8(bytes) else {
                continue;
            };
            if is_yaml(&path)
                && section(&path) != Section::Deployed
                && let Ok(parsed) = yaml::parse(&text)
            {
                tree.parsed.insert(path.clone(), parsed);
            }
            tree.texts.insert(path, text);
        }
        tree
    }

    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }

    pub(super) fn root(&self, path: &str) -> Option<&Node> {
        self.parsed.get(path).map(|p| &p.root)
    }

    pub(super) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(p, t)| (p.as_str(), t.as_str()))
    }

    /// Every YAML file that is no deployed one.
    pub(super) fn yaml(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.parsed.iter().map(|(p, t)| (p.as_str(), &t.root))
    }

    /// Every list of tasks.
    pub(super) fn lists(&self) -> Vec<List<'_>> {
        let mut lists = Vec::new();
        for (path, root) in self.yaml() {
            let items = root.list().unwrap_or_default();
            if items.iter().any(super::plays::is_play) {
                for play in items {
                    for key in super::plays::LISTS {
                        if let Some(tasks) = play.get(key).and_then(Node::list) {
                            let handlers = key == "handlers";
                            lists.push(List {
                                path,
                                handlers,
                                tasks,
                            });
                        }
                    }
                }
            } else if items.iter().any(|i| i.map().is_some()) {
                let handlers = section(path) == Section::Handlers;
                lists.push(List {
                    path,
                    handlers,
                    tasks: items,
                });
            }
        }
        lists
    }

    /// The file that a task of `from` means by `name`, looked for as Ansible does.
    pub(super) fn find(&self, from: &str, dir: &str, name: &str) -> Option<&str> {
        let own = role_of(from);
        let here = parent(from);
        let tries = [
            join(&[own, dir, name]),
            join(&[own, name]),
            join(&[here, dir, name]),
            join(&[here, name]),
            join(&[dir, name]),
            join(&[name]),
        ];
        let found = tries
            .iter()
            .find_map(|path| self.texts.get_key_value(path.as_str()));
        if let Some((path, _)) = found {
            return Some(path);
        }
        // The playbook may stand in a directory of its own beside the roles.
        let end = format!("/{}", join(&[dir, name]));
        let beside = |path: &&String| path.ends_with(&end) && !path.contains("/roles/");
        self.texts.keys().find(beside).map(String::as_str)
    }

    /// Whether anything lies below the directory that a task of `from` means by `name`.
    pub(super) fn has_dir(&self, from: &str, dir: &str, name: &str) -> bool {
        let name = name.trim_end_matches('/');
        [
            join(&[role_of(from), dir, name]),
            join(&[role_of(from), name]),
            join(&[parent(from), dir, name]),
            join(&[parent(from), name]),
        ]
        .iter()
        .any(|top| self.texts.keys().any(|p| p.starts_with(&format!("{top}/"))))
    }

    /// Whether a role of this name is here.
    pub(super) fn has_role(&self, name: &str) -> bool {
        let inside = format!("roles/{name}/");
        self.texts
            .keys()
            .any(|p| p.starts_with(&inside) || p.contains(&format!("/{inside}")))
    }
}

/// Whether a file is one of YAML by its name.
pub(super) fn is_yaml(path: &str) -> bool {
    let folded = path.to_lowercase();
    folded.ends_with(".yml") || folded.ends_with(".yaml")
}

/// What a file is by where it stands.
pub(super) fn section(path: &str) -> Section {
    for dir in path.rsplit('/').skip(1) {
        match dir {
            "files" | "templates" => return Section::Deployed,
            "tasks" => return Section::Tasks,
            "handlers" => return Section::Handlers,
            "defaults" => return Section::Defaults,
            "vars" | "group_vars" | "host_vars" => return Section::Vars,
            "meta" => return Section::Meta,
            _ => {}
        }
    }
    Section::Other
}

/// The directory of the role, or of the playbook, that a file belongs to; without a slash behind.
pub(super) fn role_of(path: &str) -> &str {
    let parts = [
        "tasks",
        "handlers",
        "defaults",
        "vars",
        "meta",
        "files",
        "templates",
        "group_vars",
        "host_vars",
    ];
    let mut end = path.len();
    while let Some(at) = path.get(..end).and_then(|p| p.rfind('/')) {
        let dir = path.get(..at).unwrap_or_default();
        let name = dir.rsplit('/').next().unwrap_or_default();
        if parts.contains(&name) {
            return parent(dir);
        }
        end = at;
    }
    parent(path)
}

pub(super) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

/// Joins parts, with `.` and `..` taken out where they can be.
fn join(parts: &[&str]) -> String {
    let mut out: Vec<&str> = Vec::new();
    for part in parts.iter().flat_map(|p| p.split('/')) {
        match part {
            "" | "." => {}
            ".." if out.last().is_some_and(|l| *l != "..") => drop(out.pop()),
            other => out.push(other),
        }
    }
    out.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_stand_in_sections_of_roles() {
        for (path, role, what) in [
            ("roles/a/tasks/main.yml", "roles/a", Section::Tasks),
            ("tasks/main.yml", "", Section::Tasks),
            ("x/roles/a/tasks/sub/b.yml", "x/roles/a", Section::Tasks),
            ("roles/a/files/tasks.yml", "roles/a", Section::Deployed),
            ("group_vars/all.yml", "", Section::Vars),
            ("infra/mac/playbook.yml", "infra/mac", Section::Other),
            ("site.yml", "", Section::Other),
        ] {
            assert_eq!((role_of(path), section(path)), (role, what), "{path}");
        }
    }
}
