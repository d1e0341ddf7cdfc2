//! When sessions began, what Claude Code itself says they cost, and which share calls.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::names::Names;
use super::pages::checksum;
use super::{IndexError, Result, reach};
use crate::spend::batch::{Batch, State};
use crate::spend::tally::{DayState, Tally};
use crate::spend::window::Window;

/// Takes in what a batch tells of sessions.
pub(super) fn write(db: &Connection, names: &mut Names, batch: &Batch) -> Result<()> {
    let mut first: BTreeMap<u32, Option<i64>> = BTreeMap::new();
    let mut began = |session: u32, at: Option<DateTime<Utc>>| {
        let at = at.map(|at| at.timestamp_millis());
        let known = first.entry(session).or_insert(at);
        *known = earlier(*known, at);
    };
    let mut forks = BTreeSet::new();
    for call in batch.calls.values() {
        let mut ids = Vec::with_capacity(1);
        for session in &call.sessions {
            ids.push(names.id(db, session)?);
        }
        for id in &ids {
            began(*id, Some(call.at));
        }
        for pair in ids.windows(2) {
            if let [a, b] = pair {
                forks.insert((*a.min(b), *a.max(b)));
            }
        }
    }
    for state in &batch.states {
        let id = names.id(db, &state.session)?;
        began(id, state.began);
        write_state(db, id, state)?;
    }
    for (session, first) in first {
        write_first(db, session, first)?;
    }
    for (a, b) in forks {
        db.prepare_cached("INSERT OR IGNORE INTO forks (a, b) VALUES (?1, ?2)")?
            .execute([a, b])?;
    }
    Ok(())
}

fn earlier(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    a.into_iter().chain(b).min()
}

fn write_first(db: &Connection, session: u32, first: Option<i64>) -> Result<()> {
    let known = read_first(db, session)?;
    let new = earlier(known, first);
    // Also a session of which only a total is known has its row.
    if new != known || new.is_none() {
        let first = new;
        db.prepare_cached("INSERT OR REPLACE INTO sessions (id, first, sum) VALUES (?1, ?2, ?3)")?
            .execute(params![session, first, first_hash(session, first)])?;
    }
    Ok(())
}

fn read_first(db: &Connection, session: u32) -> Result<Option<i64>> {
    let found: Option<(Option<i64>, i64)> = db
        .prepare_cached("SELECT first, sum FROM sessions WHERE id = ?1")?
        .query_row([session], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match found {
        Some((first, sum)) if sum == first_hash(session, first) => Ok(first),
        Some(_) => Err(altered("a session")),
        None => Ok(None),
    }
}

fn first_hash(session: u32, first: Option<i64>) -> i64 {
    sum(session, &[first])
}

/// A checksum of a row.
fn sum(session: u32, fields: &[Option<i64>]) -> i64 {
    checksum(session.into(), format!("{fields:?}").as_bytes())
}

fn altered(what: &str) -> IndexError {
    IndexError::Damaged(format!("{what} is not as it was written"))
}

/// A state as its row has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stored {
    total: i64,
    began: Option<i64>,
    touched: Option<i64>,
}

impl Stored {
    fn hash(&self, session: u32) -> i64 {
        sum(session, &[Some(self.total), self.began, self.touched])
    }

    fn read(row: &rusqlite::Row<'_>) -> Result<(u32, Self)> {
        let session = row.get(0)?;
        let stored = Self {
            total: row.get(1)?,
            began: row.get(2)?,
            touched: row.get(3)?,
        };
        if stored.hash(session) == row.get::<_, i64>(4)? {
            Ok((session, stored))
        } else {
            Err(altered("a session's total"))
        }
    }
}

fn write_state(db: &Connection, session: u32, state: &State) -> Result<()> {
    let mut new = Stored {
        total: i64::try_from(state.total).unwrap_or(i64::MAX),
        began: state.began.map(|at| at.timestamp_millis()),
        touched: state.touched.map(|at| at.timestamp_millis()),
    };
    let mut statement = db.prepare_cached(
        "SELECT session, total, began, touched, sum FROM states WHERE session = ?1",
    )?;
    let mut rows = statement.query([session])?;
    if let Some(row) = rows.next()? {
        let (_, old) = Stored::read(row)?;
        new.total = new.total.max(old.total);
        new.began = earlier(new.began, old.began);
        new.touched = new.touched.max(old.touched);
        if new == old {
            return Ok(());
        }
    }
    db.prepare_cached(
        "INSERT OR REPLACE INTO states (session, total, began, touched, sum) \
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        session,
        new.total,
        new.began,
        new.touched,
        new.hash(session)
    ])?;
    Ok(())
}

/// Loads the totals of the sessions that may have begun on the day, and what tells whether they did.
pub(super) fn load(
    db: &Connection,
    names: &mut Names,
    day: Window,
    tally: &mut Tally,
) -> Result<()> {
    // The call that a session began with may have been dated later since: then it is among the
    // day's calls, which are asked again.
    let since = reach(day).timestamp_millis();
    let mut statement = db.prepare_cached(
        "SELECT s.session, s.total, s.began, s.touched, s.sum FROM states s \
         JOIN sessions b ON b.id = s.session \
         WHERE b.first IS NULL OR (b.first >= ?1 AND b.first < ?2)",
    )?;
    let mut rows = statement.query([since, day.end.timestamp_millis()])?;
    let mut wanted = BTreeSet::new();
    while let Some(row) = rows.next()? {
        let (session, stored) = Stored::read(row)?;
        wanted.insert(session);
        let instant = |ms: Option<i64>| ms.and_then(DateTime::from_timestamp_millis);
        tally.states.push(DayState {
            session: names.text(db, session)?,
            total: u128::try_from(stored.total).unwrap_or(0),
            began: instant(stored.began),
            maybe_today: instant(stored.touched).is_none_or(|at| at >= day.start),
        });
    }
    if wanted.is_empty() {
        return Ok(());
    }
    let forks = load_forks(db)?;
    for family in families(&forks, &wanted) {
        for session in family {
            let name = names.text(db, session)?;
            if let Some(first) = read_first(db, session)?.filter(|at| *at < since)
                && let Some(first) = DateTime::from_timestamp_millis(first)
            {
                tally.firsts.push((Arc::clone(&name), first));
            }
        }
    }
    for (a, b) in forks {
        tally.forks.push((names.text(db, a)?, names.text(db, b)?));
    }
    Ok(())
}

fn load_forks(db: &Connection) -> Result<Vec<(u32, u32)>> {
    let mut statement = db.prepare_cached("SELECT a, b FROM forks")?;
    let found = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// The sessions that are joined with one of `wanted`, each family once.
fn families(forks: &[(u32, u32)], wanted: &BTreeSet<u32>) -> Vec<BTreeSet<u32>> {
    let mut next: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (a, b) in forks {
        next.entry(*a).or_default().push(*b);
        next.entry(*b).or_default().push(*a);
    }
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for session in wanted {
        let mut family = BTreeSet::new();
        let mut open = vec![*session];
        while let Some(at) = open.pop() {
            if seen.insert(at) {
                family.insert(at);
                open.extend(next.get(&at).into_iter().flatten());
            }
        }
        // One that stands alone is among those loaded already.
        if family.len() > 1 {
            all.push(family);
        }
    }
    all
}
