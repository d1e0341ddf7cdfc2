//! What the command line says while it works: one JSON event a line. Only structured events count;
//! the model's words are shown, never believed.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::guard::Guard;
use super::watch::Watch;
use crate::config::Secret;
use crate::text::{one_line, redact};

/// Longest line shown to people, in characters.
const MAX_SHOWN: usize = 200;
/// Lines kept for the record.
const TAIL: usize = 10;
/// Attempts in a row with a refused credential that end a run.
pub(super) const UNAUTHORIZED: u32 = 2;
/// A sign of life at least every so many pieces of a long answer.
const PIECES: u32 = 50;
const STATUS: &str = "system: status";
const ANSWERS: &str = "the model answers";
const ANSWERING: &str = "the model is still answering";

/// A tool's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ToolResult {
    /// The tool's name; empty when the call was not seen.
    pub(super) tool: String,
    /// Whether the tool failed or was refused.
    pub(super) is_error: bool,
    /// What it gave.
    pub(super) text: String,
}

/// What was seen so far.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The last `result` event.
    pub(super) result: Option<Value>,
    /// The `result` event of a run that was asked to end: what it had cost by then. It tells nothing
    /// about how the run ended, which is known already.
    pub(super) parting: Option<Value>,
    /// Answers of tools, in order.
    pub(super) tools: Vec<ToolResult>,
    /// Hooks that ran before tools, in order; only where they are asked for.
    pub(super) guards: Vec<Guard>,
    /// Whether its guard was asked about everything that it did.
    pub(super) watch: Watch,
    /// Whether it gave any event: without one it never came to its work.
    pub(super) heard: bool,
    /// Attempts in a row that were refused for the credential.
    pub(super) unauthorized: u32,
    /// Whether a usage limit was announced.
    pub(super) limited: bool,
    /// When that limit ends.
    pub(super) reset: Option<DateTime<Utc>>,
    /// Whether any answer of the model has begun: from here on money is spent.
    pub(super) answered: bool,
    /// Whether the last thing heard was a failed attempt to reach the model.
    pub(super) retrying: Option<String>,
    /// The error class of the last answer that is an error, such as `billing_error`.
    pub(super) error: Option<String>,
    calls: BTreeMap<String, String>,
    tail: VecDeque<String>,
    pieces: u32,
    secrets: Vec<Secret>,
}

impl Seen {
    /// Nothing yet; `secrets` are taken out of whatever is shown.
    pub(super) fn new(secrets: Vec<Secret>) -> Self {
        Self {
            secrets: secrets.into_iter().filter(|s| !s.is_empty()).collect(),
            ..Self::default()
        }
    }

    /// Takes one line of standard output, and gives a line for people where it says something.
    pub(super) fn line(&mut self, line: &str) -> Option<String> {
        let shown = match serde_json::from_str::<Value>(line) {
            Ok(event) if event.is_object() => self.event(&event)?,
            _ => format!("not an event: {line}"),
        };
        Some(self.show(&shown))
    }

    /// Takes one line of standard output of a run that was asked to end.
    pub(super) fn parting_line(&mut self, line: &str) -> Option<String> {
        let event: Value = serde_json::from_str(line).ok()?;
        if word(&event, "type") != "result" {
            return None;
        }
        let shown = format!("result: {}", word(&event, "subtype"));
        self.parting = Some(event);
        Some(self.show(&shown))
    }

    /// Takes one line of standard error.
    pub(super) fn aside(&mut self, line: &str) -> Option<String> {
        (!line.trim().is_empty()).then(|| self.show(&format!("stderr: {line}")))
    }

    /// The last lines that were shown.
    pub(super) fn tail(&self) -> Vec<String> {
        self.tail.iter().cloned().collect()
    }

    /// The tool calls that its guard refused.
    pub(super) fn refused_calls(&self) -> Vec<String> {
        let lines = self.watch.refused();
        lines.map(|line| self.clean(line)).collect()
    }

    /// One bounded line without credentials.
    pub(super) fn clean(&self, text: &str) -> String {
        let text = self.secrets.iter().fold(text.to_owned(), |text, secret| {
            text.replace(secret.expose(), "[redacted]")
        });
        one_line(&redact(&text), MAX_SHOWN)
    }

    /// Whether `text` gives the credential away.
    pub(super) fn betrays(&self, text: &str) -> bool {
        self.secrets
            .iter()
            .any(|secret| text.contains(secret.expose()))
    }

    fn show(&mut self, text: &str) -> String {
        let line = self.clean(text);
        // A sign of life, but nothing that tells anything afterwards.
        if ![STATUS, ANSWERS, ANSWERING].contains(&line.as_str()) {
            if self.tail.len() == TAIL {
                self.tail.pop_front();
            }
            self.tail.push_back(line.clone());
        }
        line
    }

