//! Modules that look, say, compute and bring in further tasks.

use super::{BUILTIN, Call, Module};
use crate::gates::policy::issue::Issue;
use crate::gates::policy::tree::{self, Section};
use crate::gates::policy::{jinja, plays, tasks, vars};
use crate::playbook::yaml::Node;

pub(super) const MODULES: &[Module] = &[
    Module {
        names: "assert",
        collection: BUILTIN,
        params: &["that", "msg", "fail_msg", "success_msg", "quiet"],
        judge: assert,
    },
    Module {
        names: "debug",
        collection: BUILTIN,
        params: &["msg", "var", "verbosity"],
        judge: debug,
    },
    Module {
        names: "fail",
        collection: BUILTIN,
        params: &["msg"],
        judge: fail,
    },
    Module {
        names: "stat",
        collection: BUILTIN,
        params: &[
            "path",
            "get_checksum",
            "checksum_algorithm",
            "get_mime",
            "get_attributes",
            "follow",
        ],
        judge: nothing,
    },
    Module {
        names: "find",
        collection: BUILTIN,
        params: &[
            "paths",
            "path",
            "patterns",
            "pattern",
            "recurse",
            "file_type",
            "age",
            "size",
            "hidden",
            "use_regex",
            "depth",
            "excludes",
            "follow",
        ],
        judge: nothing,
    },
    Module {
        names: "getent",
        collection: BUILTIN,
        params: &["database", "key", "fail_key", "split"],
        judge: getent,
    },
    Module {
        names: "package_facts service_facts tempfile",
        collection: BUILTIN,
        params: &["manager", "strategy", "state", "suffix", "prefix"],
        judge: nothing,
    },
    Module {
        names: "setup gather_facts",
        collection: BUILTIN,
        params: &["gather_subset", "filter", "gather_timeout"],
        judge: nothing,
    },
    Module {
        names: "meta",
        collection: BUILTIN,
        params: &[],
        judge: meta,
    },
    Module {
        names: "set_fact",
        collection: BUILTIN,
        params: &[],
        judge: set_fact,
    },
    Module {
        names: "include_tasks import_tasks include_vars",
        collection: BUILTIN,
        params: &["file"],
        judge: include,
    },
    Module {
        names: "include_role import_role",
        collection: BUILTIN,
        params: &[
            "name",
            "tasks_from",
            "handlers_from",
            "defaults_from",
            "vars_from",
        ],
        judge: role,
    },
];

fn nothing(_: &Call<'_>) -> Vec<Issue> {
    Vec::new()
}

fn fail(call: &Call<'_>) -> Vec<Issue> {
    if call.conditional {
        return Vec::new();
    }
    vec![call.held(
        "rollback",
        "it always ends the run, so that nothing behind it is done",
    )]
}

fn assert(call: &Call<'_>) -> Vec<Issue> {
    let that = call.get("that").into_iter();
    let mut issues: Vec<Issue> = that
        .flat_map(|that| tasks::condition("that", that))
        .collect();
    let texts = call.get("that").map(Node::scalars).unwrap_or_default();
    // `x is defined or y is defined`: true whatever the state of the machine is.
    let says_nothing = |text: &str| {
        let parts = text.split(" or ").flat_map(|part| part.split(" and "));
        parts
            .into_iter()
            .map(str::trim)
            .all(|part| part.ends_with(" is defined") || ["true", "True", "yes"].contains(&part))
    };
    if !texts.is_empty() && texts.iter().all(|(_, text)| says_nothing(text)) {
        issues.push(call.held(
            "hides-result",
            "it asserts only that names have values, and says nothing of the machine",
        ));
    }
    issues
}

fn debug(call: &Call<'_>) -> Vec<Issue> {
    jinja::expression(call.text("var"), call.line)
}

fn getent(call: &Call<'_>) -> Vec<Issue> {
    if ["shadow", "gshadow"].contains(&call.text("database")) {
        return vec![call.held("secret", "it reads the passwords' hashes; a person decides")];
    }
    Vec::new()
}

fn meta(call: &Call<'_>) -> Vec<Issue> {
    match call.given.text() {
        Some("flush_handlers" | "noop") => Vec::new(),
        _ => vec![call.held(
            "module",
            "it ends a play, or forgets what is known; a person decides",
        )],
    }
}

