//! What a changed playbook may say: a static allow-list over what is added or changed.
//!
//! What the playbook says already is the baseline and is not judged again, but for what a change
//! reaches elsewhere: by a variable, a handler, a file. A rule's word is a refusal where a thing is
//! known bad and a hold where no rule knows it.

mod conditions;
mod deployed;
mod env;
mod expand;
mod expression;
mod hooks;
mod issue;
mod jinja;
mod known;
mod lists;
mod loosened;
mod modules;
mod moved;
mod networks;
mod params;
mod patterns;
mod places;
mod plays;
mod puts;
mod rendered;
mod resolved;
mod rules;
mod schema;
mod scripts;
mod settings;
mod tasks;
mod tree;
mod twice;
mod vars;
mod weakened;
mod words;

pub use hooks::Hook;
pub use resolved::resolved;
pub use rules::{RULES, Rule, rule};
pub use tree::Standing;

use std::collections::BTreeSet;
use std::path::Path;

use self::expand::Locals;
use self::issue::{Issue, news};
use self::known::Known;
use self::lists::Pair;
use self::tree::{Section, Tree};
use super::{Findings, Unknown};
use crate::playbook::yaml::{self, Node, Value};
use crate::repo::{Change, Changes};
use crate::turn::Verdict;

/// Judges what is added or changed; `playbook` is the playbook's file.
pub fn policy(changes: &Changes, playbook: &Path, unknown: Unknown) -> Verdict {
    policy_and_hooks(changes, playbook, unknown, true).0
}

/// The same, and the agent's hooks that change. Without `settled`, whether those hooks let more
/// through is left to who runs them.
pub fn policy_and_hooks(
    changes: &Changes,
    playbook: &Path,
    unknown: Unknown,
    settled: bool,
) -> (Verdict, Vec<Hook>) {
    let judged = apart(|| judged(changes.all(), changes.standing(), Some(playbook)));
    let (mut found, hooks) = match judged {
        Ok(judged) => judged,
        Err(why) => return (Verdict::NotRun(why), Vec::new()),
    };
    if !settled {
        found.0.retain(|f| f.rule != hooks::HOOK_LOOSENS);
    }
    (found.verdict(unknown), hooks)
}

/// Enough for the deepest script that the guard still reads.
const STACK: usize = 256 * 1024 * 1024;

/// What the rules say of a change.
///
/// # Errors
/// When judging fails.
pub(super) fn findings(
    changes: &[Change],
    standing: &Standing,
    playbook: Option<&Path>,
) -> Result<Findings, String> {
    apart(|| judged(changes, standing, playbook)).map(|(found, _)| found)
}

/// Runs the judgement on a stack of its own.
fn apart<T: Send>(judge: impl FnOnce() -> T + Send) -> Result<T, String> {
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, judge)
            .map_err(|e| e.to_string())?
            .join()
            .map_err(|_| "judging the change failed".to_owned())
    })
}

/// Where the tasks of the proposed tree write, as far as their text tells.
fn written(changes: &Changes) -> BTreeSet<String> {
    both(changes.all(), changes.standing()).places()
}

fn both(changes: &[Change], standing: &Standing) -> Known {
    let changed = changes
        .iter()
        .map(|c| c.path.to_string_lossy().into_owned());
    let old = Tree::of(changes, standing, false);
    let new = Tree::of(changes, standing, true);
    Known::of(old, new, changed.collect())
}

fn judged(
    changes: &[Change],
    standing: &Standing,
    playbook: Option<&Path>,
) -> (Findings, Vec<Hook>) {
    let mut found = Findings::default();
    let known = both(changes, standing);
    let mut say = |path: &Path, issues: Vec<Issue>| {
        for issue in issues {
            if issue.bad {
                found.refuse(issue.rule, path, Some(issue.line), &issue.what);
            } else {
                found.hold(issue.rule, path, Some(issue.line), &issue.what);
            }
        }
    };
    for change in changes {
        say(&change.path, file(&known, change, playbook));
    }
    for (path, issues) in elsewhere(&known).into_iter().chain(twice::judge(&known)) {
        say(Path::new(&path), issues);
    }
    for (path, issue) in networks::judge(&known) {
        say(Path::new(&path), vec![issue]);
    }
    (found, hooks::of(&known))
}

