//! Commands that only look.

/// The program's name, when it is one of the system's.
pub(super) fn program(argv: &[String]) -> Option<&str> {
    let first = argv.first()?;
    match first.rsplit_once('/') {
        None => Some(first),
        Some((dir, name)) => {
            let system = [
                "/bin",
                "/usr/bin",
                "/sbin",
                "/usr/sbin",
                "/usr/libexec",
                "/usr/libexec/ApplicationFirewall",
                "/opt/homebrew/bin",
                "/usr/local/bin",
            ];
            system.contains(&dir).then_some(name)
        }
    }
}

/// Whether a command only looks.
pub(super) fn reads(argv: &[String]) -> bool {
    let Some(name) = program(argv) else {
        return false;
    };
    let rest: Vec<&str> = argv.iter().skip(1).map(String::as_str).collect();
    let first = rest.first().copied().unwrap_or_default();
    let has = |flag: &str| rest.contains(&flag);
    match name {
        "test" | "[" | "stat" | "ls" | "id" | "uname" | "sw_vers" | "whoami" | "which" | "true"
        | "readlink" | "basename" | "dirname" | "hostname" | "arch" | "groups" | "getent"
        | "df" | "du" | "free" | "uptime" | "lsmod" | "lsblk" | "findmnt" | "ss" | "file"
        | "sha256sum" | "md5sum" | "nproc" | "getconf" | "locale" | "lsb_release" | "last"
        | "who" | "ps" | "pgrep" | "dpkg-query" => shows(name, &rest),
        "defaults" => {
            let verb = if first == "-currentHost" {
                rest.get(1).copied()
            } else {
                Some(first)
            };
            matches!(verb, Some("read" | "read-type" | "domains" | "find"))
        }
        "git" => {
            first == "--version"
                || first == "config" && git_reads(rest.get(1..).unwrap_or_default())
        }
        "csrutil" | "fdesetup" => matches!(first, "status" | "isactive"),
        "spctl" => first == "--status",
        "socketfilterfw" => rest.len() == 1 && first.starts_with("--get"),
        "launchctl" => matches!(first, "list" | "print" | "print-disabled"),
        "pmset" => first == "-g",
        "systemsetup" => rest.len() == 1 && first.starts_with("-get"),
        "sysctl" => sysctl_reads(&rest),
        "sshd" => {
            rest.iter()
                .all(|a| ["-t", "-T", "-f", "/etc/ssh/sshd_config"].contains(a))
                && (has("-t") || has("-T"))
        }
        "visudo" => first.starts_with("-c") && rest.iter().all(|a| !a.contains('x')),
        "ufw" | "aa-status" | "getenforce" | "sestatus" | "apparmor_status" => rest
            .iter()
            .all(|a| ["status", "verbose", "numbered"].contains(a)),
        "auditctl" => rest == ["-l"] || rest == ["-s"],
        "systemctl" => {
            matches!(
                first,
                "is-active"
                    | "is-enabled"
                    | "status"
                    | "show"
                    | "list-units"
                    | "list-unit-files"
                    | "cat"
                    | "--version"
            ) && !rest.iter().any(|a| {
                // Of another machine.
                ["-H", "-M", "--host", "--machine"]
                    .iter()
                    .any(|o| a.starts_with(o))
            })
        }
        "dpkg" => matches!(
            first,
            "-l" | "-s" | "-L" | "--list" | "--status" | "--print-architecture"
        ),
        // Macros run programs.
        "rpm" => rpm_reads(&rest),
        "apt-cache" => matches!(first, "policy" | "show" | "search"),
        "brew" => matches!(
            first,
            "list" | "info" | "--prefix" | "--version" | "outdated"
        ),
        "find" => !rest.iter().any(|a| {
            [
                "-delete", "-exec", "-execdir", "-ok", "-okdir", "-fprint", "-fprintf", "-fls",
                "-fprint0",
            ]
            .contains(a)
        }),
        "awk" | "sed" => false,
        "mount" | "umask" | "date" => rest.is_empty() || name == "date" && first.starts_with('+'),
        "nft" => rest.starts_with(&["list"]),
        "iptables" | "ip6tables" => {
            ["-L", "-S", "-nL"].contains(&first)
                && rest.iter().all(|a| {
                    ["-L", "-S", "-n", "-v", "-nL", "INPUT", "OUTPUT", "FORWARD"].contains(a)
                })
        }
        "fail2ban-client" => first == "status" || first == "-t",
        "timedatectl" | "localectl" | "hostnamectl" => {
            rest.is_empty() || first == "status" || first == "show"
        }
        "security" => first == "list-keychains",
        "profiles" => {
            let more = ["-type", "enrollment", "configuration", "bootstraptoken"];
            matches!(first, "status" | "list") && rest.iter().skip(1).all(|a| more.contains(a))
        }
        "softwareupdate" => rest.len() == 1 && ["--list", "-l", "--schedule"].contains(&first),
        _ => rest == ["--version"],
    }
}

