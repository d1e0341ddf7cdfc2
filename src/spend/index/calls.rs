//! The calls, in the order of their time.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Row, params};

use super::names::Names;
use super::seal::{RowHash, Seal};
use super::{IndexError, Result};
use crate::spend::call::Call;
use crate::spend::key::{ByKey, Key};
use crate::spend::tally::Tally;
use crate::spend::usage::{Nanos, Part, Tokens, Usage};
use crate::spend::window::Window;

/// A row's number is its time in milliseconds, and below that so many bits of its key.
const KEY_BITS: u32 = 21;
const HOUR_MS: i64 = 3_600_000;
const COLUMNS: &str = "id, key, at, fullness, input, output, write, write_1h, read, searches, \
    flags, stated, parts, model, project, sessions";

/// Merges calls into what is known.
pub(super) fn write(db: &Connection, names: &mut Names, calls: &ByKey<Call>) -> Result<()> {
    let mut sorted: Vec<(i64, &Key, &Call)> = calls
        .iter()
        .map(|(key, call)| (id(*key, call.at), key, call))
        .collect();
    // By time, so that neighbours are written together.
    sorted.sort_unstable_by_key(|(id, key, _)| (*id, **key));
    let mut seals = Seals::default();
    for (id, key, call) in sorted {
        let stored = Stored::of(db, names, call)?;
        if insert(db, id, key, &stored)? {
            seals.add(key, &stored, call);
            continue;
        }
        let (old_id, old, mut known) = find(db, names, *key)?
            .ok_or_else(|| IndexError::Damaged("a call is in its index alone".to_owned()))?;
        let before = known.clone();
        known.merge(call.clone());
        if known == before {
            continue;
        }
        let new = Stored::of(db, names, &known)?;
        db.prepare_cached("DELETE FROM calls WHERE id = ?1")?
            .execute([old_id])?;
        insert(db, self::id(*key, known.at), key, &new)?;
        seals.remove(key, &old, &before);
        seals.add(key, &new, &known);
    }
    seals.write(db)
}

/// Loads the calls of the day before, of the day, and all later ones.
pub(super) fn load(
    db: &Connection,
    names: &mut Names,
    day: Window,
    tally: &mut Tally,
) -> Result<()> {
    let first = super::reach(day).timestamp_millis().div_euclid(HOUR_MS);
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM calls WHERE id >= ?1 ORDER BY id"
    ))?;
    let mut rows = statement.query([(first * HOUR_MS) << KEY_BITS])?;
    let mut seals = Seals::default();
    while let Some(row) = rows.next()? {
        let (key, stored, call) = read(db, names, row)?;
        seals.add(&key, &stored, &call);
        tally.calls.insert(key, call);
    }
    seals.check(db, first)
}

fn id(key: Key, at: DateTime<Utc>) -> i64 {
    let low = key.short() & ((1 << KEY_BITS) - 1);
    (at.timestamp_millis() << KEY_BITS) | i64::try_from(low).unwrap_or(0)
}

/// `false`: the call is known.
fn insert(db: &Connection, id: i64, key: &Key, s: &Stored) -> Result<bool> {
    let mut statement = db.prepare_cached(&format!(
        "INSERT INTO calls ({COLUMNS}) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16) \
         ON CONFLICT (key) DO NOTHING"
    ))?;
    let t = &s.tokens;
    let mut id = id;
    loop {
        let done = statement.execute(params![
            id,
            key.bytes(),
            s.at,
            s.fullness,
            t[0],
            t[1],
            t[2],
            t[3],
            t[4],
            s.searches,
            s.flags,
            s.stated,
            s.parts,
            s.model,
            s.project,
            s.sessions,
        ]);
        match done {
            Ok(changed) => return Ok(changed > 0),
            Err(rusqlite::Error::SqliteFailure(e, _))
                if e.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY
                    || e.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_ROWID =>
            {
                id += 1;
            }
            Err(e) => return Err(e.into()),
        }
    }
}

fn find(db: &Connection, names: &mut Names, key: Key) -> Result<Option<(i64, Stored, Call)>> {
    let mut statement =
        db.prepare_cached(&format!("SELECT {COLUMNS} FROM calls WHERE key = ?1"))?;
    let mut rows = statement.query([key.bytes()])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let (_, stored, call) = read(db, names, row)?;
    Ok(Some((row.get(0)?, stored, call)))
}

fn read(db: &Connection, names: &mut Names, row: &Row<'_>) -> Result<(Key, Stored, Call)> {
    let stored = Stored {
        at: row.get(2)?,
        fullness: row.get(3)?,
        tokens: [
            row.get(4)?,
            row.get(5)?,
            row.get(6)?,
            row.get(7)?,
            row.get(8)?,
        ],
        searches: row.get(9)?,
        flags: row.get(10)?,
        stated: row.get(11)?,
        parts: row.get(12)?,
        model: row.get(13)?,
        project: row.get(14)?,
        sessions: row.get(15)?,
    };
    let call = stored.call(db, names)?;
    Ok((Key::stored(row.get(1)?), stored, call))
}

