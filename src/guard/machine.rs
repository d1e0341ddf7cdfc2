//! Processes, mounts and the power of the machine.

use super::Stop;
use super::call::Call;
use super::paths::Place;
use super::walk::Walk;

/// Processes that others depend on, or that guard this work.
const NEEDED: &[&str] = &[
    "launchd",
    "systemd",
    "init",
    "sshd",
    "loginwindow",
    "windowserver",
    "securityd",
    "tccd",
    "auditd",
    "rsyslogd",
    "syslogd",
    "journald",
    "fail2ban",
    "clamd",
    "falcon",
    "osquery",
    "xprotect",
    "secloop",
    "dbus-daemon",
];

/// Judges them.
pub(super) fn check(walk: &Walk, call: &Call<'_>) -> Result<(), Stop> {
    let needed = || {
        call.words.iter().any(|w| {
            let name = w.to_lowercase();
            NEEDED
                .iter()
                .any(|n| name.contains(n) && (n.len() > 4 || name == *n))
        })
    };
    let whole = || {
        call.words.iter().any(|w| {
            let place = Place::of(w, &walk.scope.cwd);
            place.is_system() && !place.is_device() && place.parts.len() < 2
        })
    };
    match call.name {
        "kill" => {
            let everyone = call.args.len() > 1 && call.args.last().is_some_and(|a| a == "-1");
            call.deny_if(
                everyone || call.words.contains(&"1") || needed(),
                "process-kill",
            )
        }
        "killall" | "pkill" | "skill" => {
            let anything = call.words.iter().any(|w| matches!(*w, "." | ".*" | ""));
            call.deny_if(
                anything || call.has(&["-u", "-U"]) || needed(),
                "process-kill",
            )
        }
        "killall5" => call.deny("process-kill"),
        "shutdown" | "reboot" | "halt" | "poweroff" => {
            call.deny_if(!call.short('c'), "system-power")
        }
        "init" | "telinit" => call.deny_if(
            matches!(call.word(0), "0" | "1" | "6" | "s" | "S"),
            "system-power",
        ),
        "umount" => call.deny_if(call.short('a') || whole(), "disk-destroy"),
        "mount" => call.deny_if(call.any(|a| a.contains("remount")), "protection-off"),
        "swapoff" => call.deny_if(call.short('a'), "system-write"),
        "sysctl" => {
            let writes = call.short('w') || call.short('p') || call.any(|a| a.contains('='));
            call.deny_if(writes, "system-write")
        }
        _ => Ok(()),
    }
}
