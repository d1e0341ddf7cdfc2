//! Places that modules write to: those with rules for what they hold, and the rest.

use super::issue::Issue;
use super::known::Known;
use super::schema::{self, Grammar};
use crate::playbook::yaml::Node;

/// Places, in part of a path, where a file starts programs, decides whom the machine trusts or lets
/// somebody in.
const PERSISTENT: &str = include_str!("places.txt");
/// Places that the supervisor and its Ansible live in.
const OWN: [&str; 9] = [
    "/.config/secloop",
    "/.local/state/secloop",
    "/.local/share/secloop",
    "/.cache/secloop",
    "/library/application support/secloop",
    "/library/caches/secloop",
    "/.ansible",
    "/etc/ansible",
    "secloop.toml",
];
/// The directories that are made below the home directory, and the one file of settings.
const HOOKS: &str = "~/.claude/hooks";
const LOGS: &str = "~/.claude/logs";
const SETTINGS: &str = "~/.claude/settings.json";

/// What a place is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Place {
    /// The supervisor's.
    Own,
    /// An agent's hook, its settings, or their directories.
    Agent,
    /// With a grammar of its own.
    Grammar(Grammar),
    /// Where a file starts programs or lets somebody in.
    Persistent,
    /// Where the playbook writes already.
    Written,
    /// No rule knows it.
    Unknown,
    /// Nobody can tell where it leads.
    Unresolved,
}

/// Whether a path, from the home directory on or from the top, belongs to the supervisor.
pub(super) fn is_own(path: &str) -> bool {
    let folded = path.to_lowercase();
    OWN.iter().any(|own| folded.contains(own))
}

/// Whether a file at this path starts programs or lets somebody in.
pub(super) fn is_persistent(path: &str) -> bool {
    // A directory counts like what is in it.
    let folded = path.to_lowercase() + "/";
    let mut places = PERSISTENT
        .lines()
        .filter(|l| !l.starts_with('#') && !l.is_empty());
    places.any(|place| match place.strip_prefix('^') {
        Some(front) => folded.starts_with(front),
        None => folded.contains(place),
    })
}

/// Whether a path is a file that the rules for hooks and settings judge as a whole.
pub(super) fn is_judged(place: &str) -> bool {
    schema::is_agent_shell(place) || place == SETTINGS
}

/// Whether a path names a directory that is known.
pub(super) fn is_directory(path: &str) -> bool {
    path.ends_with('/') || path.ends_with("/.claude/hooks") || path.ends_with("/.claude/logs")
}

/// The one way to write a path: `~/…` below the home directory, else from the top. None where it
/// can't be told.
pub(super) fn of(known: &Known, text: &str) -> Option<String> {
    let text = text.trim();
    let path = match below_home(known, text) {
        Some(rest) => format!("~{rest}"),
        None => text
            .strip_prefix("/private/etc/")
            .map_or_else(|| text.to_owned(), |r| format!("/etc/{r}")),
    };
    let good = |c: char| c.is_ascii_alphanumeric() || "/._-+@ ~".contains(c);
    let rooted = path.starts_with("~/") || path.starts_with('/');
    let trimmed = path.strip_suffix('/').unwrap_or(&path);
    let plain = path.chars().all(good)
        && !path.get(1..).is_some_and(|p| p.contains('~'))
        && trimmed
            .split('/')
            .skip(1)
            .all(|part| !["", ".", ".."].contains(&part.trim()) && part.trim() == part);
    (rooted && plain && trimmed.len() > 1).then(|| trimmed.to_owned())
}

/// What a path is, and how it is written.
pub(super) fn class(known: &Known, text: &str) -> (String, Place) {
    if is_own(text) {
        return (text.to_owned(), Place::Own);
    }
    let Some(place) = of(known, text) else {
        return (text.to_owned(), Place::Unresolved);
    };
    let what =
        if [HOOKS, LOGS, SETTINGS].contains(&place.as_str()) || schema::is_agent_shell(&place) {
            Place::Agent
        } else if let Some(grammar) = schema::of(&place) {
            Place::Grammar(grammar)
        } else if is_persistent(&place) {
            Place::Persistent
        } else if known.writes(&place) {
            Place::Written
        } else {
            Place::Unknown
        };
    (place, what)
}

