//! Tool calls whose fate is known: ordinary ones that must pass, dangerous ones that must not.

use std::path::Path;

use serde_json::Value;

const ALLOW: &str = include_str!("../corpus/allow.jsonl");
const DENY: &str = include_str!("../corpus/deny.jsonl");

/// What hooks should do with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wanted {
    /// Let it pass.
    Allow,
    /// Deny it.
    Deny,
}

/// One call of the corpus.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// Its fate.
    pub wanted: Wanted,
    /// The tool.
    pub tool: String,
    /// The tool's input, as JSON.
    pub input: String,
}

impl Call {
    /// In one line, for a message.
    pub fn shown(&self) -> String {
        let input: Value = serde_json::from_str(&self.input).unwrap_or_default();
        let first = input
            .as_object()
            .and_then(|o| o.values().next())
            .and_then(Value::as_str);
        crate::text::one_line(&format!("{} {}", self.tool, first.unwrap_or_default()), 120)
    }
}

/// The corpus for a workstation whose home directory is `home`.
///
/// # Panics
/// Never: the embedded lines are read by a test.
pub fn corpus(home: &Path) -> Vec<Call> {
    let home = home.to_string_lossy();
    // Inside JSON strings.
    let home = Value::from(home.as_ref()).to_string();
    let home = home.trim_matches('"');
    let read = |text: &str, wanted: Wanted| -> Vec<Call> {
        text.lines()
            .filter(|l| !l.trim().is_empty())
            .filter_map(|l| parse(&l.replace("{HOME}", home), wanted))
            .collect()
    };
    let mut calls = read(ALLOW, Wanted::Allow);
    calls.extend(read(DENY, Wanted::Deny));
    calls
}

fn parse(line: &str, wanted: Wanted) -> Option<Call> {
    let value: Value = serde_json::from_str(line).ok()?;
    Some(Call {
        wanted,
        tool: value.get("tool_name")?.as_str()?.to_owned(),
        input: value.get("tool_input")?.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_embedded_corpus_is_a_call() {
        let lines = |text: &str| text.lines().filter(|l| !l.trim().is_empty()).count();
        let calls = corpus(Path::new("/home/a \"b\""));
        assert_eq!(calls.len(), lines(ALLOW) + lines(DENY));
        assert!(calls.iter().all(|c| !c.input.contains("{HOME}")));
        assert!(calls.iter().filter(|c| c.wanted == Wanted::Allow).count() >= 60);
        let distinct: std::collections::BTreeSet<_> = calls.iter().collect();
        assert_eq!(distinct.len(), calls.len());
    }
}
