//! Kernel modules, audit rules, updates, logs, time: one line at a time.

use super::squeezed;
use super::table::{Word, is_of_time, is_plain};

fn held(what: impl Into<String>) -> Word {
    Word::Held(what.into())
}

fn refused(what: impl Into<String>) -> Word {
    Word::Refused(what.into())
}

/// Modules that hardly anybody needs and that were ways in.
const MODULES: &str = " cramfs freevxfs jffs2 hfs hfsplus squashfs udf usb-storage usb_storage dccp sctp rds tipc \
    firewire-core firewire_core firewire-ohci firewire-sbp2 thunderbolt bluetooth btusb uvcvideo \
    pcspkr floppy af_802154 appletalk atm ax25 can decnet econet ipx n-hdlc netrom p8022 p8023 psnap rose x25 \
    gfs2 ksmbd nfsv3 cifs vivid ";

/// A line of modprobe.d.
pub(super) fn modprobe(line: &str) -> Word {
    let words: Vec<&str> = line.split_whitespace().collect();
    let known = |module: &str| MODULES.split(' ').any(|m| m == module);
    match words.as_slice() {
        ["blacklist", module] | ["alias", module, "off"] if known(module) => Word::Good,
        ["blacklist", module] => held(format!("the module {module} is no longer loaded")),
        [
            "install",
            module,
            "/bin/true" | "/bin/false" | "/usr/bin/true" | "/usr/bin/false",
        ] => {
            if known(module) {
                Word::Good
            } else {
                held(format!("the module {module} can no longer be loaded"))
            }
        }
        ["install" | "remove", ..] => {
            refused("it runs a program when a module is loaded; use /bin/false")
        }
        _ => held("a line of modprobe that no rule knows"),
    }
}

/// A rule of auditd.
pub(super) fn rules(line: &str) -> Word {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        ["-w", path, "-p", how, "-k", _]
            if path.starts_with('/') && how.chars().all(|c| "rwxa".contains(c)) =>
        {
            Word::Good
        }
        ["-a", "always,exit" | "exit,always", rest @ ..] => {
            let mut rest = rest.iter();
            while let Some(flag) = rest.next() {
                let known = ["-F", "-S", "-k", "-C"].contains(flag);
                let value = rest.next();
                if !known || value.is_none() {
                    return held("an audit rule that no rule knows");
                }
                if *flag == "-S" && value == Some(&"all") {
                    return held("an event for every call there is, which drowns the others");
                }
            }
            Word::Good
        }
        ["-b", n] if n.parse::<u32>().is_ok_and(|n| (1024..=65536).contains(&n)) => Word::Good,
        ["-f", "1"] | ["-e", "1" | "2"] | ["--backlog_wait_time", _] | ["--loginuid-immutable"] => {
            Word::Good
        }
        ["-e", "0"] => refused("auditing is switched off"),
        ["-a", kind, ..] if kind.contains("never") => {
            refused("it keeps events out of the audit log")
        }
        ["-r", n] if *n == "0" || n.parse::<u32>().is_ok_and(|n| n >= 100) => Word::Good,
        ["-r", _] => refused("so few events a second are kept that the rest is lost"),
        ["-D"] => held("it removes every audit rule"),
        ["-f", "2"] => held("the machine stops when auditing fails"),
        _ => held("an audit rule that no rule knows"),
    }
}

/// A line of AIDE's configuration: what is watched.
pub(super) fn aide(line: &str) -> Word {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        // A group of the file's own has to have a name that says so; `E` is the empty one.
        [path, group] if path.starts_with('/') && plain_name(group) && group.len() > 3 => {
            Word::Good
        }
        [path, ..] if path.starts_with('!') || path.starts_with("-/") => {
            held("it takes files out of what is watched")
        }
        _ => held("a line of AIDE's that no rule knows"),
    }
}

