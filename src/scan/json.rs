//! Any tool's JSON: a list of objects, whose fields are called as the configuration says.

use serde_json::Value;

use super::{Candidate, Coverage, Found, MOST};
use crate::turn::Severity;

/// What the fields are called: names, or JSON pointers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields {
    /// Where the list is, as a JSON pointer; empty: the document itself.
    pub items: String,
    /// The check's own name.
    pub id: String,
    /// What is wrong.
    pub title: String,
    /// How bad it is.
    pub severity: String,
    /// What it is about.
    pub target: String,
    /// Whether it is good. Empty: every object is something bad.
    pub status: String,
}

impl Default for Fields {
    fn default() -> Self {
        let word = |text: &str| text.to_owned();
        Self {
            items: String::new(),
            id: word("id"),
            title: word("title"),
            severity: word("severity"),
            target: word("target"),
            status: String::new(),
        }
    }
}

/// Reads a document.
///
/// # Errors
/// When it is none, or has no list at the given place.
pub fn parse(source: &str, text: &str, fields: &Fields) -> Result<Found, String> {
    let document: Value = serde_json::from_str(text).map_err(|e| format!("it is no JSON: {e}"))?;
    let items = document
        .pointer(&fields.items)
        .and_then(Value::as_array)
        .ok_or_else(|| format!("it has no list at \"{}\"", fields.items))?;
    let mut candidates = Vec::new();
    let mut coverage = Coverage {
        source: source.to_owned(),
        ..Coverage::default()
    };
    for item in items {
        let status = if fields.status.is_empty() {
            Some(false)
        } else {
            good(&field(item, &fields.status))
        };
        let id = field(item, &fields.id);
        match status {
            Some(false) if !id.is_empty() => {
                coverage.failed += 1;
                if candidates.len() < MOST {
                    let title = field(item, &fields.title);
                    let title = if title.is_empty() { &id } else { &title };
                    let severity = severity(&field(item, &fields.severity));
                    let target = field(item, &fields.target);
                    candidates.push(Candidate::new(source, &id, title, severity, &target));
                }
            }
            Some(true) => coverage.passed += 1,
            // What is not known is not good.
            _ => coverage.not_checked += 1,
        }
    }
    Ok((candidates, coverage))
}

fn field(item: &Value, name: &str) -> String {
    let found = if name.starts_with('/') {
        item.pointer(name)
    } else {
        item.get(name)
    };
    match found {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(_) | Value::Number(_)) => {
            found.map(ToString::to_string).unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// Whether a status is good, bad, or says nothing.
fn good(status: &str) -> Option<bool> {
    match status.trim().to_lowercase().as_str() {
        "pass" | "passed" | "ok" | "good" | "success" | "compliant" | "true" => Some(true),
        "fail" | "failed" | "bad" | "error" | "noncompliant" | "non-compliant" | "open"
        | "warning" | "warn" | "false" => Some(false),
        _ => None,
    }
}

fn severity(word: &str) -> Severity {
    match word.trim().to_lowercase().as_str() {
        "critical" | "p0" => Severity::P0,
        "high" | "error" | "warning" | "p1" => Severity::P1,
        _ => Severity::P2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_called_as_configured_and_unknown_is_not_good() {
        let text = r#"{"report": {"checks": [
            {"ref": "C1", "info": {"text": "one"}, "sev": "critical", "file": "/etc/x", "state": "FAIL"},
            {"ref": "C2", "info": {"text": "two"}, "sev": "high", "state": "pass"},
            {"ref": "C3", "state": "skipped"},
            {"ref": "C4"},
            {"state": "fail"},
            {"ref": 5, "sev": "odd", "state": false}
        ]}}"#;
        let fields = Fields {
            items: "/report/checks".to_owned(),
            id: "ref".to_owned(),
            title: "/info/text".to_owned(),
            severity: "sev".to_owned(),
            target: "file".to_owned(),
            status: "state".to_owned(),
        };
        let (found, coverage) = parse("x", text, &fields).unwrap();
        let short: Vec<(&str, &str, Severity)> = found
            .iter()
            .map(|c| (c.id.as_str(), c.title.as_str(), c.severity))
            .collect();
        assert_eq!(
            short,
            [("C1", "one", Severity::P0), ("5", "5", Severity::P2)]
        );
        assert_eq!(coverage.to_string(), "x: 2 failed, 1 passed, 3 not checked");

        let (found, _) = parse("x", r#"[{"id": "a"}]"#, &Fields::default()).unwrap();
        assert_eq!(found.len(), 1);
        assert!(parse("x", "{}", &Fields::default()).is_err());
        assert!(parse("x", "[", &Fields::default()).is_err());
    }
}
