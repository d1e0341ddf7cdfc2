//! Commands that change something and are known to.

use super::super::{Call, system};
use super::reads::program;
use crate::gates::policy::issue::Issue;
use crate::gates::policy::schema;
use crate::gates::policy::{params, places};
use crate::playbook::yaml::Node;

/// Commands whose whole text is known: what they do is upkeep, or switches a protection on.
const WHOLE: &[&str] = &[
    "update-grub",
    "update-initramfs -u",
    "augenrules --load",
    "locale-gen",
    "newaliases",
    "apt-get update",
    "apt update",
    "sysctl --system",
    "sysctl -p",
    "systemctl daemon-reload",
    "systemctl daemon-reexec",
    "ufw enable",
    "ufw --force enable",
    "ufw reload",
    "ufw logging on",
    "ufw logging low",
    "ufw logging medium",
    "ufw default deny incoming",
    "ufw default allow outgoing",
    "ufw default deny routed",
    "ufw limit ssh",
    "ufw limit OpenSSH",
    "ufw limit 22/tcp",
    "ufw allow ssh",
    "ufw allow OpenSSH",
    "ufw allow 22/tcp",
    "aideinit",
    "timedatectl set-ntp true",
    "spctl --master-enable",
    "spctl --global-enable",
    "socketfilterfw --setglobalstate on",
    "socketfilterfw --setstealthmode on",
    "socketfilterfw --setloggingmode on",
    "socketfilterfw --setblockall on",
    "softwareupdate --schedule on",
    "softwareupdate --schedule ON",
    "systemsetup -setusingnetworktime on",
    "systemsetup -setwakeonnetworkaccess off",
    "systemsetup -setremoteappleevents off",
    "brew analytics off",
    "brew update",
    "brew cleanup",
    "killall Dock",
    "killall Finder",
    "killall SystemUIServer",
    "killall cfprefsd",
    "killall ControlCenter",
    "pwck -r",
    "aa-enforce /etc/apparmor.d/*",
    "fail2ban-client reload",
    "chflags nohidden ~/Library",
];

/// Services of macOS that let others in and that hardly anybody needs.
const OLD_SERVICES: &[&str] = &[
    "com.apple.tftpd",
    "com.apple.telnetd",
    "com.apple.ftpd",
    "com.apple.ftp-proxy",
    "com.apple.fingerd",
    "com.apple.uucp",
    "com.apple.nfsd",
    "com.apple.rpcbind",
    "com.apple.AppleFileServer",
    "com.apple.screensharing",
    "com.apple.AEServer",
    "com.apple.netbiosd",
    "org.apache.httpd",
];

/// Whether a command switches such a service off, and does nothing else.
pub(super) fn closes_a_service(command: &str) -> bool {
    let words: Vec<&str> = command.split_whitespace().collect();
    let ["launchctl" | "/bin/launchctl", "disable", service] = words.as_slice() else {
        return false;
    };
    let name = service.strip_prefix("system/");
    name.is_some_and(|name| OLD_SERVICES.contains(&name))
}

/// Upkeep that may run on a schedule.
const UPKEEP: &[&str] = &[
    "apt-get",
    "apt",
    "dnf",
    "yum",
    "aide",
    "aideinit",
    "freshclam",
    "clamscan",
    "rkhunter",
    "chkrootkit",
    "lynis",
    "logrotate",
    "updatedb",
    "fstrim",
    "unattended-upgrade",
    "unattended-upgrades",
    "debsums",
    "brew",
    "softwareupdate",
    "logwatch",
];

/// Whether a program is upkeep, with arguments that only say how.
pub(super) fn is_upkeep(argv: &[String]) -> bool {
    let Some(name) = program(argv) else {
        return false;
    };
    let rest: Vec<&str> = argv.iter().skip(1).map(String::as_str).collect();
    let plain = rest.iter().all(|a| {
        let words = [
            "update",
            "upgrade",
            "dist-upgrade",
            "full-upgrade",
            "autoremove",
            "autoclean",
            "clean",
            "audit",
            "system",
            "check",
            "certonly",
            "renew",
            "cleanup",
            "/",
            "/home",
            "/etc/logrotate.conf",
            "security",
            "-a",
        ];
        let flag = a.starts_with('-')
            && !a.contains("exec")
            && !a.contains("config")
            && !a.contains("hook")
            && !a.contains("script")
            && !["-c", "-C", "-o", "-f"].contains(a)
            && !a.starts_with("-o")
            && !a.contains("allow-")
            && !a.contains("profile")
            && !a.contains("remove")
            && !a.contains("move")
            && !a.contains("vacuum")
            && a.chars()
                .all(|c| c.is_ascii_alphanumeric() || "-=/._".contains(c));
        words.contains(a) || flag
    });
    UPKEEP.contains(&name) && plain
}

