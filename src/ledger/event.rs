//! What happened within a turn, written before and after each effect.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::Row;

use super::{Ledger, LedgerError, failed, parse_stamp, stamp};
use crate::turn::{Stage, TurnId};

/// One entry.
#[derive(Debug, Clone)]
pub struct Event {
    /// When.
    pub at: DateTime<Utc>,
    /// The stage's name.
    pub stage: String,
    /// What happened, such as `started`.
    pub kind: String,
    /// Details as JSON.
    pub data: serde_json::Value,
}

impl Ledger {
    /// Appends an event.
    ///
    /// # Errors
    /// When the entry can't be written; then the thing must not be started.
    pub async fn event(
        &self,
        turn: TurnId,
        at: DateTime<Utc>,
        stage: Stage,
        kind: &str,
        data: &(impl Serialize + Sync),
    ) -> Result<(), LedgerError> {
        let what = "writing an event";
        let data = serde_json::to_string(data)
            .map_err(|e| failed(what)(sqlx::Error::Encode(Box::new(e))))?;
        sqlx::query("INSERT INTO event (turn, at, stage, kind, data) VALUES ($1, $2, $3, $4, $5)")
            .bind(turn.to_string())
            .bind(stamp(at))
            .bind(stage.word())
            .bind(kind)
            .bind(data)
            .execute(&self.pool)
            .await
            .map_err(failed(what))?;
        Ok(())
    }

    /// The events of a turn, oldest first.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub async fn events(&self, turn: TurnId) -> Result<Vec<Event>, LedgerError> {
        let rows =
            sqlx::query("SELECT at, stage, kind, data FROM event WHERE turn = $1 ORDER BY seq")
                .bind(turn.to_string())
                .fetch_all(&self.pool)
                .await
                .map_err(failed("reading events"))?;
        Ok(rows
            .iter()
            .map(|row| Event {
                at: parse_stamp(row.get(0)),
                stage: row.get(1),
                kind: row.get(2),
                data: serde_json::from_str(row.get(3)).unwrap_or_default(),
            })
            .collect())
    }
}
