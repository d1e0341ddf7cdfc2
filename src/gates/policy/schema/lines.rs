//! Lines of files: one by one, keys told from values, what is gone.

use std::collections::{BTreeMap, BTreeSet};

use super::table::{self, Word, check};
use super::{GIT, Grammar, squeezed};

/// The lines of a text and where each is, without the blanks around it. Of git's, a heading and what
/// follows it in its line are two.
///
/// None are joined: whether a backslash at the end continues a line differs between programs, and
/// within one between a comment and a setting.
pub(super) fn each(grammar: Grammar, text: &str) -> Vec<(usize, &str)> {
    let mut all = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let mut rest = line.trim();
        if matches!(grammar, Grammar::Git) {
            while let Some((heading, more)) = heading(rest) {
                all.push((at, heading));
                rest = more.trim();
                if rest.is_empty() {
                    break;
                }
            }
            if rest.is_empty() && !line.trim().is_empty() {
                continue;
            }
        }
        all.push((at, rest));
    }
    all
}

/// A heading of git's, which ends at the first bracket that is not quoted; and what follows it.
fn heading(text: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let mut escaped = false;
    for (at, c) in text.strip_prefix('[')?.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = quoted,
            '"' => quoted = !quoted,
            ']' if !quoted => return Some(text.split_at(at + 2)),
            _ => (),
        }
    }
    None
}

/// Whether a line belongs to the one before or behind it, for some programs.
pub(super) fn continues(text: &str) -> bool {
    text.ends_with('\\')
}

/// The part of a file that a line begins: a section, or settings for some logins and hosts only.
pub(super) fn part(grammar: Grammar, text: &str) -> Option<&str> {
    let begins = match grammar {
        Grammar::Git | Grammar::Equals(..) => text.starts_with('['),
        Grammar::Words(..) => ["match", "host"]
            .iter()
            .any(|word| words(text).0.eq_ignore_ascii_case(word)),
        Grammar::Lines(..) | Grammar::Prose => false,
    };
    begins.then_some(text)
}

/// What earlier lines mean for later ones.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Within a `Match` block, or one that another line began.
    inside: bool,
}

impl State {
    pub(super) fn line(&mut self, grammar: Grammar, path: &str, section: &str, text: &str) -> Word {
        // In sudoers `#1000` is an account and `#include` a file.
        let sudoers = matches!(grammar, Grammar::Lines("schema-sudoers", _))
            && text.strip_prefix('#').is_some_and(|t| {
                t.starts_with(|c: char| c.is_ascii_digit()) || t.starts_with("include")
            });
        // A directive of AppArmor's, which takes in what grants.
        let sudoers = sudoers
            || matches!(grammar, Grammar::Lines("schema-apparmor", _))
                && text.starts_with("#include");
        // In apt's these two are directives.
        let directive = matches!(grammar, Grammar::Lines("schema-apt", _))
            && ["#include", "#clear"].iter().any(|d| text.starts_with(d));
        let comment = (text.is_empty() || text.starts_with('#')) && !sudoers && !directive;
        match grammar {
            Grammar::Prose => Word::Good,
            // Also in a comment: what it leaves away may be the end of the line.
            _ if ["{{", "{%", "{#"].iter().any(|mark| text.contains(mark)) => {
                if text == "{{ ansible_managed | comment }}"
                    || text == "# {{ ansible_managed }}"
                    || text.starts_with("{#")
                        && text.ends_with("#}")
                        && !text.starts_with("{#-")
                        && !text.ends_with("-#}")
                        && text.matches("#}").count() == 1
                {
                    return Word::Good;
                }
                Word::Held(format!(
                    "\"{}\" is only known in the run; write the text itself",
                    crate::text::plain(text, 100)
                ))
            }
            _ if comment => Word::Good,
            _ if directive => {
                Word::Held("it takes in another file, or takes settings away".to_owned())
            }
            Grammar::Words(_, table) => {
                if self.inside {
                    return Word::Held(
                        "a line of a Match block, which counts for some logins only".to_owned(),
                    );
                }
                let (key, value) = words(text);
                self.inside = key.eq_ignore_ascii_case("match");
                check(table, key, &squeezed(value.trim_matches('"')))
            }
            Grammar::Equals(rule, table) => {
                if text.starts_with(';') || text.starts_with('[') && text.ends_with(']') {
                    return Word::Good;
                }
                let (key, value) = text.split_once('=').unwrap_or((text, ""));
                let key = key.trim();
                let value = squeezed(value.trim().trim_matches('"'));
                match rule {
                    "schema-sysctl" => super::sysctl(key, &value),
                    "schema-coredump" if key.eq_ignore_ascii_case("storage") => {
                        check(table, "coredump/Storage", &value)
                    }
                    "schema-systemd" if hinders(path, key, &value) => Word::Held(format!(
                        "{key} {value} for a service that protects, which it can keep from its work"
                    )),
                    _ => check(table, key, &value),
                }
            }
            Grammar::Git => {
                if text.starts_with(';') || text.starts_with('[') && text.ends_with(']') {
                    return Word::Good;
                }
                let (key, value) = text.split_once('=').unwrap_or((text, "true"));
                let section = section.split(['"', ' ']).next().unwrap_or_default();
                let _ = path;
                check(
                    GIT,
                    &format!("{section}.{}", key.trim()),
                    value.trim().trim_matches('"'),
                )
            }
            Grammar::Lines(_, judge) => judge(text),
        }
    }
}

