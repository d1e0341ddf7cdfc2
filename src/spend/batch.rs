//! What was read from files, of whatever day.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::calls::Calls;
use super::usage::Nanos;
use super::walk::Found;
use super::window::Window;

/// Claude Code's own total of a session.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) session: Arc<str>,
    pub(super) total: Nanos,
    pub(super) began: Option<DateTime<Utc>>,
    /// When its file was last written to, where that is known.
    pub(super) touched: Option<DateTime<Utc>>,
}

/// A row that can't be counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Damage {
    pub(super) file: Arc<Found>,
    /// Where its line begins, in bytes.
    pub(super) at: u64,
    pub(super) why: String,
    /// When it was written; unknown: any time until its file was last written to.
    pub(super) when: Option<DateTime<Utc>>,
}

impl Damage {
    /// Whether it may belong to the day.
    pub(super) fn is_of(&self, day: Window) -> bool {
        match self.when {
            Some(at) => day.holds(at),
            // Without a date of its own, a row may be as young as its file.
            None => self.file.touched().is_none_or(|at| at >= day.start),
        }
    }
}

/// What was read from files.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) calls: Calls,
    pub(super) states: Vec<State>,
    pub(super) damage: Vec<Damage>,
    /// What could not be read at all.
    pub(super) problems: Vec<String>,
}

impl Batch {
    pub(super) fn merge(&mut self, other: Self) {
        if self.calls.len() == 0 {
            self.calls = other.calls;
        } else {
            for (key, call) in other.calls {
                self.calls.add(key, call);
            }
        }
        self.states.extend(other.states);
        self.damage.extend(other.damage);
        self.problems.extend(other.problems);
    }
}
