//! The calls of a run as its own output tells of them: stream-json with partial messages.
//!
//! `assistant` events repeat what was known when the answer began. The true counts come with the
//! `message_delta` that has a stop reason; one without is the client's own, for an answer that was
//! cut.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use crate::spend::row::{self, CallRow, Row};

/// Characters of an answer that make a token, at least: Claude Code's own estimate.
const LETTERS: u64 = 3;

/// What one event tells of money.
#[derive(Debug)]
pub(super) enum Told {
    /// A call, with all that is known of it.
    Call(Box<CallRow<'static>>),
    /// More of an answer has come; nothing that has to be known at once.
    More,
    /// Usage that can't be read.
    Unreadable(String),
}

/// What was told so far.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// Answers that have begun and not ended, by whom they are for: the main loop, or a tool's call.
    open: BTreeMap<String, Open>,
    /// Answers that were cut: no end of theirs will come.
    cut: Vec<Open>,
    /// Answers that have ended, by their ids.
    ended: BTreeSet<String>,
    /// Whether a request was made of whose answer nothing has come; `None`: it never said so of any.
    asked: Option<bool>,
}

/// An answer under way.
#[derive(Debug, Clone)]
pub(super) struct Open {
    /// Its message as it began, without content.
    message: Map<String, Value>,
    at: DateTime<Utc>,
    letters: u64,
}

impl Stream {
    /// Takes in an event that came at `now`.
    pub(super) fn event(&mut self, event: &Value, now: DateTime<Utc>) -> Option<Told> {
        match text(event, "type") {
            "system" if text(event, "status") == "requesting" => {
                self.asked = Some(true);
                None
            }
            "stream_event" => {
                let whose = text(event, "parent_tool_use_id").to_owned();
                self.piece(whose, event.get("event")?, now)
            }
            // Answers that did not come as a stream have no other events.
            "assistant" if event.get("error").is_none_or(Value::is_null) => {
                let message = without_content(event.get("message")?)?;
                message.get("usage")?;
                told(&message, now)
            }
            _ => None,
        }
    }

    /// Takes in a piece of the answer for `whose`.
    pub(super) fn piece(
        &mut self,
        whose: String,
        event: &Value,
        now: DateTime<Utc>,
    ) -> Option<Told> {
        match text(event, "type") {
            "message_start" => {
                self.asked = self.asked.and(Some(false));
                let message = without_content(event.get("message")?)?;
                let call = told(&message, now);
                let open = Open {
                    message,
                    at: now,
                    letters: 0,
                };
                self.cut.extend(self.open.insert(whose, open));
                call
            }
            "content_block_delta" => {
                let open = self.open.get_mut(&whose)?;
                let delta = event.get("delta")?;
                let letters: usize = ["text", "partial_json", "thinking"]
                    .iter()
                    .map(|field| text(delta, field).chars().count())
                    .sum();
                open.letters += letters as u64;
                Some(Told::More)
            }
            "message_delta" => self.delta(&whose, event, now),
            "message_stop" => {
                self.cut.extend(self.open.remove(&whose));
                None
            }
            _ => None,
        }
    }

    fn delta(&mut self, whose: &str, event: &Value, now: DateTime<Utc>) -> Option<Told> {
        let ended = !text(event.get("delta")?, "stop_reason").is_empty();
        let mut message = self.open.get(whose)?.message.clone();
        if ended {
            self.open.remove(whose);
            self.ended.insert(id(&message).to_owned());
        }
        let usage = message.get_mut("usage").and_then(Value::as_object_mut)?;
        for (name, value) in event.get("usage").and_then(Value::as_object)? {
            if !value.is_null() {
                usage.insert(name.clone(), value.clone());
            }
        }
        told(&message, now)
    }

    /// The answers without an end, as calls with an estimate of their output.
    pub(super) fn unended(&self) -> impl Iterator<Item = CallRow<'static>> {
        let open = self.open.values().chain(&self.cut);
        open.filter_map(|open| match told(&open.message, open.at)? {
            Told::Call(mut call) => {
                let estimate = open.letters.div_ceil(LETTERS);
                call.usage.tokens.output = call.usage.tokens.output.max(estimate);
                Some(*call)
            }
            Told::More | Told::Unreadable(_) => None,
        })
    }

    /// Whether the answer with this id has ended.
    pub(super) fn has_ended(&self, id: Option<&str>) -> bool {
        id.is_some_and(|id| self.ended.contains(id))
    }

    /// Takes in a message that did not come as a stream.
    pub(super) fn whole(&mut self, message: &Value, now: DateTime<Utc>) -> Option<Told> {
        let message = without_content(message)?;
        self.ended.insert(id(&message).to_owned());
        told(&message, now)
    }

    /// Whether a request was made of whose answer nothing has come; `None` where the client does not
    /// tell when it makes one.
    pub(super) fn asked(&self) -> Option<bool> {
        self.asked
    }
}

/// A message's usage, read as a transcript's row of it would be.
fn told(message: &Map<String, Value>, at: DateTime<Utc>) -> Option<Told> {
    let row = json!({
        "type": "assistant",
        "timestamp": at.to_rfc3339_opts(SecondsFormat::Millis, true),
        "message": message,
    });
    match row::read(row.to_string().as_bytes())? {
        Row::Call(call) => Some(Told::Call(Box::new(owned(call)))),
        Row::Unreadable(row) => Some(Told::Unreadable(row.why)),
        Row::State(_) | Row::Other => None,
    }
}

fn owned(call: CallRow<'_>) -> CallRow<'static> {
    let keep = |text: Option<std::borrow::Cow<'_, str>>| text.map(|t| t.into_owned().into());
    CallRow {
        id: keep(call.id),
        uuid: keep(call.uuid),
        session: keep(call.session),
        project: keep(call.project),
        model: call.model.into_owned().into(),
        at: call.at,
        usage: call.usage,
    }
}

fn without_content(message: &Value) -> Option<Map<String, Value>> {
    let mut message = message.as_object()?.clone();
    message.remove("content");
    Some(message)
}

fn id(message: &Map<String, Value>) -> &str {
    message
        .get("id")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
