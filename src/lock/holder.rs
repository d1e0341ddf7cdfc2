//! Who holds the lock, and what it is doing.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::asleep;
use crate::gate::MicroUsd;
use crate::process::Identity;
use crate::text::plain;
use crate::turn::{Stage, TurnId};

/// Lines of output that are kept.
const LINES: usize = 10;
/// Characters of each.
const LINE: usize = 300;
/// A larger file is no record of ours.
const MAX_FILE: u64 = 256 * 1024;

/// Who holds the lock, and what it is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The run's id.
    pub run: Uuid,
    /// The supervisor's process.
    pub identity: Identity,
    /// When the run began.
    pub started: DateTime<Utc>,
    /// The turn that it is in, if any.
    pub turn: Option<TurnId>,
    /// When that turn began.
    pub turn_started: Option<DateTime<Utc>>,
    /// Where in the turn it is; `None` before the first.
    pub stage: Option<Stage>,
    /// Its last sign of life.
    pub heartbeat: DateTime<Utc>,
    /// How long the machine had slept by the begin of the turn and by the last sign of life: what
    /// it slept since is nobody's delay. `None`: it can't be told.
    #[serde(default)]
    pub asleep: (Option<Duration>, Option<Duration>),
    /// The last lines of output, oldest first: few, short and printable.
    pub last_lines: Vec<String>,
    /// What the turn has spent so far.
    pub spent: MicroUsd,
    /// Its log.
    pub log: PathBuf,
}

impl Holder {
    /// A run that begins now and is in no turn yet.
    pub fn new(run: Uuid, identity: Identity, now: DateTime<Utc>, log: PathBuf) -> Self {
        Self {
            run,
            identity,
            started: now,
            turn: None,
            turn_started: None,
            stage: None,
            heartbeat: now,
            asleep: (None, asleep()),
            last_lines: Vec::new(),
            spent: MicroUsd::ZERO,
            log,
        }
    }

    /// Enters a turn.
    pub fn begin_turn(&mut self, turn: TurnId, now: DateTime<Utc>) {
        self.turn = Some(turn);
        self.turn_started = Some(now);
        self.asleep.0 = asleep();
        self.stage = None;
        self.last_lines.clear();
        self.spent = MicroUsd::ZERO;
    }

    /// Gives a sign of life.
    pub(super) fn alive(&mut self, now: DateTime<Utc>) {
        self.heartbeat = now;
        self.asleep.1 = asleep();
    }

    /// Leaves the turn; the run sleeps until the next.
    pub fn end_turn(&mut self) {
        self.turn = None;
        self.turn_started = None;
        self.stage = Some(Stage::Sleep);
    }

    /// Keeps a line of output.
    pub fn line(&mut self, text: &str) {
        self.last_lines.push(plain(text, LINE));
        let surplus = self.last_lines.len().saturating_sub(LINES);
        self.last_lines.drain(..surplus);
    }
}

/// The recorded holder; `None` where there is none or it can't be understood.
pub fn holder(dir: &Path) -> Option<Holder> {
    let mut text = String::new();
    std::fs::File::open(path(dir))
        .ok()?
        .take(MAX_FILE)
        .read_to_string(&mut text)
        .ok()?;
    let mut holder: Holder = serde_json::from_str(&text).ok()?;
    // Bounded when it was written; but who knows by whom.
    for line in std::mem::take(&mut holder.last_lines) {
        holder.line(&line);
    }
    Some(holder)
}

pub(super) fn path(dir: &Path) -> PathBuf {
    dir.join("holder.json")
}

/// Replaces the record; a reader sees the old one or the new one.
pub(super) fn write(dir: &Path, holder: &Holder) -> std::io::Result<()> {
    let text = serde_json::to_string(holder)?;
    // One name for all: whoever writes has the lock, and what a dead one left is written over.
    let temporary = dir.join("holder.json.new");
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| std::fs::rename(&temporary, path(dir)));
    if written.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::own_identity;

    #[test]
    fn a_record_comes_back_as_it_was_written() {
        let at = tempfile::tempdir().unwrap();
        assert_eq!(holder(at.path()), None);
        let now = "2026-11-20T12:00:00Z".parse().unwrap();
        let mut me = Holder::new(Uuid::now_v7(), own_identity(), now, "/log".into());
        me.begin_turn(Uuid::now_v7(), now);
        me.stage = Some(Stage::Apply);
        for n in 0..30 {
            me.line(&format!("line {n}\u{1b}[2J"));
        }
        me.line(&"x".repeat(10_000));
        write(at.path(), &me).unwrap();
        assert_eq!(holder(at.path()).as_ref(), Some(&me));
        assert_eq!(me.last_lines.len(), LINES);
        assert!(me.last_lines[0].ends_with("\\u{1b}[2J"));
        assert!(me.last_lines.iter().all(|l| l.chars().count() <= LINE));
        assert_eq!(std::fs::read_dir(at.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_record_is_nobody() {
        let at = tempfile::tempdir().unwrap();
        for junk in ["", "{", "null", "{\"run\": 7}", "\0\0"] {
            std::fs::write(path(at.path()), junk).unwrap();
            assert_eq!(holder(at.path()), None, "{junk:?}");
        }
    }
}