fn plain_name(text: &str) -> bool {
    text.chars()
        .all(|c| c.is_ascii_alphanumeric() || "_+".contains(c))
}

/// A line of `audit_control`.
pub(super) fn control(line: &str) -> Word {
    let Some((key, value)) = line.split_once(':') else {
        return held("a line of audit_control that no rule knows");
    };
    let number = value.parse::<u32>();
    match key {
        "dir" if value == "/var/audit" => Word::Good,
        "flags" | "naflags" => match value.split(',').find(|flag| !is_class(flag)) {
            None => Word::Good,
            Some(flag) if flag.starts_with('^') => {
                refused(format!("{flag} takes events out of what is recorded"))
            }
            Some(flag) => held(format!("the class of events {flag}")),
        },
        "minfree" if number.as_ref().is_ok_and(|n| (1..=30).contains(n)) => Word::Good,
        "policy" if value.split(',').all(|p| ["cnt", "argv"].contains(&p)) => Word::Good,
        "policy" if value.split(',').any(|p| p == "ahlt") => {
            held("the machine stops when auditing fails")
        }
        "filesz" if age(value).is_some() => Word::Good,
        "expire-after" => match age(value) {
            Some((seconds, bytes)) if seconds >= 7 * 86_400 || seconds == 0 && bytes >= 1 << 30 => {
                Word::Good
            }
            _ => held("a week of what was recorded, or a gigabyte, is the least"),
        },
        "host" if is_plain(value) => Word::Good,
        _ => held("a setting of audit_control that no rule knows"),
    }
}

/// A class of events, of which all, the successful or the failed ones are recorded.
fn is_class(flag: &str) -> bool {
    let class = flag.strip_prefix(['+', '-']).unwrap_or(flag);
    [
        "no", "fr", "fw", "fa", "fm", "fc", "fd", "cl", "pc", "nt", "ip", "na", "ad", "lo", "aa",
        "ap", "io", "ex", "ot", "all",
    ]
    .contains(&class)
        && class != "no"
}

/// Seconds and bytes of `60d OR 10G`, where either is given.
fn age(value: &str) -> Option<(u64, u64)> {
    let (mut seconds, mut bytes) = (0, 0);
    for part in value
        .split_whitespace()
        .filter(|w| !["AND", "OR"].contains(w))
    {
        let at = part
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(part.len());
        let (number, unit) = part.split_at(at);
        let number: u64 = number.parse().ok()?;
        let (sum, unit): (&mut u64, u64) = match unit {
            "s" => (&mut seconds, 1),
            "h" | "H" => (&mut seconds, 3_600),
            "d" | "D" => (&mut seconds, 86_400),
            "y" | "Y" => (&mut seconds, 31_536_000),
            "" | "B" => (&mut bytes, 1),
            "K" => (&mut bytes, 1 << 10),
            "M" => (&mut bytes, 1 << 20),
            "G" => (&mut bytes, 1 << 30),
            _ => return None,
        };
        *sum = sum.checked_add(number.checked_mul(unit)?)?;
    }
    (seconds + bytes > 0).then_some((seconds, bytes))
}

/// Whether a setting of `audit_control` records or keeps less than another.
pub(super) fn keeps_less(key: &str, old: &str, new: &str) -> bool {
    match key {
        "flags" | "naflags" | "policy" => {
            let now: Vec<&str> = new.split(',').collect();
            !old.split(',').all(|flag| {
                let class = flag.trim_start_matches(['+', '-']);
                now.contains(&flag) || now.contains(&class)
            })
        }
        "expire-after" => match (age(old), age(new)) {
            (Some(a), Some(b)) => {
                let more = new.contains("OR") && !old.contains("OR");
                b.0 < a.0 || b.1 < a.1 || more || old.contains("AND") && !new.contains("AND")
            }
            _ => true,
        },
        _ => false,
    }
}

