//! Which services have to read their files again when those were put back.

use std::collections::BTreeSet;
use std::path::Path;

use super::states::{Command, Machine, command};

/// Directories with units.
const UNITS: [&str; 6] = [
    "/etc/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
    "/usr/local/lib/systemd/system",
    "/etc/systemd/user",
    "/etc/init.d",
];

/// Files whose service has another name than they have.
const KNOWN: [(&str, &[&str]); 14] = [
    ("/etc/ssh", &["ssh.service", "sshd.service"]),
    ("/etc/default/ssh", &["ssh.service", "sshd.service"]),
    ("/etc/systemd/journald.conf", &["systemd-journald.service"]),
    ("/etc/systemd/resolved.conf", &["systemd-resolved.service"]),
    (
        "/etc/systemd/timesyncd.conf",
        &["systemd-timesyncd.service"],
    ),
    ("/etc/systemd/logind.conf", &["systemd-logind.service"]),
    ("/etc/systemd/network", &["systemd-networkd.service"]),
    ("/etc/NetworkManager", &["NetworkManager.service"]),
    (
        "/etc/ntp.conf",
        &["ntp.service", "ntpd.service", "ntpsec.service"],
    ),
    ("/etc/chrony", &["chrony.service", "chronyd.service"]),
    ("/etc/rsyslog", &["rsyslog.service"]),
    ("/etc/apparmor.d", &["apparmor.service"]),
    ("/etc/audit", &["auditd.service"]),
    ("/etc/postfix", &["postfix.service"]),
];

/// Files that a service of the same name reads each time anew, or whose values are put back by
/// themselves.
const NOT_FOR_A_SERVICE: [&str; 3] = ["/etc/cron", "/etc/ufw", "/etc/nftables"];

/// What has to be done before a service manager is asked about units that were put back.
pub(super) fn reread(changed: &[&Path]) -> Vec<Command> {
    let is_unit = |path: &&&Path| UNITS.iter().any(|dir| path.starts_with(dir));
    if changed.iter().any(|path| is_unit(&path)) {
        vec![command(["systemctl", "daemon-reload"])]
    } else {
        Vec::new()
    }
}

/// Has the services that were active read what was put back: those whose unit was restarted, those
/// whose configuration reloaded where they can.
pub(super) fn restart(changed: &[&Path], active: &[&str], machine: &Machine) -> Vec<Command> {
    if machine.macos {
        return jobs(changed, machine);
    }
    let (mut anew, mut again) = (BTreeSet::new(), BTreeSet::new());
    for path in changed {
        if let Some(unit) = unit_of(path).filter(|unit| active.contains(&unit.as_str())) {
            anew.insert(unit);
            continue;
        }
        again.extend(
            readers(path)
                .into_iter()
                .filter(|u| active.contains(&u.as_str())),
        );
    }
    let act = |verb: &'static str| move |unit: &String| command(["systemctl", verb, unit]);
    let only_again = again.difference(&anew);
    anew.iter()
        .map(act("try-restart"))
        .chain(only_again.map(act("try-reload-or-restart")))
        .collect()
}

/// The unit whose file or drop-in a path is.
fn unit_of(path: &Path) -> Option<String> {
    let dir = UNITS.iter().find(|dir| path.starts_with(dir))?;
    let below = path.strip_prefix(dir).ok()?;
    let first = below.components().next()?.as_os_str().to_str()?;
    let name = first.strip_suffix(".d").unwrap_or(first);
    // `multi-user.target.wants` and the like say what starts, and not how.
    let is_unit = [".service", ".socket", ".timer", ".path"]
        .iter()
        .any(|s| name.ends_with(s));
    match is_unit {
        true => Some(name.to_owned()),
        false if *dir == "/etc/init.d" => Some(format!("{name}.service")),
        false => None,
    }
}

/// The services that read a path: those that are known, else those that are called as it is.
fn readers(path: &Path) -> Vec<String> {
    let text = path.to_string_lossy();
    if NOT_FOR_A_SERVICE.iter().any(|n| text.starts_with(n)) {
        return Vec::new();
    }
    if let Some((_, units)) = KNOWN.iter().find(|(start, _)| text.starts_with(start)) {
        return units.iter().map(|u| (*u).to_owned()).collect();
    }
    let below = path
        .strip_prefix("/etc/default")
        .or_else(|_| path.strip_prefix("/etc"));
    let Ok(below) = below else {
        return Vec::new();
    };
    let first = below
        .components()
        .next()
        .map(|c| c.as_os_str().to_string_lossy());
    let first = first.unwrap_or_default();
    let name = first.split('.').next().unwrap_or_default();
    if name.is_empty() {
        return Vec::new();
    }
    vec![format!("{name}.service"), format!("{name}d.service")]
}

/// launchd: a job whose file was put back is loaded anew.
fn jobs(changed: &[&Path], machine: &Machine) -> Vec<Command> {
    let agents = format!("gui/{}", machine.uid);
    let mut all = Vec::new();
    for path in changed {
        let domain = match path
            .parent()
            .and_then(Path::file_name)
            .and_then(|n| n.to_str())
        {
            Some("LaunchDaemons") => "system",
            Some("LaunchAgents") => agents.as_str(),
            _ => continue,
        };
        let file = path.to_string_lossy();
        if path.extension().is_some_and(|e| e == "plist") && path.exists() {
            all.push(command(["launchctl", "bootout", domain, &*file]));
            all.push(command(["launchctl", "bootstrap", domain, &*file]));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(changed: &[&str], active: &[&str]) -> Vec<String> {
        let machine = Machine {
            macos: false,
            uid: 0,
            system: true,
            home: "/root".into(),
            path: String::new(),
            domains: Vec::new(),
        };
        let paths: Vec<&Path> = changed.iter().map(Path::new).collect();
        reread(&paths)
            .into_iter()
            .chain(restart(&paths, active, &machine))
            .map(|c| c.argv.join(" "))
            .collect()
    }

    #[test]
    fn services_read_again_what_was_put_back_for_them() {
        let active = [
            "ssh.service",
            "cron.service",
            "fail2ban.service",
            "ntpd.service",
        ];
        for (changed, commands) in [
            (
                &["/etc/ssh/sshd_config.d/x.conf"][..],
                &["systemctl try-reload-or-restart ssh.service"][..],
            ),
            (
                &["/etc/fail2ban/jail.local", "/etc/fail2ban/x"],
                &["systemctl try-reload-or-restart fail2ban.service"],
            ),
            (
                &["/etc/ntp.conf"],
                &["systemctl try-reload-or-restart ntpd.service"],
            ),
            (
                &["/etc/default/fail2ban"],
                &["systemctl try-reload-or-restart fail2ban.service"],
            ),
            // Not active, nobody's, or read each time.
            (
                &[
                    "/etc/nginx/nginx.conf",
                    "/etc/login.defs",
                    "/etc/pam.d/su",
                    "/etc/cron.d/x",
                ],
                &[],
            ),
            // A unit that is called otherwise than its link.
            (
                &["/etc/systemd/system/multi-user.target.wants/ssh.service"],
                &["systemctl daemon-reload"],
            ),
            (
                &[
                    "/etc/systemd/system/ssh.service.d/x.conf",
                    "/etc/ssh/sshd_config",
                ],
                &[
                    "systemctl daemon-reload",
                    "systemctl try-restart ssh.service",
                ],
            ),
            (&["/usr/local/bin/tool", "/etc"], &[]),
        ] {
            assert_eq!(shown(changed, &active), commands, "{changed:?}");
        }
    }
}
