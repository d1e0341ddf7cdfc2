//! Pieces of the index, each written and read as a whole, with a checksum.

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::{IndexError, Result};

/// What a page holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The list of the pages of calls.
    Catalogue,
    /// The calls of one hour.
    Calls,
    /// Which hour a call is found in.
    Keys,
    /// Up to where files were read.
    Files,
}

/// Numbers of pages of one kind.
const NUMBERS: i64 = 1 << 40;

fn id(kind: Kind, number: i64) -> i64 {
    (kind as i64) * NUMBERS + number
}

/// The content of a page; `None` where there is none.
pub(super) fn read<T: DeserializeOwned>(
    db: &Connection,
    kind: Kind,
    number: i64,
) -> Result<Option<(T, i64)>> {
    let id = id(kind, number);
    let mut statement = db.prepare_cached("SELECT sum, body FROM pages WHERE id = ?1")?;
    let found = statement
        .query_row([id], |row| {
            let sum: i64 = row.get(0)?;
            Ok((sum, unpack(id, sum, row.get_ref(1)?.as_blob()?)))
        })
        .optional()?;
    match found {
        Some((sum, content)) => Ok(Some((content?, sum))),
        None => Ok(None),
    }
}

/// Gives the content of all pages of a kind.
pub(super) fn read_all<T: DeserializeOwned>(
    db: &Connection,
    kind: Kind,
    mut found: impl FnMut(T),
) -> Result<()> {
    let mut statement =
        db.prepare_cached("SELECT id, sum, body FROM pages WHERE id >= ?1 AND id < ?2")?;
    let mut rows = statement.query([id(kind, 0), id(kind, NUMBERS)])?;
    while let Some(row) = rows.next()? {
        found(unpack(
            row.get(0)?,
            row.get(1)?,
            row.get_ref(2)?.as_blob().map_err(|_| damaged())?,
        )?);
    }
    Ok(())
}

/// Writes a page, and gives its checksum.
pub(super) fn write<T: Serialize>(
    db: &Connection,
    kind: Kind,
    number: i64,
    content: &T,
) -> Result<i64> {
    let id = id(kind, number);
    let body = postcard::to_stdvec(content).map_err(|e| IndexError::Unusable(e.to_string()))?;
    let sum = checksum(id, &body);
    db.prepare_cached("INSERT OR REPLACE INTO pages (id, sum, body) VALUES (?1, ?2, ?3)")?
        .execute(params![id, sum, body])?;
    Ok(sum)
}

fn unpack<T: DeserializeOwned>(id: i64, sum: i64, body: &[u8]) -> Result<T> {
    if sum != checksum(id, body) {
        return Err(damaged());
    }
    postcard::from_bytes(body).map_err(|_| damaged())
}

pub(super) fn damaged() -> IndexError {
    IndexError::Damaged("a page is not as it was written".to_owned())
}

/// The number of a page is part of it: one that is found in the place of another is damaged, too.
pub(super) fn checksum(id: i64, body: &[u8]) -> i64 {
    let mut hash = Sha256::new();
    hash.update(id.to_le_bytes());
    hash.update(body);
    hash.finalize()
        .first_chunk()
        .map_or(0, |first| i64::from_le_bytes(*first))
}