/// What the change reaches in files that it leaves alone.
fn elsewhere(known: &Known) -> Vec<(String, Vec<Issue>)> {
    let locals = Locals::new();
    let mut all = Vec::new();
    for list in known.new.tree.lists() {
        if known.changed.contains(list.path) {
            continue;
        }
        let pair = Pair::of(known, list.path, &locals);
        all.push((
            list.path.to_owned(),
            lists::compare(pair, list.tasks, list.tasks),
        ));
    }
    all
}

fn file(known: &Known, change: &Change, playbook: Option<&Path>) -> Vec<Issue> {
    let path = change.path.to_string_lossy();
    let name = path.rsplit('/').next().unwrap_or(&path).to_lowercase();
    let Some(new) = &change.new else {
        return gone(known, &path, &name);
    };
    let Ok(new) = std::str::from_utf8(new) else {
        return vec![Issue::refused(
            "not-text",
            1,
            "not UTF-8 text; only text can be judged",
        )];
    };
    let old = change.old.as_deref().map(String::from_utf8_lossy);
    let old = old.as_deref();
    let mut issues = Vec::new();
    if change.old_mode & 0o111 != 0 && change.new_mode & 0o111 == 0 && name.ends_with(".sh") {
        issues.push(Issue::held(
            "file-mode",
            1,
            "the script is no longer executable",
        ));
    }
    issues.extend(words::judge(old, new));
    if tree::is_yaml(&path) && tree::section(&path) != Section::Deployed {
        issues.extend(yaml_file(
            known,
            &path,
            playbook == Some(change.path.as_path()),
            old,
            new,
        ));
    } else {
        issues.extend(other_file(known, &path, old, new));
    }
    issues
}

/// A file that is no YAML of Ansible's: where a task names it, it is judged with that task.
fn other_file(known: &Known, path: &str, old: Option<&str>, new: &str) -> Vec<Issue> {
    let locals = Locals::new();
    let named = known.new.tree.lists().iter().any(|list| {
        let at = Pair::of(known, list.path, &locals).new;
        names_source(at, list.tasks, path)
    });
    let mut issues = Vec::new();
    if path.ends_with(".j2") {
        issues.extend(deployed::template_news(old, new));
    }
    if !named && by_chance(known) && tree::section(path) == Section::Deployed {
        let what = "a task deploys files that only the run knows, and this may be one of them";
        issues.push(Issue::held("source", 1, what));
    }
    if !named {
        let at = Pair::of(known, path, &locals).new;
        issues.extend(deployed::alone(at, &path.to_lowercase(), old, new));
    }
    issues
}

/// Whether a task of the new tree deploys files that its text does not name.
fn by_chance(known: &Known) -> bool {
    let open = |task: &Node| {
        let Some((module, _, given)) = tasks::module(task) else {
            return false;
        };
        let bare = module.rsplit('.').next().unwrap_or(module);
        let src = given.get("src").and_then(Node::text).unwrap_or_default();
        let template = jinja::is_template(src)
            && expand::instances(&known.new.env, &Locals::new(), task).is_err();
        ["synchronize", "unarchive", "assemble"].contains(&bare)
            || ["copy", "template"].contains(&bare)
                && (template
                    || src.ends_with('/')
                    || task.get("with_fileglob").is_some()
                    || task.get("with_filetree").is_some())
    };
    known
        .new
        .tree
        .lists()
        .iter()
        .any(|list| list.tasks.iter().any(open))
}

fn names_source(at: tasks::At<'_>, list: &[Node], path: &str) -> bool {
    list.iter().any(|task| {
        let inner = ["block", "rescue", "always"]
            .iter()
            .filter_map(|k| task.get(k)?.list());
        puts::sources(at, task).iter().any(|s| s == path)
            || inner.into_iter().any(|l| names_source(at, l, path))
    })
}

fn gone(known: &Known, path: &str, name: &str) -> Vec<Issue> {
    if [".md", ".txt"].iter().any(|end| name.ends_with(end))
        && tree::section(path) == Section::Other
    {
        return Vec::new();
    }
    // Its tasks may stand elsewhere now.
    let tasks = known.old.tree.root(path).and_then(Node::list);
    if let Some(tasks) =
        tasks.filter(|_| [Section::Tasks, Section::Handlers].contains(&tree::section(path)))
    {
        let locals = Locals::new();
        let issues = lists::compare(Pair::of(known, path, &locals), tasks, &[]);
        if issues.is_empty() {
            return issues;
        }
    }
    vec![Issue::held(
        "file-removed",
        1,
        "the file is deleted, and with it what it protects",
    )]
}

