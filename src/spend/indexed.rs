//! A day's total by means of the index: only what is new since the last look is read.

use std::path::Path;

use super::day::{DayQuery, DaySpend, Seen, sum_up};
use super::index::{Index, IndexError};
use super::ingest::{News, ingest, news};
use super::scan::scan;
use super::sum;
use super::tally::Tally;
use super::walk::Listing;
use super::window::Window;
use crate::gate::MicroUsd;

/// How far reading is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read.
    pub done: u64,
    /// Bytes to be read.
    pub total: u64,
    /// What the files that were touched on the day come to, once they are read: a lower bound.
    pub early: Option<MicroUsd>,
}

impl std::fmt::Display for Progress {
    /// For people: `reads transcripts: 214 of 1930 MB, at least $12.30 so far`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mega = |bytes: u64| bytes.div_ceil(1_000_000);
        write!(
            f,
            "reads transcripts: {} of {} MB",
            mega(self.done),
            mega(self.total)
        )?;
        match self.early {
            Some(early) => write!(f, ", at least {early} so far"),
            None => Ok(()),
        }
    }
}

/// Where the index is, and who waits for the answer.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// A private directory for the index; made if it is not there.
    pub dir: &'a Path,
    /// Only the files that were touched on the day are read: the total is a lower bound, and
    /// marked as incomplete, unless that was all there was to read.
    pub early: bool,
    /// Told after each file that was read, by any thread.
    pub progress: &'a (dyn Fn(Progress) + Sync),
}

/// Sums up a day. Blocking. The same as [`day`](super::day()), except that calls of transcripts
/// that are gone count if they were read before. Without a usable index everything is read.
pub fn day_indexed(query: &DayQuery<'_>, reading: Reading<'_>) -> DaySpend {
    seen(query, reading).day
}

/// As [`day_indexed`], with what the day was summed up from.
pub(super) fn seen(query: &DayQuery<'_>, reading: Reading<'_>) -> Seen {
    let mut unread = false;
    let mut seen = sum_up(query, |listing, window| {
        let (tally, rest) = tally(query, reading, listing, window);
        unread = rest;
        tally
    });
    if unread {
        seen.day.complete = false;
        seen.day
            .problems
            .push("only the transcripts that were touched on the day have been read".to_owned());
    }
    seen
}

/// Also says whether files are left that were not read.
fn tally(
    query: &DayQuery<'_>,
    reading: Reading<'_>,
    listing: &mut Listing,
    window: Window,
) -> (Tally, bool) {
    let first =
        open(reading.dir).and_then(|mut index| read(&mut index, query, reading, listing, window));
    let error = match first {
        Ok(done) => return done,
        Err(IndexError::Damaged(why)) => {
            listing.notes.push(format!(
                "the index of transcripts was damaged ({why}) and is made anew; calls whose \
                 transcripts are gone no longer count"
            ));
            let again = Index::replace(reading.dir)
                .and_then(|mut index| read(&mut index, query, reading, listing, window));
            match again {
                Ok(done) => return done,
                Err(error) => error,
            }
        }
        Err(error) => error,
    };
    listing.notes.push(format!(
        "the index of transcripts in {} can't be used ({error}): everything was read; calls whose \
         transcripts are gone do not count",
        crate::text::plain(&reading.dir.to_string_lossy(), 300)
    ));
    (Tally::of(scan(&listing.files), window), false)
}

fn open(dir: &Path) -> Result<Index, IndexError> {
    crate::world::make_private(dir).map_err(|e| IndexError::Unusable(e.to_string()))?;
    Index::open(dir)
}

fn read(
    index: &mut Index,
    query: &DayQuery<'_>,
    reading: Reading<'_>,
    listing: &Listing,
    window: Window,
) -> Result<(Tally, bool), IndexError> {
    let news = news(index, &listing.files)?;
    let touched = |n: &News| n.file.touched().is_none_or(|at| at >= window.start);
    let (recent, mut rest): (Vec<News>, Vec<News>) = news.into_iter().partition(touched);
    // In the order of time, as the index is.
    rest.sort_by_key(|n| n.file.mtime);
    let bytes = |all: &[News]| all.iter().map(News::bytes).sum::<u64>();
    let (first, total) = (bytes(&recent), bytes(&recent) + bytes(&rest));
    let tell = |done, early| (reading.progress)(Progress { done, total, early });

    let mut problems = ingest(index, &recent, &|done| tell(done, None))?;
    let left = !rest.is_empty();
    if left && !reading.early {
        let early = sum::total(query, window, &index.tally(window, &listing.files)?);
        tell(first, Some(early));
        problems.extend(ingest(index, &rest, &|done| {
            tell(first + done, Some(early));
        })?);
    }
    let mut tally = index.tally(window, &listing.files)?;
    tally.problems = problems;
    Ok((tally, left && reading.early))
}
