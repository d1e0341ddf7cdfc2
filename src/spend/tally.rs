//! What was read, merged: one entry per call, whatever number of rows, files and roots tell of it.
//! The order in which rows are added never matters.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::usage::{Nanos, Usage};

/// Places of damage that are kept for a message.
const SHOWN: usize = 5;

/// One call of a model.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// Field by field the largest of its rows.
    pub(super) usage: Usage,
    /// The tokens of its fullest row.
    pub(super) fullness: u64,
    /// The earliest time among its fullest rows.
    pub(super) at: DateTime<Utc>,
    pub(super) model: Arc<str>,
    pub(super) project: Arc<str>,
    /// The sessions whose files tell of it: more than one where a session was forked.
    pub(super) sessions: Vec<Arc<str>>,
}

impl Call {
    fn merge(&mut self, other: Self) {
        let rank = |c: &Self| {
            (
                c.fullness,
                Reverse(c.at),
                Reverse(Arc::clone(&c.model)),
                Reverse(Arc::clone(&c.project)),
            )
        };
        if rank(&other) > rank(self) {
            self.fullness = other.fullness;
            self.at = other.at;
            self.model = other.model;
            self.project = other.project;
        }
        self.usage.merge(other.usage);
        for session in other.sessions {
            if !self.sessions.contains(&session) {
                self.sessions.push(session);
            }
        }
    }
}

/// Claude Code's own total of a session.
#[derive(Debug)]
pub(super) struct State {
    pub(super) session: Arc<str>,
    pub(super) total: Nanos,
    pub(super) began: Option<DateTime<Utc>>,
    /// Its file was written to on the day or later.
    pub(super) maybe_today: bool,
}

/// A row of the day that can't be counted.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Damage {
    pub(super) file: PathBuf,
    /// Where its line begins, in bytes.
    pub(super) at: u64,
    pub(super) why: String,
}

/// Everything that was read.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) calls: HashMap<String, Call>,
    pub(super) states: Vec<State>,
    /// Rows of the day that were counted.
    pub(super) rows: u64,
    /// Rows of the day that could not be counted.
    pub(super) damaged: u64,
    /// The first of them, by place.
    pub(super) examples: Vec<Damage>,
    /// What could not be read at all.
    pub(super) problems: Vec<String>,
}

impl Tally {
    pub(super) fn add(&mut self, key: String, call: Call) {
        match self.calls.entry(key) {
            Entry::Occupied(mut known) => known.get_mut().merge(call),
            Entry::Vacant(free) => {
                free.insert(call);
            }
        }
    }

    pub(super) fn damage(&mut self, damage: Damage) {
        self.damaged += 1;
        let at = self.examples.partition_point(|d| *d < damage);
        if at < SHOWN {
            self.examples.insert(at, damage);
            self.examples.truncate(SHOWN);
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        if self.calls.is_empty() {
            self.calls = other.calls;
        } else {
            for (key, call) in other.calls {
                self.add(key, call);
            }
        }
        self.states.extend(other.states);
        self.rows += other.rows;
        let more = other.damaged - other.examples.len() as u64;
        for damage in other.examples {
            self.damage(damage);
        }
        self.damaged += more;
        self.problems.extend(other.problems);
    }
}
