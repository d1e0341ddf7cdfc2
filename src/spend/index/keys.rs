//! Which hour each call is found in, for rows that tell of a call that is known.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use rusqlite::Connection;

use super::Result;
use super::pages::{self, Kind};
use crate::spend::key::Key;

/// Pages that they are spread over. One has a few kilobytes for a hundred thousand calls.
const PAGES: u64 = 512;

/// In their order: the part of a key that is kept, and the hour since 1970. Two calls may share the
/// part; the hour's page has the whole keys.
type Entries = Vec<(u64, u32)>;

/// The pages that are looked at.
pub(super) struct Keys<'a> {
    db: &'a Connection,
    open: BTreeMap<u64, (Entries, bool)>,
}

impl<'a> Keys<'a> {
    pub(super) fn new(db: &'a Connection) -> Self {
        Self {
            db,
            open: BTreeMap::new(),
        }
    }

    fn page(&mut self, key: Key) -> Result<&mut (Entries, bool)> {
        let number = key.short() % PAGES;
        match self.open.entry(number) {
            Entry::Occupied(open) => Ok(open.into_mut()),
            Entry::Vacant(free) => {
                let known = pages::read(self.db, Kind::Keys, number.cast_signed())?;
                let entries = known.map(|(entries, _)| entries).unwrap_or_default();
                Ok(free.insert((entries, false)))
            }
        }
    }

    /// The hour in which a call is found, if it is known.
    pub(super) fn hour(&mut self, key: Key) -> Result<Option<i64>> {
        let entries = &self.page(key)?.0;
        let found = entries.binary_search_by_key(&key.short(), |(short, _)| *short);
        let entry = found.ok().and_then(|at| entries.get(at));
        Ok(entry.map(|(_, hour)| i64::from(*hour)))
    }

    pub(super) fn set(&mut self, key: Key, hour: i64) -> Result<()> {
        let hour = u32::try_from(hour).map_err(|_| pages::damaged())?;
        let (entries, changed) = self.page(key)?;
        let entry = (key.short(), hour);
        match entries.binary_search_by_key(&key.short(), |(short, _)| *short) {
            Ok(at) => {
                if let Some(known) = entries.get_mut(at)
                    && *known != entry
                {
                    *known = entry;
                    *changed = true;
                }
            }
            Err(at) => {
                entries.insert(at, entry);
                *changed = true;
            }
        }
        Ok(())
    }

    pub(super) fn write(self) -> Result<()> {
        for (number, (entries, changed)) in self.open {
            if changed {
                pages::write(self.db, Kind::Keys, number.cast_signed(), &entries)?;
            }
        }
        Ok(())
    }
}
