//! What goes into a prompt: the most useful facts, within so many tokens.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::{Fact, Kind, REFUSED};

/// How much more what is like the last tries matters.
const NEAR: i64 = 40;

/// A token is at least so many bytes long, by a careful guess.
const BYTES: usize = 3;

/// How many tokens a text takes at most, by a careful guess.
pub fn tokens(text: &str) -> usize {
    text.len().div_ceil(BYTES)
}

/// The lines for a prompt, the most useful first, and how many more there were. What is out of date
/// is left out.
///
/// What is about a hole in `near` matters more: these are like what was tried last.
pub fn summary(
    facts: &[Fact],
    near: &BTreeSet<String>,
    budget: usize,
    now: DateTime<Utc>,
) -> (Vec<String>, usize) {
    let is_near = |f: &Fact| near.contains(f.key.strip_suffix(REFUSED).unwrap_or(&f.key));
    let rank = |f: &Fact| f.rank(now) + if is_near(f) { NEAR } else { 0 };
    let mut current: Vec<&Fact> = facts.iter().filter(|f| f.expires > now).collect();
    current.sort_by_key(|f| (Reverse(rank(f)), f.kind, Reverse(f.turn)));
    let mut left = budget;
    let mut lines = Vec::new();
    for fact in &current {
        let line = line(fact);
        // Its own mark and line break count, too.
        let cost = tokens(&line) + 2;
        if cost > left {
            break;
        }
        left -= cost;
        lines.push(line);
    }
    let more = current.len() - lines.len();
    (lines, more)
}

fn line(fact: &Fact) -> String {
    let severity = fact.severity.map_or_else(String::new, |s| format!(", {s}"));
    let word = match fact.kind {
        Kind::Landed => "landed and proven",
        Kind::Refused => "refused",
        Kind::Held => "waits for a person",
        Kind::Denied => "a person has said no",
        Kind::TakenBack => "landed, and a person had it taken back",
        Kind::BlockedOn => "asked of a person, not answered",
        Kind::Drift => "landed, and is red again",
        Kind::Said => "said by an agent, not proven",
    };
    format!("turn {}, {word}{severity}: {}", fact.turn, fact.text)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;
    use crate::turn::Severity;

    fn fact(kind: Kind, severity: Option<Severity>, turn: i64, days: i64) -> Fact {
        let at = DateTime::UNIX_EPOCH + TimeDelta::days(100 - days);
        Fact {
            key: turn.to_string(),
            kind,
            severity,
            text: format!("text {turn}"),
            confidence: kind.confidence(),
            turn,
            at,
            expires: at + TimeDelta::days(30),
        }
    }

    fn now() -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(100)
    }

    #[test]
    fn what_matters_and_is_believed_comes_first() {
        let facts = [
            fact(Kind::Said, None, 1, 0),
            fact(Kind::Landed, Some(Severity::P2), 2, 0),
            fact(Kind::Refused, Some(Severity::P2), 3, 0),
            fact(Kind::Refused, Some(Severity::P0), 4, 0),
            fact(Kind::Refused, Some(Severity::P0), 5, 10),
            fact(Kind::Drift, Some(Severity::P1), 6, 0),
            fact(Kind::Refused, Some(Severity::P0), 7, 31),
        ];
        let (lines, more) = summary(&facts, &BTreeSet::new(), 1_000, now());
        let turns: Vec<&str> = lines.iter().map(|l| l.split(',').next().unwrap()).collect();
        assert_eq!(
            turns,
            ["turn 6", "turn 4", "turn 5", "turn 3", "turn 2", "turn 1"]
        );
        assert_eq!(more, 0, "what is out of date is not missing");

        // What is like the last try is told before it is tried again.
        let near = BTreeSet::from(["3".to_owned()]);
        let (lines, more) = summary(&facts, &near, 30, now());
        assert!(lines[0].starts_with("turn 3, refused, P2"), "{lines:?}");
        assert_eq!(more, 6 - lines.len());
    }

    proptest! {
        #[test]
        fn the_budget_is_kept(budget in 0_usize..2_000, texts in proptest::collection::vec("\\PC{0,80}", 0..60)) {
            let facts: Vec<Fact> = texts
                .iter()
                .enumerate()
                .map(|(at, text)| Fact {
                    text: text.clone(),
                    ..fact(Kind::ALL[at % 6], None, i64::try_from(at).unwrap(), 0)
                })
                .collect();
            let (lines, more) = summary(&facts, &BTreeSet::new(), budget, now());
            prop_assert!(lines.iter().map(|l| tokens(l)).sum::<usize>() <= budget);
            prop_assert_eq!(lines.len() + more, facts.len());
        }
    }
}