/// A line of apt's configuration.
pub(super) fn apt(line: &str) -> Word {
    let text = squeezed(line);
    let folded = text.to_lowercase();
    for bad in [
        "allowunauthenticated",
        "allowinsecure",
        "allow-insecure",
        "allow-weak",
        "allow-downgrade",
        "verify-peer",
        "verify-host",
        "invoke",
        "pre-install-pkgs",
        "post-invoke",
        "proxy",
        "solver",
        "dpkg::path",
        "check-valid-until",
        "trustcdrom",
        "::methods",
        "ssl",
    ] {
        if folded.contains(bad) {
            return refused(format!(
                "{bad} runs a program, or takes a check off what is installed"
            ));
        }
    }
    if text.starts_with("//")
        || text.starts_with("/*") && text.ends_with("*/") && text.matches("*/").count() == 1
        || ["};", "}", "{"].contains(&text.as_str())
    {
        return Word::Good;
    }
    let origin = |t: &str| {
        let inner = t
            .trim_end_matches([';', '"'])
            .trim_start_matches(['"', 'o']);
        let security = inner.contains("security")
            || inner.contains("-updates")
            || inner.ends_with("${distro_codename}")
            || inner.ends_with("stable");
        let own = [
            "${distro_id}",
            "rigin=Debian",
            "rigin=Ubuntu",
            "rigin=${distro_id}",
            "=Debian,",
            "=Ubuntu,",
        ]
        .iter()
        .any(|o| inner.starts_with(o));
        security && own && is_plain(inner)
    };
    if text.starts_with('"') && origin(&text) {
        return Word::Good;
    }
    let (key, value) = text.split_once(' ').unwrap_or((&text, ""));
    let value = value.trim_end_matches(';').trim().trim_matches('"');
    let number = value.parse::<u32>().is_ok_and(|n| n <= 365);
    let yes = ["true", "false", "1", "0"].contains(&value);
    let good = match key.to_lowercase().as_str() {
        "apt::periodic::update-package-lists"
        | "apt::periodic::unattended-upgrade"
        | "apt::periodic::enable" => value.parse::<u32>().is_ok_and(|n| (1..=7).contains(&n)),
        "apt::periodic::download-upgradeable-packages"
        | "apt::periodic::autocleaninterval"
        | "apt::periodic::verbose"
        | "apt::periodic::cleaninterval"
        | "apt::periodic::randomsleep" => number,
        "unattended-upgrade::allowed-origins" | "unattended-upgrade::origins-pattern" => {
            value == "{"
        }
        "unattended-upgrade::automatic-reboot" => value == "false",
        "unattended-upgrade::automatic-reboot-time" => value.len() <= 5,
        "unattended-upgrade::mail" | "unattended-upgrade::mailreport" => is_plain(value),
        "unattended-upgrade::package-blacklist" => value == "{" || value == "{}" || value == "{ }",
        key if key.starts_with("unattended-upgrade::") => yes || number,
        "apt::get::autoremove"
        | "apt::autoremove::suggestsimportant"
        | "apt::install-recommends"
        | "apt::install-suggests"
        | "apt::sandbox::seccomp"
        | "acquire::http::allowredirect" => yes,
        "acquire::retries" | "acquire::languages" => number || value == "none",
        _ => return held("a setting of apt that no rule knows"),
    };
    if good {
        Word::Good
    } else {
        refused(format!("{key} {value} is no value that protects"))
    }
}

/// A line of dnf-automatic's configuration.
pub(super) fn dnf_automatic(line: &str) -> Word {
    let text: String = line.chars().filter(|c| !c.is_whitespace()).collect();
    let good = [
        "upgrade_type=security",
        "upgrade_type=default",
        "download_updates=yes",
        "apply_updates=yes",
        "emit_via=stdio",
        "emit_via=motd",
        "emit_via=email",
        "random_sleep=0",
        "random_sleep=360",
    ];
    if text.starts_with('[') || good.contains(&text.as_str()) {
        Word::Good
    } else if text == "apply_updates=no" {
        refused("updates are fetched and never installed")
    } else {
        held("a setting of dnf-automatic that no rule knows")
    }
}

