//! Conditions: they decide whether a task does its work at all.

use super::env::View;
use super::expand::Locals;
use super::issue::Issue;
use super::tasks::At;
use super::{expression, jinja};
use crate::playbook::yaml::{Node, Value};

/// Judges a condition: an expression, or a list of them.
pub(super) fn condition(key: &str, value: &Node) -> Vec<Issue> {
    let Some(items) = items(value) else {
        return vec![Issue::refused(
            "condition",
            value.line,
            format!("{key} that is no expression"),
        )];
    };
    let mut issues = Vec::new();
    for item in items {
        let text = item.text().unwrap_or_default();
        if key == "when" && item.boolean() == Some(false) {
            issues.push(Issue::held(
                "switched-off",
                item.line,
                "when: false switches the task off",
            ));
        }
        if key == "until" && item.boolean() == Some(false) {
            issues.push(Issue::held(
                "rollback",
                item.line,
                "until: false never ends by itself",
            ));
        }
        issues.extend(jinja::expression(text, item.line));
        issues.extend(jinja::text(text, item.line));
    }
    issues
}

fn items(value: &Node) -> Option<&[Node]> {
    match &value.value {
        Value::List(items) => Some(items),
        Value::Scalar { .. } => Some(std::slice::from_ref(value)),
        Value::Map(_) => None,
    }
}

/// A result's shape tells whether the run is only a judgement: tasks that look at it act otherwise
/// while they are judged.
pub(super) fn of_results(at: At<'_>, key: &str, value: &Node) -> Vec<Issue> {
    let mut issues = Vec::new();
    for item in items(value).unwrap_or_default() {
        let text = item.text().unwrap_or_default();
        let squeezed = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let skipped = [
            "is skipped",
            "is not skipped",
            ".skipped",
            "is skip",
            "| skipped",
        ]
        .iter()
        .any(|s| squeezed.contains(s));
        let parts = [
            "rc",
            "stdout",
            "stdout_lines",
            "stderr",
            "results",
            "start",
            "end",
            "delta",
            "cmd",
        ];
        let shape = squeezed.split(' ').enumerate().any(|(at_word, word)| {
            let word = word.trim_matches(['(', ')']);
            let (name, part) = word.split_once('.').unwrap_or((word, ""));
            let of_result = parts.contains(&part) && at.side.env.is_dynamic(name);
            let next: Vec<&str> = squeezed.split(' ').skip(at_word + 1).take(3).collect();
            of_result
                && matches!(
                    next.as_slice(),
                    ["is", "defined" | "undefined", ..] | ["is", "not", "defined", ..]
                )
        });
        if key == "when" && (skipped || shape) {
            issues.push(Issue::refused(
                "gate-aware",
                item.line,
                "whether a result is there or skipped tells that the run is only a judgement; ask for its value",
            ));
        }
        if [
            "ansible_virtualization",
            "ansible_date_time",
            "ansible_uptime",
            "ansible_loadavg",
            "ansible_memfree",
        ]
        .iter()
        .any(|f| squeezed.contains(f))
        {
            issues.push(Issue::held(
                "gate-aware",
                item.line,
                "a condition that may differ between the judgement and the run",
            ));
        }
    }
    issues
}

/// Facts that say which system it is.
const SYSTEM: [&str; 14] = [
    "ansible_os_family",
    "ansible_distribution",
    "ansible_distribution_release",
    "ansible_distribution_version",
    "ansible_distribution_major_version",
    "ansible_system",
    "ansible_pkg_mgr",
    "ansible_service_mgr",
    "ansible_architecture",
    "ansible_facts['os_family']",
    "ansible_facts['distribution']",
    "ansible_facts.os_family",
    "ansible_facts.distribution",
    "ansible_facts['system']",
];
const SYSTEMS: &str = " Debian Ubuntu RedHat CentOS Fedora Rocky AlmaLinux Darwin MacOSX Archlinux Suse Linux apt dnf yum homebrew systemd x86_64 arm64 aarch64 Alpine ";

/// Whether a condition that is new to a standing task only says for which systems it is, or holds by
/// the values of the playbook's own variables.
pub(super) fn keeps(at: At<'_>, locals: &Locals, value: &Node) -> bool {
    let all = items(value).unwrap_or_default();
    !all.is_empty()
        && all.iter().all(|item| {
            let text = item.text().unwrap_or_default();
            of_system(text) && is_here(text) || holds(at, locals, text) == Some(true)
        })
}

