//! Which modules may be used, and with what.

mod accounts;
mod commands;
mod files;
mod macos;
pub(super) mod packages;
mod services;
mod system;
mod tasks;
mod transfers;
mod usable;

pub(super) use commands::is_read_only;

use super::issue::Issue;
use super::known::{Known, Side};
use super::{expand, jinja, tasks as task};
use crate::playbook::yaml::{Node, Value};

/// One turn of a task's module, with every value put in that is known.
pub(super) struct Call<'a> {
    pub(super) known: &'a Known,
    /// The side that the task stands on.
    pub(super) side: &'a Side,
    pub(super) file: &'a str,
    /// The module's name without its collection.
    pub(super) name: &'a str,
    pub(super) line: usize,
    pub(super) given: &'a Node,
    /// Whether the task has a condition.
    pub(super) conditional: bool,
}

impl<'a> Call<'a> {
    pub(super) fn get(&self, key: &str) -> Option<&'a Node> {
        self.given.get(key)
    }

    /// A parameter's text; empty where it is not given.
    pub(super) fn text(&self, key: &str) -> &'a str {
        self.get(key).and_then(Node::text).unwrap_or_default()
    }

    /// The first of these parameters that is given.
    pub(super) fn first(&self, keys: &[&str]) -> Option<&'a Node> {
        keys.iter().find_map(|k| self.get(k))
    }

    /// A parameter's texts: one, a list, or names divided by commas.
    pub(super) fn texts(&self, keys: &[&str]) -> Vec<&'a str> {
        let Some(node) = self.first(keys) else {
            return Vec::new();
        };
        match &node.value {
            Value::Scalar { text, .. } => text.split(',').map(str::trim).collect(),
            Value::List(items) => items.iter().filter_map(Node::text).collect(),
            Value::Map(_) => Vec::new(),
        }
    }

    pub(super) fn held(&self, rule: &'static str, what: impl Into<String>) -> Issue {
        Issue::held(rule, self.line, what)
    }

    pub(super) fn refused(&self, rule: &'static str, what: impl Into<String>) -> Issue {
        Issue::refused(rule, self.line, what)
    }

    /// Parameters beyond these.
    fn others(&self, known: &[&str]) -> Vec<Issue> {
        let pairs = self.given.map().unwrap_or_default();
        pairs
            .iter()
            .filter(|(key, ..)| !known.contains(&key.as_str()))
            .map(|(key, line, value)| self.other(key, *line, value).about(&value.canonical()))
            .collect()
    }

    fn other(&self, key: &str, line: usize, value: &Node) -> Issue {
        let text = value.text().unwrap_or_default();
        let runs = [
            "validate",
            "executable",
            "extra_opts",
            "extra_args",
            "ssh_opts",
            "rsync_path",
            "rsync_opts",
            "fact_path",
            "binary_path",
            "virtualenv_command",
            "install_options",
            "virtualenv",
            "options",
            "opts",
            "dpkg_options",
            "local_tmp",
        ];
        let untrusted = [
            "allow_unauthenticated",
            "disable_gpg_check",
            "validate_certs",
            "force",
            "deb",
            "url",
            "trusted",
            "sslverify",
        ];
        match key {
            "unsafe_writes" => Issue::refused(
                "module-parameter",
                line,
                "unsafe_writes leaves half-written files; leave it out",
            ),
            "attributes" | "attr" => Issue::refused(
                "rollback",
                line,
                "attributes can make a file that nobody can take back; leave it out",
            ),
            _ if runs.contains(&key) => Issue::refused(
                "runs-program",
                line,
                format!("{key} of {} runs a program; leave it out", self.name),
            ),
            _ if untrusted.contains(&key) && !["false", "no", "False"].contains(&text)
                || ["validate_certs", "sslverify"].contains(&key)
                    && value.boolean() != Some(true) =>
            {
                Issue::refused(
                    "package-source",
                    line,
                    format!(
                        "{key} of {} takes a check off what is installed; leave it out",
                        self.name
                    ),
                )
            }
            _ => Issue::held(
                "module-parameter",
                line,
                format!("the parameter {key} of {}", self.name),
            ),
        }
    }
}

