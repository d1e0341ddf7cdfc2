//! Names that many rows share: models, projects, sessions.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _};

use super::{IndexError, Result};

/// Those that this process has met.
#[derive(Debug, Default)]
pub(super) struct Names {
    ids: HashMap<Arc<str>, i64>,
    texts: HashMap<i64, Arc<str>>,
}

impl Names {
    /// The number of a name, which it gets now if it has none.
    pub(super) fn id(&mut self, db: &Connection, text: &Arc<str>) -> Result<i64> {
        if let Some(id) = self.ids.get(text) {
            return Ok(*id);
        }
        let known: Option<i64> = db
            .prepare_cached("SELECT id FROM names WHERE text = ?1")?
            .query_row([&**text], |row| row.get(0))
            .optional()?;
        let id = if let Some(id) = known {
            id
        } else {
            db.prepare_cached("INSERT INTO names (text) VALUES (?1)")?
                .execute([&**text])?;
            db.last_insert_rowid()
        };
        self.learn(id, Arc::clone(text));
        Ok(id)
    }

    /// The name with a number.
    pub(super) fn text(&mut self, db: &Connection, id: i64) -> Result<Arc<str>> {
        if let Some(text) = self.texts.get(&id) {
            return Ok(Arc::clone(text));
        }
        let text: Option<String> = db
            .prepare_cached("SELECT text FROM names WHERE id = ?1")?
            .query_row([id], |row| row.get(0))
            .optional()?;
        let text: Arc<str> = text
            .ok_or_else(|| IndexError::Damaged(format!("name {id} is gone")))?
            .into();
        self.learn(id, Arc::clone(&text));
        Ok(text)
    }

    /// A transaction that failed takes its new names with it.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    fn learn(&mut self, id: i64, text: Arc<str>) {
        self.texts.insert(id, Arc::clone(&text));
        self.ids.insert(text, id);
    }
}
