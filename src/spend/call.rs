//! One call of a model, merged from all rows that tell of it. The order of merging never matters.

use std::cmp::Reverse;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::usage::Usage;

/// One call of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// Takes in another account of the same call.
    pub(super) fn merge(&mut self, other: Self) {
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
