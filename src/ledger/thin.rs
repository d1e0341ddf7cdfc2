//! What is kept of old turns. Finding, outcome, verdicts, probes and money stay for ever; events,
//! differences, what programs said and posts that were delivered go.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::Row;

use super::{Ledger, LedgerError, failed, stamp};
use crate::turn::{Turn, TurnId};

/// The newest turns are kept wholly, as many as this.
pub const WHOLE_TURNS: i64 = 1_000;
/// And those that ended within this time, however many they are.
const WHOLE_TIME: TimeDelta = TimeDelta::days(2);
/// Baselines that are kept: of the newest commits and ways to run the playbook.
const BASELINES: i64 = 50;
/// Turns that are thinned out at once.
const AT_ONCE: i64 = 50;
/// Up to which turn it was done.
const DONE: &str = "thinned-to";

impl Ledger {
    /// Thins out some turns that are old by now; gives which, so that what they left elsewhere can
    /// go too.
    ///
    /// # Errors
    /// When the ledger can't be read or written; then everything is as before.
    pub async fn thin(&self, now: DateTime<Utc>) -> Result<Vec<TurnId>, LedgerError> {
        let what = "thinning out old turns";
        let done: i64 = self
            .fact(DONE)
            .await?
            .and_then(|text| text.parse().ok())
            .unwrap_or(0);
        let rows = sqlx::query(
            "SELECT id, number, record FROM turn WHERE number > $1 \
             AND number <= (SELECT MAX(number) FROM turn) - $2 \
             AND finished < $3 ORDER BY number LIMIT $4",
        )
        .bind(done)
        .bind(WHOLE_TURNS)
        .bind(stamp(now - WHOLE_TIME))
        .bind(AT_ONCE)
        .fetch_all(&self.pool)
        .await
        .map_err(failed(what))?;
        let Some(last) = rows.last().map(|row| row.get::<i64, _>(1)) else {
            return Ok(Vec::new());
        };
        let mut all = self.pool.begin().await.map_err(failed(what))?;
        for row in &rows {
            let id: String = row.get(0);
            for sql in [
                "DELETE FROM event WHERE turn = $1",
                "DELETE FROM post WHERE key = 'turn/' || $1",
                "DELETE FROM egress WHERE session IN \
                 (SELECT session FROM agent_run WHERE turn = $1)",
            ] {
                let query = sqlx::query(sql).bind(&id);
                query.execute(&mut *all).await.map_err(failed(what))?;
            }
            // One that this version can't read is left as it is.
            let Some(record) = thinned(row.get(2)) else {
                continue;
            };
            sqlx::query("UPDATE turn SET record = $2 WHERE id = $1")
                .bind(&id)
                .bind(record)
                .execute(&mut *all)
                .await
                .map_err(failed(what))?;
        }
        sqlx::query(
            "DELETE FROM fact WHERE key LIKE 'baseline/%' AND key NOT IN \
             (SELECT key FROM fact WHERE key LIKE 'baseline/%' ORDER BY at DESC LIMIT $1)",
        )
        .bind(BASELINES)
        .execute(&mut *all)
        .await
        .map_err(failed(what))?;
        // The posts about the ends of runs, and about drift, that are that old.
        sqlx::query(
            "DELETE FROM post WHERE (key LIKE 'stop/%' OR key LIKE 'drift/%') AND created < $1",
        )
        .bind(stamp(now - WHOLE_TIME * 15))
        .execute(&mut *all)
        .await
        .map_err(failed(what))?;
        sqlx::query(
            "INSERT INTO fact (key, value, at) VALUES ($1, $2, $3) \
             ON CONFLICT (key) DO UPDATE SET value = excluded.value, at = excluded.at",
        )
        .bind(DONE)
        .bind(last.to_string())
        .bind(stamp(now))
        .execute(&mut *all)
        .await
        .map_err(failed(what))?;
        all.commit().await.map_err(failed(what))?;
        let ids = rows.iter().map(|row| row.get::<String, _>(0).parse());
        Ok(ids.filter_map(Result::ok).collect())
    }
}

fn thinned(record: &str) -> Option<String> {
    let turn: Turn = serde_json::from_str(record).ok()?;
    let turn = Turn {
        receipt: turn.receipt.thinned(),
        ..turn
    };
    serde_json::to_string(&turn).ok()
}
