//! What is put on the machine: whole files of the repository, and text inline in a task. Judged by
//! where it goes, against what went there before.

use std::collections::{BTreeMap, BTreeSet};

use super::env::{Choice, View};
use super::hooks::HOOK_LOOSENS;
use super::issue::Issue;
use super::lists::Pair;
use super::places::{self, Place};
use super::puts::{Put, settings_of, texts};
use super::tasks::At;
use super::{jinja, schema, scripts, settings};
use crate::playbook::yaml::Node;

/// Words in a line that grant, start or weaken something, and why a person decides.
const LINES: [(&str, &str); 20] = [
    (
        "whitelist",
        "it lets what is in directories run without asking",
    ),
    ("nopasswd", "it grants root without a password"),
    ("permitrootlogin yes", "it lets root log in"),
    ("permitemptypasswords yes", "it lets in without a password"),
    ("passwordauthentication yes", "it opens logins by password"),
    ("authorizedkeyscommand", "it runs a program at a login"),
    (
        "authorizedkeysfile",
        "it moves the keys that let somebody in",
    ),
    ("proxycommand", "it runs a program at a connection"),
    ("localcommand", "it runs a program at a connection"),
    ("ld_preload", "it loads code into other programs"),
    ("ld.so.preload", "it loads code into other programs"),
    ("dyld_insert_libraries", "it loads code into other programs"),
    ("core_pattern", "it runs a program at a crash"),
    ("programarguments", "it starts a program"),
    ("execstart", "it starts a program"),
    ("pam_permit", "it lets everybody in"),
    ("userdel_cmd", "it runs a program"),
    ("sshcommand", "it runs a program"),
    ("fsmonitor", "it runs a program"),
    ("ansible_vault", "nobody can read it"),
];

/// Judges what a task puts on the machine.
pub(super) fn judge(pair: Pair<'_>, old: Option<&Node>, new: &Node) -> Vec<Issue> {
    let known = pair.new.known;
    let mut before = old.map(|o| texts(pair.old, o)).unwrap_or_default();
    if old.is_none() {
        before.extend(moved(pair, new));
    }
    let mut issues = parts(pair, old, new);
    let all = texts(pair.new, new);
    // With several values there were several texts. Where one is gone, and no other came, what is
    // left takes its place.
    let stays = |put: &Put| all.iter().any(|n| n.to == put.to && n.text == put.text);
    let came = |n: &Put| before.iter().all(|b| b.to != n.to || b.text != n.text);
    let fewer = |to: &str| {
        let there = all.iter().any(|n| n.to == to);
        there
            && !all.iter().any(|n| n.to == to && came(n))
            && before.iter().any(|b| b.to == to && !stays(b))
    };
    let places: BTreeSet<String> = before.iter().map(|b| b.to.clone()).collect();
    let places: Vec<String> = places.into_iter().filter(|to| fewer(to)).collect();
    before.retain(|put| !places.contains(&put.to) || !stays(put));
    for (at, now) in all.into_iter().enumerate() {
        // With several values of a variable there are several texts: the one that is most alike.
        let alike = before.iter().filter(|b| b.to == now.to);
        let was = alike.min_by_key(|b| differing(&b.text, &now.text));
        let was = was.or(before.get(at));
        let was = was.filter(|w| w.to == now.to).map(|w| w.text.as_str());
        if was.is_some() {
            issues.extend(unread_news(pair, &now));
        }
        if was == Some(&now.text) {
            continue;
        }
        let (place, what) = places::class(known, &now.to);
        let mut found = if let Place::Grammar(grammar) = what {
            schema::judge(grammar, &place, was, &now.text, 0)
        } else {
            ungrammatical(&place, &what, was, &now.text)
        };
        if was.is_none() {
            let other = known.writes(&now.to) || known.writes(&place);
            found.extend(replaces(
                &place,
                other,
                matches!(what, Place::Grammar(_)),
                &now.text,
            ));
        }
        if schema::is_agent_shell(&place) {
            for issue in found.iter_mut().filter(|i| i.rule == scripts::LOOSENS) {
                issue.rule = HOOK_LOOSENS;
            }
        }
        if places::is_judged(&place) && now.template {
            found.extend(unknown(pair.new, was, &now.text));
        }
        if now.template && !matches!(what, Place::Grammar(_)) {
            found.extend(statements(was, &now.text));
        }
        if now.template {
            found.extend(template_news(was, &now.text).into_iter().filter(|i| i.bad));
        }
        issues.extend(found.into_iter().map(|i| i.at(now.line)));
    }
    issues
}