/// Whether a condition about the system may hold on this machine, as far as is known of it.
fn is_here(text: &str) -> bool {
    let own = facts(
        std::env::consts::OS,
        &std::fs::read_to_string("/etc/os-release").unwrap_or_default(),
    );
    may_hold(text, &own)
}

fn may_hold(text: &str, own: &[(&str, &str)]) -> bool {
    let fact = |(part, value): &(&str, &str)| {
        let named = text
            .split(['=', ' '])
            .next()
            .unwrap_or_default()
            .trim_end_matches("']");
        !named.ends_with(part)
            || text
                .split(['\'', '"', ',', '[', ']', ' ', '='])
                .any(|word| word == *value)
    };
    own.iter().all(fact)
}

/// What is known of a system: the ends of facts' names with their values.
fn facts(kernel: &str, release: &str) -> Vec<(&'static str, &'static str)> {
    let (system, family) = if kernel == "macos" {
        ("Darwin", Some("Darwin"))
    } else {
        let said = |key: &str| {
            let line = release.lines().find_map(|l| l.strip_prefix(key));
            line.unwrap_or_default().trim_matches('"').to_owned()
        };
        let ids = format!("{} {}", said("ID="), said("ID_LIKE="));
        let family = ids.split_whitespace().find_map(|id| match id {
            "debian" | "ubuntu" => Some("Debian"),
            "rhel" | "fedora" | "centos" => Some("RedHat"),
            "arch" => Some("Archlinux"),
            "suse" | "opensuse" => Some("Suse"),
            "alpine" => Some("Alpine"),
            _ => None,
        });
        ("Linux", family)
    };
    let family = family.map(|f| ("os_family", f));
    std::iter::once(("system", system)).chain(family).collect()
}

fn of_system(text: &str) -> bool {
    let name = text
        .split(['=', '!', ' ', '<', '>', '|'])
        .next()
        .unwrap_or_default();
    if !SYSTEM.contains(&name) {
        return false;
    }
    let rest = text.get(name.len()..).unwrap_or_default().trim();
    let value = |t: &str| {
        let t = t.trim().trim_matches(['\'', '"']);
        SYSTEMS.split_whitespace().any(|s| s == t)
            || t.chars().all(|c| c.is_ascii_digit() || c == '.') && !t.is_empty()
    };
    if let Some(list) = rest.strip_prefix("in [").and_then(|r| r.strip_suffix(']')) {
        return list.split(',').all(value);
    }
    rest.strip_prefix("==").is_some_and(value)
}

/// Whether a condition holds, as far as the files tell.
pub(super) fn holds(at: At<'_>, locals: &Locals, text: &str) -> Option<bool> {
    let node = Node::quoted(0, format!("{{{{ {text} }}}}"));
    let choices = at.side.env.choices(&node, locals)?;
    let mut all = choices.iter().map(|choice| {
        expression::truth(
            &View {
                env: &at.side.env,
                locals,
                choice,
            },
            text,
            0,
        )
    });
    let first = all.next()??;
    all.all(|t| t == Some(first)).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::{facts, may_hold, of_system};

    #[test]
    fn a_condition_about_another_system_never_holds() {
        let debian = facts("linux", "ID=ubuntu\nID_LIKE=debian\n");
        let mac = facts("macos", "");
        for (text, on_debian, on_a_mac) in [
            ("ansible_os_family == 'Debian'", true, false),
            ("ansible_facts['os_family'] == \"Darwin\"", false, true),
            (
                "ansible_facts['os_family'] in ['Debian', 'RedHat']",
                true,
                false,
            ),
            ("ansible_os_family == 'Alpine'", false, false),
            ("ansible_system == 'Linux'", true, false),
            ("ansible_facts['system'] == 'Darwin'", false, true),
            ("ansible_distribution == 'Ubuntu'", true, true),
        ] {
            assert!(of_system(text), "{text}");
            assert_eq!(may_hold(text, &debian), on_debian, "{text}");
            assert_eq!(may_hold(text, &mac), on_a_mac, "{text}");
        }
        assert!(may_hold(
            "ansible_os_family == 'Debian'",
            &facts("linux", "")
        ));
    }
}
