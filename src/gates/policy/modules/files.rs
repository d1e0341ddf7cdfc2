//! Modules that write files.

use super::usable::unusable;
use super::{BUILTIN, Call, GENERAL, Module};
use crate::gates::policy::issue::Issue;
use crate::gates::policy::places::{self, Place};
use crate::gates::policy::schema::{self, Grammar};
use crate::gates::policy::{deployed, params};
use crate::playbook::yaml::Node;

pub(super) const MODULES: &[Module] = &[
    Module {
        names: "copy template",
        collection: BUILTIN,
        params: &[
            "src",
            "dest",
            "content",
            "directory_mode",
            "checksum",
            "owner",
            "group",
            "mode",
            "backup",
            "force",
            "follow",
            "trim_blocks",
            "lstrip_blocks",
            "validate",
            "newline_sequence",
            "decrypt",
        ],
        judge: copy,
    },
    Module {
        names: "file",
        collection: BUILTIN,
        params: &[
            "path",
            "dest",
            "name",
            "state",
            "recurse",
            "owner",
            "group",
            "mode",
            "force",
            "follow",
            "modification_time",
            "access_time",
        ],
        judge: file,
    },
    Module {
        names: "lineinfile",
        collection: BUILTIN,
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
            "backup",
            "owner",
            "group",
            "mode",
            "validate",
        ],
        judge: line,
    },
    Module {
        names: "blockinfile",
        collection: BUILTIN,
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
            "backup",
            "owner",
            "group",
            "mode",
            "validate",
        ],
        judge: block,
    },
    Module {
        names: "replace",
        collection: BUILTIN,
        params: &[
            "path", "dest", "regexp", "replace", "backup", "owner", "group", "mode", "validate",
        ],
        judge: replace,
    },
    Module {
        names: "ini_file",
        collection: GENERAL,
        params: &[
            "path",
            "dest",
            "section",
            "option",
            "value",
            "state",
            "create",
            "no_extra_spaces",
            "backup",
            "owner",
            "group",
            "mode",
        ],
        judge: ini,
    },
];

/// Programs that only check a file.
const CHECKS: [&str; 16] = [
    "/usr/sbin/sshd -t -f %s",
    "/usr/sbin/sshd -T -f %s",
    "sshd -t -f %s",
    "/usr/sbin/visudo -cf %s",
    "/usr/sbin/visudo -csf %s",
    "/usr/sbin/visudo -c -f %s",
    "/sbin/visudo -cf %s",
    "visudo -cf %s",
    "visudo -csf %s",
    "visudo -c -f %s",
    "/bin/bash -n %s",
    "bash -n %s",
    "/bin/sh -n %s",
    "sh -n %s",
    "pfctl -nf %s",
    "/sbin/pfctl -nf %s",
];

fn to<'a>(call: &Call<'a>) -> (&'static str, Option<&'a Node>) {
    for key in ["dest", "path", "name"] {
        if let Some(node) = call.get(key) {
            return (key, Some(node));
        }
    }
    ("path", None)
}

/// What is common to all: place, owner, mode, the check.
fn common(call: &Call<'_>) -> Vec<Issue> {
    let (key, node) = to(call);
    let Some(node) = node else {
        return vec![call.held("module-parameter", format!("{} without a path", call.name))];
    };
    let mut issues = places::path(call.known, key, node);
    issues.extend(rights(call, node.text().unwrap_or_default()));
    issues
}

fn rights(call: &Call<'_>, to: &str) -> Vec<Issue> {
    let mut issues = Vec::new();
    for key in ["mode", "directory_mode"] {
        issues.extend(call.get(key).into_iter().flat_map(params::mode));
    }
    let (place, _) = places::class(call.known, to);
    let home = place.starts_with('~') && !to.starts_with("/root");
    for key in ["owner", "group"] {
        let Some(name) = call.get(key).and_then(Node::text) else {
            continue;
        };
        let system = [
            "root", "wheel", "0", "adm", "shadow", "syslog", "utmp", "ssh_keys", "admin", "crontab",
        ];
        let mine = !home && system.contains(&name);
        if home && ["root", "wheel", "0"].contains(&name) {
            issues.push(call.held("owner", format!("the {key} is root; a person decides")));
        } else if !home && !mine && (place.starts_with("/etc") || place.starts_with("/usr")) {
            issues.push(call.held(
                "owner",
                format!("{name} becomes the {key} of {to}; a person decides"),
            ));
        }
    }
    if let Some(check) = call.get("validate").and_then(Node::text)
        && !CHECKS.contains(&check)
    {
        issues.push(call.refused(
            "runs-program",
            "validate runs a program; leave it out, or use the usual check of such a file",
        ));
    }
    issues
}