/// Whether a setting takes from a service what it needs to protect the machine or to keep it within
/// reach: those that start others' sessions hand everything on, others write their logs and files.
fn hinders(path: &str, key: &str, value: &str) -> bool {
    let unit = path
        .strip_prefix("/etc/systemd/system/")
        .and_then(|rest| rest.split_once(".service.d/"));
    let among =
        |list: &str| unit.is_some_and(|(name, _)| list.split_whitespace().any(|l| l == name));
    let key = key.to_lowercase();
    let confines = [
        "protect",
        "private",
        "restrict",
        "memorydeny",
        "nonew",
        "lock",
        "systemcall",
    ]
    .iter()
    .any(|part| key.starts_with(part));
    let times = "chrony chronyd ntp systemd-timesyncd";
    let others = "auditd systemd-journald rsyslog clamav-daemon clamav-freshclam fail2ban apt-daily \
        apt-daily-upgrade unattended-upgrades dnf-automatic apparmor ufw firewalld nftables aide \
        dailyaidecheck";
    among("ssh sshd cron crond anacron systemd-logind") && confines
        || among(times) && (key == "protectclock" || key == "protectsystem" && value == "strict")
        || among(others) && key == "protectsystem" && value == "strict"
}

/// A key and what follows it: divided by blanks, or by one `=` as ssh takes it.
fn words(text: &str) -> (&str, &str) {
    let at = text
        .find(|c: char| c.is_whitespace() || c == '=')
        .unwrap_or(text.len());
    let (key, rest) = text.split_at(at);
    (key, rest.trim_start_matches([' ', '\t', '=']))
}

/// Settings that the old text made and that the new one does not make any more.
pub(super) fn gone(grammar: Grammar, old: &str, new: &str) -> Vec<String> {
    let key = |line: &str| -> Option<String> {
        let text = line.trim();
        if text.is_empty()
            || text.starts_with(['#', ';', '['])
            || text.starts_with("{%")
            || text.starts_with("{#")
        {
            return None;
        }
        Some(match grammar {
            Grammar::Words(..) => words(text).0.to_lowercase(),
            Grammar::Equals(..) | Grammar::Git => {
                text.split('=').next().unwrap_or(text).trim().to_lowercase()
            }
            Grammar::Lines("schema-shell-startup" | "schema-editor", _) | Grammar::Prose => {
                return None;
            }
            Grammar::Lines("schema-grub", _) => {
                text.split('=').next().unwrap_or(text).trim().to_owned()
            }
            Grammar::Lines("schema-audit-control", _) => {
                text.split(':').next().unwrap_or(text).to_owned()
            }
            Grammar::Lines("schema-firewall", _) => squeezed(&without_ports(text)),
            Grammar::Lines(..) => {
                squeezed(text.trim_end_matches(|c: char| c.is_ascii_digit() || "\";".contains(c)))
            }
        })
    };
    let now: BTreeSet<(&str, String)> = super::with_parts(grammar, new)
        .into_iter()
        .filter_map(|(_, part, line)| Some((part, key(line)?)))
        .collect();
    let mut found: Vec<String> = Vec::new();
    for (_, part, line) in super::with_parts(grammar, old) {
        if let Some(name) = key(line)
            && !now.contains(&(part, name))
        {
            found.push(line.trim().to_owned());
        }
    }
    found
}

