//! Files with a grammar that is known: which settings they may hold, and with which values.
//!
//! What a line says is judged by a table or by a function for its grammar. A line that the old text
//! has already is the baseline. In all of them the text has to be literal.

mod access;
mod audit;
mod boot;
mod daemon;
mod firewall;
mod lines;
mod shells;
mod table;

pub(super) use daemon::judge as daemon;
pub(super) use lines::is_stricter;
pub(super) use shells::{is_agent_shell, variable};
pub(super) use table::{Word, check};

use std::collections::BTreeSet;

use super::issue::Issue;

const SSHD: &str = include_str!("sshd.txt");
const SSH: &str = include_str!("ssh.txt");
const SYSCTL: &str = include_str!("sysctl.txt");
const LOGIN: &str = include_str!("login.txt");
const UNITS: &str = include_str!("units.txt");
const PASSWORD: &str = include_str!("password.txt");
const AUDITD: &str = include_str!("auditd.txt");
const FAIL2BAN: &str = include_str!("fail2ban.txt");
const PLAIN: &str = include_str!("plainfiles.txt");
const NETWORK: &str = include_str!("network.txt");
const NPM: &str = include_str!("npm.txt");
const GO: &str = include_str!("go.txt");
const GPG: &str = include_str!("gpg.txt");
const PIP: &str = include_str!("pip.txt");
const GIT: &str = include_str!("git.txt");
const DEFAULTS: &str = include_str!("defaults.txt");
pub(super) const VARIABLES: &str = include_str!("startup.txt");

/// How a file's lines are read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Grammar {
    /// `KEY VALUE`, by a table.
    Words(&'static str, &'static str),
    /// `KEY=VALUE` below `[sections]`, by a table.
    Equals(&'static str, &'static str),
    /// git's `[section]` and `key = value`.
    Git,
    /// A function of its own for each line.
    Lines(&'static str, fn(&str) -> Word),
    /// Only read by people.
    Prose,
}

impl PartialEq for Grammar {
    fn eq(&self, other: &Self) -> bool {
        rule(*self) == rule(*other)
    }
}

