//! What a day is summed up from: one entry per call, whatever number of rows, files and roots tell
//! of it.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::batch::{Batch, Damage};
use super::calls::Calls;
use super::usage::Nanos;
use super::window::Window;

/// Places of damage that are kept for a message.
const SHOWN: usize = 5;

/// Claude Code's own total of a session, as the day sees it.
#[derive(Debug)]
pub(super) struct DayState {
    pub(super) session: Arc<str>,
    pub(super) total: Nanos,
    pub(super) began: Option<DateTime<Utc>>,
    /// Its file was written to on the day or later.
    pub(super) maybe_today: bool,
}

/// Everything that matters to a day.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// At least those of the day before, the day, and all later ones.
    pub(super) calls: Calls,
    /// At least those of sessions that began on the day.
    pub(super) states: Vec<DayState>,
    /// Sessions that share calls, beyond what `calls` tells.
    pub(super) forks: Vec<(Arc<str>, Arc<str>)>,
    /// When sessions began whose first calls are not among `calls`.
    pub(super) firsts: Vec<(Arc<str>, DateTime<Utc>)>,
    /// Rows of the day that could not be counted.
    pub(super) damaged: u64,
    /// The first of them, by place.
    pub(super) examples: Vec<Damage>,
    /// What could not be read at all.
    pub(super) problems: Vec<String>,
}

impl Tally {
    /// The day's view of all that there is.
    pub(super) fn of(batch: Batch, day: Window) -> Self {
        let mut tally = Self {
            calls: batch.calls,
            problems: batch.problems,
            ..Self::default()
        };
        tally.states = batch
            .states
            .into_iter()
            .map(|state| DayState {
                maybe_today: state.touched.is_none_or(|at| at >= day.start),
                session: state.session,
                total: state.total,
                began: state.began,
            })
            .collect();
        for damage in batch.damage {
            if damage.is_of(day) {
                tally.damage(damage);
            }
        }
        tally
    }

    /// Adds a row of the day that can't be counted.
    pub(super) fn damage(&mut self, damage: Damage) {
        self.damaged += 1;
        let at = self.examples.partition_point(|d| *d < damage);
        if at < SHOWN {
            self.examples.insert(at, damage);
            self.examples.truncate(SHOWN);
        }
    }
}
