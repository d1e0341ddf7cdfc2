//! A workstation's past: transcripts with tool calls and their answers.

use std::path::Path;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::transcripts::file_in;

/// Now, as the program under test takes it.
pub(crate) fn now() -> DateTime<Utc> {
    secloop::clock::Clock::system(chrono_tz::UTC).now()
}

/// Tool calls that become a transcript.
#[derive(Debug, Default)]
pub(crate) struct PastCalls {
    lines: Vec<String>,
}

impl PastCalls {
    /// A call that was answered; `failed`: with an error.
    pub(crate) fn call(&mut self, at: DateTime<Utc>, tool: &str, input: &Value, failed: bool) {
        let id = format!("toolu_{}", self.lines.len());
        let line = |kind: &str, block: Value| {
            json!({
                "type": kind, "timestamp": at.to_rfc3339(), "cwd": "/home/a/project",
                "requestId": format!("req_{id}"),
                "message": {
                    "id": format!("msg_{id}"), "role": kind, "content": [block],
                    "model": "claude-haiku-4-5",
                    "usage": {"input_tokens": 1, "output_tokens": 1},
                },
            })
            .to_string()
        };
        self.lines.push(line(
            "assistant",
            json!({"type": "tool_use", "id": id, "name": tool, "input": input}),
        ));
        self.lines.push(line(
            "user",
            json!({"type": "tool_result", "tool_use_id": id, "content": "x", "is_error": failed}),
        ));
    }

    /// A shell command that succeeded.
    pub(crate) fn bash(&mut self, at: DateTime<Utc>, command: &str) {
        self.call(at, "Bash", &json!({ "command": command }), false);
    }

    /// Writes the transcript below a root.
    pub(crate) fn write(&self, root: &Path) {
        file_in(root, "project/session.jsonl", self.lines.join("\n") + "\n");
    }
}
