//! What agents' runs asked the network for.

use std::pin::Pin;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::Row;

use super::{Ledger, LedgerError, failed, parse_stamp, stamp};
use crate::clock::Clock;
use crate::egress::{Decision, Record};
use crate::turn::TurnId;

/// A decision of the proxy, with how often it was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EgressRow {
    /// The host; `?`: no host.
    pub host: String,
    /// The port; 0: none.
    pub port: u16,
    /// Whether it was let through.
    pub allowed: bool,
    /// The rule that decided.
    pub rule: String,
    /// How often.
    pub times: u64,
    /// For the first time.
    pub first: DateTime<Utc>,
    /// For the last time that is known.
    pub last: DateTime<Utc>,
}

/// Keeps the decisions of one run.
#[derive(Debug)]
pub struct EgressRecord {
    ledger: Ledger,
    clock: Clock,
    session: String,
}

impl EgressRecord {
    /// Of the run with this session.
    pub fn new(ledger: Ledger, clock: Clock, session: &str) -> Self {
        Self {
            ledger,
            clock,
            session: session.to_owned(),
        }
    }
}

impl Record for EgressRecord {
    fn keep<'a>(
        &'a self,
        decision: &'a Decision,
        times: u64,
    ) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>> {
        Box::pin(async move {
            let now = self.clock.now();
            let kept = self
                .ledger
                .keep_decision(&self.session, decision, times, now);
            kept.await.map_err(|e| e.to_string())
        })
    }
}

impl Ledger {
    async fn keep_decision(
        &self,
        session: &str,
        decision: &Decision,
        times: u64,
        now: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        sqlx::query(
            "INSERT INTO egress (session, host, port, allowed, rule, times, first, last) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $7) \
             ON CONFLICT (session, host, port, allowed, rule) \
             DO UPDATE SET times = egress.times + excluded.times, last = excluded.last",
        )
        .bind(session)
        .bind(&decision.host)
        .bind(i64::from(decision.port))
        .bind(decision.allowed)
        .bind(&decision.rule)
        .bind(i64::try_from(times).unwrap_or(i64::MAX))
        .bind(stamp(now))
        .execute(&self.pool)
        .await
        .map_err(failed("writing a decision of the egress proxy"))?;
        Ok(())
    }

    /// What the agent's runs of a turn asked the network for.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub async fn egress(&self, turn: TurnId) -> Result<Vec<EgressRow>, LedgerError> {
        // Whoever only reads may meet a ledger that is older than this.
        let there: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'egress'",
        )
        .fetch_one(&self.pool)
        .await
        .map_err(failed("reading the ledger's tables"))?;
        if there == 0 {
            return Ok(Vec::new());
        }
        let rows = sqlx::query(
            "SELECT host, port, allowed, rule, SUM(times), MIN(first), MAX(last) FROM egress \
             WHERE session IN (SELECT session FROM agent_run WHERE turn = $1) \
             GROUP BY host, port, allowed, rule ORDER BY allowed DESC, MIN(first), host",
        )
        .bind(turn.to_string())
        .fetch_all(&self.pool)
        .await
        .map_err(failed("reading the decisions of the egress proxy"))?;
        Ok(rows
            .iter()
            .map(|row| EgressRow {
                host: row.get(0),
                port: u16::try_from(row.get::<i64, _>(1)).unwrap_or(0),
                allowed: row.get(2),
                rule: row.get(3),
                times: u64::try_from(row.get::<i64, _>(4)).unwrap_or(0),
                first: parse_stamp(row.get(5)),
                last: parse_stamp(row.get(6)),
            })
            .collect())
    }
}
