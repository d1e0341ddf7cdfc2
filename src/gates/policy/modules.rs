//! Which modules may be used, and with what.

use super::known::Known;
use super::{Issue, params, places, plays, shell, tasks, vars};
use crate::playbook::yaml::{Node, Value};

/// A module that the rules know: parameters beyond the common ones of files, and paths.
struct Module {
    name: &'static str,
    params: &'static [&'static str],
}

const FILE: &[&str] = &["owner", "group", "mode", "backup", "force", "follow"];
const MODULES: [Module; 14] = [
    Module {
        name: "copy",
        params: &["src", "dest", "content", "directory_mode", "checksum"],
    },
    Module {
        name: "template",
        params: &["src", "dest", "trim_blocks", "lstrip_blocks"],
    },
    Module {
        name: "file",
        params: &["path", "dest", "name", "state", "recurse"],
    },
    Module {
        name: "lineinfile",
        params: &[
            "path",
            "dest",
            "name",
            "line",
            "regexp",
            "regex",
            "search_string",
            "state",
            "insertafter",
            "insertbefore",
            "backrefs",
            "create",
            "firstmatch",
        ],
    },
    Module {
        name: "blockinfile",
        params: &[
            "path",
            "dest",
            "name",
            "block",
            "content",
            "marker",
            "marker_begin",
            "marker_end",
            "state",
            "insertafter",
            "insertbefore",
            "create",
            "append_newline",
            "prepend_newline",
        ],
    },
    Module {
        name: "assert",
        params: &["that", "msg", "fail_msg", "success_msg", "quiet"],
    },
    Module {
        name: "stat",
        params: &[
            "path",
            "get_checksum",
            "checksum_algorithm",
            "get_mime",
            "get_attributes",
        ],
    },
    Module {
        name: "debug",
        params: &["msg", "var", "verbosity"],
    },
    Module {
        name: "set_fact",
        params: &[],
    },
    Module {
        name: "include_tasks",
        params: &["file"],
    },
    Module {
        name: "import_tasks",
        params: &["file"],
    },
    Module {
        name: "include_role",
        params: &["name", "tasks_from"],
    },
    Module {
        name: "import_role",
        params: &["name", "tasks_from"],
    },
    Module {
        name: "osx_defaults",
        params: &["domain", "key", "type", "value", "host", "state"],
    },
];
/// Modules with words of their own for why a person decides.
const WORDS: [(&str, &str); 4] = [
    (
        "shell script raw expect win_shell telnet",
        "it runs free text",
    ),
    (
        "get_url uri unarchive git subversion hg slurp fetch synchronize wait_for",
        "it talks to others",
    ),
    (
        "pip npm gem cargo apt dnf yum pacman package apk homebrew homebrew_cask homebrew_tap \
         apt_repository apt_key rpm_key mas pipx snap flatpak",
        "it installs what others wrote",
    ),
    (
        "cron at user group service systemd systemd_service launchd authorized_key sudoers mount \
         sysctl reboot pause add_host group_by include_vars import_playbook meta fail setup",
        "it reaches beyond files",
    ),
];

/// A module's name without the collection that Ansible brings it in.
fn short(name: &str) -> &str {
    match name.strip_prefix("ansible.builtin.") {
        Some(short) => short,
        None if name == "community.general.osx_defaults" => "osx_defaults",
        None => name,
    }
}

/// Modules that bring in further tasks.
pub(super) fn is_include(name: &str) -> bool {
    let name = short(name);
    name.starts_with("include_") || name.starts_with("import_")
}

/// The module that runs a program by its arguments.
pub(super) fn is_command(name: &str) -> bool {
    short(name) == "command"
}

/// Whether a module sets facts.
pub(super) fn is_set_fact(name: &str) -> bool {
    short(name) == "set_fact"
}

/// Modules that write a file.
pub(super) fn is_of_files(name: &str) -> bool {
    ["copy", "template", "file", "lineinfile", "blockinfile"].contains(&short(name))
}

/// Modules that change nothing by themselves.
pub(super) fn only_computes(name: &str) -> bool {
    ["assert", "stat", "debug", "set_fact"].contains(&short(name))
}

/// Whether a task is a command that only reads, registered and never changed.
pub(super) fn is_read_only(task: &Node) -> bool {
    let Some((name, _, given)) = tasks::module(task) else {
        return false;
    };
    let never = task.get("changed_when").and_then(Node::boolean) == Some(false);
    short(name) == "command"
        && task.get("register").is_some()
        && never
        && params::instances(given, task).is_some_and(|each| {
            each.iter()
                .all(|g| shell::argv(g, task.get("args")).is_ok_and(|a| shell::reads(&a)))
        })
}

/// Judges a module with what it is given.
pub(super) fn judge(
    known: &Known,
    name: &str,
    line: usize,
    given: &Node,
    task: &Node,
) -> Vec<Issue> {
    let word = short(name);
    let mut issues = tasks::texts(given);
    let Some(each) = params::instances(given, task) else {
        issues.push(Issue::held(line, "a loop over more than 200 items"));
        return issues;
    };
    if word == "command" {
        for given in each {
            issues.extend(command(known, line, &given, task));
        }
        return issues;
    }
    let Some(module) = MODULES.iter().find(|m| m.name == word) else {
        let why = WORDS
            .iter()
            .find(|(names, _)| names.split_whitespace().any(|n| n == bare(name)));
        let why = why.map_or("no rule knows it", |(_, why)| why);
        issues.push(Issue::held(
            line,
            format!("the module {name}: {why}; a person decides"),
        ));
        return issues;
    };
    let args = task.get("args").and_then(Node::map).unwrap_or_default();
    for given in each {
        let mut found = match (&given.value, module.name) {
            (Value::Map(pairs), _) => pairs
                .iter()
                .chain(args)
                .flat_map(|(key, line, value)| param(known, module, key, *line, value))
                .collect(),
            (Value::Scalar { .. }, "include_tasks" | "import_tasks") => include_file(&given),
            _ => vec![Issue::held(
                line,
                format!("{name} without a map of parameters"),
            )],
        };
        found.extend(together(module, line, &given));
        issues.extend(found);
    }
    issues
}