fn copy(call: &Call<'_>) -> Vec<Issue> {
    let mut issues = common(call);
    let to = call.text("dest");
    issues.extend(unusable(call, &places::class(call.known, to).0));
    if call.get("src").is_none() && call.get("content").is_none() {
        issues.push(call.held("source", "copy with neither src nor content"));
    }
    let ends = call.text("newline_sequence");
    if !["", "\n", "\\n"].contains(&ends) {
        issues.push(call.held(
            "module-parameter",
            "other line ends, with which a program may take the whole file for one line",
        ));
    }
    if let Some(src) = call.get("src") {
        let inside = params::source("src", src);
        if inside.is_empty() && !places::is_directory(to) {
            issues.extend(kind(call, src.text().unwrap_or_default(), to));
        }
        if inside.is_empty() {
            issues.extend(resolved(call, src.text().unwrap_or_default()));
        }
        issues.extend(inside);
    }
    issues
}

/// A source that is not there fails only in the run.
fn resolved(call: &Call<'_>, src: &str) -> Vec<Issue> {
    let dir = if call.name == "template" {
        "templates"
    } else {
        "files"
    };
    let tree = &call.side.tree;
    if tree.find(call.file, dir, src).is_some() {
        return Vec::new();
    }
    if call.name == "copy" && tree.has_dir(call.file, dir, src) {
        return vec![call.held(
            "source",
            format!("{src} is a directory; name its files one by one"),
        )];
    }
    vec![call.refused(
        "unresolved",
        format!("{src} is no file of the repository; add it, or mend its name"),
    )]
}

/// The kind of a source decides how its content is judged where no grammar does.
fn kind(call: &Call<'_>, src: &str, to: &str) -> Vec<Issue> {
    let (place, what) = places::class(call.known, to);
    if matches!(what, Place::Grammar(_)) {
        return Vec::new();
    }
    let ending = |path: &str| {
        let name = path
            .trim_end_matches(".j2")
            .rsplit('/')
            .next()
            .unwrap_or_default();
        name.rsplit_once('.')
            .map(|(_, ending)| ending.to_lowercase())
    };
    if ending(src) == ending(&place) {
        return Vec::new();
    }
    vec![call.held(
        "source",
        format!("{src} goes to {to}, so that it is judged as another kind of file"),
    )]
}

fn file(call: &Call<'_>) -> Vec<Issue> {
    let (key, node) = to(call);
    let Some(node) = node else {
        return vec![call.held("module-parameter", "file without a path")];
    };
    let path = node.text().unwrap_or_default();
    let mut issues = rights(call, path);
    let (place, what) = places::class(call.known, path);
    if what == Place::Own {
        return places::path(call.known, key, node);
    }
    issues.extend(unusable(call, &place));
    let state = if call.get("state").is_none() {
        "file"
    } else {
        call.text("state")
    };
    match state {
        "directory" => {
            issues.extend(places::directory(call.known, node));
            let mode = u32::from_str_radix(call.text("mode"), 8).unwrap_or(0o700);
            if mode & 0o700 != 0o700
                || what == Place::Persistent && place.starts_with('~') && mode & 0o077 != 0
            {
                issues
                    .push(call.held("mode", "a mode that shuts the owner out, or lets others in"));
            }
        }
        "absent" => {
            let leftovers = [
                "/etc/cron.deny",
                "/etc/at.deny",
                "/etc/hosts.equiv",
                "~/.rhosts",
                "~/.shosts",
                "/etc/shosts.equiv",
                "/etc/securetty.bak",
            ];
            if !leftovers.contains(&place.as_str()) {
                issues.push(call.held(
                    "removes",
                    "state: absent takes something away; a person decides",
                ));
            }
        }
        "file" if tightens(call, &place) => {}
        "touch" | "file" => issues.extend(places::path(call.known, key, node)),
        "link" | "hard" => issues.push(call.held(
            "link",
            "a link makes one path mean another; a person decides",
        )),
        _ => issues.push(call.held("module-parameter", "a state that no rule knows")),
    }
    if call.get("recurse").and_then(Node::boolean) == Some(true)
        && !(what == Place::Agent || what == Place::Written)
    {
        issues.push(call.held("module-parameter", "recurse changes everything below"));
    }
    issues
}

