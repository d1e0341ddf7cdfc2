//! The trees that a play changes when it runs as root, besides those that are watched anyway.

use std::path::{Path, PathBuf};

use super::ansible::AnsibleRun;

/// Of these the content is kept.
const LINUX: [&str; 14] = [
    "/etc",
    "/boot/grub/grub.cfg",
    "/boot/grub/custom.cfg",
    "/boot/grub2/grub.cfg",
    "/boot/loader",
    "/boot/cmdline.txt",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/usr/local/etc",
    "/usr/local/lib/systemd",
    "/usr/lib/systemd/system",
    "/usr/share/pam-configs",
    "/var/spool/cron",
    "/var/lib/systemd/linger",
];
/// Root's home, and what hardening touches there.
const ROOT: &str = "/root";
const OF_ROOT: [&str; 5] = [
    ".ssh",
    ".bashrc",
    ".profile",
    ".bash_profile",
    ".config/systemd",
];
/// Of these only modes and owners: hardening takes the setuid bit from programs.
const PROGRAMS: [&str; 6] = [
    "/usr/bin",
    "/usr/sbin",
    "/bin",
    "/sbin",
    "/usr/libexec",
    "/boot",
];
/// `/etc` is a link there.
const MACOS: [&str; 9] = [
    "/private/etc",
    "/Library/LaunchDaemons",
    "/Library/LaunchAgents",
    "/Library/Security",
    "/private/var/at",
    "/private/var/root/.ssh",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/usr/local/etc",
];

/// Trees of which the content is kept.
pub(crate) fn system_trees(macos: bool) -> Vec<PathBuf> {
    if macos {
        return MACOS.iter().map(PathBuf::from).collect();
    }
    let of_root = OF_ROOT.iter().map(|name| Path::new(ROOT).join(name));
    LINUX.iter().map(PathBuf::from).chain(of_root).collect()
}

/// Trees of which modes and owners are kept. Links to another of them are left out.
pub(crate) fn program_trees(macos: bool) -> Vec<PathBuf> {
    if macos {
        return Vec::new();
    }
    let is_dir = |p: &&&str| std::fs::symlink_metadata(p).is_ok_and(|f| f.is_dir());
    PROGRAMS.iter().filter(is_dir).map(PathBuf::from).collect()
}

/// Paths that modules change without naming them.
const BY_MODULE: [(&[&str], &[&str]); 12] = [
    (
        &["user", "group"],
        &[
            "/etc/passwd",
            "/etc/passwd-",
            "/etc/shadow",
            "/etc/shadow-",
            "/etc/group",
            "/etc/group-",
            "/etc/gshadow",
            "/etc/gshadow-",
            "/etc/subuid",
            "/etc/subuid-",
            "/etc/subgid",
            "/etc/subgid-",
            "/var/spool/cron",
        ],
    ),
    (
        &["service", "systemd", "systemd_service", "sysvinit"],
        &[
            "/etc/systemd",
            "/etc/rc0.d",
            "/etc/rc1.d",
            "/etc/rc2.d",
            "/etc/rc3.d",
            "/etc/rc4.d",
            "/etc/rc5.d",
            "/etc/rc6.d",
            "/etc/rcS.d",
        ],
    ),
    (&["mount"], &["/etc/fstab"]),
    (
        &["cron", "cronvar"],
        &["/etc/cron.d", "/etc/crontab", "/var/spool/cron"],
    ),
    (
        &["hostname"],
        &["/etc/hostname", "/etc/hosts", "/etc/machine-info"],
    ),
    (&["timezone"], &["/etc/localtime", "/etc/timezone"]),
    (&["ufw"], &["/etc/ufw", "/etc/default/ufw"]),
    (&["sysctl"], &["/etc/sysctl.conf", "/etc/sysctl.d"]),
    (&["pam_limits"], &["/etc/security"]),
    (&["pamd"], &["/etc/pam.d"]),
    (&["alternatives"], &["/etc/alternatives"]),
    (&["locale_gen"], &["/etc/locale.gen", "/etc/default/locale"]),
];

/// Modules whose packages bring files of their own.
const PACKAGES: [&str; 9] = [
    "apt",
    "dnf",
    "dnf5",
    "yum",
    "package",
    "zypper",
    "pacman",
    "homebrew",
    "homebrew_cask",
];

/// Whether a change at `path`, in one of the system's trees, is one that a changed task of these
/// runs makes without naming the path.
pub(crate) fn is_implied(path: &Path, runs: &[&AnsibleRun]) -> bool {
    let changed = || {
        runs.iter()
            .flat_map(|run| &run.events.tasks)
            .filter(|t| t.changed)
    };
    let module = |action: &str| action.rsplit('.').next().unwrap_or_default().to_owned();
    changed().any(|task| {
        let module = module(&task.action);
        PACKAGES.contains(&module.as_str())
            || BY_MODULE.iter().any(|(modules, paths)| {
                modules.contains(&module.as_str())
                    && paths
                        .iter()
                        .any(|p| path.starts_with(p) || Path::new(p).starts_with(path))
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::Events;

    fn run(action: &str, changed: bool) -> AnsibleRun {
        let mut events = Events::default();
        let mut task = crate::playbook::events::task_for_tests(action);
        task.changed = changed;
        events.tasks.push(task);
        AnsibleRun {
            command: String::new(),
            exit: Some(0),
            ended: String::new(),
            survived: false,
            millis: 0,
            events,
            tail: Vec::new(),
        }
    }

    #[test]
    fn modules_change_what_is_theirs_and_nothing_else() {
        for (action, path, implied) in [
            ("ansible.builtin.user", "/etc/shadow", true),
            ("user", "/etc/passwd-", true),
            ("ansible.builtin.user", "/etc/sudoers", false),
            (
                "ansible.builtin.systemd_service",
                "/etc/systemd/system/multi-user.target.wants/x",
                true,
            ),
            ("ansible.builtin.service", "/etc/ssh/sshd_config", false),
            ("ansible.posix.mount", "/etc/fstab", true),
            ("ansible.builtin.apt", "/etc/fail2ban/jail.conf", true),
            ("ansible.builtin.command", "/etc/shadow", false),
            ("ansible.builtin.copy", "/etc/shadow", false),
        ] {
            let path = Path::new(path);
            assert_eq!(
                is_implied(path, &[&run(action, true)]),
                implied,
                "{action} {path:?}"
            );
            assert!(
                !is_implied(path, &[&run(action, false)]),
                "{action} changed nothing"
            );
        }
    }
}
