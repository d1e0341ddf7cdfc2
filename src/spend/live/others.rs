//! What everybody else on the machine spends while a run is on.
//!
//! A thorough look reads whatever is new in all transcripts, by the index. Between two of them only
//! those are looked at that may have grown: files that were touched lately, and new ones in the
//! directories that were.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::watched::Watched;
use crate::gate::MicroUsd;
use crate::spend::batch::Batch;
use crate::spend::call::Call;
use crate::spend::calls::Calls;
use crate::spend::day::{DayQuery, Seen};
use crate::spend::indexed::{Reading, seen};
use crate::spend::prices::PriceTable;
use crate::spend::sum::{SLACK, micros};
use crate::spend::usage::Nanos;
use crate::spend::walk::Found;
use crate::spend::window::Window;

/// A file that was touched within it may grow again.
const LATELY: TimeDelta = TimeDelta::hours(1);
/// Directories that are looked at between two thorough looks: those that changed last.
const MAX_DIRS: usize = 300;
/// So many files are looked at.
const MAX_FILES: usize = 300;
/// A directory that changed so shortly before a thorough look may have changed during it.
const DURING: TimeDelta = TimeDelta::seconds(30);

/// What was spent on a day beside a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OthersSpend {
    /// The day.
    pub window: Window,
    /// At most, rounded up.
    pub spent: MicroUsd,
    /// Whether all that could count was read.
    pub complete: bool,
    /// What is wrong with the figure.
    pub problems: Vec<String>,
}

/// The day's spend of all sessions but one.
pub struct Others {
    day: OthersSpend,
    /// The session of the run, which its own meter sees to.
    except: String,
    spent: Nanos,
    calls: Calls,
    watched: Watched,
    /// When each directory was last changed.
    dirs: BTreeMap<PathBuf, i64>,
}

impl Others {
    /// A thorough look. `query` is for the present day, `except` the session of the run. `None`
    /// where the calendar or the price table has no answer. Blocking.
    pub fn look(query: &DayQuery<'_>, reading: Reading<'_>, except: &str) -> Option<Self> {
        let window = Window::of(query.date, query.zone)?;
        let table = PriceTable::embedded().ok()?;
        let Seen { day, tally, files } = seen(query, reading);
        let mut others = Self {
            spent: Nanos::from(day.at_most.0) * 1_000,
            day: OthersSpend {
                window,
                spent: day.at_most,
                complete: day.complete,
                problems: day.problems,
            },
            except: except.to_owned(),
            calls: tally.calls,
            watched: Watched::new(),
            dirs: BTreeMap::new(),
        };
        let own: Nanos = others
            .calls
            .values()
            .filter(|call| others.is_own(call))
            .map(|call| counted(call, window, query.now, table))
            .sum();
        others.spent = others.spent.saturating_sub(own);
        others.day.spent = micros(others.spent);
        others.watch(&files, query.roots, query.now);
        Some(others)
    }

    /// What is known now.
    pub fn spend(&self) -> &OthersSpend {
        &self.day
    }

    /// Reads what is new since the last look in files that may have grown. Blocking, and short.
    pub fn tick(&mut self, now: DateTime<Utc>) {
        let known: Vec<PathBuf> = self.watched.paths().map(Path::to_owned).collect();
        for path in known {
            match std::fs::metadata(&path) {
                Ok(meta) => self.read(&Arc::new(Found::of(path, &meta)), now),
                // What was counted stays counted; what is new is found by the next thorough look.
                Err(_) => self.watched.forget(&path),
            }
        }
        let changed: Vec<PathBuf> = self
            .dirs
            .iter_mut()
            .filter_map(|(dir, known)| {
                let now = changed(dir)?;
                (std::mem::replace(known, now) != now).then(|| dir.clone())
            })
            .collect();
        let mut open = changed;
        while let Some(dir) = open.pop() {
            for entry in std::fs::read_dir(&dir).into_iter().flatten().flatten() {
                let path = entry.path();
                let Ok(meta) = entry.metadata() else { continue };
                if meta.is_dir() && !self.dirs.contains_key(&path) {
                    self.dirs.insert(path.clone(), nanos(&meta));
                    open.push(path);
                } else if meta.is_file() && path.extension().is_some_and(|e| e == "jsonl") {
                    let found = Arc::new(Found::of(path, &meta));
                    // One that nobody wrote to lately is known, or was moved here.
                    if is_late(&found, now) {
                        self.read(&found, now);
                    }
                }
            }
        }
        self.day.spent = micros(self.spent);
    }

    fn read(&mut self, found: &Arc<Found>, now: DateTime<Utc>) {
        let Some(Batch { calls, .. }) = self.watched.read(found) else {
            return;
        };
        let Ok(table) = PriceTable::embedded() else {
            return;
        };
        for (key, call) in calls {
            if self.is_own(&call) {
                continue;
            }
            let window = self.day.window;
            let price = |call: &Call| counted(call, window, now, table);
            let before = self.calls.get(&key).map_or(0, price);
            self.calls.add(key, call);
            let after = self.calls.get(&key).map_or(0, price);
            self.spent = (self.spent + after).saturating_sub(before);
        }
    }

    fn is_own(&self, call: &Call) -> bool {
        call.sessions
            .iter()
            .any(|session| **session == *self.except)
    }

    /// Chooses what to look at until the next thorough look.
    fn watch(&mut self, files: &[Arc<Found>], roots: &[PathBuf], now: DateTime<Utc>) {
        let mut late: Vec<&Arc<Found>> = files.iter().filter(|f| is_late(f, now)).collect();
        late.sort_by_key(|f| Reverse(f.mtime));
        late.truncate(MAX_FILES);
        for file in late {
            self.watched.know(file);
        }
        let tops: Vec<PathBuf> = roots.iter().map(|root| root.join("projects")).collect();
        let dirs: BTreeSet<&Path> = tops
            .iter()
            .map(PathBuf::as_path)
            .chain(files.iter().filter_map(|f| f.path.parent()))
            .collect();
        // One that is not there yet may come: it is looked at first.
        let mut dirs: Vec<(i64, &Path)> = dirs
            .into_iter()
            .map(|dir| (changed(dir).unwrap_or(i64::MAX), dir))
            .collect();
        dirs.sort_by_key(|(at, _)| Reverse(*at));
        dirs.truncate(MAX_DIRS);
        let since = (now - DURING).timestamp_nanos_opt().unwrap_or(0);
        self.dirs = dirs
            .into_iter()
            .map(|(at, dir)| (dir.to_owned(), if at < since { at } else { 0 }))
            .collect();
    }
}

fn is_late(file: &Found, now: DateTime<Utc>) -> bool {
    file.touched().is_none_or(|at| at > now - LATELY)
}

fn changed(dir: &Path) -> Option<i64> {
    std::fs::metadata(dir).ok().map(|meta| nanos(&meta))
}

fn nanos(meta: &std::fs::Metadata) -> i64 {
    meta.mtime()
        .saturating_mul(1_000_000_000)
        .saturating_add(meta.mtime_nsec())
}

/// What a call adds to the day at most.
fn counted(call: &Call, day: Window, now: DateTime<Utc>, table: &PriceTable) -> Nanos {
    if day.holds(call.at) || call.at > now + SLACK {
        call.usage.price(&call.model, call.at, table).at_most
    } else {
        0
    }
}
