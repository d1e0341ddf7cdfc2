//! Runs of agents and their money: reserved before the start, settled after every kind of end.

use chrono::{DateTime, Utc};
use sqlx::Row;

use super::{Ledger, LedgerError, failed, money, parse_stamp, stamp, stored};
use crate::gate::MicroUsd;
use crate::spend::OwnRun;
use crate::turn::TurnId;

impl Ledger {
    /// Reserves an allowance for an agent's run that is about to start. Its session is known from
    /// now on, so that whatever it leaves in transcripts is never counted beside its own account.
    ///
    /// # Errors
    /// When the entry can't be written; then the run must not start.
    pub async fn reserve(
        &self,
        turn: TurnId,
        session: &str,
        amount: MicroUsd,
        now: DateTime<Utc>,
    ) -> Result<String, LedgerError> {
        let id = uuid::Uuid::now_v7().to_string();
        sqlx::query(
            "INSERT INTO agent_run (id, turn, session, started, reserved) \
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(&id)
        .bind(turn.to_string())
        .bind(session)
        .bind(stamp(now))
        .bind(stored(amount))
        .execute(&self.pool)
        .await
        .map_err(failed("reserving an allowance"))?;
        Ok(id)
    }

    /// Settles a run with what it cost.
    ///
    /// # Errors
    /// When the entry can't be written.
    pub async fn settle(
        &self,
        run: &str,
        cost: MicroUsd,
        now: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        sqlx::query("UPDATE agent_run SET finished = $2, cost = $3 WHERE id = $1")
            .bind(run)
            .bind(stamp(now))
            .bind(stored(cost))
            .execute(&self.pool)
            .await
            .map_err(failed("settling a run"))?;
        Ok(())
    }

    /// Books every unsettled run of a turn at its whole reservation: after a crash nobody knows
    /// what it cost, and an unknown cost is never zero.
    ///
    /// # Errors
    /// When the entry can't be written.
    pub async fn settle_at_reservation(
        &self,
        turn: TurnId,
        now: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        sqlx::query(
            "UPDATE agent_run SET finished = $2, cost = reserved WHERE turn = $1 AND cost IS NULL",
        )
        .bind(turn.to_string())
        .bind(stamp(now))
        .execute(&self.pool)
        .await
        .map_err(failed("settling a run"))?;
        Ok(())
    }

    /// The settled runs that ended at or after `since`.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub async fn own_runs(&self, since: DateTime<Utc>) -> Result<Vec<OwnRun>, LedgerError> {
        let rows = sqlx::query(
            "SELECT session, finished, cost FROM agent_run \
             WHERE cost IS NOT NULL AND finished >= $1 ORDER BY finished",
        )
        .bind(stamp(since))
        .fetch_all(&self.pool)
        .await
        .map_err(failed("reading own runs"))?;
        Ok(rows
            .iter()
            .map(|row| OwnRun {
                session: row.get(0),
                finished: parse_stamp(row.get(1)),
                cost: money(row.get(2)),
            })
            .collect())
    }

    /// What unsettled runs have reserved.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub async fn reserved(&self) -> Result<MicroUsd, LedgerError> {
        let row =
            sqlx::query("SELECT COALESCE(SUM(reserved), 0) FROM agent_run WHERE cost IS NULL")
                .fetch_one(&self.pool)
                .await
                .map_err(failed("reading reservations"))?;
        Ok(money(row.get(0)))
    }
}