/// A module that the rules know.
struct Module {
    /// Its names without a collection, divided by blanks.
    names: &'static str,
    /// The collection that it may be named with.
    collection: &'static str,
    params: &'static [&'static str],
    judge: fn(&Call<'_>) -> Vec<Issue>,
}

const BUILTIN: &str = "ansible.builtin";
const GENERAL: &str = "community.general";
const POSIX: &str = "ansible.posix";

fn all() -> impl Iterator<Item = &'static Module> {
    [
        files::MODULES,
        packages::MODULES,
        services::MODULES,
        system::MODULES,
        accounts::MODULES,
        macos::MODULES,
        tasks::MODULES,
        transfers::MODULES,
        commands::MODULES,
    ]
    .into_iter()
    .flatten()
}

fn find(name: &str) -> Option<(&'static Module, &'static str)> {
    let (collection, short) = match name.rsplit_once('.') {
        Some((collection, short)) => (Some(collection), short),
        None => (None, name),
    };
    all().find_map(|module| {
        let own = module.names.split(' ').find(|n| *n == short)?;
        (collection.is_none() || collection == Some(module.collection)).then_some((module, own))
    })
}

/// Modules with words of their own for why they are not judged.
const WORDS: [(&str, &str, &str); 5] = [
    (
        "command",
        "expect win_shell telnet make",
        "it runs free text",
    ),
    (
        "transfers",
        "subversion hg synchronize patch",
        "it talks to others",
    ),
    (
        "package",
        "gem cargo pacman apk rpm_key mas pipx flatpak cpanm composer bower yarn portage",
        "it installs what others wrote",
    ),
    (
        "persistence",
        "at launchd runit supervisorctl sudoers pamd alternatives",
        "it starts programs, or decides who may",
    ),
    (
        "module",
        "group_by kernel_blacklist seboolean sefcontext acl xattr capabilities docker_container \
         filesystem lvol parted debconf dconf",
        "it reaches further than a rule can follow",
    ),
];

/// A module's name without the collection that Ansible brings it in.
fn short(name: &str) -> &str {
    name.strip_prefix("ansible.builtin.").unwrap_or(name)
}

/// Modules that bring in further tasks.
pub(super) fn is_include(name: &str) -> bool {
    let name = short(name);
    [
        "include_tasks",
        "import_tasks",
        "include_role",
        "import_role",
        "include",
        "import_playbook",
    ]
    .contains(&name)
}

/// Modules that take a command as their text.
pub(super) fn takes_text(name: &str) -> bool {
    [
        "command",
        "shell",
        "raw",
        "script",
        "expect",
        "meta",
        "include_tasks",
        "import_tasks",
        "include_vars",
        "include",
    ]
    .contains(&short(name))
}

/// Modules that run a program by its arguments or as shell.
pub(super) fn is_command(name: &str) -> bool {
    ["command", "shell", "raw", "script"].contains(&short(name))
}

/// Whether a module sets facts.
pub(super) fn is_set_fact(name: &str) -> bool {
    short(name) == "set_fact"
}

/// Modules that write a file.
pub(super) fn is_of_files(name: &str) -> bool {
    let bare = name.rsplit('.').next().unwrap_or(name);
    [
        "copy",
        "template",
        "file",
        "lineinfile",
        "blockinfile",
        "replace",
        "ini_file",
    ]
    .contains(&bare)
}

/// Modules that install packages of the system's.
pub(super) fn installs(name: &str) -> bool {
    let bare = name.rsplit('.').next().unwrap_or(name);
    ["apt", "package", "dnf", "yum", "homebrew", "homebrew_cask"].contains(&bare)
}

/// Modules that change nothing by themselves.
pub(super) fn only_computes(name: &str) -> bool {
    [
        "assert",
        "stat",
        "debug",
        "set_fact",
        "find",
        "getent",
        "package_facts",
        "service_facts",
        "setup",
        "fail",
        "wait_for",
    ]
    .contains(&short(name))
}