/// A call as its row has it.
struct Stored {
    at: i64,
    fullness: u64,
    tokens: [u64; 5],
    searches: u64,
    flags: i64,
    stated: Option<i64>,
    parts: Option<String>,
    model: i64,
    project: i64,
    /// Their numbers, with commas.
    sessions: String,
}

impl Stored {
    fn of(db: &Connection, names: &mut Names, call: &Call) -> Result<Self> {
        let usage = &call.usage;
        let t = usage.tokens;
        let mut sessions = String::new();
        for session in &call.sessions {
            if !sessions.is_empty() {
                sessions.push(',');
            }
            sessions.push_str(&names.id(db, session)?.to_string());
        }
        let parts = if usage.parts.is_empty() {
            None
        } else {
            Some(serde_json::to_string(&usage.parts).map_err(odd)?)
        };
        Ok(Self {
            at: call.at.timestamp_nanos_opt().unwrap_or(0),
            fullness: call.fullness,
            tokens: [t.input, t.output, t.write, t.write_1h, t.read],
            searches: usage.searches,
            flags: i64::from(usage.fast) | i64::from(usage.us) << 1,
            stated: usage.stated.map(i64::try_from).transpose().map_err(odd)?,
            parts,
            model: names.id(db, &call.model)?,
            project: names.id(db, &call.project)?,
            sessions,
        })
    }

    fn call(&self, db: &Connection, names: &mut Names) -> Result<Call> {
        let [input, output, write, write_1h, read] = self.tokens;
        let parts: Vec<Part> = match &self.parts {
            Some(parts) => serde_json::from_str(parts).map_err(odd)?,
            None => Vec::new(),
        };
        let mut sessions = Vec::with_capacity(1);
        for id in self.sessions.split(',') {
            sessions.push(names.text(db, id.parse().map_err(odd)?)?);
        }
        Ok(Call {
            usage: Usage {
                tokens: Tokens {
                    input,
                    output,
                    write,
                    write_1h,
                    read,
                },
                searches: self.searches,
                fast: self.flags & 1 != 0,
                us: self.flags & 2 != 0,
                parts,
                stated: self.stated.map(Nanos::try_from).transpose().map_err(odd)?,
            },
            fullness: self.fullness,
            at: DateTime::from_timestamp_nanos(self.at),
            model: names.text(db, self.model)?,
            project: names.text(db, self.project)?,
            sessions,
        })
    }

    fn hash(&self, key: &Key, call: &Call) -> i64 {
        let mut hash = RowHash::default().bytes(key.bytes()).number(self.at);
        for n in [self.fullness, self.searches].iter().chain(&self.tokens) {
            hash = hash.number(i64::try_from(*n).unwrap_or(i64::MAX));
        }
        hash = hash
            .number(self.flags)
            .maybe(self.stated)
            .bytes(self.parts.as_deref().unwrap_or_default().as_bytes());
        // By name: a number would not tell that its name was altered.
        for name in [&call.model, &call.project]
            .into_iter()
            .chain(&call.sessions)
        {
            hash = hash.bytes(name.as_bytes());
        }
        hash.finish()
    }
}

fn odd(error: impl std::fmt::Display) -> IndexError {
    IndexError::Damaged(error.to_string())
}

/// The seals of the hours.
#[derive(Default)]
struct Seals(BTreeMap<i64, Seal>);

impl Seals {
    fn hour(call: &Call) -> i64 {
        call.at.timestamp_millis().div_euclid(HOUR_MS)
    }

    fn add(&mut self, key: &Key, stored: &Stored, call: &Call) {
        self.0
            .entry(Self::hour(call))
            .or_default()
            .add(stored.hash(key, call));
    }

    fn remove(&mut self, key: &Key, stored: &Stored, call: &Call) {
        self.0
            .entry(Self::hour(call))
            .or_default()
            .remove(stored.hash(key, call));
    }

    fn write(self, db: &Connection) -> Result<()> {
        for (hour, seal) in self.0 {
            seal.write(db, hour)?;
        }
        Ok(())
    }

    /// Compares with what is sealed from hour `first` on.
    fn check(mut self, db: &Connection, first: i64) -> Result<()> {
        self.0.retain(|_, seal| *seal != Seal::default());
        if self.0 == Seal::read_from(db, first)? {
            Ok(())
        } else {
            Err(IndexError::Damaged(
                "calls are not as they were written".to_owned(),
            ))
        }
    }
}
