//! SARIF 2.1.0, as far as results and rules go.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Candidate, Coverage, Found, MOST};
use crate::turn::Severity;

/// Reads a log.
///
/// # Errors
/// When it is none.
pub fn parse(source: &str, text: &str) -> Result<Found, String> {
    let log: Value = serde_json::from_str(text).map_err(|e| format!("it is no JSON: {e}"))?;
    let runs = log["runs"]
        .as_array()
        .ok_or("it is no SARIF: it has no runs")?;
    let mut candidates = Vec::new();
    let mut coverage = Coverage {
        source: source.to_owned(),
        ..Coverage::default()
    };
    let mut failed = BTreeSet::new();
    for run in runs {
        let rules = run["tool"]["driver"]["rules"].as_array();
        let rules: &[Value] = rules.map_or(&[], Vec::as_slice);
        for result in run["results"].as_array().into_iter().flatten() {
            let rule = rules.iter().enumerate().find(|(at, rule)| {
                rule["id"] == result["ruleId"] && rule["id"].is_string()
                    || result["ruleIndex"].as_u64() == u64::try_from(*at).ok()
            });
            let rule = rule.map_or(&Value::Null, |(_, rule)| rule);
            let Some(id) = result["ruleId"].as_str().or(rule["id"].as_str()) else {
                coverage.not_checked += 1;
                continue;
            };
            // Somebody has decided to live with it: it is not good, and no finding either.
            let suppressed = result["suppressions"].as_array().is_some_and(|all| {
                all.iter()
                    .any(|s| s["status"].as_str().is_none_or(|s| s == "accepted"))
            });
            match result["kind"].as_str().unwrap_or("fail") {
                "pass" => coverage.passed += 1,
                "fail" if !suppressed => {
                    failed.insert(id.to_owned());
                    if candidates.len() < MOST {
                        candidates.push(candidate(source, id, result, rule));
                    }
                }
                // Also `open`, `review`, `notApplicable` and what is not known.
                _ => coverage.not_checked += 1,
            }
        }
        let well = |one: &Value| one["executionSuccessful"] == Value::Bool(true);
        let invocations = run["invocations"].as_array();
        if invocations.is_some_and(|all| !all.iter().all(well)) {
            "it says itself that it did not end well".clone_into(&mut coverage.note);
        }
    }
    coverage.failed = failed.len();
    Ok((candidates, coverage))
}

fn candidate(source: &str, id: &str, result: &Value, rule: &Value) -> Candidate {
    let text = |value: &Value| value["text"].as_str().map(str::to_owned);
    let title = text(&result["message"])
        .or_else(|| text(&rule["shortDescription"]))
        .or_else(|| rule["name"].as_str().map(str::to_owned))
        .unwrap_or_else(|| id.to_owned());
    let place = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    let target = place.as_str().unwrap_or_default();
    Candidate::new(source, id, &title, severity(result, rule), target)
}

/// The number that security tools add, or the level.
fn severity(result: &Value, rule: &Value) -> Severity {
    let score = [result, rule].into_iter().find_map(|of| {
        let score = &of["properties"]["security-severity"];
        score.as_f64().or_else(|| score.as_str()?.parse().ok())
    });
    if let Some(score) = score {
        return match score {
            9.0.. => Severity::P0,
            7.0.. => Severity::P1,
            _ => Severity::P2,
        };
    }
    let level = result["level"].as_str();
    match level.or(rule["defaultConfiguration"]["level"].as_str()) {
        Some("error") => Severity::P1,
        _ => Severity::P2,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn results_by_kind_rule_and_level() {
        let log = json!({"version": "2.1.0", "runs": [{
            "tool": {"driver": {"name": "x", "rules": [
                {"id": "R1", "shortDescription": {"text": "one"}, "properties": {"security-severity": "9.8"}},
                {"id": "R2", "defaultConfiguration": {"level": "error"}},
            ]}},
            "results": [
                {"ruleId": "R1", "locations": [{"physicalLocation": {"artifactLocation": {"uri": "a.yml"}}}]},
                {"ruleIndex": 1, "message": {"text": "two"}},
                {"ruleId": "R3", "level": "note", "message": {"text": "three"}},
                {"ruleId": "R4", "kind": "pass"},
                {"ruleId": "R5", "kind": "notApplicable"},
                {"ruleId": "R6", "kind": "review"},
                {"ruleId": "R7", "kind": "whatever"},
                {"ruleId": "R8", "suppressions": [{"kind": "external"}]},
                {"ruleId": "R9", "suppressions": [{"kind": "external", "status": "rejected"}]},
                {"message": {"text": "nobody's"}},
            ],
        }]});
        let (found, coverage) = parse("x", &log.to_string()).unwrap();
        let short: Vec<(&str, &str, Severity)> = found
            .iter()
            .map(|c| (c.id.as_str(), c.title.as_str(), c.severity))
            .collect();
        assert_eq!(
            short,
            [
                ("R1", "one", Severity::P0),
                ("R2", "two", Severity::P1),
                ("R3", "three", Severity::P2),
                ("R9", "R9", Severity::P2),
            ]
        );
        assert_eq!(found[0].target, "a.yml");
        assert_eq!(coverage.to_string(), "x: 4 failed, 1 passed, 5 not checked");
    }

    #[test]
    fn an_empty_log_checks_nothing_and_one_that_failed_says_so() {
        let (found, coverage) = parse("x", r#"{"runs":[]}"#).unwrap();
        assert!(found.is_empty());
        assert_eq!(coverage.to_string(), "x: not checked");
        let broken = json!({"runs": [{"invocations": [{"executionSuccessful": false}]}]});
        let (_, coverage) = parse("x", &broken.to_string()).unwrap();
        assert!(coverage.to_string().contains("did not end well"));
        for none in ["", "{}", "[]", "{\"runs\": 7}"] {
            assert!(parse("x", none).is_err(), "{none}");
        }
    }
}