/// Judges a text of which no grammar is known.
fn ungrammatical(place: &str, what: &Place, was: Option<&str>, now: &str) -> Vec<Issue> {
    let mut found = text(place, was, now);
    if lists_lines(place, now) {
        found.extend(missing(place, was, now));
    }
    let script = *what == Place::Persistent && now.starts_with("#!");
    if has_no_grammar(place, what) && was.is_some() && !script {
        let what = format!("the text of {place} changes, and no rule knows its grammar");
        found.push(Issue::held("destination", 1, what));
    }
    found
}

/// Whether what stands in a file decides something, and no rule can tell what.
fn has_no_grammar(place: &str, what: &Place) -> bool {
    // Scripts and settings in JSON have rules of their own.
    let read = [".sh", ".json"].iter().any(|end| place.ends_with(end));
    match what {
        Place::Written => place.starts_with('/'),
        Place::Persistent => !read,
        _ => false,
    }
}

/// A part of a text that stays as it is written, since only the run knows its value, and whose variable
/// changes.
fn unread_news(pair: Pair<'_>, now: &Put) -> Option<Issue> {
    let affected = &pair.new.known.affected;
    let parts = if now.template {
        jinja::parts(&now.text)
    } else {
        Vec::new()
    };
    let changes = |part: &&String| {
        jinja::names(part)
            .iter()
            .any(|name| affected.contains(name))
    };
    parts.iter().find(changes).map(|part| {
        let what = format!(
            "{}: what {} becomes changes, and only the run knows it",
            now.to,
            crate::text::plain(part, 80)
        );
        Issue::held("value-unknown", now.line, what)
    })
}

/// The texts that old tasks put where a new one does, and that no other task puts there any more: the
/// task has moved.
fn moved(pair: Pair<'_>, new: &Node) -> Vec<Put> {
    let places: BTreeSet<String> = texts(pair.new, new).into_iter().map(|put| put.to).collect();
    if places.is_empty() {
        return Vec::new();
    }
    let all = |new: bool| -> Vec<Vec<Put>> {
        let locals = BTreeMap::new();
        let known = pair.new.known;
        let side = if new { &known.new } else { &known.old };
        let mut found = Vec::new();
        for list in side.tree.lists() {
            let pair = Pair::of(known, list.path, &locals);
            let mut tasks = Vec::new();
            super::lists::all_of(list.tasks, &mut tasks);
            let of = |task: &&Node| texts(if new { pair.new } else { pair.old }, task);
            found.extend(tasks.iter().map(of));
        }
        found.retain(|puts| puts.iter().any(|put| places.contains(&put.to)));
        found
    };
    let (was, is) = (all(false), all(true));
    if is.len() > was.len() {
        return Vec::new();
    }
    was.into_iter().flatten().collect()
}

/// How many lines of two texts the other one does not have.
fn differing(one: &str, other: &str) -> usize {
    let lines = |text: &str| -> BTreeSet<String> { text.lines().map(str::to_owned).collect() };
    lines(one).symmetric_difference(&lines(other)).count()
}

/// Files that the system's packages maintain and that protect by what they hold already.
const WHOLE: [&str; 10] = [
    "/etc/sudoers",
    "/etc/login.defs",
    "/etc/profile",
    "/etc/logrotate.conf",
    "/etc/logrotate.d/rsyslog",
    "/etc/rsyslog.d/50-default.conf",
    "/etc/pf.conf",
    "/etc/pf.anchors/com.apple",
    "/etc/chrony/chrony.conf",
    "/etc/pam.d/",
];

/// A whole file that is written where a task has written none before; `other`: another task writes it.
fn replaces(place: &str, other: bool, grammar: bool, text: &str) -> Option<Issue> {
    let says = |line: &str| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with(['#', ';']) && !line.starts_with("//")
    };
    let why = if other {
        "another task writes this file, whose text would be gone; change that task"
    } else if WHOLE
        .iter()
        .any(|w| place == *w || w.ends_with('/') && place.starts_with(w))
    {
        "the whole file is replaced, with what it protects by now; change lines of it, or add a file"
    } else if grammar && !text.lines().any(says) {
        "a file without any setting replaces what is there"
    } else {
        return None;
    };
    Some(Issue::held("overwrites", 1, format!("{place}: {why}")))
}

