//! What leaves the machine: to whom, and what may be a secret.

use super::Stop;
use super::options::value;
use super::paths::{Base, Place};
use super::walk::{Flow, Walk, quoted};

/// Programs that send what they are given to another machine.
const SENDERS: &[&str] = &[
    "curl", "wget", "nc", "ncat", "netcat", "socat", "ftp", "telnet", "mail", "sendmail", "http",
    "https", "xh", "scp", "rsync", "websocat",
];

/// Addresses that hand out a cloud machine's own credentials.
pub(super) const METADATA: &[&str] = &[
    "169.254.169.254",
    "169.254.170.2",
    "metadata.google.internal",
    "100.100.100.200",
    "[fd00:ec2::254]",
];

/// Whether a word is such an address.
fn names_metadata(word: &str) -> bool {
    let word = word.to_lowercase();
    let rest = word
        .split_once("://")
        .map_or(word.as_str(), |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let rest = authority.rsplit('@').next().unwrap_or_default();
    let host = rest.split(':').next().unwrap_or(rest);
    if numeric(host).is_some_and(|address| METADATA.contains(&address.to_string().as_str())) {
        return true;
    }
    METADATA.iter().any(|host| {
        rest.strip_prefix(host)
            .is_some_and(|behind| !behind.starts_with(|c: char| c.is_ascii_alphanumeric()))
    })
}

/// An IPv4 address as `inet_aton` reads it: one to four numbers, decimal, octal or hexadecimal.
fn numeric(host: &str) -> Option<std::net::Ipv4Addr> {
    let number = |text: &str| match (text.strip_prefix("0x"), text.strip_prefix('0')) {
        (Some(hex), _) => u32::from_str_radix(hex, 16).ok(),
        (None, Some(octal)) if !octal.is_empty() => u32::from_str_radix(octal, 8).ok(),
        _ => text.parse().ok(),
    };
    let parts: Option<Vec<u32>> = host.split('.').map(number).collect();
    let parts = parts.filter(|p| p.len() <= 4)?;
    let (last, front) = parts.split_last()?;
    let mut address = *last;
    for (at, part) in front.iter().enumerate() {
        if *part > 255 {
            return None;
        }
        address |= part << (24 - 8 * at);
    }
    Some(address.into())
}

/// Judges what a program sends.
pub(super) fn check(walk: &Walk, name: &str, args: &[String]) -> Result<(), Stop> {
    if SENDERS.contains(&name) && walk.scope.stdin == (Flow::Unknown { secret: true }) {
        return Err(Stop::deny(
            "secret-send",
            format!("the environment, a clipboard or a home's files into {name}"),
        ));
    }
    if SENDERS.contains(&name) && args.iter().any(|a| names_metadata(a)) {
        return Err(Stop::deny(
            "secret-read",
            format!("{name} {}", quoted(&args.join(" "))),
        ));
    }
    if name == "grep" && walk.scope.stdin == (Flow::Unknown { secret: true }) {
        let all = args.join(" ").to_lowercase();
        if CREDENTIAL_WORDS.iter().any(|w| all.contains(w)) {
            return Err(Stop::deny("secret-read", format!("grep {}", quoted(&all))));
        }
    }
    if SCANNERS.contains(&name)
        && args.iter().any(|a| {
            let place = Place::of(a, &walk.scope.cwd);
            place.base == Base::Home && place.parts.is_empty()
        })
    {
        return Err(Stop::deny(
            "secret-read",
            format!("{name} of a home directory"),
        ));
    }
    let asks = SENDERS.contains(&name) || matches!(name, "dig" | "nslookup" | "host" | "ping");
    let collects = |a: &String| {
        COLLECTORS
            .iter()
            .any(|host| a.to_lowercase().contains(host))
    };
    if asks && args.iter().any(collects) {
        return Err(Stop::deny(
            "secret-send",
            format!("{name} to a host that collects"),
        ));
    }
    Ok(())
}

/// What makes a variable's or a line's content a credential.
pub(super) const CREDENTIAL_WORDS: &[&str] = &[
    "token",
    "secret",
    "password",
    "passwd",
    "api_key",
    "apikey",
    "access_key",
    "credential",
];

/// Programs that look for secrets, whose findings hold them.
const SCANNERS: &[&str] = &[
    "trufflehog",
    "gitleaks",
    "noseyparker",
    "detect-secrets",
    "whispers",
];

/// Hosts that only collect what is sent to them.
const COLLECTORS: &[&str] = &[
    "oast.",
    "interact.sh",
    "interactsh",
    "burpcollaborator",
    "oastify",
    "dnslog.",
    "requestbin",
    "webhook.site",
    "pipedream.net",
    "canarytokens",
    "beeceptor",
    "requestcatcher",
];

/// A home directory, or what people keep in it for themselves.
pub(super) fn is_personal(walk: &Walk, path: &str) -> bool {
    let place = Place::of(path, &walk.scope.cwd);
    let own = [
        "documents",
        "desktop",
        "downloads",
        "pictures",
        "photos",
        "library",
        "mail",
    ];
    place.base == Base::Home
        && place
            .parts
            .first()
            .is_none_or(|first| own.contains(&first.as_str()) || first.starts_with('.'))
}

/// Files whose content is sent.
pub(super) fn uploads(args: &[String]) -> Vec<&str> {
    let options = [
        "-d",
        "-F",
        "-T",
        "--data",
        "--data-binary",
        "--data-raw",
        "--data-urlencode",
        "--form",
        "--upload-file",
        "--post-file",
        "--body-file",
        "--json",
    ];
    let mut found = Vec::new();
    for option in options {
        let Some(given) = value(args, option) else {
            continue;
        };
        let whole = matches!(
            option,
            "-T" | "--upload-file" | "--post-file" | "--body-file"
        );
        match given.split_once('@') {
            Some((before, file)) if before.is_empty() || before.ends_with('=') => found.push(file),
            _ if whole => found.push(given),
            _ => {}
        }
    }
    found
}
