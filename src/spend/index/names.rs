//! Names that many rows share: models, projects, sessions.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::Result;
use super::pages::{checksum, damaged};

/// Those that this process has met.
#[derive(Debug, Default)]
pub(super) struct Names {
    ids: HashMap<Arc<str>, u32>,
    /// By number: they are counted from 1.
    texts: Vec<Option<Arc<str>>>,
    /// Those asked for last: calls of one session stand together.
    recent: [Option<(Arc<str>, u32)>; RECENT],
    oldest: usize,
}

/// More than one call has.
const RECENT: usize = 4;

impl Names {
    /// The number of a name, which it gets now if it has none.
    pub(super) fn id(&mut self, db: &Connection, text: &Arc<str>) -> Result<u32> {
        for (name, id) in self.recent.iter().flatten() {
            if Arc::ptr_eq(name, text) {
                return Ok(*id);
            }
        }
        let id = self.look_up(db, text)?;
        if let Some(oldest) = self.recent.get_mut(self.oldest) {
            *oldest = Some((Arc::clone(text), id));
        }
        self.oldest = (self.oldest + 1) % RECENT;
        Ok(id)
    }

    fn look_up(&mut self, db: &Connection, text: &Arc<str>) -> Result<u32> {
        if let Some(id) = self.ids.get(text) {
            return Ok(*id);
        }
        let known: Option<u32> = db
            .prepare_cached("SELECT id FROM names WHERE text = ?1")?
            .query_row([&**text], |row| row.get(0))
            .optional()?;
        let id = if let Some(id) = known {
            id
        } else {
            let id: u32 = db
                .prepare_cached("SELECT coalesce(max(id), 0) + 1 FROM names")?
                .query_row([], |row| row.get(0))?;
            db.prepare_cached("INSERT INTO names (id, text, sum) VALUES (?1, ?2, ?3)")?
                .execute(params![id, &**text, checksum(id.into(), text.as_bytes())])?;
            id
        };
        self.learn(id, Arc::clone(text));
        Ok(id)
    }

    /// The name with a number.
    pub(super) fn text(&mut self, db: &Connection, id: u32) -> Result<Arc<str>> {
        let place = usize::try_from(id).unwrap_or(usize::MAX);
        if let Some(Some(text)) = self.texts.get(place) {
            return Ok(Arc::clone(text));
        }
        let found: Option<(String, i64)> = db
            .prepare_cached("SELECT text, sum FROM names WHERE id = ?1")?
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let text: Arc<str> = match found {
            Some((text, sum)) if sum == checksum(id.into(), text.as_bytes()) => text.into(),
            _ => return Err(damaged()),
        };
        self.learn(id, Arc::clone(&text));
        Ok(text)
    }

    /// A transaction that failed takes its new names with it.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    fn learn(&mut self, id: u32, text: Arc<str>) {
        let place = usize::try_from(id).unwrap_or(usize::MAX);
        if self.texts.len() <= place {
            self.texts.resize(place.saturating_add(1), None);
        }
        if let Some(free) = self.texts.get_mut(place) {
            *free = Some(Arc::clone(&text));
        }
        self.ids.insert(text, id);
    }
}