/// Files by their paths: exactly, or below a directory and with an ending.
#[expect(clippy::too_many_lines, reason = "a table, read in one piece")]
pub(super) fn of(path: &str) -> Option<Grammar> {
    let below = |dir: &str, end: &str| {
        path.strip_prefix(dir)
            .is_some_and(|rest| !rest.is_empty() && !rest.contains('/') && rest.ends_with(end))
    };
    let is = |all: &[&str]| all.contains(&path);
    let unit = |dir: &str| {
        path.strip_prefix(dir)
            .and_then(|rest| rest.split_once('/'))
            .is_some_and(|(unit, file)| unit.ends_with(".service.d") && file.ends_with(".conf"))
    };
    Some(match path {
        _ if is(&["/etc/ssh/sshd_config", "/private/etc/ssh/sshd_config"])
            || below("/etc/ssh/sshd_config.d/", ".conf") =>
        {
            Grammar::Words("schema-sshd", SSHD)
        }
        _ if is(&["/etc/ssh/ssh_config", "~/.ssh/config"])
            || below("/etc/ssh/ssh_config.d/", ".conf") =>
        {
            Grammar::Words("schema-ssh", SSH)
        }
        _ if is(&["/etc/sudoers"]) || below("/etc/sudoers.d/", "") => {
            Grammar::Lines("schema-sudoers", access::sudoers)
        }
        _ if is(&["/etc/sysctl.conf"])
            || below("/etc/sysctl.d/", ".conf")
            || below("/usr/lib/sysctl.d/", ".conf") =>
        {
            Grammar::Equals("schema-sysctl", SYSCTL)
        }
        _ if is(&["/etc/login.defs"]) => Grammar::Words("schema-login-defs", LOGIN),
        _ if is(&["/etc/security/limits.conf"]) || below("/etc/security/limits.d/", ".conf") => {
            Grammar::Lines("schema-limits", access::limits)
        }
        _ if path.starts_with("/etc/pam.d/") => Grammar::Lines("schema-pam", access::pam),
        _ if is(&[
            "/etc/security/pwquality.conf",
            "/etc/security/pwhistory.conf",
            "/etc/security/faillock.conf",
        ]) || below("/etc/security/pwquality.conf.d/", ".conf") =>
        {
            Grammar::Equals("schema-password", PASSWORD)
        }
        _ if is(&["/etc/cron.allow", "/etc/at.allow", "/etc/cron.d/cron.allow"]) => {
            Grammar::Lines("schema-allowed-users", access::only_root)
        }
        _ if is(&["/etc/security/audit_control"]) => {
            Grammar::Lines("schema-audit-control", audit::control)
        }
        _ if is(&["/etc/audit/auditd.conf"]) => Grammar::Equals("schema-auditd", AUDITD),
        _ if is(&["/etc/audit/audit.rules"]) || below("/etc/audit/rules.d/", ".rules") => {
            Grammar::Lines("schema-audit-rules", audit::rules)
        }
        _ if below("/etc/modprobe.d/", ".conf") => {
            Grammar::Lines("schema-modprobe", audit::modprobe)
        }
        _ if below("/etc/apt/apt.conf.d/", "") => Grammar::Lines("schema-apt", audit::apt),
        _ if is(&["/etc/dnf/automatic.conf"]) => Grammar::Lines("schema-apt", audit::dnf_automatic),
        _ if below("/etc/logrotate.d/", "") || is(&["/etc/logrotate.conf"]) => {
            Grammar::Lines("schema-logrotate", audit::logrotate)
        }
        _ if below("/etc/rsyslog.d/", ".conf") => Grammar::Lines("schema-rsyslog", audit::rsyslog),
        _ if is(&[
            "/etc/chrony.conf",
            "/etc/chrony/chrony.conf",
            "/etc/ntp.conf",
        ]) =>
        {
            Grammar::Lines("schema-time", audit::time)
        }
        _ if is(&["/etc/fail2ban/jail.local", "/etc/fail2ban/fail2ban.local"])
            || below("/etc/fail2ban/jail.d/", ".conf")
            || below("/etc/fail2ban/jail.d/", ".local") =>
        {
            Grammar::Equals("schema-fail2ban", FAIL2BAN)
        }
        _ if is(&[
            "/etc/systemd/journald.conf",
            "/etc/systemd/timesyncd.conf",
            "/etc/systemd/resolved.conf",
            "/etc/systemd/logind.conf",
            "/etc/systemd/system.conf",
        ]) || ["journald", "timesyncd", "resolved", "logind", "system"]
            .iter()
            .any(|d| below(&format!("/etc/systemd/{d}.conf.d/"), ".conf"))
            || unit("/etc/systemd/system/") =>
        {
            Grammar::Equals("schema-systemd", UNITS)
        }
        _ if is(&["/etc/systemd/coredump.conf"])
            || below("/etc/systemd/coredump.conf.d/", ".conf") =>
        {
            Grammar::Equals("schema-coredump", UNITS)
        }
        _ if is(&[
            "/etc/default/ufw",
            "/etc/ufw/ufw.conf",
            "/etc/default/useradd",
            "/etc/adduser.conf",
            "/etc/default/apport",
            "/etc/default/sysstat",
            "/etc/default/chrony",
        ]) =>
        {
            Grammar::Equals("schema-defaults-file", PLAIN)
        }
        _ if is(&["/etc/pf.conf"]) || path.starts_with("/etc/pf.anchors/") => {
            Grammar::Lines("schema-firewall", firewall::pf)
        }
        _ if is(&[
            "/etc/issue",
            "/etc/issue.net",
            "/etc/motd",
            "/etc/ssh/banner",
            "/etc/ssh/sshd_banner",
            "/etc/banner",
        ]) =>
        {
            Grammar::Prose
        }
        _ if is(&["/etc/default/grub"]) => Grammar::Lines("schema-grub", boot::grub),
        _ if below("/etc/apparmor.d/local/", "") => {
            Grammar::Lines("schema-apparmor", boot::apparmor)
        }
        _ if is(&["/etc/NetworkManager/NetworkManager.conf"])
            || below("/etc/NetworkManager/conf.d/", ".conf") =>
        {
            Grammar::Equals("schema-network", NETWORK)
        }
        _ if is(&["~/.npmrc", "/etc/npmrc", "/usr/local/etc/npmrc"]) => {
            Grammar::Equals("schema-npm", NPM)
        }
        _ if is(&["~/.config/go/env", "~/Library/Application Support/go/env"]) => {
            Grammar::Equals("schema-go", GO)
        }
        _ if is(&[
            "~/.gnupg/gpg.conf",
            "~/.gnupg/gpg-agent.conf",
            "~/.gnupg/dirmngr.conf",
        ]) =>
        {
            Grammar::Words("schema-gpg", GPG)
        }
        _ if below("/etc/aide/aide.conf.d/", "")
            || is(&["/etc/aide.conf", "/etc/aide/aide.conf"]) =>
        {
            Grammar::Lines("schema-aide", audit::aide)
        }
        _ if is(&[
            "~/.config/pip/pip.conf",
            "~/.pip/pip.conf",
            "~/Library/Application Support/pip/pip.conf",
            "/etc/pip.conf",
        ]) =>
        {
            Grammar::Equals("schema-pip", PIP)
        }
        _ if is(&["~/.gitconfig", "~/.config/git/config", "/etc/gitconfig"]) => Grammar::Git,
        _ if is(&[
            "~/.gitignore",
            "~/.gitignore_global",
            "~/.config/git/ignore",
        ]) =>
        {
            Grammar::Lines("schema-git", ignored)
        }
        _ if is(&["~/.hushlogin"]) => Grammar::Prose,
        _ if is(shells::FILES) || below("/etc/profile.d/", ".sh") => {
            Grammar::Lines("schema-shell-startup", shells::line)
        }
        _ if is(&[
            "~/.vimrc",
            "~/.config/nvim/init.vim",
            "/etc/vim/vimrc.local",
        ]) =>
        {
            Grammar::Lines("schema-editor", shells::vim)
        }
        _ if is(&["~/.tmux.conf", "~/.config/tmux/tmux.conf", "/etc/tmux.conf"]) => {
            Grammar::Lines("schema-editor", shells::tmux)
        }
        _ if is(&["~/.inputrc", "/etc/inputrc"]) => {
            Grammar::Lines("schema-editor", shells::readline)
        }
        _ => return None,
    })
}

