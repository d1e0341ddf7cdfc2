//! Credentials in a text, by the rules of betterleaks, the successor of gitleaks (MIT; see
//! `LICENSE-betterleaks.txt`). The rules are data, `betterleaks.jsonl`: its configuration of commit
//! b1aa878bc41b, without rules that are only about a file's name, that need a second finding, or
//! that it calls weak itself.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::AhoCorasick;
use regex::{Regex, RegexBuilder};
use serde::Deserialize;

/// The most that one rule takes in memory, in bytes; one that repeats a class a thousand times is large.
const SIZE: usize = 64 << 20;
const RULES: &str = include_str!("betterleaks.jsonl");

#[derive(Debug, Deserialize)]
struct Given {
    id: String,
    keywords: Vec<String>,
    regex: String,
    #[serde(default)]
    entropy: f64,
}

#[derive(Debug)]
struct Rule {
    given: Given,
    /// Compiled when one of its words is met.
    regex: OnceLock<Option<Regex>>,
}

/// A credential in a text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The rule that saw it.
    pub(crate) kind: &'static str,
    /// Where it stands, in bytes.
    pub(crate) at: Range<usize>,
}

fn rules() -> &'static [Rule] {
    static ALL: OnceLock<Vec<Rule>> = OnceLock::new();
    ALL.get_or_init(|| {
        let given = RULES
            .lines()
            .filter_map(|l| serde_json::from_str::<Given>(l).ok());
        given
            .map(|given| Rule {
                given,
                regex: OnceLock::new(),
            })
            .collect()
    })
}

impl Rule {
    fn regex(&self) -> Option<&Regex> {
        self.regex
            .get_or_init(|| {
                // The rules are written for an engine whose classes are of ASCII; where a class may
                // be anything but some, only whole characters will do.
                let mut builder = RegexBuilder::new(&self.given.regex);
                builder.size_limit(SIZE);
                let ascii = builder.unicode(false).build();
                ascii.or_else(|_| builder.unicode(true).build()).ok()
            })
            .as_ref()
    }
}

/// The rules one of whose words stands in a text in lower case.
#[expect(clippy::expect_used, reason = "constant words, put together by a test")]
fn met(folded: &str) -> impl Iterator<Item = &'static Rule> {
    static WORDS: OnceLock<(AhoCorasick, Vec<usize>)> = OnceLock::new();
    let (words, of) = WORDS.get_or_init(|| {
        let all = rules().iter().enumerate();
        let pairs = all.flat_map(|(rule, r)| r.given.keywords.iter().map(move |k| (k, rule)));
        let (words, of): (Vec<&String>, Vec<usize>) = pairs.unzip();
        let words = AhoCorasick::new(words).expect("a few hundred words");
        (words, of)
    });
    let met: BTreeSet<usize> = words
        .find_overlapping_iter(folded)
        .filter_map(|word| of.get(word.pattern().as_usize()).copied())
        .collect();
    met.into_iter().filter_map(|rule| rules().get(rule))
}

/// Every credential in a text, in its order.
pub(crate) fn find(text: &str) -> Vec<Found> {
    let folded = text.to_lowercase();
    let mut found = Vec::new();
    for rule in met(&folded) {
        let Some(regex) = rule.regex() else { continue };
        for captures in regex.captures_iter(text) {
            let inner = (1..captures.len()).find_map(|at| captures.get(at));
            let Some(secret) = inner.or_else(|| captures.get(0)) else {
                continue;
            };
            if entropy(secret.as_str()) > rule.given.entropy {
                found.push(Found {
                    kind: rule.given.id.as_str(),
                    at: secret.range(),
                });
            }
        }
    }
    found.sort_by_key(|f| f.at.start);
    found
}

/// Shannon's entropy in bits for each character.
pub(crate) fn entropy(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let all = f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX));
    let part = |count: u32| {
        let p = f64::from(count) / all;
        -p * p.log2()
    };
    counts.into_iter().filter(|c| *c > 0).map(part).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_can_be_read() {
        assert_eq!(rules().len(), RULES.lines().count());
        assert!(rules().len() > 350);
        for rule in rules() {
            assert!(rule.regex().is_some(), "{}", rule.given.id);
            assert!(!rule.given.keywords.is_empty(), "{}", rule.given.id);
        }
    }

    #[test]
    fn credentials_are_found_and_words_are_not() {
        // Put together here, so that no scanner takes this file for a leak.
        let body = "q7Zt2LmX9vKp4RwB8nYc3HsD6fJg1TaUeWxQ";
        for (kind, text) in [
            ("gitlab-pat", format!("glpat-{}", &body[..20])),
            ("npm-access-token", format!("npm_{}", body.to_lowercase())),
            (
                "digitalocean-pat",
                format!("dop_v1_{}", "9f86d081884c7d65".repeat(4)),
            ),
        ] {
            let found = find(&format!("x = \"{text}\"\n"));
            assert!(
                found.iter().any(|f| f.kind.starts_with(kind)),
                "{text}: {found:?}"
            );
        }
        for text in [
            "token: \"{{ vault_token }}\"",
            "ssh_password_authentication: no",
            "glpat is a prefix",
        ] {
            assert_eq!(find(text), [], "{text}");
        }
    }
}
