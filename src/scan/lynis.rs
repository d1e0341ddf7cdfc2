//! Lynis's report: `key=value` and `key[]=value` lines.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDateTime, TimeZone as _, Utc};
use chrono_tz::Tz;

use super::{Candidate, Coverage, Found, MOST};
use crate::turn::Severity;

const SOURCE: &str = "lynis";

/// Reads a report. Its times are of the machine's own zone.
///
/// # Errors
/// When it is no report of Lynis's.
pub fn parse(text: &str, now: DateTime<Utc>, zone: Tz) -> Result<Found, String> {
    let mut candidates = Vec::new();
    let (mut executed, mut skipped, mut failed) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let (mut version, mut at, mut ended) = (false, None, false);
    for line in text.lines() {
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        match key {
            "report_version_major" => version = true,
            "report_datetime_start" => at = when(value, zone),
            "report_datetime_end" => {
                ended = true;
                at = when(value, zone).or(at);
            }
            "tests_executed" => executed.extend(ids(value)),
            "tests_skipped" => skipped.extend(ids(value)),
            "warning[]" | "suggestion[]" => {
                let mut parts = value.split('|').map(str::trim);
                let id = parts.next().unwrap_or_default();
                let title = parts.next().unwrap_or_default();
                // Lynis's remarks about itself.
                if id.is_empty() || id == "LYNIS" {
                    continue;
                }
                let detail = parts.next().filter(|d| !["", "-"].contains(d));
                let severity = match key {
                    "warning[]" => Severity::P1,
                    _ => Severity::P2,
                };
                failed.insert(id.to_owned());
                if candidates.len() < MOST {
                    let detail = detail.unwrap_or_default();
                    candidates.push(Candidate::new(SOURCE, id, title, severity, detail));
                }
            }
            _ => {}
        }
    }
    if !version {
        return Err("it is no report of Lynis's".to_owned());
    }
    let mut notes = Vec::new();
    if !ended {
        notes.push("the audit did not end: what it did not come to is not known");
    }
    if executed.is_empty() {
        notes.push("it does not tell what it executed");
    }
    // Without an end, what was executed and said nothing is not known to be good either.
    let good = executed.difference(&failed).count();
    let coverage = Coverage {
        source: SOURCE.to_owned(),
        passed: if ended { good } else { 0 },
        failed: failed.len(),
        not_checked: skipped.difference(&failed).count() + if ended { 0 } else { good },
        age: at.map(|at| (now - at).num_seconds().max(0)),
        note: notes.join("; "),
    };
    if at.is_none() {
        return Err("it does not tell when it was made".to_owned());
    }
    Ok((candidates, coverage))
}

fn when(text: &str, zone: Tz) -> Option<DateTime<Utc>> {
    let local = NaiveDateTime::parse_from_str(text.trim(), "%Y-%m-%d %H:%M:%S").ok()?;
    Some(
        zone.from_local_datetime(&local)
            .earliest()?
            .with_timezone(&Utc),
    )
}

fn ids(value: &str) -> impl Iterator<Item = String> {
    value
        .split('|')
        .map(str::trim)
        .filter(|id| !id.is_empty())
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "# Lynis Report\nreport_version_major=1\nreport_version_minor=0\n\
        report_datetime_start=2026-11-28 06:00:00\nlynis_version=3.0.8\n\
        suggestion[]=LYNIS|This release is old.|-|-|\n\
        warning[]=FIRE-4512|iptables module(s) loaded, but no rules active|-|-|\n\
        suggestion[]=AUTH-9286|Configure minimum password age in /etc/login.defs|-|-|\n\
        suggestion[]=AUTH-9286|Configure maximum password age in /etc/login.defs|-|-|\n\
        suggestion[]=SSH-7408|Consider hardening SSH configuration|AllowTcpForwarding (set YES to NO)|-|\n\
        tests_executed=FIRE-4512|AUTH-9286|SSH-7408|FILE-6310|KRNL-5820|\n\
        tests_skipped=BOOT-5106|MAIL-8860|\n\
        report_datetime_end=2026-11-28 06:05:00\nfinish=true\n";

    fn now() -> DateTime<Utc> {
        "2026-11-28T12:05:00Z".parse().unwrap()
    }

    #[test]
    fn warnings_and_suggestions_with_what_was_looked_at() {
        let (found, coverage) = parse(REPORT, now(), Tz::UTC).unwrap();
        let short: Vec<(&str, Severity)> =
            found.iter().map(|c| (c.id.as_str(), c.severity)).collect();
        assert_eq!(
            short,
            [
                ("FIRE-4512", Severity::P1),
                ("AUTH-9286", Severity::P2),
                ("AUTH-9286", Severity::P2),
                ("SSH-7408", Severity::P2)
            ]
        );
        assert_eq!(found[3].target, "AllowTcpForwarding (set YES to NO)");
        assert_eq!(
            coverage.to_string(),
            "lynis: 3 failed, 2 passed, 2 not checked, 6 h old"
        );
        // In another zone it is older.
        let (_, coverage) = parse(REPORT, now(), Tz::Asia__Tokyo).unwrap();
        assert_eq!(coverage.age, Some(15 * 3_600));
    }

    #[test]
    fn an_audit_that_did_not_end_lets_nothing_pass() {
        let torn = REPORT.split("report_datetime_end").next().unwrap();
        let (found, coverage) = parse(torn, now(), Tz::UTC).unwrap();
        assert_eq!(found.len(), 4);
        assert_eq!((coverage.passed, coverage.not_checked), (0, 4));
        assert!(coverage.note.contains("did not end"));
        let early = REPORT.split("tests_executed").next().unwrap();
        let (_, coverage) = parse(early, now(), Tz::UTC).unwrap();
        assert_eq!((coverage.passed, coverage.not_checked), (0, 0));
        assert!(coverage.note.contains("does not tell what"));
    }

    #[test]
    fn what_is_no_report_is_an_error() {
        for text in [
            "",
            "warning[]=A|b|-|-|\n",
            "report_version_major=1\n",
            "\u{1b}[31m",
        ] {
            assert!(parse(text, now(), Tz::UTC).is_err(), "{text}");
        }
    }

    #[test]
    fn what_it_says_is_bounded_and_printable() {
        let text = format!(
            "report_version_major=1\nreport_datetime_end=2026-11-28 06:05:00\n{}",
            format!("warning[]=X-1|\u{1b}]0;x {}|-|-|\n", "y".repeat(900)).repeat(600)
        );
        let (found, _) = parse(&text, now(), Tz::UTC).unwrap();
        assert_eq!(found.len(), MOST);
        assert!(found[0].title.chars().count() <= 201 && !found[0].title.contains('\u{1b}'));
    }
}
