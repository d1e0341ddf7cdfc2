//! Summing up a day's calls.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::day::{DayQuery, DaySpend, Share};
use super::prices::PriceTable;
use super::settle::beyond;
use super::tally::Tally;
use super::usage::Nanos;
use super::window::Window;
use crate::gate::MicroUsd;
use crate::text::{counted, plain};

/// Clocks of machines that share files differ a little.
pub(super) const SLACK: TimeDelta = TimeDelta::minutes(5);

#[derive(Default)]
struct Group {
    calls: u64,
    cost: Nanos,
}

#[derive(Default)]
struct Groups<'a>(BTreeMap<&'a str, Group>);

impl<'a> Groups<'a> {
    fn add(&mut self, name: &'a str, calls: u64, cost: Nanos) {
        let group = self.0.entry(name).or_default();
        group.calls += calls;
        group.cost += cost;
    }

    /// Dearest first, then by name.
    fn shares(self) -> Vec<Share> {
        let mut groups: Vec<(&str, Group)> = self.0.into_iter().collect();
        groups.sort_by(|(a, x), (b, y)| y.cost.cmp(&x.cost).then(a.cmp(b)));
        groups
            .into_iter()
            .map(|(name, group)| Share {
                name: plain(name, 200),
                calls: group.calls,
                cost: micros(group.cost),
            })
            .collect()
    }
}

/// The total alone.
pub(super) fn total(query: &DayQuery<'_>, window: Window, tally: &Tally) -> MicroUsd {
    let mut day = DaySpend::empty(query.date, query.zone);
    if let Ok(table) = PriceTable::embedded() {
        sum(query, window, tally, table, &mut day);
    }
    day.total
}

/// Sums up what counts on the day, into `result`.
pub(super) fn sum(
    query: &DayQuery<'_>,
    window: Window,
    tally: &Tally,
    table: &PriceTable,
    result: &mut DaySpend,
) {
    let is_today = window.holds(query.now);
    let (mut total, mut more): (Nanos, Nanos) = (0, 0);
    let mut ahead = Group::default();
    let mut models = Groups::default();
    let mut projects = Groups::default();
    let mut sessions = Groups::default();
    let mut unpriced = Groups::default();
    for call in tally.calls.values() {
        let future = is_today && call.at > query.now + SLACK;
        let counts = window.holds(call.at);
        if !counts && !future {
            continue;
        }
        let price = call.usage.price(&call.model, call.at, table);
        if future {
            ahead.calls += 1;
            ahead.cost += price.cost;
        }
        if !counts {
            // A clock that was set back must not make the day's money vanish.
            more += price.at_most;
            continue;
        }
        result.calls += 1;
        total += price.cost;
        more += price.at_most - price.cost;
        models.add(&call.model, 1, price.cost);
        projects.add(&call.project, 1, price.cost);
        // A call in several sessions' files is shown with the first by name.
        let session = call.sessions.iter().min().map_or("", |s| &**s);
        sessions.add(session, 1, price.cost);
        if price.guess {
            for model in call.usage.guessed(&call.model, call.at, table) {
                unpriced.add(model, 1, price.cost);
            }
        }
    }
    let beyond = beyond(tally, query.own, window, table);
    for (session, cost) in &beyond.sessions {
        total += cost;
        models.add("", 0, *cost);
        projects.add("", 0, *cost);
        sessions.add(session, 0, *cost);
    }
    if is_today {
        more += beyond.later;
        ahead.cost += beyond.later;
    }
    if ahead.cost > 0 {
        result.problems.push(format!(
            "{} ({}) dated in the future: check the clock; counted until then",
            counted(ahead.calls, "call"),
            micros(ahead.cost)
        ));
    }
    result.total = micros(total);
    result.at_most = micros(total + more);
    result.by_model = models.shares();
    result.by_project = projects.shares();
    result.by_session = sessions.shares();
    result.unpriced = unpriced.shares();
    for share in &mut result.unpriced {
        if share.name.is_empty() {
            "(no name)".clone_into(&mut share.name);
        }
    }
}

/// Rounded up, so that a sum of many small calls is never shown as less than it is.
pub(super) fn micros(nanos: Nanos) -> MicroUsd {
    MicroUsd(u64::try_from(nanos.div_ceil(1_000)).unwrap_or(u64::MAX))
}
