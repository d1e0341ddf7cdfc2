//! The day's total.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use super::OwnRun;
use super::lines::line_number;
use super::prices::PriceTable;
use super::scan::scan;
use super::settle::beyond;
use super::tally::Tally;
use super::usage::Nanos;
use super::walk::{shown, walk};
use super::window::Window;
use crate::gate::MicroUsd;
use crate::text::plain;

/// Clocks of machines that share files differ a little.
const SLACK: TimeDelta = TimeDelta::minutes(5);
/// Of this many rows of a day one may be unreadable; with more the total is not believed.
const READABLE: u64 = 100;
/// A price table older than this is worth a remark.
const STALE: TimeDelta = TimeDelta::days(120);

/// What to sum up.
#[derive(Debug, Clone, Copy)]
pub struct DayQuery<'a> {
    /// Directories that hold `projects/`; see [`roots`](super::roots()).
    pub roots: &'a [PathBuf],
    /// The zone whose midnight begins a day.
    pub zone: Tz,
    /// The calendar day in `zone`.
    pub date: NaiveDate,
    /// The present, to tell records of the future.
    pub now: DateTime<Utc>,
    /// The supervisor's own settled runs: all that ended on the day, the day before or later.
    pub own: &'a [OwnRun],
}

/// A day's spend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaySpend {
    /// The calendar day.
    pub date: NaiveDate,
    /// The zone's IANA name.
    pub zone: &'static str,
    /// The sum, rounded up to a millionth of a dollar.
    pub total: MicroUsd,
    /// At least `total`: with guessed prices at the dearest known rates, and records of the
    /// future included. What the gate decides with.
    pub at_most: MicroUsd,
    /// Whether all that could count was read. If not, the total is a lower bound.
    pub complete: bool,
    /// What is wrong, each with its cure; some of it makes the total incomplete.
    pub problems: Vec<String>,
    /// What is worth knowing and not wrong, such as a root that is not there.
    pub notes: Vec<String>,
    /// Models without a known price, whose calls are priced by a guess.
    pub unpriced: Vec<Share>,
    /// By model, dearest first. The empty name: known only as a total.
    pub by_model: Vec<Share>,
    /// By working directory, dearest first.
    pub by_project: Vec<Share>,
    /// By session, dearest first.
    pub by_session: Vec<Share>,
    /// Calls of models on the day.
    pub calls: u64,
    /// When the prices were taken.
    pub price_table_date: NaiveDate,
}

impl DaySpend {
    /// A day of which nothing is known, with the reason: it closes the gate.
    pub fn unknown(date: NaiveDate, zone: Tz, why: &str) -> Self {
        Self {
            problems: vec![why.to_owned()],
            ..Self::empty(date, zone)
        }
    }

    fn empty(date: NaiveDate, zone: Tz) -> Self {
        Self {
            date,
            zone: zone.name(),
            total: MicroUsd::ZERO,
            at_most: MicroUsd::ZERO,
            complete: false,
            problems: Vec::new(),
            notes: Vec::new(),
            unpriced: Vec::new(),
            by_model: Vec::new(),
            by_project: Vec::new(),
            by_session: Vec::new(),
            calls: 0,
            price_table_date: NaiveDate::default(),
        }
    }

    /// What the gate decides with: the dearest that the day can have been.
    pub fn figures(&self) -> crate::gate::Figures<'_> {
        crate::gate::Figures {
            total: self.at_most,
            complete: self.complete,
            problems: &self.problems,
        }
    }
}

/// One line of a breakdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// What it is, as the transcripts name it: bounded and printable.
    pub name: String,
    /// Its calls.
    pub calls: u64,
    /// What they cost, rounded up.
    pub cost: MicroUsd,
}

/// Sums up a day. Blocking: reads every transcript.
pub fn day(query: &DayQuery<'_>) -> DaySpend {
    let mut result = DaySpend::empty(query.date, query.zone);
    let table = match PriceTable::embedded() {
        Ok(table) => table,
        Err(why) => {
            result.problems.push(why);
            return result;
        }
    };
    result.price_table_date = table.as_of;
    let Some(window) = Window::of(query.date, query.zone) else {
        result
            .problems
            .push(format!("{} is beyond the calendar", query.date));
        return result;
    };
    let found = walk(query.roots);
    let tally = scan(&found.files, window);
    result.notes = found.notes;
    result.problems.extend(found.problems);
    result.problems.extend(tally.problems.iter().cloned());
    result.problems.sort();
    result.complete = result.problems.is_empty();
    judge_damage(&tally, &mut result);
    sum(query, window, &tally, table, &mut result);
    if query.now.date_naive() - table.as_of > STALE {
        result.notes.push(format!(
            "the price table is of {}; newer models are priced by a guess",
            table.as_of
        ));
    }
    result
}

fn judge_damage(tally: &Tally, result: &mut DaySpend) {
    if tally.damaged == 0 {
        return;
    }
    let examples: Vec<String> = tally
        .examples
        .iter()
        .map(|d| {
            let line =
                line_number(&d.file, d.at).map_or_else(String::new, |n| format!(" line {n}"));
            format!("{}{line}: {}", shown(&d.file), d.why)
        })
        .collect();
    let too_many = tally.damaged * READABLE > tally.rows + tally.damaged;
    result.complete &= !too_many;
    result.problems.push(format!(
        "{} of {} rows can't be counted ({}){}",
        tally.damaged,
        tally.rows + tally.damaged,
        examples.join("; "),
        if too_many {
            "; move the damaged files away, or update secloop if the format has changed"
        } else {
            ""
        }
    ));
}

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

fn sum(
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
            unpriced.add(&call.model, 1, price.cost);
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
            "{} calls ({}) are dated in the future: check the clock; they are taken into account \
             until then",
            ahead.calls,
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
fn micros(nanos: Nanos) -> MicroUsd {
    MicroUsd(u64::try_from(nanos.div_ceil(1_000)).unwrap_or(u64::MAX))
}