/// Judges a text of a grammar against what it was; `from` is the line where it begins.
pub(super) fn judge(
    grammar: Grammar,
    path: &str,
    old: Option<&str>,
    new: &str,
    from: usize,
) -> Vec<Issue> {
    if matches!(grammar, Grammar::Prose) {
        return Vec::new();
    }
    let narrowed = old.map(|old| firewall::with_narrower(grammar, old, new));
    let old = narrowed.as_deref();
    let known = with_parts(grammar, old.unwrap_or_default());
    let known: BTreeSet<(&str, &str)> =
        known.iter().map(|(_, part, text)| (*part, *text)).collect();
    let rule = rule(grammar);
    let mut issues = Vec::new();
    let mut state = lines::State::default();
    let mut open = false;
    for (at, part, text) in with_parts(grammar, new) {
        let section = part.trim_start_matches('[').trim_end_matches(']');
        let said = state.line(grammar, path, section, text);
        let was_open = std::mem::replace(&mut open, lines::continues(text));
        if known.contains(&(part, text)) {
            continue;
        }
        let said = match said {
            Word::Good if open || was_open => Word::Held(
                "a line that a backslash continues, which not every program takes alike; write it \
                 as one line"
                    .to_owned(),
            ),
            Word::Good if text.chars().any(|c| c.is_control() && c != '\t') => {
                Word::Held("a line with a control character".to_owned())
            }
            said => said,
        };
        match said {
            Word::Good => {}
            Word::Refused(why) => {
                issues.push(Issue::refused(rule, from + at, format!("{path}: {why}")).about(text));
            }
            Word::Held(why) => {
                issues.push(Issue::held(rule, from + at, format!("{path}: {why}")).about(text));
            }
        }
    }
    let before: BTreeSet<&str> = old.unwrap_or_default().lines().collect();
    for (at, text) in new.lines().enumerate() {
        // Python takes such a line for a part of the value above it.
        let indented = text.starts_with([' ', '\t']) && !text.trim().is_empty();
        if rule == "schema-pip" && indented && !before.contains(text) {
            issues.push(Issue::held(
                rule,
                from + at,
                format!("{path}: an indented line, which belongs to the setting above it"),
            ));
        }
    }
    for (key, at) in lines::again(grammar, old.unwrap_or_default(), new) {
        issues.push(Issue::held(
            "set-twice",
            from + at,
            format!("{path}: {key} is set twice and otherwise; only one of them holds"),
        ));
    }
    for (key, at) in lines::weaker(grammar, old.unwrap_or_default(), new) {
        issues.push(Issue::held(
            "weakened",
            from + at,
            format!("{path}: {key} is less strict than before"),
        ));
    }
    if rule == "schema-grub"
        && let Some(word) = boot::gone(old.unwrap_or_default(), new)
    {
        let what = format!("{path}: the kernel is not started with {word} any more");
        issues.push(Issue::held("protection-removed", from, what).about("the command line"));
    }
    if rule == "schema-firewall" && firewall::in_another_order(old.unwrap_or_default(), new) {
        let what = format!("{path}: its rules stand in another order, and the last one counts");
        issues.push(Issue::held("weakened", from, what));
    }
    // A line that is gone may have been what protects.
    for gone in lines::gone(grammar, old.unwrap_or_default(), new) {
        issues.push(Issue::held(
            "protection-removed",
            from,
            format!(
                "{path}: the line \"{}\" is gone",
                crate::text::plain(&gone, 100)
            ),
        ));
    }
    issues
}

