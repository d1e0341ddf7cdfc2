//! What was read from transcripts, kept: so that the next look reads only what is new, and so that
//! what was counted once stays counted when Claude Code rewrites or deletes its files.
//!
//! A SQLite file in the state directory. It holds nothing that matters beside the calls of deleted
//! transcripts: without it, or with a damaged one, everything is read again. So that damage shows,
//! whatever changes a figure has a checksum. Most of it is in [`pages`] of packed entries, since a
//! day is then a few dozen rows to SQLite and not thousands.
//!
//! Reading a file twice, or in two processes at once, changes nothing: a call is merged into what is
//! known of it. A file's position is written in the same transaction as what was read up to there.

mod calls;
mod damage;
mod files;
mod keys;
mod names;
mod pages;
mod sessions;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use super::batch::Batch;
use super::tally::Tally;
use super::walk::Found;
use super::window::Window;

pub(super) use files::{Files, Known, Position};

use names::Names;

/// Changes with every change of what is stored or how it is read.
const VERSION: i64 = 1;
/// How long another process may write.
const BUSY: Duration = Duration::from_secs(10);

const SCHEMA: &str = "
CREATE TABLE pages (id INTEGER PRIMARY KEY, sum INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE names (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, sum INTEGER NOT NULL);
CREATE TABLE sessions (id INTEGER PRIMARY KEY, first INTEGER, sum INTEGER NOT NULL);
CREATE INDEX sessions_first ON sessions (first);
CREATE TABLE states (
  session INTEGER PRIMARY KEY, total INTEGER NOT NULL, began INTEGER, touched INTEGER,
  sum INTEGER NOT NULL
);
CREATE TABLE forks (a INTEGER, b INTEGER, PRIMARY KEY (a, b)) WITHOUT ROWID;
CREATE TABLE damage (
  dev INTEGER NOT NULL, ino INTEGER NOT NULL, at INTEGER NOT NULL, happened INTEGER,
  why TEXT NOT NULL, PRIMARY KEY (dev, ino, at)
) WITHOUT ROWID;
";

/// Why the index can't be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum IndexError {
    /// It is not what was written: it has to be made anew.
    #[error("{0}")]
    Damaged(String),
    /// It can't be read or written now.
    #[error("{0}")]
    Unusable(String),
}

impl From<rusqlite::Error> for IndexError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(
                ErrorCode::ReadOnly
                | ErrorCode::CannotOpen
                | ErrorCode::PermissionDenied
                | ErrorCode::DiskFull
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::SystemIoFailure
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::OutOfMemory,
            ) => Self::Unusable(error.to_string()),
            // Not a database, malformed, a column that is not there, text where a number belongs.
            _ => Self::Damaged(error.to_string()),
        }
    }
}

type Result<T> = std::result::Result<T, IndexError>;

/// The open index.
#[derive(Debug)]
pub(super) struct Index {
    db: Connection,
    names: Names,
}

impl Index {
    /// Opens the index of a directory, making it where there is none.
    ///
    /// # Errors
    /// When it is damaged or can't be used.
    pub(super) fn open(dir: &Path) -> Result<Self> {
        Self::open_file(&path(dir, generation(dir)))
    }

    /// Puts a new one in the place of a damaged one.
    ///
    /// # Errors
    /// When it can't be written.
    pub(super) fn replace(dir: &Path) -> Result<Self> {
        // Under a new name, since another process may still have the old one open.
        let index = Self::open_file(&path(dir, generation(dir) + 1))?;
        for old in generations(dir).into_iter().rev().skip(1) {
            let path = path(dir, old);
            let mut journal = path.clone().into_os_string();
            journal.push("-journal");
            let _ = std::fs::remove_file(&path);
            let _ = std::fs::remove_file(journal);
        }
        Ok(index)
    }

    fn open_file(path: &Path) -> Result<Self> {
        make_private(path).map_err(|e| IndexError::Unusable(e.to_string()))?;
        Self::with(Connection::open(path)?)
    }

    fn with(db: Connection) -> Result<Self> {
        db.busy_timeout(BUSY)?;
        db.pragma_update(None, "journal_mode", "TRUNCATE")?;
        db.pragma_update(None, "synchronous", "NORMAL")?;
        let mut index = Self {
            db,
            names: Names::default(),
        };
        index.prepare()?;
        Ok(index)
    }

    fn prepare(&mut self) -> Result<()> {
        let version = |db: &Connection| {
            db.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))
        };
        if version(&self.db)? == VERSION {
            return Ok(());
        }
        let transaction = self
            .db
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have been quicker.
        match version(&transaction)? {
            VERSION => return Ok(()),
            0 => (),
            other => {
                return Err(IndexError::Damaged(format!("it is of version {other}")));
            }
        }
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
        Ok(transaction.commit()?)
    }

    /// What is known of files.
    ///
    /// # Errors
    /// When it can't be read.
    pub(super) fn files(&self) -> Result<Files> {
        Files::load(&self.db)
    }

    /// Takes in what was read, and up to where; leaves the batch empty.
    ///
    /// # Errors
    /// When it can't be written; then nothing of it was.
    pub(super) fn take(&mut self, batch: &mut Batch, positions: &[Position]) -> Result<()> {
        let Self { db, names } = self;
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let written = sessions::write(&transaction, names, batch)
            .and_then(|()| calls::write(&transaction, names, &mut batch.calls))
            .and_then(|()| files::write(&transaction, positions))
            .and_then(|()| damage::write(&transaction, &batch.damage))
            .and_then(|()| Ok(transaction.commit()?));
        batch.states.clear();
        batch.damage.clear();
        if written.is_err() {
            names.forget();
        }
        written
    }

    /// What a day is summed up from. `listed`: the files that are there.
    ///
    /// # Errors
    /// When it can't be read.
    pub(super) fn tally(&mut self, day: Window, listed: &[Arc<Found>]) -> Result<Tally> {
        // One state of the file, whoever writes meanwhile.
        let transaction = self.db.transaction()?;
        let mut tally = Tally::default();
        calls::load(&transaction, &mut self.names, day, &mut tally)?;
        sessions::load(&transaction, &mut self.names, day, &mut tally)?;
        damage::load(&transaction, day, listed, &mut tally)?;
        Ok(tally)
    }
}

/// The first instant that matters to a day: a run that ended on it may have begun the day before.
fn reach(day: Window) -> DateTime<Utc> {
    day.start - TimeDelta::days(1)
}

const PREFIX: &str = "spend-index.";
const SUFFIX: &str = ".sqlite";

fn path(dir: &Path, generation: u64) -> PathBuf {
    dir.join(format!("{PREFIX}{generation}{SUFFIX}"))
}

/// Those that are there, oldest first.
fn generations(dir: &Path) -> Vec<u64> {
    let mut all: Vec<u64> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let number = name.to_str()?.strip_prefix(PREFIX)?;
            number.strip_suffix(SUFFIX)?.parse().ok()
        })
        .collect();
    all.sort_unstable();
    all
}

fn generation(dir: &Path) -> u64 {
    generations(dir).last().copied().unwrap_or(1)
}

/// For its owner alone: it tells of projects and sessions.
fn make_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map(|_| ())
}