/// Judges a task's module in every turn with what it is given.
pub(super) fn judge(
    known: &Known,
    side: &Side,
    file: &str,
    locals: &expand::Locals,
    task: &Node,
) -> Vec<Issue> {
    let Some((name, line, given)) = task::module(task) else {
        return Vec::new();
    };
    let mut issues = task::texts(given);
    let each = match expand::instances(&side.env, locals, task) {
        Ok(each) => each,
        Err(why) => {
            issues.push(Issue::held("loop", line, why));
            return issues;
        }
    };
    let Some((module, own)) = find(name) else {
        issues.push(unknown(name, line).about(&given.canonical()));
        return issues;
    };
    for given in &each {
        let call = Call {
            known,
            side,
            file,
            name: own,
            line,
            given,
            conditional: task.get("when").is_some(),
        };
        let about = given.canonical();
        issues.extend(twice(&call));
        if given.map().is_none() && !takes_text(own) && !given.is_null() {
            issues.push(call.held(
                "module-parameter",
                format!("{own} without a map of parameters"),
            ));
            continue;
        }
        let any = is_set_fact(own);
        let mut found = if any {
            Vec::new()
        } else {
            call.others(module.params)
        };
        found.extend(unresolved(&call, module.params));
        found.extend((module.judge)(&call));
        issues.extend(found.into_iter().map(|i| i.about(&about)));
    }
    issues
}

/// Names of one and the same parameter.
const ALIASES: [(&str, &[&str]); 8] = [
    (
        "file lineinfile blockinfile replace ini_file",
        &["path", "dest", "name"],
    ),
    (
        "apt package dnf yum homebrew homebrew_cask zypper apk",
        &["name", "pkg", "package"],
    ),
    (
        "service systemd systemd_service",
        &["name", "unit", "service"],
    ),
    ("sysctl", &["name", "key"]),
    ("sysctl", &["value", "val"]),
    ("lineinfile", &["regexp", "regex"]),
    ("ufw", &["policy", "default"]),
    ("user mount", &["name", "user", "path"]),
];

/// A parameter that is given twice, by one name or by two: only the last counts.
fn twice(call: &Call<'_>) -> Option<Issue> {
    let pairs = call.given.map().unwrap_or_default();
    let same = pairs
        .iter()
        .enumerate()
        .any(|(at, (key, ..))| pairs.iter().skip(at + 1).any(|(other, ..)| other == key));
    let alias = ALIASES.iter().any(|(modules, names)| {
        modules.split(' ').any(|m| m == call.name)
            && names.iter().filter(|n| call.get(n).is_some()).count() > 1
    });
    (same || alias).then(|| {
        call.refused(
            "module-parameter",
            "a parameter that is given twice, of which only one counts",
        )
    })
}

fn unknown(name: &str, line: usize) -> Issue {
    let bare = name.rsplit('.').next().unwrap_or(name);
    let known = WORDS
        .iter()
        .find(|(_, names, _)| names.split_whitespace().any(|n| n == bare));
    let why = known.map_or("no rule knows it", |(.., why)| why);
    Issue::held(
        "module",
        line,
        format!("the module {name}: {why}; a person decides"),
    )
}

/// Values that only a run tells, where they matter.
fn unresolved(call: &Call<'_>, params: &[&str]) -> Vec<Issue> {
    // What only people read, or what has rules of its own for its expressions.
    let free = [
        "msg",
        "fail_msg",
        "success_msg",
        "that",
        "var",
        "content",
        "block",
        "line",
        "owner",
        "group",
        "comment",
        "when",
        "marker",
        "name_unused",
    ];
    if [
        "set_fact", "debug", "assert", "fail", "command", "shell", "raw", "script",
    ]
    .contains(&call.name)
    {
        return Vec::new();
    }
    let pairs = call.given.map().unwrap_or_default();
    // Places and sources have rules of their own.
    let file = |key: &str| is_of_files(call.name) && ["dest", "path", "src", "mode"].contains(&key);
    pairs
        .iter()
        .filter(|(key, ..)| !file(key))
        .filter(|(key, ..)| params.contains(&key.as_str()) && !free.contains(&key.as_str()))
        .filter(|(_, _, value)| value.scalars().iter().any(|(_, t)| jinja::is_template(t)))
        .map(|(key, line, value)| {
            Issue::held(
                "value-unknown",
                *line,
                format!(
                    "{key} of {} is only known in the run; write the value itself",
                    call.name
                ),
            )
            .about(&value.canonical())
        })
        .collect()
}
