//! What tells damage: of a group of rows, how many there are and a sum of their hashes.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _};
use sha2::{Digest as _, Sha256};

use super::Result;

/// Rows of a group; the order in which they are added never matters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seal {
    rows: i64,
    sum: i64,
}

impl Seal {
    pub(super) fn add(&mut self, hash: i64) {
        self.rows += 1;
        self.sum = self.sum.wrapping_add(hash);
    }

    pub(super) fn remove(&mut self, hash: i64) {
        self.rows -= 1;
        self.sum = self.sum.wrapping_sub(hash);
    }

    /// Adds this change to what is sealed under `group`.
    pub(super) fn write(self, db: &Connection, group: i64) -> Result<()> {
        if self == Self::default() {
            return Ok(());
        }
        let old = db
            .prepare_cached("SELECT rows, sum FROM seals WHERE id = ?1")?
            .query_row([group], |row| {
                Ok(Self {
                    rows: row.get(0)?,
                    sum: row.get(1)?,
                })
            })
            .optional()?
            .unwrap_or_default();
        db.prepare_cached("INSERT OR REPLACE INTO seals (id, rows, sum) VALUES (?1, ?2, ?3)")?
            .execute([
                group,
                old.rows + self.rows,
                // Here, since SQLite would go over to floating point.
                old.sum.wrapping_add(self.sum),
            ])?;
        Ok(())
    }

    /// What is sealed under `first` and all later groups, the empty ones left out.
    pub(super) fn read_from(db: &Connection, first: i64) -> Result<BTreeMap<i64, Self>> {
        let mut statement =
            db.prepare_cached("SELECT id, rows, sum FROM seals WHERE id >= ?1 AND rows <> 0")?;
        let found = statement.query_map([first], |row| {
            let (rows, sum) = (row.get(1)?, row.get(2)?);
            Ok((row.get(0)?, Self { rows, sum }))
        })?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }
}

/// A hash of a row's content.
#[derive(Default)]
pub(super) struct RowHash(Sha256);

impl RowHash {
    #[must_use]
    pub(super) fn number(mut self, number: i64) -> Self {
        self.0.update(number.to_le_bytes());
        self
    }

    #[must_use]
    pub(super) fn maybe(self, number: Option<i64>) -> Self {
        match number {
            Some(number) => self.number(1).number(number),
            None => self.number(0),
        }
    }

    #[must_use]
    pub(super) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.update(bytes.len().to_le_bytes());
        self.0.update(bytes);
        self
    }

    pub(super) fn finish(self) -> i64 {
        let hash = self.0.finalize();
        hash.first_chunk()
            .map_or(0, |first| i64::from_le_bytes(*first))
    }
}