/// Judges a path that a module puts a file at.
pub(super) fn path(known: &Known, key: &str, value: &Node) -> Vec<Issue> {
    let line = value.line;
    let Some(text) = value.text() else {
        return vec![Issue::refused(
            "destination",
            line,
            format!("{key} that is no text"),
        )];
    };
    let (_, place) = class(known, text);
    let (rule, why) = match place {
        Place::Agent | Place::Grammar(_) | Place::Written => return Vec::new(),
        Place::Own => {
            return vec![Issue::refused(
                "destination-own",
                line,
                format!("{key} {text} belongs to the supervisor; leave it alone"),
            )];
        }
        Place::Unresolved => (
            "destination-unresolved",
            "is no plain path: nobody can tell beforehand where it leads",
        ),
        Place::Persistent => (
            "destination-persistent",
            "starts programs, steers an agent, decides what is trusted or grants access; a person \
             decides about it",
        ),
        Place::Unknown => (
            "destination",
            "is no place that a rule knows or the playbook writes already; a person decides about it",
        ),
    };
    vec![Issue::held(rule, line, format!("{key} {text} {why}")).about(text)]
}

/// Directories that may be made: empty ones change nothing by themselves.
pub(super) fn directory(known: &Known, value: &Node) -> Vec<Issue> {
    let text = value.text().unwrap_or_default();
    let (place, what) = class(known, text);
    let roots = [
        "~/",
        "/opt/",
        "/srv/",
        "/var/log/",
        "/var/lib/",
        "/var/backups/",
        "/var/cache/",
        "/etc/ssh/sshd_config.d",
        "/etc/sudoers.d",
        "/etc/sysctl.d",
        "/etc/audit/rules.d",
        "/etc/fail2ban",
        "/etc/security",
        "/etc/cron.d",
        "/etc/cron.hourly",
        "/etc/cron.daily",
        "/etc/cron.weekly",
        "/etc/cron.monthly",
        "/etc/modprobe.d",
        "/etc/systemd/journald.conf.d",
        "/etc/systemd/coredump.conf.d",
        "/etc/systemd/system/",
        "/etc/apt/apt.conf.d",
        "/etc/skel",
        "/etc/nginx",
        "/etc/ssl/private",
        "/tmp/",
        "/usr/local/etc/",
    ];
    let plain = roots
        .iter()
        .any(|r| place == r.trim_end_matches('/') || place.starts_with(r));
    let unit = place.starts_with("/etc/systemd/system/") && !place.ends_with(".d");
    match what {
        Place::Agent | Place::Written | Place::Grammar(_) => Vec::new(),
        Place::Unknown | Place::Persistent if plain && !unit && !starts(&place) => Vec::new(),
        _ => path(known, "path", value),
    }
}

/// Directories in which a file would be found and started.
fn starts(place: &str) -> bool {
    let folded = place.to_lowercase();
    [
        "/bin",
        "/launchagents",
        "/launchdaemons",
        "/autostart",
        "/plugins",
        "/collections",
        "/.git",
    ]
    .iter()
    .any(|part| folded.ends_with(part) || folded.contains(&format!("{part}/")))
}

/// What follows the home directory: `~/…`, `$HOME/…`, `{{ variable }}/…`, or a user's directory
/// by its name.
fn below_home<'a>(known: &Known, text: &'a str) -> Option<&'a str> {
    let rest = if let Some((name, rest)) = leading(text) {
        (known.is_home(name) || super::known::is_home_expression(name)).then_some(rest)?
    } else if let Some(rest) = text
        .strip_prefix('~')
        .or_else(|| text.strip_prefix("$HOME"))
        .or_else(|| text.strip_prefix("/root"))
    {
        rest
    } else {
        let user = text
            .strip_prefix("/home/")
            .or_else(|| text.strip_prefix("/Users/"))?;
        let at = user.find('/').filter(|at| *at > 0)?;
        let (name, rest) = user.split_at(at);
        (name != "Shared").then_some(rest)?
    };
    (rest.starts_with('/') && rest.len() > 1).then_some(rest)
}

/// The name in `{{ name }}…` and what follows it.
pub(super) fn leading(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.strip_prefix("{{")?.split_once("}}")?;
    Some((name.trim(), rest))
}