/// A rule of pf's without its list of ports.
fn without_ports(text: &str) -> String {
    match ports(text) {
        Some((before, _, after)) => format!("{before}{{}}{after}"),
        None => text.to_owned(),
    }
}

/// What a rule of pf's says before its list of ports, the ports, and what it says behind it.
fn ports(text: &str) -> Option<(&str, BTreeSet<&str>, &str)> {
    let at = text.find("port {")? + "port ".len();
    let (before, rest) = text.split_at(at);
    let (list, after) = rest.strip_prefix('{')?.split_once('}')?;
    let list = list.split([' ', ',']).filter(|port| !port.is_empty());
    Some((before, list.collect(), after))
}

/// Rules of pf's that block fewer ports than before or let more through.
fn ports_weaker(old: &str, new: &str) -> Vec<(String, usize)> {
    let before: Vec<_> = old.lines().filter_map(ports).collect();
    let count = |text: &str| {
        text.lines()
            .filter_map(ports)
            .map(|(_, list, _)| list)
            .collect::<BTreeSet<_>>()
            .len()
    };
    if count(new) < count(old) {
        return vec![("a list of ports".to_owned(), 0)];
    }
    let lines = new.lines().enumerate();
    let now: Vec<_> = lines.filter_map(|(at, l)| Some((at, ports(l)?))).collect();
    let loosened = |(at, (front, list, behind)): &(usize, (&str, BTreeSet<&str>, &str))| {
        let same = before.iter().filter(|(f, _, b)| f == front && b == behind);
        let mut same = same.peekable();
        same.peek()?;
        let fits = same.into_iter().any(|(_, was, _)| {
            if front.trim_start().starts_with("block") {
                was.is_subset(list)
            } else {
                list.is_subset(was)
            }
        });
        (!fits).then(|| (front.trim().to_owned(), *at))
    };
    now.iter().filter_map(loosened).collect()
}

/// What one line sets.
pub(super) fn pairs(grammar: Grammar, line: &str) -> Vec<(String, String)> {
    let text = line.trim();
    if text.is_empty() || text.starts_with(['#', ';', '[']) {
        return Vec::new();
    }
    let lower = |key: &str| key.trim().to_lowercase();
    let value = |value: &str| squeezed(value.trim().trim_matches('"'));
    let one = |pair: Option<(&str, &str)>| -> Vec<(String, String)> {
        let pair = pair.map(|(k, v)| (lower(k), value(v)));
        pair.into_iter().collect()
    };
    match grammar {
        Grammar::Words(..) => one(Some(words(text))),
        Grammar::Equals("schema-sysctl", _) => {
            let pairs = one(text.split_once('='));
            let plain = |key: &str| key.trim_start_matches('-').replace('/', ".");
            pairs.into_iter().map(|(k, v)| (plain(&k), v)).collect()
        }
        Grammar::Equals(..) | Grammar::Git => one(text.split_once('=')),
        Grammar::Lines("schema-sudoers", _) => {
            let settings = text.strip_prefix("Defaults").unwrap_or_default();
            let settings = settings.split(',').filter_map(|one| one.split_once('='));
            settings.map(|(k, v)| (lower(k), value(v))).collect()
        }
        Grammar::Lines("schema-shell-startup", _) => match text.strip_prefix("umask ") {
            Some(mask) => vec![("umask".to_owned(), value(mask))],
            None => one(text
                .trim_start_matches("export ")
                .trim_start_matches("readonly ")
                .split_once('=')
                .filter(|(key, _)| *key == "TMOUT")),
        },
        Grammar::Lines(..) | Grammar::Prose => Vec::new(),
    }
}

