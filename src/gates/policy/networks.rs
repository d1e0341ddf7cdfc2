//! Networks that a change widens: `192.168.1.0/24` becomes `192.168.1.0/2`.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::issue::Issue;
use super::known::{Known, Side};
use crate::playbook::yaml::{Node, Value};

/// An address and how many of its bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Network {
    /// The address, in the upper bits.
    bits: u128,
    prefix: u32,
    six: bool,
}

impl Network {
    fn of(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let (bits, most, six) = match address.parse().ok()? {
            IpAddr::V4(v4) => (u128::from(v4.to_bits()) << 96, 32, false),
            IpAddr::V6(v6) => (v6.to_bits(), 128, true),
        };
        // A netmask as well; an address alone is a network of one.
        let prefix = match prefix {
            None => most,
            Some(text) => match text.parse::<std::net::Ipv4Addr>() {
                Ok(mask) if !six => mask.to_bits().leading_ones(),
                _ => text.parse().ok()?,
            },
        };
        (prefix <= most).then_some(Self { bits, prefix, six })
    }

    /// Whether it has all of the other's addresses, and more.
    fn is_wider(self, other: Self) -> bool {
        let mask = u128::MAX.checked_shl(128 - self.prefix).unwrap_or(0);
        self.six == other.six && self.prefix < other.prefix && self.bits & mask == other.bits & mask
    }
}

/// Whether a word is a network with some of the other one's addresses, and no others.
pub(super) fn is_narrower(word: &str, than: &str) -> bool {
    match (Network::of(word), Network::of(than)) {
        (Some(word), Some(than)) => than.is_wider(word),
        _ => false,
    }
}

/// Networks of a file that are new and wider than one that is gone from it.
pub(super) fn judge(known: &Known) -> Vec<(String, Issue)> {
    let mut all = Vec::new();
    for path in &known.changed {
        let (old, new) = (networks(&known.old, path), networks(&known.new, path));
        let of = |side: &[(usize, Network)]| -> BTreeSet<Network> {
            side.iter().map(|(_, network)| *network).collect()
        };
        let gone: Vec<Network> = of(&old).difference(&of(&new)).copied().collect();
        for (line, network) in new {
            let wider = gone.iter().find(|other| network.is_wider(**other));
            if let Some(other) = wider {
                let what = format!(
                    "a network of /{} becomes one of /{}, which lets more in or out",
                    other.prefix, network.prefix
                );
                all.push((path.clone(), Issue::held("weakened", line, what)));
            }
        }
    }
    all
}

/// The networks that a file names, in its YAML or, as a deployed file, in its words.
fn networks(side: &Side, path: &str) -> Vec<(usize, Network)> {
    if let Some(root) = side.tree.root(path) {
        let mut scalars = Vec::new();
        values(root, &mut scalars);
        let words = scalars.into_iter();
        let words = words.flat_map(|(line, text)| split(text).map(move |word| (line, word)));
        return words
            .filter_map(|(line, word)| Some((line, Network::of(word)?)))
            .collect();
    }
    let text = side.tree.text(path).unwrap_or_default();
    let lines = text.lines().enumerate();
    lines
        .flat_map(|(at, line)| split(line).map(move |word| (at + 1, word)))
        .filter_map(|(line, word)| Some((line, Network::of(word)?)))
        .collect()
}

/// The texts below, but for names, which say nothing.
fn values<'n>(node: &'n Node, all: &mut Vec<(usize, &'n str)>) {
    match &node.value {
        Value::Scalar { text, .. } => all.push((node.line, text)),
        Value::List(items) => items.iter().for_each(|item| values(item, all)),
        Value::Map(pairs) => {
            let said = pairs
                .iter()
                .filter(|(key, ..)| !["name", "comment"].contains(&key.as_str()));
            said.for_each(|(.., value)| values(value, all));
        }
    }
}

fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || ",;\"'{}()[]=".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wider_network_has_all_of_the_other_and_more() {
        for (wide, other, is) in [
            ("192.168.1.0/2", "192.168.1.0/24", true),
            ("192.168.0.0/16", "192.168.1.0/24", true),
            ("0.0.0.0/0", "10.0.0.0/8", true),
            ("192.168.1.0/24", "192.168.1.0/24", false),
            ("192.168.1.0/25", "192.168.1.0/24", false),
            ("10.0.0.0/8", "192.168.1.0/24", false),
            ("::/0", "fd00::/8", true),
            ("::/0", "10.0.0.0/8", false),
            ("192.168.1.0/24", "192.168.1.5", true),
            ("192.168.0.0/255.255.0.0", "192.168.1.0/24", true),
        ] {
            let [wide, other] = [wide, other].map(|text| Network::of(text).unwrap());
            assert_eq!(wide.is_wider(other), is, "{wide:?} {other:?}");
        }
        for none in ["a/b", "10.0.0.0/33", "1/2", "any"] {
            assert!(Network::of(none).is_none(), "{none}");
        }
    }
}
