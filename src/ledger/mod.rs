//! The durable ledger: everything that happens is first an entry here. Wiki page, posts and
//! status are projections of it that can be rebuilt.
//!
//! SQLite in write-ahead mode with full synchronisation. The statements are plain SQL with
//! positional parameters, so that PostgreSQL can follow.

mod agent_run;
mod day_most;
mod egress;
mod event;
mod fact;
mod held;
mod known;
mod memory;
mod post;
mod scan;
mod thin;
mod turn_row;

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use sqlx::migrate::MigrateError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Pool, Sqlite};

pub use egress::{EgressRecord, EgressRow};
pub use event::Event;
pub use held::{HeldRow, HeldState, Verb, Wish};
pub use post::Post;
pub use thin::WHOLE_TURNS;
pub use turn_row::OpenTurn;

use crate::error::Fatal;
use crate::memory::Scope;

/// The open ledger. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Ledger {
    pool: Pool<Sqlite>,
    scope: Scope,
}

/// A statement that failed. The loop can't go on without its ledger.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {source}")]
pub struct LedgerError {
    what: &'static str,
    #[source]
    source: sqlx::Error,
}

impl From<LedgerError> for Fatal {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error.to_string())
    }
}

fn failed(what: &'static str) -> impl FnOnce(sqlx::Error) -> LedgerError {
    move |source| LedgerError { what, source }
}

impl Ledger {
    /// Where the ledger of a state directory is.
    pub fn path(state_dir: &Path) -> PathBuf {
        state_dir.join("ledger.sqlite")
    }

    /// Opens the ledger for writing, making or migrating it as needed.
    ///
    /// # Errors
    /// When the file can't be written, is no ledger, or was written by a newer version.
    pub async fn open(state_dir: &Path) -> Result<Self, Fatal> {
        let options = SqliteConnectOptions::new()
            .filename(Self::path(state_dir))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10));
        let ledger = Self::connect(options, state_dir).await?;
        sqlx::migrate!("src/ledger/migrations")
            .run(&ledger.pool)
            .await
            .map_err(|e| match e {
                MigrateError::Execute(e) => unusable(state_dir, &e),
                e => Fatal::Ledger(format!(
                    "{}: {e}; it may come from a newer secloop, or the disk is full",
                    Self::path(state_dir).display()
                )),
            })?;
        Ok(ledger)
    }

    /// Opens an existing ledger for reading only; `None` where there is none yet, or an empty
    /// file of a run that was ended before it began.
    ///
    /// # Errors
    /// When the file is there and can't be read.
    pub async fn open_for_reading(state_dir: &Path) -> Result<Option<Self>, Fatal> {
        let path = Self::path(state_dir);
        if !path
            .try_exists()
            .map_err(Fatal::io(format!("looking for {}", path.display())))?
        {
            return Ok(None);
        }
        // Not `read_only`: a reader of a write-ahead log may have to make its shared-memory file.
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .pragma("query_only", "1")
            .busy_timeout(Duration::from_secs(10));
        let ledger = Self::connect(options, state_dir).await?;
        // Connecting reads nothing: what the file is shows with the first query.
        let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_master")
            .fetch_one(&ledger.pool)
            .await
            .map_err(|e| unusable(state_dir, &e))?;
        Ok((tables > 0).then_some(ledger))
    }

    async fn connect(options: SqliteConnectOptions, state_dir: &Path) -> Result<Self, Fatal> {
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options)
            .await
            .map_err(|e| unusable(state_dir, &e))?;
        Ok(Self {
            pool,
            scope: Scope::default(),
        })
    }

    /// Closes the file; later calls fail.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// The file can't be used: what to do about it.
fn unusable(state_dir: &Path, error: &sqlx::Error) -> Fatal {
    let path = Ledger::path(state_dir);
    let path = path.display();
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    Fatal::Ledger(match code.as_deref() {
        // SQLITE_CORRUPT, SQLITE_NOTADB
        Some("11" | "26") => format!(
            "{path}: it is damaged, or no ledger; move it away with its -wal and -shm files, and \
             secloop begins a new one, which knows nothing of earlier turns ({error})"
        ),
        _ => format!(
            "{path}: {error}; check that the directory is writable and the disk is not full"
        ),
    })
}

fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn parse_stamp(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).map_or(DateTime::UNIX_EPOCH, |t| t.with_timezone(&Utc))
}

/// Money as the database holds it.
fn stored(amount: crate::gate::MicroUsd) -> i64 {
    i64::try_from(amount.0).unwrap_or(i64::MAX)
}

fn money(stored: i64) -> crate::gate::MicroUsd {
    crate::gate::MicroUsd(u64::try_from(stored).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