/// The arguments of `git config` say that it reads before they name a key: behind a key, a word is
/// the value that the key is set to.
fn git_reads(rest: &[&str]) -> bool {
    let place = |a: &&&str| ["--global", "--system", "--local", "--includes", "-z"].contains(*a);
    let before = rest.iter().take_while(place).count();
    let Some((reader, keys)) = rest.get(before..).and_then(<[_]>::split_first) else {
        return false;
    };
    let most = match *reader {
        "--list" | "-l" => 0,
        "--get" | "--get-all" | "--get-regexp" => 2,
        _ => return false,
    };
    keys.len() <= most && keys.iter().all(|k| !k.starts_with('-'))
}

/// Names of settings, and flags that only say how they are shown.
fn sysctl_reads(rest: &[&str]) -> bool {
    let name = |a: &str| {
        a.chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c))
            && a.starts_with(|c: char| c.is_ascii_alphanumeric())
    };
    !rest.is_empty()
        && rest
            .iter()
            .all(|a| ["-n", "-a", "-e"].contains(a) || name(a))
}

/// Whether one of the system's small programs only shows something.
fn shows(name: &str, rest: &[&str]) -> bool {
    let short = |a: &str, letters: &[char]| {
        a.starts_with('-') && !a.starts_with("--") && a.contains(letters)
    };
    match name {
        "hostname" => rest
            .iter()
            .all(|a| a.starts_with('-') && !a.starts_with("-F") && *a != "-b"),
        // Writes its answer into a file, closes connections, takes its filter from a file.
        "ss" => !rest.iter().any(|a| {
            short(a, &['D', 'K', 'F'])
                || ["--diag", "--kill", "--filter"]
                    .iter()
                    .any(|l| a.starts_with(l))
        }),
        // Compiles its table.
        "file" => !rest
            .iter()
            .any(|a| short(a, &['C']) || a.starts_with("--comp")),
        // `ps auxe` shows environments.
        "ps" => rest.iter().all(|a| a.starts_with('-') || !a.contains('e')),
        _ => true,
    }
}

/// Whether rpm only answers a query.
fn rpm_reads(rest: &[&str]) -> bool {
    let plain = |a: &&str| {
        !a.starts_with('-')
            || a.strip_prefix('-')
                .is_some_and(|letters| letters.chars().all(|c| "qailcdfpR".contains(c)))
            || [
                "--qf",
                "--queryformat",
                "--last",
                "--all",
                "--info",
                "--requires",
            ]
            .contains(a)
    };
    rest.first().is_some_and(|a| a.starts_with("-q"))
        && rest.iter().all(|a| plain(a) && !a.contains("%("))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands() {
        for (command, reading) in [
            ("defaults read com.apple.screensaver askForPassword", true),
            ("/usr/bin/defaults -currentHost read x", true),
            ("git config --global --get user.name", true),
            ("git config --global --list", true),
            ("git config -l", true),
            ("git config --get-regexp ^core", true),
            ("sysctl -n kern.hostname", true),
            ("sysctl -a", true),
            ("sysctl net.ipv4.ip_forward", true),
            (
                "/usr/libexec/ApplicationFirewall/socketfilterfw --getglobalstate",
                true,
            ),
            ("csrutil status", true),
            ("systemctl is-enabled auditd", true),
            ("sshd -T", true),
            ("find / -xdev -perm -4000", true),
            ("find / -delete", false),
            ("defaults write x y 1", false),
            ("git config --global core.pager x", false),
            ("git config --global core.hooksPath list", false),
            ("git config --global core.hooksPath --get", false),
            ("git config core.pager -l", false),
            ("git config get core.pager", false),
            ("git config --get a --unset b", false),
            ("git config --file /tmp/x --get a", false),
            ("git config", false),
            ("git push", false),
            ("sysctl kernel.x=1", false),
            ("sysctl -w kernel.x", false),
            ("sysctl --system", false),
            ("sysctl -p /tmp/x", false),
            ("sysctl --load=/tmp/x", false),
            ("sysctl -qp", false),
            ("sysctl", false),
            ("socketfilterfw --setglobalstate off", false),
            ("csrutil disable", false),
            ("/tmp/defaults read x", false),
            ("hostname evil", false),
            ("bash -c true", false),
        ] {
            assert_eq!(reads(&shlex::split(command).unwrap()), reading, "{command}");
        }
    }
}
