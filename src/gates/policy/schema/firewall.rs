//! Firewalls: what closes passes, what opens doesn't.

use super::table::Word;

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
