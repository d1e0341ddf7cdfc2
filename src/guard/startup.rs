//! What runs at log-in, at boot or at a time.

use super::Stop;
use super::call::Call;
use super::guards::PROTECTORS;

/// Judges them.
pub(super) fn check(call: &Call<'_>) -> Result<(), Stop> {
    let word = |i: usize| call.word(i);
    match call.name {
        "crontab" | "at" | "batch" => call.deny_if(!call.short('l'), "persistence"),
        "launchctl" => {
            let verbs = [
                "load",
                "bootstrap",
                "enable",
                "submit",
                "unload",
                "bootout",
                "disable",
                "remove",
            ];
            call.deny_if(verbs.contains(&word(0)), "persistence")
        }
        "systemctl" => systemctl(call),
        "ssh-copy-id" => call.deny("persistence"),
        "osascript" => call.deny_if(call.lower().contains("login item"), "persistence"),
        "update-rc.d" | "chkconfig" | "rc-update" | "insserv" => {
            call.deny_if(!call.has(&["--list", "show"]), "persistence")
        }
        "defaults" if matches!(word(0), "write" | "delete" | "import") => defaults(call),
        _ => Ok(()),
    }
}

/// Settings of macOS that protect.
const SETTINGS: &[&str] = &[
    "lsquarantine",
    "com.apple.alf",
    "gatekeeper",
    "xprotect",
    "askforpassword",
    "automaticcheckenabled",
    "criticalupdateinstall",
    "configdatainstall",
    "autoupdate",
];

fn defaults(call: &Call<'_>) -> Result<(), Stop> {
    let all = call.lower();
    let on = [" true", " yes", " 1"].iter().any(|v| all.ends_with(v));
    let off = [" false", " no", " 0"].iter().any(|v| all.ends_with(v)) || call.word(0) != "write";
    let hook = all.contains("loginhook") || all.contains("logouthook");
    let quarantine = all.contains("lsquarantine") && !on;
    let setting = SETTINGS.iter().any(|s| all.contains(s)) && off;
    call.deny_if(hook || quarantine || setting, "protection-off")
}

fn systemctl(call: &Call<'_>) -> Result<(), Stop> {
    let guarded = call
        .words
        .iter()
        .any(|w| PROTECTORS.iter().any(|g| w.contains(g)));
    match call.word(0) {
        "poweroff" | "reboot" | "halt" | "kexec" | "rescue" | "emergency" | "isolate"
        | "suspend" | "hibernate" => call.deny("system-power"),
        "stop" | "disable" | "mask" | "kill" if guarded => call.deny("protection-off"),
        "enable" | "link" | "edit" | "set-environment" | "set-default" => {
            call.deny_if(!call.has(&["--help"]), "persistence")
        }
        _ => Ok(()),
    }
}
