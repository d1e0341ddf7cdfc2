//! Settings that have a getter and a setter and no file (macOS): the application firewall, remote
//! access, Gatekeeper.

use super::ask::{Answer, Ask};
use super::{Change, Kind, Table, Undo, command};

/// The table below.
pub(super) struct Settings;

/// A setting: its name, how it is asked for, the words that mean on and off in the answer, and how it
/// is set to either.
struct Setting {
    name: &'static str,
    get: &'static [&'static str],
    on: &'static str,
    off: &'static str,
    set_on: &'static [&'static str],
    set_off: &'static [&'static str],
}

const FIREWALL: &str = "/usr/libexec/ApplicationFirewall/socketfilterfw";

const SETTINGS: [Setting; 8] = [
    Setting {
        name: "firewall",
        get: &[FIREWALL, "--getglobalstate"],
        on: "enabled",
        off: "disabled",
        set_on: &[FIREWALL, "--setglobalstate", "on"],
        set_off: &[FIREWALL, "--setglobalstate", "off"],
    },
    Setting {
        name: "firewall blocks all",
        get: &[FIREWALL, "--getblockall"],
        on: "block all state set to enabled",
        off: "disabled",
        set_on: &[FIREWALL, "--setblockall", "on"],
        set_off: &[FIREWALL, "--setblockall", "off"],
    },
    Setting {
        name: "firewall stealth mode",
        get: &[FIREWALL, "--getstealthmode"],
        on: "is on",
        off: "is off",
        set_on: &[FIREWALL, "--setstealthmode", "on"],
        set_off: &[FIREWALL, "--setstealthmode", "off"],
    },
    Setting {
        name: "firewall allows signed programs",
        get: &[FIREWALL, "--getallowsigned"],
        on: "automatically allow built-in signed software enabled",
        off: "built-in signed software disabled",
        set_on: &[FIREWALL, "--setallowsigned", "on"],
        set_off: &[FIREWALL, "--setallowsigned", "off"],
    },
    Setting {
        name: "remote login",
        get: &["systemsetup", "-getremotelogin"],
        on: "on",
        off: "off",
        set_on: &["systemsetup", "-f", "-setremotelogin", "on"],
        set_off: &["systemsetup", "-f", "-setremotelogin", "off"],
    },
    Setting {
        name: "remote Apple events",
        get: &["systemsetup", "-getremoteappleevents"],
        on: "on",
        off: "off",
        set_on: &["systemsetup", "-setremoteappleevents", "on"],
        set_off: &["systemsetup", "-setremoteappleevents", "off"],
    },
    Setting {
        name: "network time",
        get: &["systemsetup", "-getusingnetworktime"],
        on: "on",
        off: "off",
        set_on: &["systemsetup", "-setusingnetworktime", "on"],
        set_off: &["systemsetup", "-setusingnetworktime", "off"],
    },
    Setting {
        name: "Gatekeeper",
        get: &["spctl", "--status"],
        on: "assessments enabled",
        off: "assessments disabled",
        set_on: &["spctl", "--master-enable"],
        set_off: &["spctl", "--master-disable"],
    },
];

impl Kind for Settings {
    fn name(&self) -> &'static str {
        "setting"
    }

    fn asks(&self) -> Vec<Ask> {
        SETTINGS
            .iter()
            .map(|setting| Ask::Run {
                argv: setting.get.iter().map(|w| (*w).to_owned()).collect(),
                // A getter that needs root says so in its text; spctl ends with 1 when it is off.
                also: vec![1, 5],
            })
            .collect()
    }

    /// An answer that has neither word is none: a getter may need rights that the caller lacks.
    fn read(&self, answers: &[Answer]) -> Result<Table, String> {
        let mut table = Table::new();
        for (setting, answer) in SETTINGS.iter().zip(answers) {
            let said = answer.as_deref().unwrap_or_default().trim().to_lowercase();
            let said = said.trim_end_matches(['.', '!']);
            let value = if ends(said, setting.off) {
                "off"
            } else if ends(said, setting.on) {
                "on"
            } else {
                continue;
            };
            table.insert(setting.name.to_owned(), value.to_owned());
        }
        Ok(table)
    }

    fn undo(&self, changes: &[Change]) -> Vec<Undo> {
        changes
            .iter()
            .map(|change| {
                let setting = SETTINGS.iter().find(|s| s.name == change.item);
                match (setting, change.was.as_deref()) {
                    (Some(s), Some("on")) => Undo::Run(vec![command(s.set_on.iter().copied())]),
                    (Some(s), Some("off")) => Undo::Run(vec![command(s.set_off.iter().copied())]),
                    _ => Undo::Left(format!("look at {} in System Settings", change.item)),
                }
            })
            .collect()
    }
}

/// `Firewall is enabled. (State = 1)`, `Remote Login: On`, `Stealth mode enabled`.
fn ends(said: &str, word: &str) -> bool {
    let said = said.split(" (").next().unwrap_or_default();
    let said = said.trim_end_matches(['.', '!', ' ']);
    said.ends_with(word)
        && said
            .strip_suffix(word)
            .is_some_and(|rest| !rest.ends_with(|c: char| c.is_alphanumeric()))
}
