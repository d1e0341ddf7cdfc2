//! Turns.

use chrono::{DateTime, Utc};
use sqlx::Row;

use super::{Ledger, LedgerError, failed, parse_stamp, stamp, stored};
use crate::memory::Fact;
use crate::turn::{Counts, Turn, TurnId, TurnOutcome};

const READING: &str = "reading turns";

/// A turn that has begun and not ended: this run's current one, or one that a crash left.
#[derive(Debug, Clone)]
pub struct OpenTurn {
    /// Its id.
    pub id: TurnId,
    /// Its number.
    pub number: i64,
    /// When it began.
    pub started: DateTime<Utc>,
}

pub(super) fn decoded(rows: &[sqlx::sqlite::SqliteRow]) -> Result<Vec<Turn>, LedgerError> {
    rows.iter()
        .map(|row| serde_json::from_str(row.get(0)))
        .collect::<Result<_, _>>()
        .map_err(|e| failed(READING)(sqlx::Error::Decode(Box::new(e))))
}

impl Ledger {
    /// Begins a turn; nothing of it has happened yet.
    ///
    /// # Errors
    /// When the entry can't be written.
    pub async fn begin_turn(&self, now: DateTime<Utc>) -> Result<OpenTurn, LedgerError> {
        let id = TurnId::now_v7();
        let row = sqlx::query(
            "INSERT INTO turn (id, number, started, workstation, repo) \
             SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, $4 FROM turn RETURNING number",
        )
        .bind(id.to_string())
        .bind(stamp(now))
        .bind(&self.scope.workstation)
        .bind(&self.scope.repo)
        .fetch_one(&self.pool)
        .await
        .map_err(failed("beginning a turn"))?;
        Ok(OpenTurn {
            id,
            number: row.get(0),
            started: now,
        })
    }

    /// Ends a turn and queues its posts, both or neither.
    ///
    /// # Errors
    /// When the entry can't be written.
    pub async fn finish_turn(
        &self,
        turn: &Turn,
        posts: &[(String, String)],
    ) -> Result<(), LedgerError> {
        self.finish_turn_with(turn, posts, &[]).await
    }

    /// As [`finish_turn`](Self::finish_turn), and remembers what the turn teaches.
    ///
    /// # Errors
    /// As [`finish_turn`](Self::finish_turn).
    pub async fn finish_turn_with(
        &self,
        turn: &Turn,
        posts: &[(String, String)],
        facts: &[Fact],
    ) -> Result<(), LedgerError> {
        let what = "ending a turn";
        let record = serde_json::to_string(turn)
            .map_err(|e| failed(what)(sqlx::Error::Encode(Box::new(e))))?;
        let mut all = self.pool.begin().await.map_err(failed(what))?;
        sqlx::query(
            "UPDATE turn SET finished = $2, outcome = $3, fingerprint = $4, cost = $5, \
             record = $6 WHERE id = $1 AND finished IS NULL",
        )
        .bind(turn.id.to_string())
        .bind(stamp(turn.finished))
        .bind(turn.outcome.word())
        .bind(turn.finding.as_ref().map(crate::turn::Finding::fingerprint))
        .bind(stored(turn.cost))
        .bind(record)
        .execute(&mut *all)
        .await
        .map_err(failed(what))?;
        if let (TurnOutcome::TakenBack(_), Some(original)) = (&turn.outcome, turn.receipt.reverts) {
            sqlx::query("UPDATE turn SET reverted = $2 WHERE id = $1")
                .bind(original.to_string())
                .bind(turn.id.to_string())
                .execute(&mut *all)
                .await
                .map_err(failed(what))?;
        }
        for (key, body) in posts {
            super::post::queue(&mut all, key, body, turn.finished)
                .await
                .map_err(failed(what))?;
        }
        super::known::remember(&mut all, &self.scope, facts, turn.finished)
            .await
            .map_err(failed(what))?;
        all.commit().await.map_err(failed(what))
    }

    /// A finished turn.
    ///
    /// # Errors
    /// As [`Ledger::turns`].
    pub async fn turn(&self, id: TurnId) -> Result<Option<Turn>, LedgerError> {
        let rows = sqlx::query("SELECT record FROM turn WHERE record IS NOT NULL AND id = $1")
            .bind(id.to_string())
            .fetch_all(&self.pool)
            .await
            .map_err(failed(READING))?;
        Ok(decoded(&rows)?.pop())
    }