/// Files of the system with the widest mode that they need.
const WIDEST: &[(&str, u32)] = &[
    ("/etc/passwd", 0o644),
    ("/etc/passwd-", 0o644),
    ("/etc/group", 0o644),
    ("/etc/group-", 0o644),
    ("/etc/shadow", 0o640),
    ("/etc/shadow-", 0o640),
    ("/etc/gshadow", 0o640),
    ("/etc/gshadow-", 0o640),
    ("/etc/crontab", 0o600),
    ("/etc/cron.d", 0o700),
    ("/etc/cron.hourly", 0o700),
    ("/etc/cron.daily", 0o700),
    ("/etc/cron.weekly", 0o700),
    ("/etc/cron.monthly", 0o700),
    ("/etc/cron.allow", 0o640),
    ("/etc/at.allow", 0o640),
    ("/etc/ssh/sshd_config", 0o600),
    ("/etc/ssh/ssh_config", 0o644),
    ("/etc/ssh/sshd_config.d", 0o755),
    ("/etc/sudoers", 0o440),
    ("/etc/sudoers.d", 0o750),
    ("/etc/issue", 0o644),
    ("/etc/issue.net", 0o644),
    ("/etc/motd", 0o644),
    ("/etc/login.defs", 0o644),
    ("/etc/security/opasswd", 0o600),
    ("/boot/grub/grub.cfg", 0o600),
    ("/boot/grub2/grub.cfg", 0o600),
    ("/var/log", 0o755),
    ("/var/log/auth.log", 0o640),
    ("/var/log/syslog", 0o640),
    ("/var/log/audit", 0o750),
    ("/var/log/sudo.log", 0o600),
    ("/etc/audit/auditd.conf", 0o640),
    ("/etc/fstab", 0o644),
    ("/root", 0o700),
];

/// Whether owner and mode only take rights from others than the owner.
fn tightens(call: &Call<'_>, place: &str) -> bool {
    let mode = call.text("mode").trim_start_matches("u=").to_owned();
    let Ok(bits) = u32::from_str_radix(&mode, 8) else {
        return ["go-rwx", "og-rwx", "o-rwx", "go-w", "o-w", "go=", "og="]
            .contains(&call.text("mode"));
    };
    let owner = call.text("owner");
    let group = call.text("group");
    let roots = |name: &str| {
        [
            "", "root", "0", "wheel", "shadow", "adm", "crontab", "syslog",
        ]
        .contains(&name)
    };
    let only_owner = bits.trailing_zeros() >= 6;
    if let Some((_, widest)) = WIDEST.iter().find(|(p, _)| *p == place) {
        let own = bits & 0o400 != 0 || place.ends_with("shadow") || place.ends_with("shadow-");
        // What everybody reads stays readable.
        let open = *widest & 0o044 == 0o044 && !place.ends_with('-') && place != "/var/log";
        let read = !open || bits & 0o044 == 0o044;
        return bits & !widest == 0 && own && read && roots(owner) && roots(group);
    }
    // Home directories: nothing for others, and still readable by their owner.
    let mine = owner.is_empty() || !roots(owner);
    place.starts_with("~/") && only_owner && bits & 0o400 != 0 && mine
}

/// Judges a text that becomes a part of a file.
fn part(call: &Call<'_>, text: &str) -> Vec<Issue> {
    let to = to(call).1.and_then(Node::text).unwrap_or_default();
    let (place, what) = places::class(call.known, to);
    match what {
        Place::Grammar(grammar) => schema::judge(grammar, &place, None, text, call.line),
        _ if places::is_judged(&place) => vec![call.held(
            "part-of-file",
            format!("a part of {to}, which can only be judged as a whole; write the whole file"),
        )],
        _ => deployed::lines(None, text, call.line),
    }
}

/// What may stand in front of a setting's name in a pattern.
const BEFORE: [&str; 17] = [
    "^",
    "\\s*",
    "\\s+",
    "\\s?",
    "#?",
    "#*",
    "#\\s*",
    "#",
    "[#]?",
    "[# ]*",
    "[#\\s]*",
    "[\\s#]*",
    "(#|# )?",
    "(#\\s*)?",
    "(\\s*#\\s*)?",
    " *",
    " ?",
];
/// Words of values, which a pattern may name besides.
const VALUES: [&str; 8] = [
    "yes",
    "no",
    "true",
    "false",
    "prohibit-password",
    "without-password",
    "none",
    "off",
];

