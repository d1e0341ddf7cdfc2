//! The day's total.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::OwnRun;
use super::lines::line_number;
use super::prices::PriceTable;
use super::scan::scan;
use super::sum::sum;
use super::tally::Tally;
use super::walk::{Found, Listing, shown, walk};
use super::window::Window;
use crate::gate::MicroUsd;
use crate::text::counted;

/// Of this many calls of a day one may have a row that can't be counted; with more the total is
/// not believed.
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

    /// A day without anything.
    pub(super) fn empty(date: NaiveDate, zone: Tz) -> Self {
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

    /// Takes in what the day came to at an earlier look: what was counted once stays counted, also
    /// where transcripts and the index of them are gone.
    pub fn at_least(&mut self, earlier: Most) {
        let gone = earlier.total.minus(self.total);
        if gone > MicroUsd::ZERO {
            self.notes.push(format!(
                "{gone} were counted earlier on the day, and their transcripts are gone"
            ));
            self.total = earlier.total;
            for shares in [
                &mut self.by_model,
                &mut self.by_project,
                &mut self.by_session,
            ] {
                match shares.iter_mut().find(|share| share.name.is_empty()) {
                    Some(share) => share.cost = share.cost.plus(gone),
                    None => shares.push(Share {
                        name: String::new(),
                        calls: 0,
                        cost: gone,
                    }),
                }
                shares.sort_by(|a, b| b.cost.cmp(&a.cost).then_with(|| a.name.cmp(&b.name)));
            }
        }
        self.at_most = self.at_most.max(earlier.at_most).max(self.total);
    }

    /// What it came to, to be kept.
    pub fn most(&self) -> Most {
        Most {
            total: self.total,
            at_most: self.at_most,
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

/// The most that a day came to at any look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Most {
    /// The sum.
    pub total: MicroUsd,
    /// With guessed prices at the dearest known rates, and records of the future.
    pub at_most: MicroUsd,
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

/// Sums up a day from its transcripts alone, all of which are read: slow, and obviously right.
/// Blocking.
pub fn day(query: &DayQuery<'_>) -> DaySpend {
    sum_up(query, |listing, window| {
        Tally::of(scan(&listing.files), window)
    })
    .day
}

/// A day's spend with what it was summed up from.
pub(super) struct Seen {
    pub(super) day: DaySpend,
    pub(super) tally: Tally,
    pub(super) files: Vec<Arc<Found>>,
}

impl Seen {
    /// Nothing could be summed up.
    fn nothing(mut day: DaySpend, why: String) -> Self {
        day.problems.push(why);
        Self {
            day,
            tally: Tally::default(),
            files: Vec::new(),
        }
    }
}

/// Lists the transcripts, has them read by `tally`, and sums up.
pub(super) fn sum_up(
    query: &DayQuery<'_>,
    tally: impl FnOnce(&mut Listing, Window) -> Tally,
) -> Seen {
    let mut result = DaySpend::empty(query.date, query.zone);
    let table = match PriceTable::embedded() {
        Ok(table) => table,
        Err(why) => return Seen::nothing(result, why),
    };
    result.price_table_date = table.as_of;
    let Some(window) = Window::of(query.date, query.zone) else {
        let why = format!("{} is beyond the calendar", query.date);
        return Seen::nothing(result, why);
    };
    let mut listing = walk(query.roots);
    let tally = tally(&mut listing, window);
    result.notes = listing.notes;
    result.problems.extend(listing.problems);
    result.problems.extend(tally.problems.iter().cloned());
    result.problems.sort();
    result.complete = result.problems.is_empty();
    sum(query, window, &tally, table, &mut result);
    judge_damage(&tally, &mut result);
    if query.now.date_naive() - table.as_of > STALE {
        result.notes.push(format!(
            "the price table is of {}; newer models are priced by a guess",
            table.as_of
        ));
    }
    Seen {
        day: result,
        tally,
        files: listing.files,
    }
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
                line_number(&d.file.path, d.at).map_or_else(String::new, |n| format!(" line {n}"));
            format!("{}{line}: {}", shown(&d.file.path), d.why)
        })
        .collect();
    let too_many = tally.damaged * READABLE > result.calls + tally.damaged;
    result.complete &= !too_many;
    result.problems.push(format!(
        "{} can't be counted, beside {} of the day ({}){}",
        counted(tally.damaged, "row"),
        counted(result.calls, "call"),
        examples.join("; "),
        if too_many {
            "; move the damaged files away, or update secloop if the format has changed"
        } else {
            ""
        }
    ));
}
