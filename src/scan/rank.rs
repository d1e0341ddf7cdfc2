//! The worst first, and what of it goes into a prompt.

use std::collections::BTreeSet;
use std::path::Path;

use super::{Candidate, Coverage};
use crate::memory::{Known, Seen, seen, tokens};
use crate::turn::Finding;

/// The candidates that are worth a try: the worst first, each once, those with a check of their own
/// before the others; without those that have landed, wait for a person, or were refused twice.
pub fn ranked(candidates: &[Candidate], known: &[Known], home: &Path) -> Vec<Candidate> {
    let mut there = BTreeSet::new();
    let mut all: Vec<Candidate> = candidates
        .iter()
        .filter(|c| {
            there.insert((
                c.source.clone(),
                c.id.clone(),
                c.title.clone(),
                c.target.clone(),
            ))
        })
        .filter(|c| matches!(seen(&finding(c), &[], known, home), Seen::New))
        .cloned()
        .collect();
    all.sort_by_key(|c| (c.severity, c.probe.is_none()));
    all
}

/// As the agent is asked to name it, and under other words.
fn finding(candidate: &Candidate) -> Finding {
    Finding {
        title: candidate.title.clone(),
        detail: String::new(),
        severity: candidate.severity,
        target: candidate.target.clone(),
        control: candidate.id.clone(),
    }
}

/// What is worse than a finding, and was passed over for it; `ranked` is as [`ranked()`] gives it.
pub fn passed_over(finding: &Finding, ranked: &[Candidate]) -> Option<String> {
    let worse: Vec<&Candidate> = ranked
        .iter()
        .filter(|c| c.severity < finding.severity)
        .collect();
    // One of them, by the agent's own idea of how bad it is.
    if worse.iter().any(|c| finding.control.contains(&c.id)) {
        return None;
    }
    let first = worse.first()?;
    Some(format!(
        "worse is open by what scanners say, and was passed over: {} {} {} ({} in all)",
        first.severity,
        first.source,
        first.id,
        worse.len()
    ))
}

/// Lines for a prompt within so many tokens: how much was looked at, then the candidates.
pub fn lines(coverage: &[Coverage], ranked: &[Candidate], budget: usize) -> Vec<String> {
    let mut left = budget;
    let mut lines = Vec::new();
    let heads = coverage.iter().map(ToString::to_string);
    let found = ranked.iter().map(|c| {
        let about = if c.target.is_empty() {
            String::new()
        } else {
            format!(" ({})", c.target)
        };
        let check = if c.probe.is_some() {
            ", with a check of its own"
        } else {
            ""
        };
        format!(
            "{}, {} {}{check}: {}{about}",
            c.severity, c.source, c.id, c.title
        )
    });
    let mut more = 0;
    for line in heads.chain(found) {
        let cost = tokens(&line) + 2;
        if more > 0 || cost > left {
            more += 1;
            continue;
        }
        left -= cost;
        lines.push(line);
    }
    if more > 0 {
        lines.push(format!("{more} more that matter less are left out"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::turn::{Expect, Probe, ProbeRun, Severity};

    fn candidate(id: &str, severity: Severity, probe: bool) -> Candidate {
        let probe = probe.then(|| Probe {
            name: id.to_owned(),
            run: ProbeRun::Script("true".to_owned()),
            expect: Expect {
                exit: 0,
                stdout: None,
            },
            red: None,
        });
        Candidate {
            probe,
            ..Candidate::new("lynis", id, "title", severity, "/etc/x")
        }
    }

    #[test]
    fn the_worst_first_and_nothing_that_is_settled() {
        let all = [
            candidate("A-1", Severity::P2, false),
            candidate("B-1", Severity::P1, false),
            candidate("B-1", Severity::P1, false),
            candidate("C-1", Severity::P1, true),
            candidate("D-1", Severity::P0, false),
        ];
        let known = [Known {
            finding: finding(&all[4]),
            outcome: "committed".to_owned(),
            why: String::new(),
            tries: 1,
            turn: 1,
            probes: Vec::new(),
        }];
        let ranked = ranked(&all, &known, Path::new("/h"));
        let ids: Vec<&str> = ranked.iter().map(|c| c.id.as_str()).collect();
        assert_eq!(ids, ["C-1", "B-1", "A-1"]);
        let mut depth = finding(&ranked[2]);
        depth.control = "something else".to_owned();
        let said = passed_over(&depth, &ranked).unwrap();
        assert!(said.ends_with("P1 lynis C-1 (2 in all)"), "{said}");
        depth.severity = Severity::P1;
        assert_eq!(passed_over(&depth, &ranked), None);

        let coverage = [Coverage::nothing("mscp", "no rules")];
        let all = lines(&coverage, &ranked, 500);
        assert_eq!(all[0], "mscp: not checked (no rules)");
        assert_eq!(
            all[1],
            "P1, lynis C-1, with a check of its own: title (/etc/x)"
        );
        assert_eq!(all.len(), 4);
        let few = lines(&coverage, &ranked, 40);
        assert!(
            few.len() < 4 && few.last().unwrap().contains("more that matter less"),
            "{few:?}"
        );
    }
}