/// What a pattern finds has to be what the new line is about: it begins with the setting's own name.
fn same_subject(call: &Call<'_>, pattern: &str, line: &str) -> Vec<Issue> {
    let everything = [".*", "^", "^.*$", ".", "^.*", ".*$", "$", ".+", "^.+$", ""];
    if everything.contains(&pattern) {
        return vec![call.held("pattern", "a regexp that matches every line")];
    }
    let plain = pattern
        .replace("\\.", ".")
        .replace("\\-", "-")
        .replace("\\*", "*")
        .replace("\\/", "/");
    let mut rest = plain.trim();
    while let Some(next) = BEFORE.iter().find_map(|b| rest.strip_prefix(b)) {
        rest = next;
    }
    let folded = rest.to_lowercase();
    let words = |text: &str| -> Vec<String> {
        text.to_lowercase()
            .split(|c: char| !(c.is_ascii_alphanumeric() || "_.-/".contains(c)))
            .map(|w| w.trim_matches(['.', '-']).to_owned())
            .filter(|w| w.len() > 2)
            .collect()
    };
    let own = words(line);
    let key = line
        .trim_start()
        .split([' ', '\t', '=', ':'])
        .next()
        .unwrap_or_default()
        .to_lowercase();
    let behind = folded.strip_prefix(&key).filter(|_| !key.is_empty());
    // `\s`, `\w` and the like are no words.
    let classes = behind
        .unwrap_or_default()
        .replace("\\s", " ")
        .replace("\\w", " ")
        .replace("\\d", " ")
        .replace("\\b", " ")
        .replace("\\t", " ");
    let only = words(&classes)
        .iter()
        .all(|w| own.contains(w) || VALUES.contains(&w.as_str()));
    let odd = behind.is_some_and(|b| b.starts_with(['?', '*', '{', '|'])) || plain.contains("(?");
    let branches = behind
        .unwrap_or_default()
        .split_once('|')
        .is_none_or(|(front, _)| front.contains('('));
    if behind.is_some() && only && !odd && branches {
        return Vec::new();
    }
    vec![call.held(
        "pattern",
        format!("the regexp {pattern} may replace something else than what the line sets"),
    )]
}

fn line(call: &Call<'_>) -> Vec<Issue> {
    let mut issues = common(call);
    let text = call.text("line");
    let to = to(call).1.and_then(Node::text).unwrap_or_default();
    let grammar = matches!(places::class(call.known, to).1, Place::Grammar(_));
    if call.text("state") == "absent" {
        issues.push(call.held("removes", "lines are taken out of a file; a person decides"));
        return issues;
    }
    if let Some(pattern) = call
        .first(&["regexp", "regex", "search_string"])
        .and_then(Node::text)
    {
        let found = same_subject(call, pattern, text);
        if grammar || found.iter().any(|i| i.what.contains("every line")) {
            issues.extend(found);
        }
    }
    if call.get("backrefs").and_then(Node::boolean) == Some(true) {
        issues.push(call.held(
            "pattern",
            "backrefs put together a line that only the run knows",
        ));
    }
    issues.extend(part(call, text));
    issues
}

fn block(call: &Call<'_>) -> Vec<Issue> {
    let mut issues = common(call);
    if call.text("state") == "absent" {
        issues.push(call.held("removes", "lines are taken out of a file; a person decides"));
    }
    for key in ["marker", "marker_begin", "marker_end"] {
        let marker = call.text(key);
        if !marker.is_empty()
            && (!marker.starts_with(['#', '"', ';']) && key == "marker" || marker.contains('\n'))
        {
            issues.push(call.held("pattern", "a marker that is no comment"));
        }
    }
    issues.extend(part(
        call,
        call.first(&["block", "content"])
            .and_then(Node::text)
            .unwrap_or_default(),
    ));
    issues
}

fn replace(call: &Call<'_>) -> Vec<Issue> {
    let mut issues = common(call);
    let text = call.text("replace");
    let to = to(call).1.and_then(Node::text).unwrap_or_default();
    if !matches!(places::class(call.known, to).1, Place::Grammar(_))
        || text.contains('\\')
        || text.is_empty()
    {
        issues.push(call.held(
            "pattern",
            "replace changes text that can't be judged; use lineinfile or the whole file",
        ));
        return issues;
    }
    issues.extend(same_subject(call, call.text("regexp"), text));
    issues.extend(part(call, text));
    issues
}

fn ini(call: &Call<'_>) -> Vec<Issue> {
    let mut issues = common(call);
    if call.text("state") == "absent" {
        issues.push(call.held(
            "removes",
            "a setting is taken out of a file; a person decides",
        ));
        return issues;
    }
    let to = to(call).1.and_then(Node::text).unwrap_or_default();
    let text = match places::class(call.known, to).1 {
        Place::Grammar(Grammar::Git) => format!(
            "[{}]\n{} = {}",
            call.text("section"),
            call.text("option"),
            call.text("value")
        ),
        _ => format!("{}={}", call.text("option"), call.text("value")),
    };
    issues.extend(part(call, &text));
    issues
}
