//! The system's own guards: firewall, Gatekeeper, integrity, audit.

use super::Stop;
use super::options::{operands, short, value};
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
    let has = |w: &str| args.iter().any(|a| a == w);
    match name {
        "iptables" | "ip6tables"
            if has("-F")
                || has("--flush")
                || has("-X")
                || has("-D")
                || has("-P") && has("ACCEPT") =>
        {
            deny("protection-off")
        }
        "nft" if word(0) == "flush" || word(0) == "delete" => deny("protection-off"),
        "ufw"
            if matches!(word(0), "disable" | "reset" | "delete")
                || word(0) == "default" && word(1) == "allow" =>
        {
            deny("protection-off")
        }
        "firewall-cmd"
            if args.iter().any(|a| {
                a.starts_with("--panic-off")
                    || a.starts_with("--remove")
                    || a == "--set-default-zone=trusted"
            }) =>
        {
            deny("protection-off")
        }
        "pfctl" if short(args, 'd') || short(args, 'F') => deny("protection-off"),
        "socketfilterfw"
            if value(args, "--setglobalstate") == Some("off")
                || has("--add")
                || has("--unblockapp")
                || value(args, "--setstealthmode") == Some("off")
                || value(args, "--setblockall") == Some("off") =>
        {
            deny("protection-off")
        }
        "spctl"
            if args.iter().any(|a| {
                matches!(
                    a.as_str(),
                    "--master-disable"
                        | "--global-disable"
                        | "--add"
                        | "--disable"
                        | "kext-consent"
                )
            }) =>
        {
            deny("protection-off")
        }
        "csrutil" if matches!(word(0), "disable" | "clear" | "authenticated-root") => {
            deny("protection-off")
        }
        "xattr"
            if (short(args, 'd') && args.iter().any(|a| a.contains("quarantine")))
                || short(args, 'c') =>
        {
            deny("protection-off")
        }
        "setenforce" if matches!(word(0), "0" | "permissive" | "Permissive") => {
            deny("protection-off")
        }
        "auditctl" if short(args, 'D') || has("-e0") || value(args, "-e") == Some("0") => {
            deny("protection-off")
        }
        "fdesetup" if matches!(word(0), "disable" | "removerecovery") => deny("protection-off"),
        "tccutil" if word(0) == "reset" => deny("protection-off"),
        "aa-disable" | "aa-teardown" | "aa-complain" => deny("protection-off"),
        "nvram"
            if !words.is_empty() && args.iter().any(|a| a.contains('='))
                || name == "nvram" && (short(args, 'c') || short(args, 'd')) =>
        {
            deny("protection-off")
        }
        "sysctl"
            if args.iter().any(|a| {
                a.starts_with("kernel.randomize_va_space=0")
                    || a.starts_with("kernel.core_pattern=")
            }) =>
        {
            deny("protection-off")
        }
        "history" if short(args, 'c') => deny("protection-off"),
        _ => Ok(()),
    }
}
