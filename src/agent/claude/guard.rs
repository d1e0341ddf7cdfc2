//! A hook that ran before a tool.

use serde_json::Value;

use super::stream::word;

/// What it gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Guard {
    /// The tool that it guards.
    pub(super) tool: String,
    /// Why it gave no verdict, where it gave none: the client goes on without.
    pub(super) failed: Option<String>,
    /// Its words, where it refused.
    pub(super) refused: Option<String>,
}

impl Guard {
    /// From the event of a hook's end; `None` for hooks on other occasions.
    pub(super) fn of(event: &Value) -> Option<Self> {
        let tool = word(event, "hook_name").strip_prefix("PreToolUse:")?;
        let refused = event["exit_code"].as_i64() == Some(2);
        Some(Self {
            tool: tool.to_owned(),
            failed: no_verdict(event),
            refused: refused.then(|| word(event, "stderr").trim().to_owned()),
        })
    }
}

/// The client takes broken JSON for a good end, too.
fn no_verdict(event: &Value) -> Option<String> {
    let (outcome, said) = (word(event, "outcome"), word(event, "stdout").trim());
    if outcome != "success" {
        let said = word(event, "stderr");
        return Some(format!(
            "{outcome}, exit code {}: {said}",
            event["exit_code"]
        ));
    }
    (said.starts_with('{') && serde_json::from_str::<Value>(said).is_err())
        .then(|| format!("broken JSON: {said}"))
}
