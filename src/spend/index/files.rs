//! Up to where each file was read.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;

use rusqlite::{Connection, params};

use super::Result;
use super::seal::RowHash;
use crate::spend::walk::Found;

/// Bytes before the position that are remembered.
const SAMPLE: usize = 256;

/// How a file was found when it was read, and up to where it was.
#[derive(Debug, Clone, Copy)]
pub(in crate::spend) struct Position {
    dev: i64,
    ino: i64,
    size: i64,
    mtime: i64,
    ctime: i64,
    /// After the last line that was complete, in bytes.
    upto: i64,
    /// A hash of the bytes before that.
    sample: i64,
    /// It was read from its beginning: what was damaged in it before no longer counts.
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
            dev: found.dev.cast_signed(),
            ino: found.ino.cast_signed(),
            size: found.size.cast_signed(),
            mtime: found.mtime,
            ctime: found.ctime,
            upto: upto.cast_signed(),
            sample: sample(found, upto)?,
            afresh: from == 0,
        })
    }

    /// What this says of the file as it is found now.
    pub(in crate::spend) fn known(&self, found: &Found) -> Known {
        let size = found.size.cast_signed();
        if (size, found.mtime, found.ctime) == (self.size, self.mtime, self.ctime) {
            return Known::Unchanged;
        }
        // Of the same length it was written over; and shorter it is another file.
        if size > self.size && self.upto > 0 {
            let upto = self.upto.cast_unsigned();
            if sample(found, upto) == Some(self.sample) {
                return Known::Grown(upto);
            }
        }
        Known::New
    }

    fn hash(&self) -> i64 {
        [
            self.dev,
            self.ino,
            self.size,
            self.mtime,
            self.ctime,
            self.upto,
            self.sample,
        ]
        .into_iter()
        .fold(RowHash::default(), RowHash::number)
        .finish()
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
    Some(RowHash::default().bytes(bytes).finish())
}

/// The positions of all files, by device and inode.
#[derive(Debug, Default)]
pub(in crate::spend) struct Files(HashMap<(u64, u64), Position>);

impl Files {
    pub(super) fn load(db: &Connection) -> Result<Self> {
        let mut statement =
            db.prepare_cached("SELECT dev, ino, size, mtime, ctime, upto, sample, sum FROM files")?;
        let mut rows = statement.query([])?;
        let mut all = Self::default();
        while let Some(row) = rows.next()? {
            let position = Position {
                dev: row.get(0)?,
                ino: row.get(1)?,
                size: row.get(2)?,
                mtime: row.get(3)?,
                ctime: row.get(4)?,
                upto: row.get(5)?,
                sample: row.get(6)?,
                afresh: false,
            };
            let id = (position.dev.cast_unsigned(), position.ino.cast_unsigned());
            // An altered one is none: the file is read again.
            if position.hash() == row.get::<_, i64>(7)? {
                all.0.insert(id, position);
            }
        }
        Ok(all)
    }

    /// What is known of a file.
    pub(in crate::spend) fn known(&self, found: &Found) -> Known {
        self.0
            .get(&(found.dev, found.ino))
            .map_or(Known::New, |position| position.known(found))
    }
}

pub(super) fn write(db: &Connection, positions: &[Position]) -> Result<()> {
    let mut statement = db.prepare_cached(
        "INSERT OR REPLACE INTO files (dev, ino, size, mtime, ctime, upto, sample, sum) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let mut clear = db.prepare_cached("DELETE FROM damage WHERE dev = ?1 AND ino = ?2")?;
    for p in positions {
        statement.execute(params![
            p.dev,
            p.ino,
            p.size,
            p.mtime,
            p.ctime,
            p.upto,
            p.sample,
            p.hash()
        ])?;
        if p.afresh {
            clear.execute([p.dev, p.ino])?;
        }
    }
    Ok(())
}
