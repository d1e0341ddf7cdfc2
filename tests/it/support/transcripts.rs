//! Transcripts as Claude Code writes them, for the tests of spend.

use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use secloop::spend::{DayQuery, DaySpend, OwnRun, Reading, day, day_indexed};
use serde_json::{Value, json};

/// The day that the tests look at, and its zone.
pub(crate) const TODAY: &str = "2026-11-20";
pub(crate) const ZONE: Tz = Tz::America__Toronto;
/// When they look.
const TONIGHT: &str = "2026-11-20T23:00:00-05:00";

/// A config directory of Claude Code in a temporary place.
pub(crate) struct Transcripts {
    dir: tempfile::TempDir,
}

impl Transcripts {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    /// The place that holds all roots.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.dir.path().join("claude")
    }

    /// Writes a file below the first root's `projects/`.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        file_in(&self.root(), name, content)
    }

    /// The usual day with the first root.
    pub(crate) fn day(&self) -> DaySpend {
        day_with(&[], &[self.root()])
    }
}

/// Writes a file below a root's `projects/`.
pub(crate) fn file_in(root: &Path, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = root.join("projects").join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, content).unwrap();
    path
}

/// The usual day with these roots.
pub(crate) fn day_with(own: &[OwnRun], roots: &[PathBuf]) -> DaySpend {
    day_at(TODAY, TONIGHT, own, roots)
}

/// The question for the usual day.
pub(crate) fn today(roots: &[PathBuf]) -> DayQuery<'_> {
    DayQuery {
        roots,
        zone: ZONE,
        date: TODAY.parse::<NaiveDate>().unwrap(),
        now: instant(TONIGHT),
        own: &[],
    }
}

/// Any day, at any present.
pub(crate) fn day_at(date: &str, now: &str, own: &[OwnRun], roots: &[PathBuf]) -> DaySpend {
    day_in(ZONE, date, now, own, roots)
}

/// Any day of any zone.
pub(crate) fn day_in(
    zone: Tz,
    date: &str,
    now: &str,
    own: &[OwnRun],
    roots: &[PathBuf],
) -> DaySpend {
    let query = DayQuery {
        roots,
        zone,
        date: date.parse::<NaiveDate>().unwrap(),
        now: instant(now),
        own,
    };
    let plain = day(&query);
    // By the index it is the same: while that is made, and from what it keeps.
    let state = tempfile::tempdir().unwrap();
    for look in ["cold", "warm"] {
        assert_eq!(indexed(&query, state.path()), plain, "{look}");
    }
    plain
}

/// The day by the index that is kept in a directory.
pub(crate) fn indexed(query: &DayQuery<'_>, dir: &Path) -> DaySpend {
    let reading = Reading {
        dir,
        early: false,
        progress: &|_| {},
    };
    day_indexed(query, reading)
}

pub(crate) fn instant(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

/// A row of an assistant's answer; a test changes what it is about.
#[derive(Clone)]
pub(crate) struct Row(pub(crate) Value);

/// A call of `claude-opus-5`: 1,000 input and 100 output tokens, 7,500 micro-dollars, at noon.
pub(crate) fn row(id: &str) -> Row {
    Row(json!({
        "parentUuid": null,
        "isSidechain": false,
        "message": {
            "model": "claude-opus-5",
            "id": id,
            "type": "message",
            "role": "assistant",
            "content": [{"type": "text", "text": "so"}],
            "stop_reason": "tool_use",
            "usage": {
                "input_tokens": 1000,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0,
                "output_tokens": 100,
                "server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 0},
                "service_tier": "standard",
                "cache_creation": {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 0},
                "inference_geo": "",
                "iterations": [],
                "speed": "standard"
            }
        },
        "requestId": format!("req_{id}"),
        "type": "assistant",
        "uuid": format!("uuid-{id}"),
        "timestamp": "2026-11-20T17:00:00.000Z",
        "cwd": "/home/u/p",
        "sessionId": "s1",
        "version": "2.1.329"
    }))
}

impl Row {
    /// Sets a top-level field.
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0[key] = value.into();
        self
    }

    /// Removes a top-level field.
    pub(crate) fn without(mut self, key: &str) -> Self {
        self.0.as_object_mut().unwrap().shift_remove(key);
        self
    }

    pub(crate) fn at(self, time: &str) -> Self {
        self.with("timestamp", time)
    }

    pub(crate) fn session(self, session: &str) -> Self {
        self.with("sessionId", session)
    }

    pub(crate) fn model(mut self, model: &str) -> Self {
        self.0["message"]["model"] = json!(model);
        self
    }

    /// Sets a field of the usage.
    pub(crate) fn usage(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0["message"]["usage"][key] = value.into();
        self
    }

    /// Input, output, cache write, cache read.
    pub(crate) fn tokens(self, input: u64, output: u64, write: u64, read: u64) -> Self {
        self.usage("input_tokens", input)
            .usage("output_tokens", output)
            .usage("cache_creation_input_tokens", write)
            .usage("cache_read_input_tokens", read)
    }

    /// How the writes split up: one hour, five minutes.
    pub(crate) fn split(self, hour: u64, five: u64) -> Self {
        self.usage(
            "cache_creation",
            json!({"ephemeral_1h_input_tokens": hour, "ephemeral_5m_input_tokens": five}),
        )
    }

    pub(crate) fn text(&self) -> String {
        self.0.to_string()
    }
}

/// A file's content.
pub(crate) fn lines(rows: &[Row]) -> String {
    rows.iter().map(|r| r.text() + "\n").collect()
}

/// Claude Code's own total of a session.
pub(crate) fn cost_state(session: &str, dollars: f64, began: &str) -> Row {
    Row(json!({
        "type": "cost-state",
        "sessionId": session,
        "totalCostUSD": dollars,
        "startTime": instant(began).timestamp_millis(),
        "modelUsage": {}
    }))
}