    /// Turns that have begun and not ended.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub async fn open_turns(&self) -> Result<Vec<OpenTurn>, LedgerError> {
        let rows = sqlx::query(
            "SELECT id, number, started FROM turn WHERE finished IS NULL ORDER BY number",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(failed("reading open turns"))?;
        Ok(rows
            .iter()
            .filter_map(|row| {
                Some(OpenTurn {
                    id: row.get::<String, _>(0).parse().ok()?,
                    number: row.get(1),
                    started: parse_stamp(row.get(2)),
                })
            })
            .collect())
    }

    /// The last `limit` finished turns, oldest first.
    ///
    /// # Errors
    /// When the ledger can't be read, or an entry is not what this version writes.
    pub async fn turns(&self, limit: u32) -> Result<Vec<Turn>, LedgerError> {
        let rows = sqlx::query(
            "SELECT record FROM turn WHERE record IS NOT NULL ORDER BY number DESC LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await
        .map_err(failed(READING))?;
        let mut turns = decoded(&rows)?;
        turns.reverse();
        Ok(turns)
    }

    /// The improvements that landed, oldest first, at most the newest `limit`; with `open` also what
    /// was refused, held or failed.
    ///
    /// # Errors
    /// As [`Ledger::turns`].
    pub async fn improvements(&self, open: bool, limit: u32) -> Result<Vec<Turn>, LedgerError> {
        let sql = if open {
            "SELECT record FROM turn WHERE record IS NOT NULL \
             AND outcome NOT IN ('skipped', 'idle') ORDER BY number DESC LIMIT $1"
        } else {
            "SELECT record FROM turn WHERE record IS NOT NULL AND outcome = 'committed' \
             AND reverted IS NULL ORDER BY number DESC LIMIT $1"
        };
        let rows = sqlx::query(sql)
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await
            .map_err(failed(READING))?;
        let mut turns = decoded(&rows)?;
        turns.reverse();
        Ok(turns)
    }

    /// The finished turns with these numbers, oldest first.
    ///
    /// # Errors
    /// As [`Ledger::turns`].
    pub async fn turns_from_to(&self, first: i64, last: i64) -> Result<Vec<Turn>, LedgerError> {
        let rows = sqlx::query(
            "SELECT record FROM turn WHERE record IS NOT NULL AND number BETWEEN $1 AND $2 \
             ORDER BY number",
        )
        .bind(first)
        .bind(last)
        .fetch_all(&self.pool)
        .await
        .map_err(failed(READING))?;
        decoded(&rows)
    }

    /// The highest number of a turn; 0 before the first.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub async fn newest_number(&self) -> Result<i64, LedgerError> {
        let row = sqlx::query("SELECT COALESCE(MAX(number), 0) FROM turn")
            .fetch_one(&self.pool)
            .await
            .map_err(failed(READING))?;
        Ok(row.get(0))
    }

    /// What all turns came to.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub async fn counts(&self) -> Result<Counts, LedgerError> {
        let rows = sqlx::query(
            "SELECT outcome, COUNT(*) FROM turn WHERE outcome IS NOT NULL GROUP BY outcome",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(failed(READING))?;
        let mut counts = Counts::default();
        for row in &rows {
            let (outcome, count): (String, i64) = (row.get(0), row.get(1));
            let count = u64::try_from(count).unwrap_or(0);
            let place = match outcome.as_str() {
                "committed" => &mut counts.committed,
                "rejected" => &mut counts.rejected,
                "held" => &mut counts.held,
                "idle" => &mut counts.idle,
                "failed" | "needs_operator" => &mut counts.failed,
                "taken_back" => &mut counts.taken_back,
                _ => continue,
            };
            *place += count;
            counts.iterations += count;
        }
        // As the record is written; within a text the quotes would be escaped.
        let row = sqlx::query(
            "SELECT COUNT(*) FROM turn WHERE outcome = 'held' \
             AND record LIKE '%\"rehearsal\":true%'",
        )
        .fetch_one(&self.pool)
        .await
        .map_err(failed(READING))?;
        let rehearsed = u64::try_from(row.get::<i64, _>(0)).unwrap_or(0);
        counts.held = counts.held.saturating_sub(rehearsed);
        let row = sqlx::query("SELECT MAX(finished) FROM turn WHERE outcome = 'committed'")
            .fetch_one(&self.pool)
            .await
            .map_err(failed(READING))?;
        counts.last_commit = row.get::<Option<String>, _>(0).map(|at| parse_stamp(&at));
        Ok(counts)
    }
}
