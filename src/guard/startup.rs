//! What runs at log-in, at boot or at a time.

use super::Stop;
use super::options::{operands, short};
use super::walk::quoted;

/// Judges them.
pub(super) fn check(name: &str, args: &[String]) -> Result<(), Stop> {
    let deny = |rule: &'static str| {
        Err(Stop::deny(
            rule,
            format!("{name} {}", quoted(&args.join(" "))),
        ))
    };
    let words = operands(args);
    let word = |i: usize| words.get(i).map_or("", |w| w.as_str());
    match name {
        "crontab" => {
            if short(args, 'l') {
                Ok(())
            } else {
                deny("persistence")
            }
        }
        "at" | "batch" if !short(args, 'l') => deny("persistence"),
        "launchctl"
            if matches!(
                word(0),
                "load"
                    | "bootstrap"
                    | "enable"
                    | "submit"
                    | "unload"
                    | "bootout"
                    | "disable"
                    | "remove"
            ) =>
        {
            deny("persistence")
        }
        "systemctl" => systemctl(word(0), &words, args, &deny),
        "defaults" if matches!(word(0), "write" | "delete") => {
            let all = args.join(" ").to_lowercase();
            let guards = [
                "lsquarantine",
                "com.apple.alf",
                "gatekeeper",
                "loginhook",
                "xprotect",
                "askforpassword",
            ];
            let off = all.contains("lsquarantine")
                && !all.ends_with("true")
                && !all.ends_with("yes")
                && !all.ends_with('1')
                || all.contains("loginhook")
                || guards.iter().any(|g| all.contains(g))
                    && (all.ends_with("false")
                        || all.ends_with(" 0")
                        || all.ends_with("no")
                        || word(0) == "delete");
            if off { deny("protection-off") } else { Ok(()) }
        }
        _ => Ok(()),
    }
}

fn systemctl(
    verb: &str,
    words: &[&String],
    args: &[String],
    deny: &dyn Fn(&'static str) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let guards = [
        "firewall",
        "ufw",
        "nftables",
        "iptables",
        "audit",
        "apparmor",
        "fail2ban",
        "clam",
        "crowdstrike",
        "falcon",
        "osquery",
        "selinux",
        "rsyslog",
        "sysmon",
        "wazuh",
    ];
    let guarded = words.iter().any(|w| guards.iter().any(|g| w.contains(g)));
    match verb {
        "poweroff" | "reboot" | "halt" | "kexec" | "rescue" | "emergency" | "isolate" => {
            deny("system-power")
        }
        "stop" | "disable" | "mask" | "kill" if guarded => deny("protection-off"),
        "enable" | "link" | "edit" | "set-environment" if !args.iter().any(|a| a == "--help") => {
            deny("persistence")
        }
        _ => Ok(()),
    }
}