/// Keys of which each line adds a value.
const MANY: &str = "hostkey acceptenv sendenv listenaddress port allowusers allowgroups denyusers \
    denygroups subsystem setenv permitopen permitlisten identityfile hostcertificate \
    execstart systemcallfilter environment ntp fallbackntp";

/// Settings that the new text makes more than once, with different values, and the old one did not;
/// with the line of the second.
pub(super) fn again(grammar: Grammar, old: &str, new: &str) -> Vec<(String, usize)> {
    if !matches!(grammar, Grammar::Words(..) | Grammar::Equals(..)) {
        return Vec::new();
    }
    let twice = |text: &str| -> Vec<(String, usize)> {
        let mut seen: BTreeMap<(String, String), String> = BTreeMap::new();
        let mut found = Vec::new();
        let mut within = "";
        for (at, line) in each(grammar, text) {
            within = part(grammar, line).unwrap_or(within);
            for (key, value) in pairs(grammar, line) {
                if MANY.split_whitespace().any(|many| many == key) {
                    continue;
                }
                let place = (within.to_owned(), key.clone());
                match seen.get(&place) {
                    Some(first) if *first != value => found.push((key, at)),
                    Some(_) => {}
                    None => {
                        seen.insert(place, value);
                    }
                }
            }
        }
        found
    };
    let before = twice(old);
    let mut now = twice(new);
    now.retain(|(key, _)| !before.iter().any(|(other, _)| other == key));
    now
}

/// Whether a value of a key is known to be stricter than another.
pub(in super::super) fn is_stricter(grammar: Grammar, key: &str, value: &str, other: &str) -> bool {
    match grammar {
        Grammar::Words(_, table) | Grammar::Equals(_, table) => {
            table::weaker(table, key, value, other)
        }
        Grammar::Git | Grammar::Lines(..) | Grammar::Prose => false,
    }
}

/// Settings that both texts make, and that the new one makes less strict; with their lines.
pub(super) fn weaker(grammar: Grammar, old: &str, new: &str) -> Vec<(String, usize)> {
    let (Grammar::Words(_, table) | Grammar::Equals(_, table)) = grammar else {
        return shells_weaker(grammar, old, new);
    };
    let pair = |line: &str| -> Option<(String, String)> {
        let text = line.trim();
        if text.is_empty() || text.starts_with(['#', ';', '[']) {
            return None;
        }
        let (key, value) = match grammar {
            Grammar::Words(..) => words(text),
            _ => text.split_once('=')?,
        };
        Some((
            key.trim().to_lowercase(),
            squeezed(value.trim().trim_matches('"')),
        ))
    };
    let was: Vec<(String, String)> = each(grammar, old)
        .iter()
        .filter_map(|(_, l)| pair(l))
        .collect();
    let mut found = Vec::new();
    for (at, line) in each(grammar, new) {
        if let Some((key, value)) = pair(line)
            && let Some((_, before)) = was.iter().find(|(k, _)| *k == key)
            && table::weaker(table, &key, before, &value)
        {
            found.push((key, at));
        }
    }
    found
}

