//! What else can't be taken back: databases, processes, accounts, the network's and the system's guards.

use super::Stop;
use super::marks::has_hole;
use super::options::{long, operands, short, value};
use super::walk::{Flow, Walk, quoted};

/// Judges the rest.
pub(super) fn check(walk: &mut Walk, name: &str, args: &[String]) -> Result<(), Stop> {
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
        "psql" | "mysql" | "mariadb" | "sqlite3" | "sqlcmd" | "mongo" | "mongosh"
        | "clickhouse-client" | "cqlsh" | "duckdb" | "bq" | "snowsql" | "cockroach" => {
            let mut texts: Vec<String> = args.to_vec();
            if let Flow::Text(text) = &walk.scope.stdin {
                texts.push(text.clone());
            }
            if texts.iter().any(|t| destroys_data(t)) {
                return deny("database-destroy");
            }
            Ok(())
        }
        "redis-cli" => {
            let all = args.join(" ").to_lowercase();
            if all.contains("flushall")
                || all.contains("flushdb")
                || all.contains("config set")
                || all.contains("shutdown")
            {
                return deny("database-destroy");
            }
            Ok(())
        }
        "kill"
            if args.iter().any(|a| a == "-1")
                && args.len() > 1
                && args.last().is_some_and(|a| a == "-1") =>
        {
            deny("process-kill")
        }
        "kill" if words.iter().any(|w| w.as_str() == "1") => deny("process-kill"),
        "killall" | "pkill"
            if words
                .iter()
                .any(|w| w.as_str() == "." || w.as_str() == ".*" || w.is_empty())
                || has("-u") =>
        {
            deny("process-kill")
        }
        "killall5" => deny("process-kill"),
        "shutdown" | "reboot" | "halt" | "poweroff" if !short(args, 'c') => deny("system-power"),
        "init" | "telinit" if matches!(word(0), "0" | "6" | "1") => deny("system-power"),
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
        "sysctl"
            if args.iter().any(|a| {
                a.starts_with("kernel.randomize_va_space=0")
                    || a.starts_with("kernel.core_pattern=")
            }) =>
        {
            deny("protection-off")
        }
        "userdel" | "deluser" | "groupdel" | "useradd" | "adduser" | "usermod" | "passwd"
        | "chpasswd" | "visudo" | "dscl" | "sysadminctl" | "dseditgroup" => {
            let looks = short(args, 'S')
                || has("-c") && name == "visudo"
                || name == "dscl"
                    && args.iter().any(|a| {
                        a.trim_start_matches('-') == "read" || a.trim_start_matches('-') == "list"
                    })
                || name == "dseditgroup" && has("read")
                || name == "sysadminctl"
                    && args.iter().any(|a| a.ends_with("Status") || a == "status");
            if looks {
                Ok(())
            } else {
                deny("account-change")
            }
        }
        "security" => {
            let verb = word(0);
            if verb.starts_with("find-") && (short(args, 'w') || short(args, 'g'))
                || matches!(verb, "dump-keychain" | "export")
            {
                deny("secret-read")
            } else if verb.starts_with("delete-")
                || matches!(
                    verb,
                    "add-trusted-cert"
                        | "remove-trusted-cert"
                        | "set-keychain-password"
                        | "authorizationdb"
                )
            {
                deny("protection-off")
            } else {
                Ok(())
            }
        }
        "gpg" | "gpg2"
            if args
                .iter()
                .any(|a| a.starts_with("--export-secret") || a.starts_with("--delete-secret")) =>
        {
            deny("secret-read")
        }
        "openssl"
            if matches!(word(0), "rsa" | "pkey" | "ec" | "pkcs12" | "pkcs8") && !has("-pubout") =>
        {
            for file in value(args, "-in") {
                super::reads::check_read(walk, name, file)?;
            }
            Ok(())
        }
        "openssl" => openssl(walk, args),
        "history" if short(args, 'c') => deny("protection-off"),
        "docker" | "podman" | "nerdctl" => container(walk, name, args),
        "aws" | "gcloud" | "az" | "doctl" | "gsutil" | "linode-cli" | "hcloud" | "oci" | "scw"
        | "ibmcloud" => cloud(name, args),
        "gh" | "glab" if word(0) == "api" => {
            let method = value(args, "-X")
                .or_else(|| value(args, "--method"))
                .unwrap_or_default()
                .to_uppercase();
            let graphql = args
                .iter()
                .any(|a| a.contains("mutation") && (a.contains("delete") || a.contains("Delete")));
            if method == "DELETE"
                || has_hole(&method)
                || graphql
                || word(1).ends_with("/merge") && method == "PUT"
            {
                return deny("forge-destroy");
            }
            Ok(())
        }
        "curl" | "http" | "xh" | "wget" => {
            let method = value(args, "-X")
                .or_else(|| value(args, "--request"))
                .or_else(|| value(args, "--method"))
                .unwrap_or_default();
            let deletes = method.eq_ignore_ascii_case("delete")
                || args.first().is_some_and(|a| a == "DELETE");
            let forge = args
                .iter()
                .any(|a| a.contains("api.github.com") || a.contains("/api/v4/"));
            if deletes && forge {
                deny("forge-destroy")
            } else {
                Ok(())
            }
        }
        "kubectl" | "oc"
            if word(0) == "get"
                && words.iter().any(|w| w.starts_with("secret"))
                && (short(args, 'o') || long(args, "output", 3)) =>
        {
            deny("secret-read")
        }
        "xattr" | "kill" => Ok(()),
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

fn openssl(walk: &Walk, args: &[String]) -> Result<(), Stop> {
    let cipher = args
        .first()
        .is_some_and(|a| a == "enc" || a == "base64" || a == "smime" || a == "cms" || a == "dgst");
    if cipher && let Some(file) = value(args, "-in") {
        super::reads::check_read(walk, "openssl", file)?;
    }
    Ok(())
}

fn container(walk: &Walk, name: &str, args: &[String]) -> Result<(), Stop> {
    let deny = |rule| {
        Err(Stop::deny(
            rule,
            format!("{name} {}", quoted(&args.join(" "))),
        ))
    };
    let starts = args.iter().any(|a| a == "run" || a == "create");
    if starts
        && args
            .iter()
            .any(|a| a == "--privileged" || a.starts_with("--pid=host"))
    {
        return deny("container-escape");
    }
    let mounts = args
        .windows(2)
        .filter(|p| matches!(p[0].as_str(), "-v" | "--volume" | "--mount"))
        .map(|p| p[1].as_str());
    let glued = args.iter().filter_map(|a| {
        a.strip_prefix("--volume=")
            .or_else(|| a.strip_prefix("--mount="))
    });
    for mount in mounts.chain(glued).filter(|_| starts) {
        let source = mount
            .split(',')
            .find_map(|p| p.strip_prefix("source=").or_else(|| p.strip_prefix("src=")));
        let source = source.unwrap_or_else(|| mount.split(':').next().unwrap_or_default());
        let place = super::paths::Place::of(source, &walk.scope.cwd);
        let read_only = mount.ends_with(":ro");
        if source.starts_with('/') && (place.parts.is_empty() || place.is_system() && !read_only) {
            return deny("container-escape");
        }
    }
    Ok(())
}

fn cloud(name: &str, args: &[String]) -> Result<(), Stop> {
    let deny = |rule| {
        Err(Stop::deny(
            rule,
            format!("{name} {}", quoted(&args.join(" "))),
        ))
    };
    let words = operands(args);
    if args
        .iter()
        .any(|a| a == "--dryrun" || a == "--dry-run" || a == "help")
    {
        return Ok(());
    }
    let verb = |w: &str| {
        matches!(
            w,
            "delete" | "destroy" | "rb" | "purge" | "terminate" | "deprovision"
        ) || [
            "delete-",
            "terminate-",
            "remove-",
            "deregister-",
            "purge-",
            "destroy-",
            "detach-",
            "disable-",
            "schedule-key-deletion",
        ]
        .iter()
        .any(|p| w.starts_with(p))
    };
    let first: Vec<&str> = words.iter().take(5).map(|w| w.as_str()).collect();
    if first.iter().any(|w| verb(w)) {
        return deny("infra-destroy");
    }
    let removes = first.iter().any(|w| *w == "rm" || *w == "sync");
    if removes
        && args
            .iter()
            .any(|a| matches!(a.as_str(), "--recursive" | "-r" | "--delete" | "-R" | "-d"))
    {
        return deny("infra-destroy");
    }
    let tokens = [
        "print-access-token",
        "print-identity-token",
        "get-access-token",
        "get-secret-value",
        "get-session-token",
        "assume-role",
        "get-parameters",
        "get-authorization-token",
    ];
    let shows = first.iter().any(|w| tokens.contains(w))
        || name == "gcloud" && first.starts_with(&["secrets", "versions", "access"])
        || name == "az" && first.starts_with(&["keyvault", "secret", "show"]);
    if shows {
        return deny("secret-read");
    }
    Ok(())
}

/// Whether a text drops, truncates or empties.
fn destroys_data(text: &str) -> bool {
    let lower = text.to_lowercase();
    let trimmed = lower.split_whitespace().collect::<Vec<_>>().join(" ");
    trimmed.split(';').any(|statement| {
        let s = statement.trim().trim_matches(['"', '\'']).trim();
        let s = s
            .find(" drop ")
            .or_else(|| s.find("=drop "))
            .map_or(s, |at| &s[at + 1..]);
        [
            "drop table",
            "drop database",
            "drop schema",
            "drop user",
            "drop view",
            "drop index",
            "drop role",
            "drop owned",
            "truncate ",
        ]
        .iter()
        .any(|d| s.starts_with(d))
            || s.starts_with("delete from") && !s.contains(" where ")
            || s.starts_with("update ") && s.contains(" set ") && !s.contains(" where ")
            || s.starts_with("alter table") && s.contains(" drop ")
            || s.starts_with("copy ") && s.contains(" program ")
            || [
                ".dropdatabase(",
                ".drop()",
                ".deletemany({})",
                ".remove({})",
            ]
            .iter()
            .any(|d| s.contains(d))
    })
}
