//! The calls of a run as they go over the wire, told by the egress proxy: also those that its output
//! and its transcripts are silent about, and whether a call was made at all.

use std::collections::BTreeSet;

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::meter::Meter;
use super::stream::Stream;
use crate::egress::Till;

/// What was read along.
#[derive(Debug, Default)]
pub(super) struct Wire {
    stream: Stream,
    /// Calls of whose answer nothing has come.
    waiting: BTreeSet<u64>,
    /// Whether there was any call.
    used: bool,
    /// Whether no call can go another way.
    all: bool,
}

impl Wire {
    pub(super) fn stream(&self) -> &Stream {
        &self.stream
    }

    /// How many calls have no answer; `None`: nobody reads along.
    pub(super) fn unanswered(&self) -> Option<u64> {
        (self.used || self.all).then_some(self.waiting.len() as u64)
    }

    /// Whether it knows of every call.
    pub(super) fn knows_all(&self) -> bool {
        self.all
    }
}

impl Meter {
    /// No call of the run goes another way than over the wire.
    pub fn sees_all(&self) {
        self.state().wire.all = true;
    }
}

impl Till for Meter {
    fn open(&self) -> Result<(), String> {
        match self.reached() {
            Some(reached) => Err(reached.to_string()),
            None if self.ended().is_cancelled() => Err("the run has ended".to_owned()),
            None => Ok(()),
        }
    }

    fn ended(&self) -> CancellationToken {
        Meter::ended(self).clone()
    }

    fn asked(&self, call: u64) {
        let mut state = self.state();
        state.wire.used = true;
        state.wire.waiting.insert(call);
    }

    fn refused(&self, call: u64) {
        self.state().wire.waiting.remove(&call);
    }

    fn event(&self, call: u64, event: &Value) {
        let now = self.now();
        let mut state = self.state();
        let kind = event
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if matches!(kind, "message" | "message_start") {
            state.wire.waiting.remove(&call);
        }
        let stream = &mut state.wire.stream;
        let told = if kind == "message" {
            event.get("message").and_then(|m| stream.whole(m, now))
        } else {
            stream.piece(call.to_string(), event, now)
        };
        self.told(&mut state, told);
    }

    fn unreadable(&self, why: &str) {
        self.unknown(why.to_owned());
    }
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
