//! What earlier turns of this workstation and repository came to.

use serde::Deserialize;
use sqlx::Row;

use super::{Ledger, LedgerError, failed};
use crate::memory::{Known, Print, Scope};
use crate::turn::{Finding, ProbeRecord, Turn, TurnId, TurnOutcome};

const READING: &str = "reading what is known";
/// What was refused or held is known of so many of the newest turns; what has landed, for ever.
const RECENT: i64 = 300;

/// Of a turn's record what is needed here.
#[derive(Deserialize)]
struct Record {
    id: TurnId,
    number: i64,
    outcome: TurnOutcome,
    finding: Option<Finding>,
    receipt: Evidence,
}

#[derive(Deserialize)]
struct Evidence {
    probes: Vec<ProbeRecord>,
    #[serde(default)]
    rehearsal: bool,
    #[serde(default)]
    repeats: Option<i64>,
    #[serde(default)]
    reverts: Option<TurnId>,
}

impl Ledger {
    /// For this workstation and repository: turns that begin belong to them, and what is known is of
    /// them alone.
    #[must_use]
    pub fn about(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    /// What earlier turns came to, newest first: one entry a hole and outcome.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub async fn memory(&self) -> Result<Vec<Known>, LedgerError> {
        let rows = sqlx::query(
            "SELECT record FROM turn WHERE record IS NOT NULL AND fingerprint IS NOT NULL \
             AND workstation = $1 AND repo = $2 AND (outcome = 'committed' \
             OR number > (SELECT MAX(number) FROM turn) - $3) ORDER BY number DESC",
        )
        .bind(&self.scope.workstation)
        .bind(&self.scope.repo)
        .bind(RECENT)
        .fetch_all(&self.pool)
        .await
        .map_err(failed(READING))?;
        let denied = self.denied().await?;
        let mut memory: Vec<(Print, Known)> = Vec::new();
        for row in &rows {
            let record: Record = serde_json::from_str(row.get(0))
                .map_err(|e| failed(READING)(sqlx::Error::Decode(Box::new(e))))?;
            // What was only rehearsed, or refused as a repeat, was not tried.
            let tried = !record.receipt.rehearsal && record.receipt.repeats.is_none();
            let Some(finding) = record.finding.filter(|_| tried) else {
                continue;
            };
            let outcome = match record.outcome {
                TurnOutcome::Held(_) if denied.contains(&record.id) => "denied",
                // An operator's wish that failed is no try of the agent's.
                TurnOutcome::Rejected(_) if record.receipt.reverts.is_some() => continue,
                TurnOutcome::Committed(_)
                | TurnOutcome::Rejected(_)
                | TurnOutcome::Held(_)
                | TurnOutcome::TakenBack(_) => record.outcome.word(),
                _ => continue,
            };
            let print = Print::of(&finding.target, &finding.control);
            // A landing between two rejections keeps them apart.
            let known = memory
                .iter_mut()
                .rev()
                .find(|(old, _)| *old == print)
                .filter(|(_, known)| known.outcome == outcome);
            match known {
                Some((_, known)) => known.tries += 1,
                None => memory.push((
                    print,
                    Known {
                        finding,
                        outcome: outcome.to_owned(),
                        why: record.outcome.detail().to_owned(),
                        tries: 1,
                        turn: record.number,
                        probes: record.receipt.probes.into_iter().map(|p| p.probe).collect(),
                    },
                )),
            }
        }
        Ok(memory.into_iter().map(|(_, known)| known).collect())
    }

    /// The last `limit` finished turns of this workstation and repository, oldest first.
    ///
    /// # Errors
    /// As [`Ledger::turns`].
    pub async fn turns_here(&self, limit: u32) -> Result<Vec<Turn>, LedgerError> {
        let rows = sqlx::query(
            "SELECT record FROM turn WHERE record IS NOT NULL AND workstation = $1 AND repo = $2 \
             ORDER BY number DESC LIMIT $3",
        )
        .bind(&self.scope.workstation)
        .bind(&self.scope.repo)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await
        .map_err(failed(READING))?;
        let mut turns = super::turn_row::decoded(&rows)?;
        turns.reverse();
        Ok(turns)
    }
}
