//! Who may do what: sudoers, limits, PAM, lists of users.

use super::squeezed;
use super::table::Word;

fn held(what: impl Into<String>) -> Word {
    Word::Held(what.into())
}

fn refused(what: impl Into<String>) -> Word {
    Word::Refused(what.into())
}

/// A line of sudoers.
pub(super) fn sudoers(line: &str) -> Word {
    let text = squeezed(line);
    let folded = text.to_lowercase();
    if folded.contains("nopasswd") || folded.contains("!authenticate") {
        return refused("root without a password; take NOPASSWD out");
    }
    if folded.contains("setenv") || folded.contains("env_keep") || folded.contains("!env_reset") {
        return refused("variables of the caller reach programs that run as root");
    }
    if let Some(rest) = text.strip_prefix("Defaults") {
        let rest = rest.trim_start();
        let all = if rest.starts_with("secure_path") || rest.starts_with("badpass_message") {
            vec![rest]
        } else {
            rest.split(',').map(str::trim).collect()
        };
        return all
            .into_iter()
            .map(default)
            .find(|w| *w != Word::Good)
            .unwrap_or(Word::Good);
    }
    let groups = ["%sudo", "%wheel", "%admin", "root"];
    let specs = [
        "ALL=(ALL) ALL",
        "ALL=(ALL:ALL) ALL",
        "ALL = (ALL) ALL",
        "ALL = (ALL:ALL) ALL",
    ];
    match text.split_once(' ') {
        Some((who, spec)) if groups.contains(&who) && specs.contains(&spec.trim()) => Word::Good,
        Some(("@includedir" | "#includedir", "/etc/sudoers.d" | "/private/etc/sudoers.d")) => {
            Word::Good
        }
        Some(("@includedir" | "@include" | "#includedir" | "#include", _)) => {
            refused("rules from another place")
        }
        _ => held("a rule for who may become root"),
    }
}

fn default(item: &str) -> Word {
    let item = item.trim();
    let (key, value) = item.split_once('=').map_or((item, ""), |(k, v)| {
        (k.trim_end(), v.trim().trim_matches('"'))
    });
    let number = |low: f64, high: f64| {
        value
            .parse::<f64>()
            .is_ok_and(|n| (low..=high).contains(&n))
    };
    let good = match key {
        "use_pty"
        | "requiretty"
        | "env_reset"
        | "mail_badpass"
        | "log_input"
        | "log_output"
        | "log_host"
        | "log_year"
        | "!visiblepw"
        | "tty_tickets"
        | "ignore_dot"
        | "noexec"
        | "always_set_home"
        | "match_group_by_gid"
        | "!pwfeedback"
        | "insults"
        | "mail_no_user"
        | "mail_always"
        | "always_query_group_plugin"
        | "!rootpw"
        | "!targetpw"
        | "!runaspw"
        | "set_home" => value.is_empty(),
        "logfile" => ["/var/log/sudo.log", "/var/log/sudo/sudo.log"].contains(&value),
        "timestamp_timeout" => number(0.0, 15.0),
        "passwd_timeout" => number(0.5, 5.0),
        "passwd_tries" => number(1.0, 3.0),
        "loglinelen" => number(0.0, 1000.0),
        "timestamp_type" => ["tty", "ppid"].contains(&value),
        "lecture" => ["always", "once"].contains(&value),
        "umask" => ["077", "0077", "027", "0027", "022", "0022"].contains(&value),
        "badpass_message" | "passprompt" => super::table::is_plain(value),
        "editor" => ["/usr/bin/vi", "/usr/bin/vim", "/bin/nano", "/usr/bin/nano"].contains(&value),
        "secure_path" => value.split(':').all(|dir| {
            [
                "/usr/local/sbin",
                "/usr/local/bin",
                "/usr/sbin",
                "/usr/bin",
                "/sbin",
                "/bin",
                "/snap/bin",
            ]
            .contains(&dir)
        }),
        _ => return held(format!("the setting {key} of sudo, which no rule knows")),
    };
    if good {
        Word::Good
    } else {
        refused(format!("{item} is no value that protects"))
    }
}

