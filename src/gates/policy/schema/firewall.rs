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
    let fresh: Vec<&str> = now.difference(&before).copied().collect();
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
    // At its place: of the rules that match, the last one counts.
    let places: Vec<&str> = new.lines().collect();
    let same = old.lines().count() == places.len();
    let one = |(at, line): (usize, &str)| -> String {
        let by = places
            .get(at)
            .copied()
            .filter(|by| same && fresh.contains(by));
        let by = by.filter(|by| !now.contains(line) && narrower(line, by));
        by.unwrap_or(line).to_owned()
    };
    let lines: Vec<String> = old.lines().enumerate().map(one).collect();
    lines.join("\n") + if old.ends_with('\n') { "\n" } else { "" }
}

/// Whether rules that both texts have stand in another order.
pub(super) fn in_another_order(old: &str, new: &str) -> bool {
    let rules = |text: &str, other: &str| -> Vec<String> {
        let there: BTreeSet<&str> = other.lines().map(str::trim).collect();
        let lines = text.lines().map(str::trim);
        let kept = lines.filter(|l| !l.is_empty() && !l.starts_with('#') && there.contains(l));
        kept.map(str::to_owned).collect()
    };
    rules(old, new) != rules(new, old)
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