    fn event(&mut self, event: &Value) -> Option<String> {
        self.heard = true;
        let kind = word(event, "type");
        if !(kind == "system" && word(event, "subtype") == "api_retry") {
            self.retrying = None;
        }
        match kind {
            "system" => Some(self.system(event)),
            "stream_event" => self.piece(&event["event"]),
            "assistant" => self.assistant(event),
            "user" => self.user(event),
            "rate_limit_event" => Some(self.rate_limit(&event["rate_limit_info"])),
            "result" => {
                self.result = Some(event.clone());
                Some(format!("result: {}", word(event, "subtype")))
            }
            other => Some(format!("event: {other}")),
        }
    }

    fn system(&mut self, event: &Value) -> String {
        match word(event, "subtype") {
            "init" => {
                let version = word(event, "claude_code_version");
                self.watch.client(version);
                format!("started: version {version}, model {}", word(event, "model"))
            }
            "api_retry" => {
                let status = event["error_status"].as_u64();
                if status == Some(401) {
                    self.unauthorized += 1;
                }
                let text = format!(
                    "attempt {} of {} failed: {} {}",
                    event["attempt"],
                    event["max_retries"],
                    status.map_or_else(String::new, |s| s.to_string()),
                    word(event, "error")
                );
                self.retrying = Some(text.clone());
                text
            }
            "hook_response" => {
                if let Some(guard) = Guard::of(event) {
                    self.watch.asked(&guard);
                    self.guards.push(guard);
                }
                format!(
                    "hook {}: {}",
                    word(event, "hook_name"),
                    word(event, "outcome")
                )
            }
            other => format!("system: {other}"),
        }
    }

    fn piece(&mut self, event: &Value) -> Option<String> {
        if word(event, "type") == "message_start" {
            self.answered = true;
            self.pieces = 0;
            // Once given up it stays so.
            if self.unauthorized < UNAUTHORIZED {
                self.unauthorized = 0;
            }
            return Some(ANSWERS.to_owned());
        }
        self.pieces += 1;
        self.pieces
            .is_multiple_of(PIECES)
            .then(|| ANSWERING.to_owned())
    }

    fn assistant(&mut self, event: &Value) -> Option<String> {
        // An error of the client's own is shown as an answer, too, and costs nothing.
        match event.get("error").and_then(Value::as_str) {
            Some(error) => self.error = Some(error.to_owned()),
            None => self.answered = true,
        }
        let mut shown = Vec::new();
        for block in event["message"]["content"].as_array().into_iter().flatten() {
            match word(block, "type") {
                "text" => shown.push(word(block, "text").to_owned()),
                "tool_use" => {
                    let name = word(block, "name");
                    self.calls
                        .insert(word(block, "id").to_owned(), name.to_owned());
                    shown.push(format!("{name}: {}", subject(&block["input"])));
                }
                _ => (),
            }
        }
        (!shown.is_empty()).then(|| shown.join("; "))
    }

    fn user(&mut self, event: &Value) -> Option<String> {
        let mut shown = Vec::new();
        for block in event["message"]["content"].as_array().into_iter().flatten() {
            if word(block, "type") != "tool_result" {
                continue;
            }
            let result = ToolResult {
                tool: self
                    .calls
                    .get(word(block, "tool_use_id"))
                    .cloned()
                    .unwrap_or_default(),
                is_error: block["is_error"].as_bool().unwrap_or(false),
                text: content(&block["content"]),
            };
            shown.push(if result.is_error {
                format!("{} failed: {}", result.tool, result.text)
            } else {
                format!("{} done", result.tool)
            });
            self.watch.answered(&result);
            self.tools.push(result);
        }
        (!shown.is_empty()).then(|| shown.join("; "))
    }

    fn rate_limit(&mut self, info: &Value) -> String {
        let status = word(info, "status");
        if status == "rejected" {
            self.limited = true;
            self.reset = info["resetsAt"]
                .as_i64()
                .and_then(|at| DateTime::from_timestamp(at, 0));
        }
        format!("usage limit: {status} {}", word(info, "rateLimitType"))
    }
}

/// Whether a line is the event after which there is nothing more to come.
pub(super) fn is_result(line: &str) -> bool {
    // Most lines are not, and some are long.
    line.contains(r#""result""#)
        && serde_json::from_str::<Value>(line).is_ok_and(|event| word(&event, "type") == "result")
}

/// A string field; empty when absent.
pub(super) fn word<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// What a tool call is about.
fn subject(input: &Value) -> &str {
    ["command", "file_path", "pattern", "outcome"]
        .iter()
        .find_map(|field| input.get(field).and_then(Value::as_str))
        .unwrap_or("…")
}

/// A tool result's content: a string, or blocks of text.
fn content(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => blocks
            .iter()
            .map(|b| word(b, "text"))
            .collect::<Vec<_>>()
            .join("\n"),
        _ => String::new(),
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