/// A line of limits.conf.
pub(super) fn limits(line: &str) -> Word {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [who, kind, item, value] = words.as_slice() else {
        return held("no line of WHO TYPE ITEM VALUE");
    };
    if !["soft", "hard", "-"].contains(kind) {
        return held("no line of WHO TYPE ITEM VALUE");
    }
    let number = value.parse::<u64>().ok();
    let within = |low: u64, high: u64| number.is_some_and(|n| (low..=high).contains(&n));
    let good = match *item {
        "core" => *value == "0",
        "nofile" => within(1024, 1_048_576),
        "nproc" => within(512, 1_048_576),
        "maxlogins" | "maxsyslogins" => within(2, 100),
        "stack" => within(8192, 1_048_576),
        "memlock" | "fsize" | "data" | "as" | "rss" | "cpu" | "priority" | "nice" | "rtprio" => {
            return held(format!(
                "the limit {item}, which can keep programs from working"
            ));
        }
        _ => return held(format!("the limit {item}, which no rule knows")),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "*@%_-:".contains(c);
    if good && who.chars().all(plain) {
        Word::Good
    } else {
        refused(format!(
            "{item} {value} for {who} is no limit that protects, or one that locks out"
        ))
    }
}

/// A line of PAM: the few that only make it stricter and keep everybody in.
pub(super) fn pam(line: &str) -> Word {
    let text = squeezed(line);
    let folded = text.to_lowercase();
    for (bad, why) in [
        ("pam_permit", "it lets everybody in"),
        ("pam_exec", "it runs a program at every login"),
        ("pam_python", "it runs a program at every login"),
        ("pam_script", "it runs a program at every login"),
        ("pam_ssh_agent_auth", "it lets in whoever holds a key"),
        ("pam_rootok", "it lets root through without a password"),
        (
            "pam_wheel.so trust",
            "it lets a group through without a password",
        ),
        ("nullok", "it lets in without a password"),
        ("pam_debug", "its answers are made up"),
    ] {
        if folded.contains(bad) {
            return refused(format!("{bad}: {why}"));
        }
    }
    let words: Vec<&str> = text.split(' ').collect();
    let number = |argument: &str, key: &str, low: u32, high: u32| {
        argument
            .strip_prefix(key)
            .and_then(|v| v.parse().ok())
            .is_some_and(|n: u32| (low..=high).contains(&n))
    };
    let good = match words.as_slice() {
        ["auth", "optional" | "required", "pam_faildelay.so", delay] => {
            number(delay, "delay=", 100_000, 10_000_000)
        }
        ["auth", "required", "pam_wheel.so", rest @ ..] => {
            rest.iter()
                .all(|a| ["use_uid", "group=sudo", "group=wheel", "deny"].contains(a))
                && !rest.contains(&"deny")
        }
        [
            "password",
            "requisite" | "required",
            "pam_pwquality.so",
            rest @ ..,
        ] => rest.iter().all(|a| {
            [
                "use_authtok",
                "local_users_only",
                "enforce_for_root",
                "try_first_pass",
            ]
            .contains(a)
                || number(a, "retry=", 1, 3)
                || number(a, "minlen=", 12, 128)
                || number(a, "minclass=", 1, 4)
                || number(a, "difok=", 1, 10)
        }),
        [
            "password",
            "requisite" | "required",
            "pam_pwhistory.so",
            rest @ ..,
        ] => rest.iter().all(|a| {
            ["use_authtok", "enforce_for_root"].contains(a)
                || number(a, "remember=", 3, 50)
                || number(a, "retry=", 1, 3)
        }),
        [
            "session",
            "optional" | "required",
            "pam_umask.so",
            rest @ ..,
        ] => rest.iter().all(|a| {
            [
                "umask=027",
                "umask=077",
                "umask=0027",
                "umask=0077",
                "usergroups",
            ]
            .contains(a)
        }),
        [
            "session",
            "required" | "optional",
            "pam_limits.so" | "pam_lastlog.so",
            rest @ ..,
        ] => rest.iter().all(|a| *a == "showfailed"),
        _ => return held("a line of PAM, where a mistake locks out or lets in"),
    };
    if good {
        Word::Good
    } else {
        refused("a line of PAM with a value that does not protect")
    }
}

/// A list of users in which only root stands.
pub(super) fn only_root(line: &str) -> Word {
    if line.trim() == "root" {
        Word::Good
    } else {
        held("somebody besides root")
    }
}
