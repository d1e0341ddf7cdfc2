//! Firewalls: what closes passes, what opens doesn't.

use std::collections::BTreeSet;

use super::Grammar;
use super::table::Word;
use crate::gates::policy::networks;

/// The old text with what lets less in put in its place: a rule that passes what comes in, whose network
/// has become a part of what it was.
pub(super) fn with_narrower(grammar: Grammar, old: &str, new: &str) -> String {
    if !matches!(grammar, Grammar::Lines("schema-firewall", _)) {
        return old.to_owned();
    }
    let (before, now): (BTreeSet<&str>, BTreeSet<&str>) =
        (old.lines().collect(), new.lines().collect());
    let mut fresh: Vec<&str> = now.difference(&before).copied().collect();
    let narrower = |line: &str, by: &str| {
        let (was, is): (Vec<&str>, Vec<&str>) = (
            line.split_whitespace().collect(),
            by.split_whitespace().collect(),
        );
        let mut differ = was.iter().zip(&is).filter(|(a, b)| a != b);
        was.starts_with(&["pass", "in"])
            && was.len() == is.len()
            && !line.contains(['!', '{'])
            && matches!(differ.next(), Some((a, b)) if networks::is_narrower(b, a))
            && differ.next().is_none()
    };
    let one = |line: &'_ str| -> String {
        let found = fresh
            .iter()
            .position(|by| !now.contains(line) && narrower(line, by));
        found.map_or(line, |at| fresh.remove(at)).to_owned()
    };
    let lines: Vec<String> = old.lines().map(one).collect();
    lines.join("\n") + if old.ends_with('\n') { "\n" } else { "" }
}

/// A line of pf's configuration.
pub(super) fn pf(line: &str) -> Word {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        [
            "rdr" | "rdr-anchor" | "nat" | "nat-anchor" | "binat" | "dummynet-anchor",
            ..,
        ] => Word::Refused("it sends traffic to another place".to_owned()),
        ["pass", rest @ ..] if rest.contains(&"in") || !rest.contains(&"out") => {
            Word::Refused("it opens the firewall to the inside".to_owned())
        }
        ["set", "skip", "on", "lo" | "lo0"]
        | ["set", "block-policy", "drop" | "return"]
        | ["set", "fingerprints", _]
        | ["set", "ruleset-optimization", "basic"]
        | ["scrub", "in", ..]
        | ["scrub-anchor", "\"com.apple/*\""]
        | [
            "pass",
            "out",
            "quick" | "all" | "keep" | "inet" | "proto",
            ..,
        ]
        | ["pass", "out"]
        | ["antispoof", ..] => Word::Good,
        ["block", rest @ ..] => {
            // Without everything that goes out nothing works any more.
            let out = rest.contains(&"out") || !rest.contains(&"in");
            if out && (rest.contains(&"all") || rest.len() < 3) {
                Word::Held("it may block what goes out as well".to_owned())
            } else {
                Word::Good
            }
        }
        _ => Word::Held("a line of pf that no rule knows".to_owned()),
    }
}
