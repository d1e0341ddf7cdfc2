//! The starter playbook by real Ansible. The settings of a Mac are made by programs that speak as
//! the real ones do.

use std::path::Path;

use crate::support::ansible::Workshop;
use crate::support::station::Ran;

fn changed(done: &Ran, count: u32) {
    assert_eq!(done.code, Some(0), "{}{}", done.out, done.err);
    let recap = format!("changed={count} ");
    assert!(done.out.contains(&recap), "not {recap}:\n{}", done.out);
}

#[test]
fn the_playbook_applies_to_an_empty_home_once_and_rebuilds_it_alike() {
    let shop = Workshop::new();
    changed(&shop.apply(&[]), 3);
    let made = shop.made();
    let mode = |path: &str| made[Path::new(path)].0 & 0o777;
    for hook in ["block-destructive", "protect-sensitive", "audit-log"] {
        assert_eq!(mode(&format!(".claude/hooks/{hook}.sh")), 0o755);
    }
    assert_eq!(mode(".claude/settings.json"), 0o644);
    let settings = &made[Path::new(".claude/settings.json")].1;
    let settings: serde_json::Value = serde_json::from_slice(settings).unwrap();
    let command = settings["hooks"]["PreToolUse"][0]["hooks"][0]["command"].as_str();
    let hook = shop.home().join(".claude/hooks/block-destructive.sh");
    assert_eq!(command, hook.to_str());

    changed(&shop.apply(&[]), 0);
    assert_eq!(shop.made(), made);

    std::fs::remove_dir_all(shop.home().join(".claude")).unwrap();
    assert!(shop.made().keys().all(|path| !path.starts_with(".claude")));
    changed(&shop.apply(&[]), 3);
    assert_eq!(shop.made(), made);
}

/// As `defaults` of macOS: `read` fails for a key that is not there.
#[cfg(target_os = "linux")]
const DEFAULTS: &str = r#"
echo "defaults $*" >>"$STATE/calls"
case $1 in
    read)
        [ -f "$STATE/$2.$3" ] || {
            echo "The domain/default pair of ($2, $3) does not exist" >&2
            exit 1
        }
        cat "$STATE/$2.$3" ;;
    write)
        [ $# -eq 5 ] && [ "$4" = -int ] || exit 255
        echo "$5" >"$STATE/$2.$3" ;;
    *) exit 255 ;;
esac
"#;

/// As `socketfilterfw` of macOS.
#[cfg(target_os = "linux")]
const FIREWALL: &str = r#"
echo "socketfilterfw $*" >>"$STATE/calls"
case "$1 $2" in
    "--getglobalstate ")
        if [ -f "$STATE/global" ]; then echo "Firewall is enabled. (State = 1)"
        else echo "Firewall is disabled. (State = 0)"; fi ;;
    "--getstealthmode ")
        if [ -f "$STATE/stealth" ]; then echo "Firewall stealth mode is on"
        else echo "Firewall stealth mode is off"; fi ;;
    "--setglobalstate on") : >"$STATE/global"; echo "Firewall is enabled. (State = 1)" ;;
    "--setstealthmode on") : >"$STATE/stealth"; echo "Firewall stealth mode is on" ;;
    *) exit 255 ;;
esac
"#;

/// On a Mac these would be the Mac's own settings.
#[cfg(target_os = "linux")]
mod mac {
    use super::*;

    const MAC: [&str; 2] = ["agent_hooks_macos_settings=true", "ansible_become=false"];

    fn writes(shop: &Workshop) -> Vec<String> {
        let calls = std::fs::read_to_string(shop.state("calls")).unwrap();
        calls
            .lines()
            .filter(|l| l.contains(" write ") || l.contains(" --set"))
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn the_settings_of_a_mac_are_made_once() {
        let shop = Workshop::new();
        shop.program("defaults", DEFAULTS);
        shop.program("socketfilterfw", FIREWALL);
        changed(&shop.apply(&MAC), 5);
        let expected = [
            "defaults write com.apple.screensaver askForPassword -int 1",
            "defaults write com.apple.screensaver askForPasswordDelay -int 0",
            "socketfilterfw --setglobalstate on",
            "socketfilterfw --setstealthmode on",
        ];
        assert_eq!(writes(&shop), expected);
        changed(&shop.apply(&MAC), 0);
        assert_eq!(writes(&shop), expected, "the second run writes nothing");

        // One setting undone is one made again.
        std::fs::remove_file(shop.state("stealth")).unwrap();
        changed(&shop.apply(&MAC), 1);
        assert_eq!(writes(&shop)[4..], expected[3..]);
    }

    #[test]
    fn a_setting_that_can_not_be_made_makes_the_play_fail() {
        for (name, script) in [
            ("defaults", "exit 1\n"),
            ("socketfilterfw", "echo 'must be run as root' >&2; exit 1\n"),
            // A managed Mac: it says so, and does nothing.
            ("socketfilterfw", "echo 'settings cannot be modified'\n"),
        ] {
            let shop = Workshop::new();
            shop.program("defaults", DEFAULTS);
            shop.program("socketfilterfw", FIREWALL);
            shop.program(name, script);
            let done = shop.apply(&MAC);
            assert_eq!(done.code, Some(2), "{name}: {}", done.out);
            assert!(done.out.contains("failed=1 "), "{}", done.out);
        }
    }

    #[test]
    fn without_the_switch_a_mac_is_left_alone() {
        let shop = Workshop::new();
        shop.program("defaults", DEFAULTS);
        shop.program("socketfilterfw", FIREWALL);
        changed(&shop.apply(&[]), 3);
        assert!(!shop.state("calls").exists());
    }
}