/// The lines of a text, each with where it is and the part of the file that it is in.
fn with_parts(grammar: Grammar, text: &str) -> Vec<(usize, &str, &str)> {
    let mut part = "";
    let lines = lines::each(grammar, text).into_iter();
    lines
        .map(|(at, text)| {
            part = lines::part(grammar, text).unwrap_or(part);
            (at, part, text)
        })
        .collect()
}

/// The rule's name of a grammar.
pub(super) fn rule(grammar: Grammar) -> &'static str {
    match grammar {
        Grammar::Words(rule, _) | Grammar::Equals(rule, _) | Grammar::Lines(rule, _) => rule,
        Grammar::Git => "schema-git",
        Grammar::Prose => "destination",
    }
}

/// Judges one setting of the kernel.
pub(super) fn sysctl(key: &str, value: &str) -> Word {
    let key = key.replace('/', ".");
    check(SYSCTL, key.trim_start_matches('-'), &squeezed(value))
}

/// A line of files that git leaves out of commits, secrets among them.
fn ignored(line: &str) -> Word {
    if line.starts_with('!') {
        return Word::Held(
            "it takes files back that are left out of commits, which can be secrets".to_owned(),
        );
    }
    Word::Good
}

/// Judges one of git's settings.
pub(super) fn git(key: &str, value: &str) -> Word {
    check(GIT, key, value)
}

/// Whether a setting of macOS is less strict than before.
pub(super) fn defaults_weaker(domain: &str, key: &str, old: &str, new: &str) -> bool {
    table::weaker(
        DEFAULTS,
        &format!("{}/{key}", bare_domain(domain)),
        old,
        new,
    )
}

/// A domain's name without the path of its file.
fn bare_domain(domain: &str) -> &str {
    let domain = domain
        .trim_start_matches("/Library/Preferences/")
        .trim_end_matches(".plist");
    match domain {
        "-g" | "-globalDomain" | ".GlobalPreferences" | "Apple Global Domain" => "NSGlobalDomain",
        other => other,
    }
}

/// Judges one setting of macOS.
pub(super) fn defaults(domain: &str, key: &str, value: &str) -> Word {
    let domain = bare_domain(domain);
    let plain = |t: &str| {
        t.chars()
            .all(|c| c.is_ascii_alphanumeric() || "._- ".contains(c))
    };
    if !plain(domain) || !plain(key) {
        return Word::Held(format!(
            "{key} of {domain}, which is no plain setting of the system's own"
        ));
    }
    check(DEFAULTS, &format!("{domain}/{key}"), value)
}

/// Judges one line of limits.
pub(super) fn limits(line: &str) -> Word {
    access::limits(line)
}

/// What a text sets: keys, each below the part of the file that it is in, and values.
pub(super) fn pairs(grammar: Grammar, text: &str) -> Vec<(String, String)> {
    let each = with_parts(grammar, text).into_iter();
    each.flat_map(|(_, part, line)| {
        let pairs = lines::pairs(grammar, line).into_iter();
        pairs.map(move |(key, value)| (format!("{part}\n{key}"), value))
    })
    .collect()
}

fn squeezed(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Judges what a part of a file was against what it would be: settings that are gone or less strict.
pub(super) fn compare(
    grammar: Grammar,
    path: &str,
    old: &str,
    new: &str,
    line: usize,
) -> Vec<Issue> {
    let issues = judge(grammar, path, Some(old), new, line).into_iter();
    issues
        .filter(|i| ["weakened", "protection-removed"].contains(&i.rule))
        .collect()
}