/// Judges a command that may change something.
#[expect(clippy::too_many_lines, reason = "a table, read in one piece")]
pub(super) fn judge(call: &Call<'_>, argv: &[String]) -> Vec<Issue> {
    let rest: Vec<&str> = argv.iter().skip(1).map(String::as_str).collect();
    let name = program(argv).unwrap_or_default();
    let whole = std::iter::once(name)
        .chain(rest.iter().copied())
        .collect::<Vec<_>>()
        .join(" ");
    if WHOLE.contains(&whole.as_str()) {
        return Vec::new();
    }
    let said = |rule, word| {
        system::said(call, rule, word)
            .into_iter()
            .collect::<Vec<_>>()
    };
    match (name, rest.as_slice()) {
        ("defaults", rest) => match rest.strip_prefix(&["-currentHost"]).unwrap_or(rest) {
            ["write", domain, key, value] => {
                said("schema-defaults", schema::defaults(domain, key, value))
            }
            [
                "write",
                domain,
                key,
                "-int" | "-bool" | "-boolean" | "-float" | "-string" | "-integer",
                value,
            ] => said("schema-defaults", schema::defaults(domain, key, value)),
            _ => vec![call.held(
                "command",
                "defaults with something else than write DOMAIN KEY VALUE",
            )],
        },
        ("chmod", rest) => {
            let rest: Vec<&str> = rest.iter().copied().filter(|a| *a != "-h").collect();
            let [mode, paths @ ..] = rest.as_slice() else {
                return vec![call.held("command", "chmod without a mode")];
            };
            let mut issues = params::mode(&Node::quoted(call.line, *mode));
            for path in paths {
                issues.extend(places::path(
                    call.known,
                    "chmod's path",
                    &Node::quoted(call.line, *path),
                ));
            }
            issues
        }
        ("mkdir", rest) => {
            let paths = rest.iter().filter(|a| **a != "-p");
            paths
                .flat_map(|p| places::directory(call.known, &Node::quoted(call.line, *p)))
                .collect()
        }
        ("sysctl", ["-w", pair]) if pair.contains('=') => {
            let (key, value) = pair.split_once('=').unwrap_or_default();
            said("schema-sysctl", schema::sysctl(key, value))
        }
        ("git", ["config", "--global" | "--system", key, value]) if !key.starts_with('-') => {
            said("schema-git", schema::git(key, value))
        }
        ("systemctl", ["restart" | "reload" | "start" | "enable", unit])
            if [
                "ssh",
                "sshd",
                "fail2ban",
                "auditd",
                "chronyd",
                "chrony",
                "rsyslog",
                "ufw",
                "systemd-journald",
                "systemd-timesyncd",
                "unattended-upgrades",
                "nginx",
            ]
            .contains(&unit.trim_end_matches(".service")) =>
        {
            Vec::new()
        }
        (
            "pmset",
            [
                "-a" | "-b" | "-c",
                "displaysleep" | "disksleep" | "sleep",
                minutes,
            ],
        ) if minutes.parse::<u32>().is_ok_and(|m| (1..=60).contains(&m)) => Vec::new(),
        (
            "pmset",
            [
                "-a",
                "womp" | "powernap" | "destroyfvkeyonstandby" | "hibernatemode",
                "0" | "1" | "25",
            ],
        ) => Vec::new(),
        ("scutil", ["--set", "ComputerName" | "HostName" | "LocalHostName", name])
            if name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-. ".contains(c)) =>
        {
            Vec::new()
        }
        ("apt-get" | "apt", ["-y" | "--yes", verb] | [verb, "-y" | "--yes"])
            if ["upgrade", "dist-upgrade", "autoremove", "autoclean"].contains(verb) =>
        {
            Vec::new()
        }
        _ => {
            let name = argv.first().map_or("", String::as_str);
            vec![call.held(
                "command",
                format!(
                    "the program {name} with these arguments, which no rule knows; a person decides"
                ),
            )]
        }
    }
}
