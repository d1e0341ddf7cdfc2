//! The system's own guards: firewall, Gatekeeper, integrity, audit.

use super::Stop;
use super::call::Call;

/// Words in the names of services and settings that protect.
pub(super) const PROTECTORS: &[&str] = &[
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
    "secloop",
    "unattended-upgrades",
    "ossec",
    "aide",
];

/// Judges them.
pub(super) fn check(call: &Call<'_>) -> Result<(), Stop> {
    call.deny_if(switches_off(call), "protection-off")
}

fn switches_off(call: &Call<'_>) -> bool {
    let word = |i: usize| call.word(i);
    let sets = |name: &str, value: &str| call.value(name) == Some(value);
    let starts = |beginnings: &[&str]| call.any(|a| beginnings.iter().any(|b| a.starts_with(b)));
    match call.name {
        "iptables" | "ip6tables" => {
            call.has(&["-F", "--flush", "-X", "-D", "--delete"])
                || call.has(&["-P", "--policy"]) && call.has(&["ACCEPT"])
        }
        "nft" => matches!(word(0), "flush" | "delete" | "destroy"),
        "ufw" => {
            matches!(word(0), "disable" | "reset" | "delete")
                || word(0) == "default" && word(1) == "allow"
        }
        "firewall-cmd" => starts(&["--panic-off", "--remove", "--set-default-zone=trusted"]),
        "pfctl" => call.short('d') || call.short('F'),
        "socketfilterfw" => {
            [
                "--setglobalstate",
                "--setstealthmode",
                "--setblockall",
                "--setloggingmode",
            ]
            .iter()
            .any(|o| sets(o, "off"))
                || call.has(&["--add", "--unblockapp"])
        }
        "spctl" => call.has(&[
            "--master-disable",
            "--global-disable",
            "--add",
            "--disable",
            "kext-consent",
        ]),
        "csrutil" => matches!(word(0), "disable" | "clear" | "authenticated-root"),
        "xattr" => call.short('d') && call.any(|a| a.contains("quarantine")) || call.short('c'),
        "setenforce" => matches!(word(0), "0" | "permissive" | "Permissive"),
        "auditctl" => {
            call.short('D') || call.has(&["-e0"]) || sets("-e", "0") || call.has(&["-d", "-W"])
        }
        "audit" => call.short('t'),
        "jq" | "yq" | "sed" | "gsed" => {
            call.any(|a| a.to_lowercase().contains("autoapprove") && a.contains("true"))
        }
        "systemsetup" => {
            let turns = |name: &str, value: &str| {
                call.args
                    .windows(2)
                    .any(|p| p[0].eq_ignore_ascii_case(name) && p[1].eq_ignore_ascii_case(value))
            };
            turns("-setremotelogin", "on")
                || turns("-setremoteappleevents", "on")
                || turns("-setusingnetworktime", "off")
        }
        "ssh-keygen" => {
            let empty = call
                .args
                .windows(2)
                .any(|p| p[0] == "-N" && p[1].is_empty());
            call.short('p') && empty
        }
        "sqlite3" => call.any(|a| a.ends_with("TCC.db")),
        "fdesetup" => matches!(word(0), "disable" | "removerecovery" | "remove"),
        "tccutil" => word(0) == "reset",
        "aa-disable" | "aa-teardown" | "aa-complain" => true,
        "nvram" => call.any(|a| a.contains('=')) || call.short('c') || call.short('d'),
        "sysctl" => starts(&[
            "kernel.randomize_va_space=0",
            "kernel.core_pattern=",
            "kernel.yama",
        ]),
        "history" => call.short('c') || call.short('d'),
        "set" => call.has(&["+o"]) && call.has(&["history"]),
        "unset" => call.words.contains(&"HISTFILE"),
        "journalctl" => starts(&["--vacuum", "--rotate"]),
        "softwareupdate" => call.has(&["--schedule"]) && call.has(&["off"]),
        "tmutil" => word(0) == "disable",
        "bputil" | "systemextensionsctl" => call.any(|a| a == "uninstall" || a.starts_with('-')),
        "git" => {
            word(0) == "config"
                && call.any(|a| a.eq_ignore_ascii_case("http.sslverify"))
                && call.has(&["false", "0", "off"])
        }
        "npm" | "yarn" | "pnpm" | "pip" | "pip3" | "conda" => {
            let all = call.lower();
            let writes = all.contains("config") || all.starts_with("set ");
            let ssl = [
                "strict-ssl",
                "enablestrictssl",
                "ssl_verify",
                "trusted-host",
            ]
            .iter()
            .any(|k| all.contains(k));
            let off = all.contains("false") || all.contains("trusted-host");
            let plain = all.contains("registry") || all.contains("index-url");
            writes && (ssl && off || plain && all.contains("http://"))
        }
        _ => false,
    }
}
