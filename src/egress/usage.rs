//! Reading along: what an answer of the model's tells of its usage, while it passes.

use serde_json::{Value, json};

/// The longest event, and the longest answer that is none of events.
const MAX: usize = 32 << 20;

/// Whoever pays for calls.
pub trait Till: Send + Sync {
    /// Whether another call may be made.
    ///
    /// # Errors
    /// Why not.
    fn open(&self) -> Result<(), String>;
    /// Ends when no answer is waited for any more.
    fn ended(&self) -> tokio_util::sync::CancellationToken;
    /// A call has been made; nothing of its answer has come.
    fn asked(&self, call: u64);
    /// A call was refused by the service, or never reached it: it costs nothing.
    fn refused(&self, call: u64);
    /// An event of its answer.
    fn event(&self, call: u64, event: &Value);
    /// Nobody can tell what a call costs.
    fn unreadable(&self, why: &str);
}

/// An answer under way.
pub(super) struct Along<'a> {
    till: &'a dyn Till,
    call: u64,
    events: bool,
    held: Vec<u8>,
}

impl<'a> Along<'a> {
    /// Reads the answer to `call`; `events`: it comes as events, else as one document.
    pub(super) fn new(till: &'a dyn Till, call: u64, events: bool) -> Self {
        Self {
            till,
            call,
            events,
            held: Vec::new(),
        }
    }

    /// Takes in a piece.
    pub(super) fn piece(&mut self, bytes: &[u8]) {
        if self.held.len() + bytes.len() > MAX {
            self.till
                .unreadable("an answer of the model is too long to be read along");
            self.held.clear();
            return;
        }
        self.held.extend_from_slice(bytes);
        if !self.events {
            return;
        }
        let Some(end) = memchr::memrchr(b'\n', &self.held) else {
            return;
        };
        let rest = self.held.split_off(end + 1);
        let lines = std::mem::replace(&mut self.held, rest);
        for line in lines.split(|b| *b == b'\n') {
            self.line(line);
        }
    }

    fn line(&self, line: &[u8]) {
        let Some(data) = line.strip_prefix(b"data:") else {
            return;
        };
        if let Ok(event) = serde_json::from_slice::<Value>(data) {
            self.till.event(self.call, &event);
        }
    }

    /// The answer is whole.
    pub(super) fn end(self) {
        if self.events {
            self.line(&self.held);
        } else if let Ok(message) = serde_json::from_slice::<Value>(&self.held)
            && message.get("usage").is_some()
        {
            let whole = json!({"type": "message", "message": message});
            self.till.event(self.call, &whole);
        }
    }
}
