//! Which hour each call is found in, for rows that tell of a call that is known.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use rusqlite::Connection;

use super::Result;
use super::pages::{self, Kind};
use crate::spend::key::Key;

/// Pages that they are spread over. One has a few kilobytes for a hundred thousand calls.
const PAGES: u64 = 512;

/// The part of a key that is kept, and the hour since 1970. Two calls may share the part: the hour's
/// page has the whole keys.
type Entries = BTreeMap<u64, u32>;

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
        let hour = self.page(key)?.0.get(&key.short());
        Ok(hour.map(|hour| i64::from(*hour)))
    }

    pub(super) fn set(&mut self, key: Key, hour: i64) -> Result<()> {
        let hour = u32::try_from(hour).map_err(|_| pages::damaged())?;
        let (entries, changed) = self.page(key)?;
        *changed |= entries.insert(key.short(), hour) != Some(hour);
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