fn yaml_file(
    known: &Known,
    path: &str,
    is_playbook: bool,
    old: Option<&str>,
    new: &str,
) -> Vec<Issue> {
    let parsed = match yaml::parse(new) {
        Ok(parsed) => parsed,
        Err((line, why)) => return vec![Issue::refused("yaml", line, why)],
    };
    // What can't be read has no baseline: everything counts as added.
    let before = old.and_then(|o| yaml::parse(o).ok());
    let oddities = |parsed: &yaml::Parsed| -> Vec<Issue> {
        let issue = |o: &yaml::Oddity| {
            let make = if o.bad { Issue::refused } else { Issue::held };
            make("yaml", o.line, o.what.clone()).about("")
        };
        parsed.oddities.iter().map(issue).collect()
    };
    let old_oddities = before.as_ref().map(&oddities).unwrap_or_default();
    let mut issues = news(&old_oddities, oddities(&parsed));
    issues.extend(remarks(old.unwrap_or_default(), new));
    let before = before.map(|b| b.root);
    let root = &parsed.root;
    let locals = Locals::new();
    let pair = Pair::of(known, path, &locals);
    let section = tree::section(path);
    match &root.value {
        _ if section == Section::Meta => issues.extend(metadata(before.as_ref(), root)),
        Value::List(plays) if is_playbook || plays::are_plays(plays) => {
            issues.extend(plays::compare(known, path, items(before.as_ref()), plays));
        }
        Value::List(tasks) if !is_playbook => {
            issues.extend(lists::compare(pair, items(before.as_ref()), tasks));
        }
        Value::Map(_) if !is_playbook => {
            let place = if section == Section::Defaults {
                vars::Place::Weakest
            } else {
                vars::Place::Strong
            };
            issues.extend(vars::compare(known, before.as_ref(), root, place));
        }
        _ if root.is_null() && !is_playbook => {
            issues.extend(lists::compare(pair, items(before.as_ref()), &[]));
        }
        _ => issues.push(Issue::refused(
            "layout",
            root.line,
            "neither plays nor tasks nor variables; keep to the layout that is there",
        )),
    }
    issues
}

/// Remarks that silence a check.
fn remarks(old: &str, new: &str) -> Vec<Issue> {
    let known: BTreeSet<&str> = old.lines().map(str::trim).collect();
    let silences = |line: &str| {
        let folded = line.to_lowercase();
        folded.split_once('#').is_some_and(|(_, r)| {
            r.contains("noqa") || r.contains("yamllint disable") || r.contains("checkov:skip")
        })
    };
    new.lines()
        .enumerate()
        .filter(|(_, line)| silences(line) && !known.contains(line.trim()))
        .map(|(at, _)| Issue::held("lint-silenced", at + 1, "a remark that silences a check"))
        .collect()
}

/// A role's metadata: words about it may change, what it brings in may not.
fn metadata(old: Option<&Node>, new: &Node) -> Vec<Issue> {
    let free = ["galaxy_info", "galaxy_tags"];
    let keys = new.map().unwrap_or_default().iter().map(|(k, ..)| k);
    let before = old
        .and_then(Node::map)
        .unwrap_or_default()
        .iter()
        .map(|(k, ..)| k);
    let changed = keys.chain(before).any(|key| {
        let same =
            old.and_then(|o| o.get(key)).map(Node::canonical) == new.get(key).map(Node::canonical);
        let empty = new
            .get(key)
            .and_then(Node::list)
            .is_some_and(<[Node]>::is_empty)
            && old.and_then(|o| o.get(key)).is_none();
        !same && !free.contains(&key.as_str()) && !empty
    });
    if new.map().is_some() && !changed {
        return tasks::texts(new);
    }
    vec![Issue::held(
        "role",
        new.line,
        "a role's metadata can bring in other roles",
    )]
}

fn items(node: Option<&Node>) -> &[Node] {
    node.and_then(Node::list).unwrap_or_default()
}