/// From there on a fact outranks nearly everything.
fn set_fact(call: &Call<'_>) -> Vec<Issue> {
    let mut issues = Vec::new();
    for (name, line, value) in call.given.map().unwrap_or_default() {
        if name == "cacheable" {
            if value.boolean() != Some(false) {
                issues.push(Issue::held(
                    "variable",
                    *line,
                    "a fact that outlives the run",
                ));
            }
            continue;
        }
        issues.extend(vars::one(name, *line, value));
        issues.extend(vars::taken(call.known, name, *line));
        if !call.known.new.env.uses(name) {
            issues.push(Issue::held(
                "variable",
                *line,
                format!("the fact {name} is used by no task; leave it out"),
            ));
        }
    }
    issues
}

fn include(call: &Call<'_>) -> Vec<Issue> {
    let name = call.given.text().unwrap_or_else(|| call.text("file"));
    let what = if call.name == "include_vars" {
        "variables"
    } else {
        "tasks"
    };
    let dir = if call.name == "include_vars" {
        "vars"
    } else {
        "tasks"
    };
    let yaml = name.ends_with(".yml") || name.ends_with(".yaml");
    let plain = yaml && !name.starts_with(['/', '~', '$']) && !name.split('/').any(|p| p == "..");
    let system = [
        "{{ ansible_os_family }}",
        "{{ ansible_facts['os_family'] }}",
        "{{ ansible_distribution }}",
        "{{ ansible_facts.os_family }}",
        "{{ ansible_facts['distribution'] }}",
        "{{ ansible_system }}",
    ];
    let mut shown = name.to_owned();
    for fact in system {
        shown = shown.replace(fact, "Debian");
    }
    if !plain || jinja::is_template(&shown) {
        return vec![Issue::held(
            "include",
            call.line,
            format!("{what} from {name}, which is no file by its plain name"),
        )];
    }
    if shown != name {
        return Vec::new();
    }
    match call.side.tree.find(call.file, dir, name) {
        Some(path) if tree::section(path) != Section::Deployed => {
            dormant(call, path, name).into_iter().collect()
        }
        Some(path) => vec![call.held("include", format!("{path} is a file that is deployed"))],
        None => vec![call.refused(
            "unresolved",
            format!("{what} from {name}, which is no file of the repository"),
        )],
    }
}

/// A file that was there and that nothing brought in: its tasks have never been judged.
fn dormant(call: &Call<'_>, path: &str, name: &str) -> Option<Issue> {
    let known = call.known;
    let stood = known.old.tree.text(path).is_some() && !known.changed.contains(path);
    let end = name.rsplit('/').next().unwrap_or(name);
    let said = |node: &Node| {
        node.scalars()
            .iter()
            .any(|(_, t)| t.rsplit('/').next() == Some(end) || t.ends_with(&format!("file={end}")))
    };
    let main = ["main.yml", "main.yaml"].contains(&end);
    (stood && !main && !known.old.tree.yaml().any(|(_, root)| said(root))).then(|| {
        call.held(
            "include",
            format!("{name} was there, and nothing ran it before; a person decides"),
        )
    })
}

fn role(call: &Call<'_>) -> Vec<Issue> {
    let mut issues = Vec::new();
    for key in [
        "name",
        "tasks_from",
        "handlers_from",
        "defaults_from",
        "vars_from",
    ] {
        let Some(text) = call.get(key).and_then(Node::text) else {
            continue;
        };
        if !plays::plain_name(text.trim_end_matches(".yml")) {
            issues.push(Issue::held(
                "role",
                call.line,
                format!("the role's {key} {text} is no plain word"),
            ));
        }
    }
    issues.extend(plays::role_is_here(call.side, call.text("name"), call.line));
    if ["tasks_from", "handlers_from", "defaults_from", "vars_from"]
        .iter()
        .any(|k| call.get(k).is_some())
    {
        issues.push(call.held(
            "include",
            "a part of a role that may not have run before; a person decides",
        ));
    }
    issues.extend(plays::role_is_new(call.known, call.text("name"), call.line));
    issues
}
