//! Which text names a host. What two programs could read differently is no host: the allow list
//! must not see another name than the resolver.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Longest name, in bytes.
const MAX_NAME: usize = 253;
/// Longest part of a name.
const MAX_LABEL: usize = 63;

/// A host: a name in lower case, or a literal address in its one usual spelling.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Host {
    /// Letters, digits and hyphens, in at least two parts.
    Name(String),
    /// An address.
    Address(IpAddr),
}

impl std::fmt::Display for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

impl Host {
    /// Reads a host; an IPv6 address stands in brackets.
    ///
    /// # Errors
    /// What is wrong, without the text.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if let Some(inside) = text.strip_prefix('[') {
            let inside = inside.strip_suffix(']').ok_or("a bracket is open")?;
            return v6(inside);
        }
        if text.is_empty() || text.len() > MAX_NAME {
            return Err("a name has 1 to 253 characters");
        }
        let text = text.to_ascii_lowercase();
        let labels: Vec<&str> = text.split('.').collect();
        for label in &labels {
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            if !label.bytes().all(plain) {
                return Err("a name has letters, digits, hyphens and dots only");
            }
            if label.is_empty() || label.len() > MAX_LABEL {
                return Err("a part of a name has 1 to 63 characters");
            }
            if label.starts_with('-') || label.ends_with('-') {
                return Err("a part of a name has a hyphen at its end");
            }
        }
        let last = labels.last().copied().unwrap_or_default();
        if is_number(last) {
            return v4(&text);
        }
        if labels.len() < 2 {
            return Err("a name has at least two parts");
        }
        Ok(Self::Name(text))
    }
}

/// What some programs take for a number, so that the whole is an address to them.
fn is_number(label: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
    digits(label) || label.strip_prefix("0x").is_some_and(hex)
}

fn v4(text: &str) -> Result<Host, &'static str> {
    let address: Ipv4Addr = text
        .parse()
        .map_err(|_| "an address has four decimal numbers")?;
    if address.to_string() != text {
        return Err("an address in another spelling than the usual");
    }
    Ok(Host::Address(address.into()))
}

fn v6(text: &str) -> Result<Host, &'static str> {
    let plain = |b: u8| b.is_ascii_hexdigit() || b == b':';
    // No zone, and no IPv4 in disguise.
    if !text.bytes().all(plain) {
        return Err("an IPv6 address has hexadecimal digits and colons only");
    }
    let address: Ipv6Addr = text.parse().map_err(|_| "no IPv6 address")?;
    Ok(Host::Address(address.into()))
}

/// A host and a port, as `CONNECT` names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The host.
    pub host: Host,
    /// The port.
    pub port: u16,
}

impl Target {
    /// Reads `host:port`; the port is never left out.
    ///
    /// # Errors
    /// What is wrong, without the text.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (host, port) = text.rsplit_once(':').ok_or("the port is missing")?;
        let host = Host::parse(host)?;
        let digits =
            !port.is_empty() && port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit());
        if !digits || port.starts_with('0') {
            return Err("a port is a number from 1 to 65535");
        }
        let port = port.parse().map_err(|_| "a port is at most 65535")?;
        Ok(Self { host, port })
    }
}

#[cfg(test)]
#[path = "host_tests.rs"]
mod tests;
