//! Reading an agent's report: strict, and bounded in length.

use crate::memory::MAX_TEXT as MAX_TEXT_OF_FACT;
use crate::turn::{Report, ReportOutcome};

/// Longest accepted report, in bytes.
const MAX_REPORT: usize = 64 * 1024;
/// Longest accepted title and other one-line texts, in characters.
const MAX_LINE: usize = 160;
/// Longest accepted paragraph, in characters.
const MAX_TEXT: usize = 2_000;
/// Longest accepted probe script or argument, in characters.
const MAX_PROBE: usize = 8_000;
/// Most probes in one report.
const MAX_PROBES: usize = 8;
/// Highest exit code that a probe may expect.
const MAX_EXIT: i32 = 125;

/// Parses and checks a report.
///
/// # Errors
/// A sentence that names what is missing, unknown, contradictory or too long.
pub fn parse(json: &str) -> Result<Report, String> {
    if json.len() > MAX_REPORT {
        return Err(format!(
            "the report is {} bytes long, at most {MAX_REPORT} are taken",
            json.len()
        ));
    }
    let report: Report =
        serde_json::from_str(json).map_err(|e| format!("the report is malformed: {e}"))?;
    check(&report)?;
    Ok(report)
}

fn check(report: &Report) -> Result<(), String> {
    line("change", &report.change, MAX_TEXT)?;
    line("verification", &report.verification, MAX_TEXT)?;
    if report.observations.len() > Report::OBSERVATIONS {
        return Err(format!(
            "at most {} observations are taken",
            Report::OBSERVATIONS
        ));
    }
    for said in &report.observations {
        filled("observations", said, MAX_TEXT_OF_FACT)?;
    }
    match report.outcome {
        ReportOutcome::Improvement => {
            let finding = report
                .finding
                .as_ref()
                .ok_or("an improvement needs a finding")?;
            filled("finding.title", &finding.title, MAX_LINE)?;
            filled("finding.detail", &finding.detail, MAX_TEXT)?;
            filled("finding.target", &finding.target, MAX_LINE)?;
            filled("finding.control", &finding.control, MAX_LINE)?;
            filled("change", &report.change, MAX_TEXT)?;
            if report.probes.is_empty() {
                return Err("an improvement needs at least one probe".to_owned());
            }
            if report.probes.len() > MAX_PROBES {
                return Err(format!("at most {MAX_PROBES} probes are taken"));
            }
            let mut names = std::collections::BTreeSet::new();
            for probe in &report.probes {
                filled("probe.name", &probe.name, MAX_LINE)?;
                if !names.insert(&probe.name) {
                    return Err(format!("two probes are called \"{}\"", probe.name));
                }
                // A shell exits with 126 and more when there was nothing to run.
                for expect in std::iter::once(&probe.expect).chain(&probe.red) {
                    if !(0..=MAX_EXIT).contains(&expect.exit) {
                        return Err(format!(
                            "probe \"{}\" expects exit {}, which is not from 0 to {MAX_EXIT}",
                            probe.name, expect.exit
                        ));
                    }
                }
                if probe.red.as_ref() == Some(&probe.expect) {
                    return Err(format!(
                        "probe \"{}\" is to give the same, whether the hole is open or closed",
                        probe.name
                    ));
                }
                let words: Vec<&str> = match &probe.run {
                    crate::turn::ProbeRun::Argv(argv) => argv.iter().map(String::as_str).collect(),
                    crate::turn::ProbeRun::Script(script) => vec![script],
                };
                if words.first().is_none_or(|w| w.trim().is_empty()) {
                    return Err(format!("probe \"{}\" runs nothing", probe.name));
                }
                for word in words {
                    line("probe.run", word, MAX_PROBE)?;
                }
            }
            Ok(())
        }
        ReportOutcome::NothingMaterial => Ok(()),
        ReportOutcome::Blocked => {
            let question = report.blocked_on.as_deref().unwrap_or_default();
            filled("blocked_on", question, MAX_TEXT)
        }
    }
}

fn filled(name: &str, text: &str, max: usize) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err(format!("the report lacks {name}"));
    }
    line(name, text, max)
}

fn line(name: &str, text: &str, max: usize) -> Result<(), String> {
    let length = text.chars().count();
    if length > max {
        return Err(format!(
            "{name} has {length} characters, at most {max} are taken"
        ));
    }
    if text.contains('\0') {
        return Err(format!("{name} contains a NUL character"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_probe_expects_an_exit_of_its_own() {
        for (exit, good) in [
            (0, true),
            (2, true),
            (125, true),
            (126, false),
            (127, false),
            (137, false),
            (-1, false),
        ] {
            let report = serde_json::json!({
                "outcome": "improvement",
                "finding": {"title": "t", "detail": "d", "severity": "P0", "target": "a.sh",
                            "control": "c"},
                "change": "c",
                "probes": [{"name": "p", "run": "true", "expect": {"exit": exit}}],
                "verification": "v",
            });
            let parsed = parse(&report.to_string());
            assert_eq!(parsed.is_ok(), good, "{exit}: {parsed:?}");
            if let Err(why) = parsed {
                assert!(why.contains("from 0 to 125"), "{why}");
            }
        }
    }
}