/// The last part of a module's name.
fn bare(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

fn param(known: &Known, module: &Module, key: &str, line: usize, value: &Node) -> Vec<Issue> {
    let file = is_of_files(module.name);
    let about = value.canonical();
    let issues = match (module.name, key) {
        (_, "validate") => vec![Issue::refused(
            line,
            "validate runs a program; leave it out",
        )],
        (_, "unsafe_writes") => {
            vec![Issue::refused(
                line,
                "unsafe_writes leaves half-written files; leave it out",
            )]
        }
        ("set_fact", "cacheable") => vec![Issue::held(line, "a fact that outlives the run")],
        ("set_fact", name) => fact(known, name, line, value),
        ("stat", "path") => Vec::new(),
        ("assert", "that") => tasks::condition("that", value),
        ("debug", "var") => super::jinja::expression(value.text().unwrap_or_default(), line),
        ("include_tasks" | "import_tasks", "file") => include_file(value),
        ("include_role" | "import_role", "name" | "tasks_from") => {
            let stem = value.text().unwrap_or_default();
            if plays::plain_name(stem.trim_end_matches(".yml")) {
                Vec::new()
            } else {
                vec![Issue::held(
                    line,
                    format!("the role's {key} {stem} is no plain word"),
                )]
            }
        }
        (_, "mode" | "directory_mode") if file => params::mode(value),
        (_, "path" | "dest") if file => places::path(known, key, value),
        ("file" | "lineinfile" | "blockinfile", "name") => places::path(known, key, value),
        ("copy" | "template", "src") => params::source(key, value),
        (_, "state") => match value.text() {
            Some("absent") => {
                vec![Issue::held(
                    line,
                    "state: absent takes something away; a person decides",
                )]
            }
            Some("present" | "directory" | "touch" | "file") => Vec::new(),
            _ => vec![Issue::held(line, "a state that no rule knows")],
        },
        (_, "owner" | "group") if file => match value.text() {
            Some("root" | "wheel" | "0") => {
                vec![Issue::held(
                    line,
                    format!("the {key} is root; a person decides"),
                )]
            }
            _ => Vec::new(),
        },
        _ if module.params.contains(&key) || (file && FILE.contains(&key)) => Vec::new(),
        _ => vec![Issue::held(
            line,
            format!("the parameter {key} of {}", module.name),
        )],
    };
    issues.into_iter().map(|i| i.about(&about)).collect()
}

/// Judges a fact that a task sets: from there on it outranks nearly everything.
fn fact(known: &Known, name: &str, line: usize, value: &Node) -> Vec<Issue> {
    let mut issues = vars::one(known, name, line, value);
    issues.extend(vars::taken(known, name, line));
    if !known.uses(name) {
        issues.push(Issue::held(
            line,
            format!("the fact {name} is used by no task of this change; leave it out"),
        ));
    }
    issues
}

/// Parameters that only mean something together.
fn together(module: &Module, line: usize, given: &Node) -> Vec<Issue> {
    let has = |key: &str| given.get(key).is_some();
    let everything = |key: &str| {
        let text = given.get(key).and_then(Node::text).unwrap_or_default();
        [".*", "^", "^.*$", ".", "^.*", ".*$", "$", ".+", "^.+$"].contains(&text)
    };
    let text = |key: &str| given.get(key).and_then(Node::text).unwrap_or_default();
    let to = ["dest", "path", "name"].map(text).concat();
    match module.name {
        "lineinfile" if everything("regexp") || everything("regex") => {
            vec![Issue::held(line, "a regexp that matches every line")]
        }
        "lineinfile" | "blockinfile" if places::is_judged(&to) => vec![Issue::held(
            line,
            format!("a part of {to}, which can only be judged as a whole; write the whole file"),
        )],
        "copy" if !has("src") && !has("content") => {
            vec![Issue::held(line, "copy with neither src nor content")]
        }
        "copy" | "template" if has("src") && !places::is_directory(&to) => {
            let src = text("src").trim_end_matches(".j2");
            let ending = |path: &str| {
                let name = path.rsplit('/').next().unwrap_or_default();
                name.rsplit_once('.')
                    .map(|(_, ending)| ending.to_lowercase())
            };
            if ending(src) == ending(&to) {
                return Vec::new();
            }
            vec![Issue::held(
                line,
                format!("{src} goes to {to}, so that it is judged as another kind of file"),
            )]
        }
        "osx_defaults" => shell::preference(line, text("domain"), text("key")),
        _ => Vec::new(),
    }
}

fn include_file(value: &Node) -> Vec<Issue> {
    let text = value.text().unwrap_or_default();
    let yaml = text.ends_with(".yml") || text.ends_with(".yaml");
    if yaml && params::source("file", value).is_empty() {
        return Vec::new();
    }
    vec![Issue::held(
        value.line,
        format!("tasks from {text}, which is no file by its plain name"),
    )]
}

fn command(known: &Known, line: usize, given: &Node, task: &Node) -> Vec<Issue> {
    let argv = match shell::argv(given, task.get("args")) {
        Ok(argv) => argv,
        Err(why) => {
            return vec![Issue::held(
                line,
                format!("command {why}; a person decides"),
            )];
        }
    };
    if shell::reads(&argv) {
        return Vec::new();
    }
    shell::writes(known, line, &argv)
}
