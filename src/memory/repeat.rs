//! Whether a finding is new, or one that is known under other words.

use std::collections::BTreeSet;
use std::path::Path;

use super::{Print, home_relative, places};
use crate::turn::{Finding, Probe, ProbeRun};

/// A hole of an earlier turn and what became of it.
#[derive(Debug, Clone)]
pub struct Known {
    /// The finding, as it was reported last.
    pub finding: Finding,
    /// `committed`, `rejected`, `held`, `denied`, `taken_back`.
    pub outcome: String,
    /// The reason of that, or the commit.
    pub why: String,
    /// How often it was tried.
    pub tries: u32,
    /// The number of the last turn that tried it.
    pub turn: i64,
    /// What proves that it is closed.
    pub probes: Vec<Probe>,
}

/// What a finding is in the light of what is known.
#[derive(Debug, Clone, Copy)]
pub enum Seen<'a> {
    /// Nothing like it was tried as often as is allowed.
    New,
    /// It has landed: a repeat if its proof is still green, drift if it is red.
    Landed(&'a Known),
    /// It waits for a person, or one has decided against it.
    Waits(&'a Known),
    /// It was rejected as often as is allowed.
    Tried(&'a Known),
}

/// So many rejections of one hole are enough.
const TRIES: u32 = 2;

/// Looks a finding up. `known` is newest first, one entry for each hole and outcome.
pub fn seen<'a>(finding: &Finding, probes: &[Probe], known: &'a [Known], home: &Path) -> Seen<'a> {
    let print = print(finding, home);
    let mut rejected: Option<&Known> = None;
    let mut tries = 0;
    for old in known {
        let landed = old.outcome == "committed";
        let same = self::print(&old.finding, home).covers(&print)
            || (landed && same_proof(&old.probes, probes, home));
        if !same {
            continue;
        }
        match old.outcome.as_str() {
            // What was rejected after it had landed was a try to repair it.
            "committed" if tries < TRIES => return Seen::Landed(old),
            "committed" => break,
            "held" if rejected.is_none() => return Seen::Waits(old),
            // What a person has decided stands.
            "denied" | "taken_back" => return Seen::Waits(old),
            "rejected" => {
                tries += old.tries;
                rejected.get_or_insert(old);
            }
            _ => {}
        }
    }
    match rejected {
        Some(old) if tries >= TRIES => Seen::Tried(old),
        _ => Seen::New,
    }
}

/// The fingerprints of what is known and like any of these findings, under whatever words.
pub fn near(findings: &[&Finding], known: &[Known], home: &Path) -> BTreeSet<String> {
    let of: Vec<Print> = findings.iter().map(|f| print(f, home)).collect();
    known
        .iter()
        .map(|old| print(&old.finding, home))
        .filter(|old| of.iter().any(|of| of.is_like(old)))
        .map(|old| old.key())
        .collect()
}

pub(super) fn print(finding: &Finding, home: &Path) -> Print {
    Print::of(
        &home_relative(&finding.target, home),
        &home_relative(&finding.control, home),
    )
}

/// Whether each of these probes asks what one of the old ones has asked, whatever it is called.
fn same_proof(old: &[Probe], new: &[Probe], home: &Path) -> bool {
    let old: Vec<Proof> = old.iter().map(|p| Proof::of(p, home)).collect();
    !new.is_empty()
        && new.iter().all(|probe| {
            let probe = Proof::of(probe, home);
            old.iter().any(|old| old.covers(&probe))
        })
}

/// What a probe asks.
struct Proof {
    text: String,
    /// Of which places it asks for the mode, where it does no more.
    modes: BTreeSet<String>,
}

impl Proof {
    fn of(probe: &Probe, home: &Path) -> Self {
        let run = match &probe.run {
            ProbeRun::Argv(argv) => argv.join(" "),
            ProbeRun::Script(script) => script.clone(),
        };
        let run = home_relative(&run, home);
        let run = run
            .replace("${HOME}", "~")
            .replace("$HOME", "~")
            .replace(['"', '\''], " ");
        let text = run.split_whitespace().collect::<Vec<_>>().join(" ");
        let asks = ["%a", "%Lp", "%OLp", "%Mp", "-perm", "ls -l"];
        let mut modes = BTreeSet::new();
        if asks.iter().any(|ask| text.contains(ask)) {
            modes = places::split(&text).0;
            let program = |p: &str| {
                ["/usr/bin/", "/bin/", "/usr/sbin/", "/sbin/", "/dev/"]
                    .iter()
                    .any(|dir| p.starts_with(dir))
            };
            modes.retain(|place| !program(place));
        }
        let expect = &probe.expect;
        Self {
            text: format!(
                "{text}\n{}\n{:?}",
                expect.exit,
                expect.stdout.as_deref().map(str::trim)
            ),
            modes,
        }
    }