/// Settings of a changed task that are gone or less strict.
fn parts(pair: Pair<'_>, old: Option<&Node>, new: &Node) -> Vec<Issue> {
    let Some(old) = old else { return Vec::new() };
    let (was, is) = (settings_of(pair.old, old), settings_of(pair.new, new));
    let joined = |all: &[(String, String, usize)], to: &str| -> String {
        let same = all.iter().filter(|(t, ..)| t == to);
        same.map(|(_, text, _)| text.clone() + "\n").collect()
    };
    let places: BTreeSet<&String> = is.iter().map(|(to, ..)| to).collect();
    let mut issues = Vec::new();
    for to in places {
        let (place, what) = places::class(pair.new.known, to);
        let line = is.first().map_or(1, |(.., line)| *line);
        if has_no_grammar(&place, &what) && joined(&was, to) != joined(&is, to) {
            let what = format!("a line of {place} changes, and no rule knows its grammar");
            issues.push(Issue::held("destination", line, what));
        }
        if let Place::Grammar(grammar) = what {
            let found = schema::compare(grammar, &place, &joined(&was, to), &joined(&is, to), line);
            issues.extend(found.into_iter().map(|i| i.at(line)));
        }
    }
    issues
}

/// Judges a deployed file that no task names, by its path and what is new in it.
pub(super) fn alone(at: At<'_>, path: &str, old: Option<&str>, new: &str) -> Vec<Issue> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let (kind, template) = match name.strip_suffix(".j2") {
        Some(inner) => (inner, true),
        None => (name, false),
    };
    let mut issues = Vec::new();
    if template {
        issues.extend(template_news(old, new));
        if [".sh", ".json"].iter().any(|end| kind.ends_with(end)) || new.starts_with("#!") {
            issues.extend(unknown(at, old, new));
        }
    }
    if let Some(why) = unread(path, kind) {
        issues.push(Issue::held(
            "destination-persistent",
            1,
            format!("{why}; a person decides about it"),
        ));
    }
    if kind.ends_with(".md") {
        return issues;
    }
    issues.extend(text(kind, old, new));
    issues
}

/// Why nobody can tell from a file's text what it does where it is deployed.
fn unread(path: &str, kind: &str) -> Option<&'static str> {
    let deployed = super::tree::section(path) == super::tree::Section::Deployed;
    // A role keeps .zshrc as zshrc, dot_zshrc or .zshrc.
    let bare = kind
        .trim_start_matches("dot")
        .trim_start_matches(['.', '_', '-']);
    if kind.ends_with(".plist") {
        Some("a property list can start programs")
    } else if kind.ends_with(".sh") || kind.ends_with(".json") || !deployed {
        None
    } else if kind.ends_with(".md") {
        Some("a deployed text for people or agents, which no rule reads")
    } else if places::is_persistent(&format!("/.{bare}")) {
        Some("a file of this name starts programs or grants access")
    } else {
        None
    }
}

/// Expressions of a template that the old one does not have.
pub(super) fn template_news(old: Option<&str>, new: &str) -> Vec<Issue> {
    let known: BTreeSet<String> = old
        .map(jinja::parts)
        .unwrap_or_default()
        .into_iter()
        .collect();
    if jinja::parts(new).iter().all(|part| known.contains(part))
        && !new.trim_start().starts_with("#jinja2:")
    {
        return Vec::new();
    }
    let before = old.map(|o| jinja::text(o, 1)).unwrap_or_default();
    let old_has = |issue: &Issue| before.iter().any(|b| b.what == issue.what);
    // A call that is there already may be there again only as it was written.
    let whole = |issue: &Issue| {
        let line = new
            .lines()
            .nth(issue.line.saturating_sub(1))
            .unwrap_or_default();
        old.is_some_and(|o| o.lines().any(|l| l == line))
    };
    jinja::text(new, 1)
        .into_iter()
        .filter(|i| !(old_has(i) && whole(i)))
        .collect()
}