/// A line of logrotate's configuration.
pub(super) fn logrotate(line: &str) -> Word {
    let words: Vec<&str> = line.split_whitespace().collect();
    let first = words.first().copied().unwrap_or_default();
    match first {
        "prerotate" | "postrotate" | "firstaction" | "lastaction" | "preremove" | "endscript"
        | "compresscmd" | "uncompresscmd" | "compressoptions" | "mail" | "include" | "su" => {
            refused(format!("{first} runs a program or takes in another file"))
        }
        "daily" | "weekly" | "monthly" | "compress" | "delaycompress" | "missingok"
        | "notifempty" | "copytruncate" | "dateext" | "sharedscripts" | "nocreate" | "ifempty"
        | "}" | "{" | "size" | "minsize" | "maxsize" => Word::Good,
        "create"
            if words
                .get(1)
                .is_none_or(|m| ["0640", "0600", "640", "600", "0644"].contains(m)) =>
        {
            Word::Good
        }
        "rotate" => match words.get(1).and_then(|n| n.parse::<u32>().ok()) {
            Some(4..=3650) => Word::Good,
            _ => refused("fewer than four old logs are kept"),
        },
        _ if first.contains("..") => held("a path with `..`"),
        _ if first.starts_with("/var/log/") && (words.len() == 1 || words.last() == Some(&"{")) => {
            Word::Good
        }
        _ => held("a line of logrotate that no rule knows"),
    }
}

/// A line of rsyslog's configuration: where logs are written, below /var/log.
pub(super) fn rsyslog(line: &str) -> Word {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        ["$FileCreateMode", "0640" | "0600"]
        | ["$DirCreateMode", "0755" | "0750"]
        | ["$Umask", "0022" | "0027"] => Word::Good,
        [what, to]
            if to.trim_start_matches('-').starts_with("/var/log/")
                && is_a_log(to)
                && !to.contains("..")
                && what
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "*.,;=!".contains(c)) =>
        {
            Word::Good
        }
        _ if line.contains("omprog") || line.contains('^') => refused("it runs a program"),
        _ => held("a line of rsyslog that no rule knows"),
    }
}

/// Whether a file is one that lines are written to, and not a record of logins.
fn is_a_log(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let plain = [
        "secure", "messages", "syslog", "maillog", "cron", "debug", "boot",
    ];
    name.ends_with(".log") || plain.contains(&name)
}

/// A line of chrony's or ntpd's configuration.
pub(super) fn time(line: &str) -> Word {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        ["restrict", rest @ ..] if !rest.is_empty() => Word::Good,
        ["server" | "pool", name, rest @ ..]
            if is_of_time(name)
                && rest.iter().all(|w| {
                    ["iburst", "prefer", "nts"].contains(w)
                        || w.parse::<u8>().is_ok()
                        || ["maxsources", "minpoll", "maxpoll"].contains(w)
                }) =>
        {
            Word::Good
        }
        [
            "driftfile",
            "/var/lib/chrony/drift" | "/var/lib/chrony/chrony.drift" | "/var/lib/ntp/ntp.drift",
        ]
        | ["makestep" | "restrict", ..]
        | ["rtcsync"]
        | ["authselectmode", "require" | "prefer"]
        | ["minsources", "2" | "3" | "4"]
        | ["ntsdumpdir", "/var/lib/chrony"]
        | ["logdir", "/var/log/chrony"]
        | ["maxupdateskew", _]
        | ["leapsectz", "right/UTC"]
        | ["keyfile", "/etc/chrony/chrony.keys" | "/etc/chrony.keys"]
        | ["port" | "cmdport", "0"] => Word::Good,
        _ => held("a setting of time that no rule knows"),
    }
}
