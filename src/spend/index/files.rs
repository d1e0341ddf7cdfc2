//! Up to where each file was read.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::os::unix::fs::FileExt as _;

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::Result;
use super::pages::{self, Kind, checksum};
use crate::spend::walk::Found;

/// Pages that they are spread over.
const PAGES: u64 = 64;
/// Bytes before the position that are remembered.
const SAMPLE: usize = 256;

/// How a file was found when it was read, and up to where it was.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(in crate::spend) struct Position {
    dev: u64,
    ino: u64,
    size: u64,
    mtime: i64,
    ctime: i64,
    /// After the last line that was complete, in bytes.
    upto: u64,
    /// A hash of the bytes before that.
    sample: i64,
    /// It was read from its beginning: what was damaged in it before no longer counts.
    #[serde(skip)]
    afresh: bool,
}

/// What is known of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::spend) enum Known {
    /// Nothing was written to it since.
    Unchanged,
    /// It is as it was up to this byte, and longer.
    Grown(u64),
    /// It has to be read from its beginning.
    New,
}

impl Position {
    /// Where a file stands that was read up to byte `upto`, as it was found before that.
    pub(in crate::spend) fn of(found: &Found, from: u64, upto: u64) -> Option<Self> {
        Some(Self {
            dev: found.dev,
            ino: found.ino,
            size: found.size,
            mtime: found.mtime,
            ctime: found.ctime,
            upto,
            sample: sample(found, upto)?,
            afresh: from == 0,
        })
    }

    /// What this says of the file as it is found now.
    pub(in crate::spend) fn known(&self, found: &Found) -> Known {
        if (found.size, found.mtime, found.ctime) == (self.size, self.mtime, self.ctime) {
            return Known::Unchanged;
        }
        // Of the same length it was written over; and shorter it is another file.
        let grown = found.size > self.size && self.upto > 0;
        if grown && sample(found, self.upto) == Some(self.sample) {
            Known::Grown(self.upto)
        } else {
            Known::New
        }
    }

    fn page(&self) -> u64 {
        (self.dev ^ self.ino) % PAGES
    }
}

/// A hash of the bytes before `upto`; `None` when they can't be read.
fn sample(found: &Found, upto: u64) -> Option<i64> {
    if upto == 0 {
        return Some(0);
    }
    let mut buffer = [0; SAMPLE];
    let length = usize::try_from(upto).unwrap_or(SAMPLE).min(SAMPLE);
    let bytes = buffer.get_mut(..length)?;
    let file = File::open(&found.path).ok()?;
    file.read_exact_at(bytes, upto - length as u64).ok()?;
    Some(checksum(0, bytes))
}

/// The positions of all files, by device and inode.
#[derive(Debug, Default)]
pub(in crate::spend) struct Files(HashMap<(u64, u64), Position>);

impl Files {
    pub(super) fn load(db: &Connection) -> Result<Self> {
        let mut all = Self::default();
        pages::read_all(db, Kind::Files, |page: Vec<Position>| {
            all.0.extend(page.into_iter().map(|p| ((p.dev, p.ino), p)));
        })?;
        Ok(all)
    }

    /// What is known of a file.
    pub(in crate::spend) fn known(&self, found: &Found) -> Known {
        self.0
            .get(&(found.dev, found.ino))
            .map_or(Known::New, |position| position.known(found))
    }
}

fn read(db: &Connection, page: u64) -> Result<Vec<Position>> {
    let found = pages::read(db, Kind::Files, page.cast_signed())?;
    Ok(found.map(|(all, _)| all).unwrap_or_default())
}

pub(super) fn write(db: &Connection, positions: &[Position]) -> Result<()> {
    let mut changed: BTreeMap<u64, BTreeMap<(u64, u64), Position>> = BTreeMap::new();
    let mut clear = db.prepare_cached("DELETE FROM damage WHERE dev = ?1 AND ino = ?2")?;
    for position in positions {
        let page = position.page();
        if let Entry::Vacant(free) = changed.entry(page) {
            free.insert(
                read(db, page)?
                    .into_iter()
                    .map(|p| ((p.dev, p.ino), p))
                    .collect(),
            );
        }
        if let Some(all) = changed.get_mut(&page) {
            all.insert((position.dev, position.ino), *position);
        }
        if position.afresh {
            clear.execute([position.dev.cast_signed(), position.ino.cast_signed()])?;
        }
    }
    for (page, all) in changed {
        let all: Vec<Position> = all.into_values().collect();
        pages::write(db, Kind::Files, page.cast_signed(), &all)?;
    }
    Ok(())
}