/// Judges a text by the kind of its file.
fn text(kind: &str, old: Option<&str>, new: &str) -> Vec<Issue> {
    let folded = kind.to_lowercase();
    let kind = folded.trim_end_matches(".j2");
    let mut issues = lines(old, new, 1);
    if kind.ends_with(".sh") || new.starts_with("#!") {
        issues.extend(scripts::judge(old, new));
    }
    if kind.ends_with("docker/daemon.json") {
        issues.extend(schema::daemon(old, new));
    } else if kind.ends_with(".json") {
        issues.extend(settings::judge(old, new));
    }
    issues
}

/// Statements and remarks of a template that are new and could not be written out: what they leave away
/// only the run knows.
fn statements(old: Option<&str>, new: &str) -> Option<Issue> {
    let known: BTreeSet<&str> = old.unwrap_or_default().lines().map(str::trim).collect();
    let left = |line: &&str| line.contains("{%") || line.contains("{#");
    let mut lines = new.lines().map(str::trim).filter(left);
    lines.find(|line| !known.contains(line)).map(|line| {
        let what = format!(
            "\"{}\" is only known in the run; write the text itself",
            crate::text::plain(line, 80)
        );
        Issue::held("template-unknown", 1, what)
    })
}

/// Whether each line of a file stands for itself: no script, JSON or text for people.
fn lists_lines(place: &str, text: &str) -> bool {
    let name = place.to_lowercase();
    let other = [
        ".sh", ".json", ".md", ".py", ".pl", ".rb", ".js", ".html", ".css", ".xml", ".plist",
    ];
    !other.iter().any(|end| name.ends_with(end)) && !text.starts_with("#!")
}

/// What a deployed text of no known grammar has no longer: a setting, an entry of a list.
fn missing(place: &str, old: Option<&str>, new: &str) -> Vec<Issue> {
    let says = |line: &&str| !line.is_empty() && !line.starts_with(['#', ';']);
    let now: BTreeSet<&str> = new.lines().map(str::trim).collect();
    let before = old.unwrap_or_default().lines().map(str::trim).filter(says);
    let gone = before.into_iter().find(|line| !now.contains(line));
    gone.map(|line| {
        let what = format!(
            "{place}: the line \"{}\" is gone",
            crate::text::plain(line, 100)
        );
        Issue::held("protection-removed", 1, what)
    })
    .into_iter()
    .collect()
}

/// Judges a text line by line where nothing is known of its grammar.
pub(super) fn lines(old: Option<&str>, new: &str, from: usize) -> Vec<Issue> {
    let known: BTreeSet<&str> = old.unwrap_or_default().lines().map(str::trim).collect();
    let mut issues = Vec::new();
    for (at, line) in new.lines().enumerate() {
        let folded = line.to_lowercase();
        let words = folded.split_whitespace().collect::<Vec<_>>().join(" ");
        let comment = words.starts_with('#') || words.starts_with("//");
        if comment || known.contains(line.trim()) {
            continue;
        }
        if let Some((what, why)) = LINES.iter().find(|(what, _)| words.contains(what)) {
            issues.push(
                Issue::held(
                    "content",
                    from + at,
                    format!("{what}: {why}; a person decides"),
                )
                .about(line),
            );
        }
    }
    issues
}

/// Expressions that are new in a script or in settings and whose value no rule has seen.
fn unknown(at: At<'_>, old: Option<&str>, new: &str) -> Vec<Issue> {
    let before = old.map(jinja::parts).unwrap_or_default();
    jinja::parts(new)
        .into_iter()
        .filter(|part| !before.contains(part))
        .filter(|part| !at.known.is_home(part) && !super::known::is_home_expression(part))
        .filter(|part| {
            let locals = BTreeMap::new();
            let view = View {
                env: &at.side.env,
                locals: &locals,
                choice: &Choice::new(),
            };
            // The home directory by a variable of the playbook's own.
            super::expression::value(&view, part, 0).is_none_or(|v| v.text() != Some("~"))
        })
        .map(|part| {
            Issue::held(
                "value-unknown",
                1,
                format!("the value of {part} becomes a part of it unread; write the text itself"),
            )
        })
        .collect()
}