/// The same for variables and masks of shells, and for sudo's numbers.
fn shells_weaker(grammar: Grammar, old: &str, new: &str) -> Vec<(String, usize)> {
    let number = |text: &str, key: &str| -> Option<f64> {
        let line = text
            .lines()
            .find(|l| !l.trim_start().starts_with('#') && l.contains(key))?;
        let rest = line.split_once(key)?.1.trim_start_matches(['=', ' ']);
        let digits: String = rest
            .chars()
            .take_while(|c| c.is_ascii_digit() || *c == '.')
            .collect();
        digits.parse().ok()
    };
    match grammar {
        Grammar::Lines("schema-firewall", _) => return ports_weaker(old, new),
        Grammar::Lines("schema-audit-control", _) => {
            let was: BTreeMap<&str, &str> = old.lines().filter_map(|l| l.split_once(':')).collect();
            let now = new.lines().enumerate();
            let now = now.filter_map(|(at, l)| Some((at, l.split_once(':')?)));
            let less = now.filter(|(_, (key, value))| {
                was.get(key)
                    .is_some_and(|before| super::audit::keeps_less(key, before, value))
            });
            return less.map(|(at, (key, _))| (key.to_owned(), at)).collect();
        }
        _ => {}
    }
    let keys: &[(&str, bool)] = match grammar {
        Grammar::Lines("schema-sudoers", _) => {
            &[("timestamp_timeout", false), ("passwd_tries", false)]
        }
        Grammar::Lines("schema-shell-startup", _) => &[("TMOUT", false), ("umask", true)],
        Grammar::Lines("schema-logrotate", _) => &[("rotate", true)],
        _ => &[],
    };
    keys.iter()
        .filter(|(key, higher)| match (number(old, key), number(new, key)) {
            (Some(a), Some(b)) => {
                if *higher {
                    b < a
                } else {
                    b > a
                }
            }
            _ => false,
        })
        .map(|(key, _)| ((*key).to_owned(), 0))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Grammar, SSHD, judge, shells};

    const SSH: Grammar = Grammar::Words("schema-sshd", SSHD);
    const SHELL: Grammar = Grammar::Lines("schema-shell-startup", shells::line);

    fn lines(grammar: Grammar, old: &str, new: &str) -> Vec<usize> {
        let issues = judge(grammar, "file", Some(old), new, 1).into_iter();
        issues.map(|issue| issue.line).collect()
    }

    #[test]
    fn a_heading_of_gits_may_have_a_setting_behind_it() {
        for (new, wrong) in [
            ("[fetch]\n\tfsckObjects = true\n", &[][..]),
            ("[fetch] fsckObjects = true\n", &[]),
            ("[fetch] # a remark ]\n", &[]),
            ("[alias] st = !id # ]\n", &[1]),
            ("[alias \"]\"] st = !id ]\n", &[1]),
            ("[fetch][core] sshCommand = id\n", &[1]),
            ("[core\n", &[1]),
        ] {
            assert_eq!(lines(Grammar::Git, "", new), wrong, "{new}");
        }
    }

    #[test]
    fn no_line_hides_behind_the_one_before_it() {
        for (grammar, new, wrong) in [
            (SSH, "# a \\\nPermitRootLogin yes\n", &[1, 2][..]),
            (SSH, "Banner /etc/issue \\\nPermitRootLogin yes\n", &[1, 2]),
            (SSH, "PermitRootLogin no\r# a\rPermitRootLogin yes\n", &[1]),
            (SHELL, "# a \\\ncurl https://x.example | sh\n", &[1, 2]),
            (
                Grammar::Git,
                "[user]\nname = a # \\\n[core]\nsshCommand = id\n",
                &[2, 3, 4],
            ),
        ] {
            assert_eq!(lines(grammar, "", new), wrong, "{new}");
        }
    }

    #[test]
    fn what_was_there_counts_in_its_own_part_only() {
        let old = "[a]\n\tsshCommand = id\n";
        assert!(lines(Grammar::Git, old, old).is_empty());
        // And is gone from its own.
        let moved = "[core]\n\tsshCommand = id\n";
        assert_eq!(lines(Grammar::Git, old, moved), [2, 1]);
        let old = "PermitRootLogin no\nMatch Group sftp\nAllowTcpForwarding yes\n";
        assert!(lines(SSH, old, old).is_empty());
        assert_eq!(
            lines(SSH, old, &format!("AllowTcpForwarding yes\n{old}")),
            [1]
        );
    }
}