    fn covers(&self, other: &Self) -> bool {
        let known = |place: &String| self.modes.iter().any(|p| places::same_place(p, place));
        self.text == other.text || (!other.modes.is_empty() && other.modes.iter().all(known))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::turn::{Expect, Severity};

    fn finding(target: &str, control: &str) -> Finding {
        Finding {
            title: "t".to_owned(),
            detail: "d".to_owned(),
            severity: Severity::P1,
            target: target.to_owned(),
            control: control.to_owned(),
        }
    }

    fn probe(script: &str) -> Probe {
        Probe {
            name: "p".to_owned(),
            run: ProbeRun::Script(script.to_owned()),
            expect: Expect {
                exit: 0,
                stdout: Some("600".to_owned()),
            },
            red: None,
        }
    }

    fn known(outcome: &str, tries: u32, turn: i64) -> Known {
        Known {
            finding: finding("~/.mcp.json", "mode"),
            outcome: outcome.to_owned(),
            why: String::new(),
            tries,
            turn,
            probes: vec![probe("stat -c %a \"$HOME/.mcp.json\"")],
        }
    }

    fn word(found: Seen<'_>) -> &'static str {
        match found {
            Seen::New => "new",
            Seen::Landed(_) => "landed",
            Seen::Waits(_) => "waits",
            Seen::Tried(_) => "tried",
        }
    }

    #[test]
    fn the_table() {
        let same = finding("/home/kyle/.mcp.json", "world-readable");
        let home = Path::new("/home/kyle");
        let table: [(&[(&str, u32)], &str); 10] = [
            (&[], "new"),
            (&[("rejected", 1)], "new"),
            (&[("rejected", 2)], "tried"),
            (&[("rejected", 1), ("rejected", 1)], "tried"),
            (&[("committed", 1)], "landed"),
            (&[("held", 1)], "waits"),
            // Newest first: what was rejected before it landed counts no more.
            (&[("committed", 1), ("rejected", 2)], "landed"),
            (&[("rejected", 1), ("committed", 1)], "landed"),
            (&[("rejected", 2), ("committed", 1)], "tried"),
            // Somebody has decided about it since.
            (&[("rejected", 1), ("held", 1)], "new"),
        ];
        for (past, expected) in table {
            let known: Vec<Known> = past
                .iter()
                .enumerate()
                .map(|(at, (outcome, tries))| {
                    known(outcome, *tries, 9 - i64::try_from(at).unwrap())
                })
                .collect();
            assert_eq!(word(seen(&same, &[], &known, home)), expected, "{past:?}");
            let other = finding("~/exports.sh", "mode");
            assert_eq!(word(seen(&other, &[], &known, home)), "new");
        }
    }

    #[test]
    fn the_same_proof_is_the_same_hole_whatever_it_is_called() {
        let known = [known("committed", 1, 3)];
        let home = Path::new("/home/kyle");
        let renamed = finding("MCP servers", "who sees the tokens");
        for (script, expected) in [
            ("stat -c %a '/home/kyle/.mcp.json'", "landed"),
            (
                "[ \"$(/usr/bin/stat -f %Lp ~/.mcp.json)\" = 600 ]",
                "landed",
            ),
            ("find ~/.mcp.json -perm 0600 | grep -q .", "landed"),
            ("stat -c %a ~/.mcp.json ~/exports.sh", "new"),
            ("stat -c %U ~/.mcp.json", "new"),
            ("grep -q x ~/.mcp.json", "new"),
        ] {
            let found = seen(&renamed, &[probe(script)], &known, home);
            assert_eq!(word(found), expected, "{script}");
        }
        assert_eq!(word(seen(&renamed, &[], &known, home)), "new");
        let both = [
            probe("stat -c %a ~/.mcp.json"),
            probe("stat -c %a ~/exports.sh"),
        ];
        assert_eq!(word(seen(&renamed, &both, &known, home)), "new");
    }
}
