//! The meter of one run: what it has cost, and whether it has to end.

use std::collections::hash_map::Entry;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::own::Own;
use super::stream::{Stream, Told};
use super::wire::Wire;
use crate::clock::Clock;
use crate::gate::MicroUsd;
use crate::spend::batch::Batch;
use crate::spend::call::Call;
use crate::spend::key::{ByKey, Key};
use crate::spend::prices::PriceTable;
use crate::spend::row::CallRow;
use crate::spend::sum::micros;
use crate::spend::usage::{Nanos, Price};
use crate::spend::window::Window;

/// Pieces of answers between two looks at what they come to.
const PIECES: u32 = 40;

/// What a run may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// By itself.
    pub allowance: MicroUsd,
    /// What a call is booked at that was asked for and of whose answer nothing came.
    pub unanswered: MicroUsd,
}

/// The day that a run is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// The day.
    pub window: Window,
    /// What may be spent on it.
    pub cap: MicroUsd,
    /// What everybody else spent on it at most, or has reserved.
    pub others: MicroUsd,
}

/// Why a run has to end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reached {
    /// Its allowance is used up.
    #[error("the allowance of {allowance} is used up: {spent}")]
    Allowance {
        /// What it may have cost so far.
        spent: MicroUsd,
        /// What it may cost.
        allowance: MicroUsd,
    },
    /// The day's cap is reached, whoever spent it.
    #[error(
        "the daily cap is reached in mid-run: {spent} spent today of {cap}, {own} of it by this run"
    )]
    DayCap {
        /// What everybody may have spent on the day.
        spent: MicroUsd,
        /// By this run.
        own: MicroUsd,
        /// The cap.
        cap: MicroUsd,
    },
    /// Nobody knows any more what was spent.
    #[error("what is spent is not known any more: {0}")]
    Unknown(String),
}

/// What a run has cost by what could be seen of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Booked {
    /// Its calls that have ended.
    pub ended: MicroUsd,
    /// With an estimate of those that were cut: never less than `ended`.
    pub all: MicroUsd,
    /// Whether `all` holds an estimate.
    pub estimated: bool,
    /// Whether every call was seen: then nothing is a figure, too.
    pub whole: bool,
}

/// Watches one run. Copies are the same meter.
#[derive(Debug, Clone)]
pub struct Meter {
    clock: Clock,
    limits: Limits,
    ended: CancellationToken,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
pub(super) struct State {
    stream: Stream,
    /// The same calls as they went over the wire, where somebody reads along.
    pub(super) wire: Wire,
    own: Option<Own>,
    seen: Batch,
    day: Option<Day>,
    reached: Option<Reached>,
    pieces: u32,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("calls", &self.seen.calls.len())
            .field("day", &self.day)
            .field("reached", &self.reached)
            .finish_non_exhaustive()
    }
}

impl Meter {
    /// A meter that cancels `ended` when a limit is reached.
    pub fn new(clock: Clock, limits: Limits, ended: CancellationToken) -> Self {
        Self {
            clock,
            limits,
            ended,
            state: Arc::default(),
        }
    }

    /// What the run may cost.
    pub fn allowance(&self) -> MicroUsd {
        self.limits.allowance
    }

    /// Cancelled when the run has to end, also by whoever started it.
    pub fn ended(&self) -> &CancellationToken {
        &self.ended
    }

    /// Takes in a line of the run's output.
    pub fn line(&self, line: &str) {
        if let Ok(event) = serde_json::from_str(line) {
            self.event(&event);
        }
    }

