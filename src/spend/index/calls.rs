//! The calls, by the hour they are dated in.
//!
//! A call that turns out to be of another hour is written to that one too, and stays in the old one
//! in its new form: whoever reads either hour knows where it belongs.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use chrono::{DateTime, Utc};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::Result;
use super::keys::Keys;
use super::names::Names;
use super::pages::{self, Kind};
use crate::spend::call::Call;
use crate::spend::calls::Calls as Batched;
use crate::spend::key::{ByKey, Key};
use crate::spend::tally::Tally;
use crate::spend::usage::{Nanos, Usage};
use crate::spend::window::Window;

/// The checksums of the pages that there are, by hour: a page that is lost is missed.
type Catalogue = BTreeMap<i64, i64>;

/// Merges calls into what is known, and leaves none.
pub(super) fn write(db: &Connection, names: &mut Names, calls: &mut Batched) -> Result<()> {
    let mut pages = Pages {
        db,
        names,
        catalogue: catalogue(db)?,
        open: BTreeMap::new(),
    };
    let mut keys = Keys::new(db);
    for (key, mut call) in calls.drain() {
        if let Some(hour) = keys.hour(key)?
            && let Some(known) = pages.find(hour, key)?
        {
            let mut merged = known.clone();
            merged.merge(call);
            if merged == known {
                continue;
            }
            call = merged;
            pages.put(hour, key, &call)?;
        }
        let hour = hour_of(call.at);
        keys.set(key, hour)?;
        pages.put(hour, key, &call)?;
    }
    keys.write()?;
    pages.write()
}

/// Loads the calls of the day before, of the day, and all later ones.
pub(super) fn load(
    db: &Connection,
    names: &mut Names,
    day: Window,
    tally: &mut Tally,
) -> Result<()> {
    let first = hour_of(super::reach(day));
    for (hour, sum) in catalogue(db)?.range(first..) {
        let (rows, found): (Vec<Stored>, i64) =
            pages::read(db, Kind::Calls, *hour)?.ok_or_else(pages::damaged)?;
        if found != *sum {
            return Err(pages::damaged());
        }
        tally.calls.reserve(rows.len());
        for row in rows {
            let (key, call) = row.call(db, names)?;
            tally.calls.add(key, call);
        }
    }
    Ok(())
}

fn catalogue(db: &Connection) -> Result<Catalogue> {
    let found = pages::read(db, Kind::Catalogue, 0)?;
    Ok(found.map(|(catalogue, _)| catalogue).unwrap_or_default())
}

fn hour_of(at: DateTime<Utc>) -> i64 {
    at.timestamp().div_euclid(3_600)
}

/// The pages that a batch touches.
struct Pages<'a> {
    db: &'a Connection,
    names: &'a mut Names,
    catalogue: Catalogue,
    open: BTreeMap<i64, Page>,
}

#[derive(Default)]
struct Page {
    rows: ByKey<Stored>,
    changed: bool,
}

impl Pages<'_> {
    fn page(&mut self, hour: i64) -> Result<&mut Page> {
        match self.open.entry(hour) {
            Entry::Occupied(open) => Ok(open.into_mut()),
            Entry::Vacant(free) => {
                let mut page = Page::default();
                if self.catalogue.contains_key(&hour) {
                    let (rows, _): (Vec<Stored>, i64) =
                        pages::read(self.db, Kind::Calls, hour)?.ok_or_else(pages::damaged)?;
                    page.rows = rows
                        .into_iter()
                        .map(|row| (Key::stored(row.key), row))
                        .collect();
                }
                Ok(free.insert(page))
            }
        }
    }

    fn find(&mut self, hour: i64, key: Key) -> Result<Option<Call>> {
        match self.page(hour)?.rows.get(&key).cloned() {
            Some(row) => Ok(Some(row.call(self.db, self.names)?.1)),
            None => Ok(None),
        }
    }

    fn put(&mut self, hour: i64, key: Key, call: &Call) -> Result<()> {
        let row = Stored::of(self.db, self.names, key, call)?;
        let page = self.page(hour)?;
        page.rows.insert(key, row);
        page.changed = true;
        Ok(())
    }

    fn write(mut self) -> Result<()> {
        let mut changed = false;
        for (hour, page) in std::mem::take(&mut self.open) {
            if page.changed {
                let rows: Vec<Stored> = page.rows.into_values().collect();
                let sum = pages::write(self.db, Kind::Calls, hour, &rows)?;
                self.catalogue.insert(hour, sum);
                changed = true;
            }
        }
        if changed {
            pages::write(self.db, Kind::Catalogue, 0, &self.catalogue)?;
        }
        Ok(())
    }
}

/// A call as it is packed; names by number.
#[derive(Clone, Serialize, Deserialize)]
struct Stored {
    key: [u8; 16],
    /// Seconds since 1970, and nanoseconds.
    at: (i64, u32),
    fullness: u64,
    usage: Usage,
    stated: Option<u64>,
    model: u32,
    project: u32,
    sessions: Vec<u32>,
}

impl Stored {
    fn of(db: &Connection, names: &mut Names, key: Key, call: &Call) -> Result<Self> {
        let mut sessions = Vec::with_capacity(call.sessions.len());
        for session in &call.sessions {
            sessions.push(names.id(db, session)?);
        }
        Ok(Self {
            key: *key.bytes(),
            at: (call.at.timestamp(), call.at.timestamp_subsec_nanos()),
            fullness: call.fullness,
            stated: call
                .usage
                .stated
                .map(|nanos| u64::try_from(nanos).unwrap_or(u64::MAX)),
            usage: call.usage.clone(),
            model: names.id(db, &call.model)?,
            project: names.id(db, &call.project)?,
            sessions,
        })
    }

    fn call(self, db: &Connection, names: &mut Names) -> Result<(Key, Call)> {
        let mut sessions = Vec::with_capacity(self.sessions.len());
        for id in self.sessions {
            sessions.push(names.text(db, id)?);
        }
        let call = Call {
            usage: Usage {
                stated: self.stated.map(Nanos::from),
                ..self.usage
            },
            fullness: self.fullness,
            at: DateTime::from_timestamp(self.at.0, self.at.1).ok_or_else(pages::damaged)?,
            model: names.text(db, self.model)?,
            project: names.text(db, self.project)?,
            sessions,
        };
        Ok((Key::stored(self.key), call))
    }
}