    fn event(&self, event: &Value) {
        let now = self.clock.now();
        let mut state = self.state();
        let told = state.stream.event(event, now);
        self.told(&mut state, told);
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Takes in what an event told.
    pub(super) fn told(&self, state: &mut State, told: Option<Told>) {
        match told {
            None => return,
            Some(Told::More) => {
                state.pieces += 1;
                if !state.pieces.is_multiple_of(PIECES) {
                    return;
                }
            }
            Some(Told::Call(row)) => state.take(*row),
            Some(Told::Unreadable(why)) => {
                let why = format!("a call's usage in the output of the run: {why}");
                state.reached.get_or_insert(Reached::Unknown(why));
            }
        }
        self.judge(state);
    }

    /// From now on the transcripts below `root` are read, too.
    pub fn transcripts(&self, root: &Path) {
        self.state().own = Some(Own::new(root));
    }

    /// Reads what is new in the run's transcripts. Blocking, and short.
    pub fn look(&self) {
        let mut state = self.state();
        let Some(batches) = state.own.as_mut().map(Own::look) else {
            return;
        };
        for Batch { calls, .. } in batches {
            for (key, call) in calls {
                state.seen.calls.add(key, call);
            }
        }
        self.judge(&mut state);
    }

    /// What everybody else has spent.
    pub fn day(&self, day: Day) {
        let mut state = self.state();
        state.day = Some(day);
        self.judge(&mut state);
    }

    /// Ends the run, since nobody knows any more what is spent.
    pub fn unknown(&self, why: String) {
        let mut state = self.state();
        state.reached.get_or_insert(Reached::Unknown(why));
        self.judge(&mut state);
    }

    /// Why the run had to end, if it had to.
    pub fn reached(&self) -> Option<Reached> {
        self.state().reached.clone()
    }

    /// What the run may have cost so far, and what everybody may have spent on the day, where that
    /// is known.
    pub fn so_far(&self) -> (MicroUsd, Option<MicroUsd>) {
        let state = self.state();
        let Ok(table) = PriceTable::embedded() else {
            return (MicroUsd::ZERO, None);
        };
        let own = micros(state.sum(table, |_, price| price.at_most));
        let day = state
            .day
            .map(|day| day.others.plus(state.on(table, day.window)));
        (own, day)
    }

    /// What the run has cost, once it has ended.
    ///
    /// # Errors
    /// When that can't be known, and why.
    pub fn booked(&self) -> Result<Booked, String> {
        let state = self.state();
        if let Some(Reached::Unknown(why)) = &state.reached {
            return Err(why.clone());
        }
        let table = PriceTable::embedded()?;
        let cost = |call: &Call| call.usage.price(&call.model, call.at, table).cost;
        let ended: Nanos = state.seen.calls.values().map(cost).sum();
        let mut all = state.sum(table, |_, price| price.cost);
        let mut estimated = all > ended;
        // Of a client that does not tell, a request may be under way after any answer.
        let answered = state.seen.calls.len() > 0;
        let unanswered = match state.wire.unanswered() {
            Some(calls) => calls,
            None => u64::from(state.stream.asked().unwrap_or(answered)),
        };
        if unanswered > 0 {
            all += Nanos::from(self.limits.unanswered.0) * 1_000 * Nanos::from(unanswered);
            estimated = true;
        }
        let nearest =
            |nanos: Nanos| MicroUsd(u64::try_from((nanos + 500) / 1_000).unwrap_or(u64::MAX));
        Ok(Booked {
            ended: nearest(ended),
            all: nearest(all),
            estimated,
            whole: state.wire.knows_all(),
        })
    }

    fn judge(&self, state: &mut State) {
        if state.reached.is_none() {
            state.reached = match PriceTable::embedded() {
                Ok(table) => self.over(state, table),
                Err(why) => Some(Reached::Unknown(why)),
            };
        }
        if state.reached.is_some() {
            self.ended.cancel();
        }
    }

    fn over(&self, state: &State, table: &PriceTable) -> Option<Reached> {
        let spent = micros(state.sum(table, |_, price| price.at_most));
        let allowance = self.limits.allowance;
        if spent >= allowance {
            return Some(Reached::Allowance { spent, allowance });
        }
        let Day {
            window,
            cap,
            others,
        } = state.day?;
        let own = state.on(table, window);
        let spent = others.plus(own);
        (spent >= cap).then_some(Reached::DayCap { spent, own, cap })
    }
}

impl State {
    fn take(&mut self, row: CallRow<'static>) {
        if let Some((key, call)) = call_of(row) {
            self.seen.calls.add(key, call);
        }
    }

    /// Sums up all calls, those that have not ended at an estimate.
    fn sum(&self, table: &PriceTable, of: impl Fn(&Call, Price) -> Nanos) -> Nanos {
        let price = |call: &Call| of(call, call.usage.price(&call.model, call.at, table));
        let mut unended: ByKey<Call> = ByKey::default();
        let (told, wire) = (&self.stream, self.wire.stream());
        let estimates = [(told, wire), (wire, told)]
            .into_iter()
            .flat_map(|(of, other)| {
                // Of one that has ended by any account nothing is estimated.
                of.unended()
                    .filter(|call| !other.has_ended(call.id.as_deref()))
            });
        for (key, call) in estimates.filter_map(call_of) {
            match unended.entry(key) {
                Entry::Occupied(mut known) => known.get_mut().merge(call),
                Entry::Vacant(free) => {
                    free.insert(call);
                }
            }
        }
        let mut sum = 0;
        for (key, call) in self.seen.calls.iter() {
            sum += match unended.get(key) {
                None => price(call),
                Some(estimate) => {
                    let mut call = call.clone();
                    call.usage.merge(estimate.usage.clone());
                    price(&call)
                }
            };
        }
        sum
    }

    /// What was spent at most on a day.
    fn on(&self, table: &PriceTable, day: Window) -> MicroUsd {
        micros(self.sum(table, |call, price| {
            // Whatever is dated later belongs to no day that has passed.
            if call.at < day.start {
                0
            } else {
                price.at_most
            }
        }))
    }
}

fn call_of(row: CallRow<'static>) -> Option<(Key, Call)> {
    let key = Key::message(row.id.as_deref()?);
    let call = Call {
        fullness: row.usage.tokens.sum(),
        usage: row.usage,
        at: row.at,
        model: row.model.into(),
        project: "".into(),
        sessions: Vec::new(),
    };
    Some((key, call))
}

#[cfg(test)]
#[path = "meter_tests.rs"]
mod tests;
