//! Changes that wait for a person, and what an operator asked for.

use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{Ledger, LedgerError, failed, parse_stamp, stamp};
use crate::turn::TurnId;

/// What becomes of a held change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeldState {
    /// Nobody has decided.
    Waiting,
    /// Approved, and to be proven by a turn.
    Approved,
    /// The operator doesn't want it.
    Denied,
    /// Approved, proven and committed.
    Landed,
    /// Approved, and then refused by a gate.
    Refused,
}

impl HeldState {
    const ALL: [Self; 5] = [
        Self::Waiting,
        Self::Approved,
        Self::Denied,
        Self::Landed,
        Self::Refused,
    ];

    /// In one word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Landed => "landed",
            Self::Refused => "refused",
        }
    }
}

/// A held change.
#[derive(Debug, Clone)]
pub struct HeldRow {
    /// The turn that it was held in.
    pub turn: TurnId,
    /// The turn's number.
    pub number: i64,
    /// Since when.
    pub at: DateTime<Utc>,
    /// The proposal as JSON.
    pub proposal: String,
    /// What becomes of it.
    pub state: HeldState,
}

/// What an operator can ask a turn for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Prove a held change, and commit it.
    Approve,
    /// Take an improvement back.
    Rollback,
}

impl Verb {
    /// In one word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Rollback => "rollback",
        }
    }
}

/// What was asked for and not taken up.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Its place in the order.
    pub seq: i64,
    /// What is to be done.
    pub verb: Verb,
    /// To which turn.
    pub turn: TurnId,
}

const SELECT: &str = "SELECT held.turn, turn.number, held.at, held.proposal, held.state FROM held \
                      JOIN turn ON turn.id = held.turn";

impl Ledger {
    /// Keeps a change that waits for a person, for ever if need be.
    ///
    /// # Errors
    /// When the entry can't be written.
    pub async fn hold(
        &self,
        turn: TurnId,
        proposal: &str,
        now: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        sqlx::query(
            "INSERT INTO held (turn, at, proposal, state) VALUES ($1, $2, $3, 'waiting') \
             ON CONFLICT (turn) DO NOTHING",
        )
        .bind(turn.to_string())
        .bind(stamp(now))
        .bind(proposal)
        .execute(&self.pool)
        .await
        .map_err(failed("holding a change"))?;
        Ok(())
    }

    /// The held change of a turn.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub async fn held(&self, turn: TurnId) -> Result<Option<HeldRow>, LedgerError> {
        let sql = format!("{SELECT} WHERE held.turn = $1");
        let row = sqlx::query(&sql)
            .bind(turn.to_string())
            .fetch_optional(&self.pool)
            .await
            .map_err(failed(READING))?;
        Ok(row.as_ref().and_then(read))
    }

    /// The held changes in one of these states, oldest first. A ledger of an older version has none.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub async fn all_held(&self, states: &[HeldState]) -> Result<Vec<HeldRow>, LedgerError> {
        if !self.has_held().await? {
            return Ok(Vec::new());
        }
        let sql = format!("{SELECT} WHERE {} ORDER BY turn.number", in_states(states));
        let rows = sqlx::query(&sql)
            .fetch_all(&self.pool)
            .await
            .map_err(failed(READING))?;
        Ok(rows.iter().filter_map(read).collect())
    }

    /// The turns whose held changes an operator denied.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub async fn denied(&self) -> Result<Vec<TurnId>, LedgerError> {
        if !self.has_held().await? {
            return Ok(Vec::new());
        }
        let turns: Vec<String> = sqlx::query_scalar("SELECT turn FROM held WHERE state = 'denied'")
            .fetch_all(&self.pool)
            .await
            .map_err(failed(READING))?;
        Ok(turns.iter().filter_map(|turn| turn.parse().ok()).collect())
    }

    async fn has_held(&self) -> Result<bool, LedgerError> {
        let sql = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'held'";
        let count: i64 = sqlx::query_scalar(sql)
            .fetch_one(&self.pool)
            .await
            .map_err(failed(READING))?;
        Ok(count > 0)
    }

    /// Notes what becomes of a held change; `by`: the turn that proved it.
    ///
    /// # Errors
    /// When the entry can't be written.
    pub async fn decide(
        &self,
        turn: TurnId,
        state: HeldState,
        by: Option<TurnId>,
        now: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        sqlx::query(
            "UPDATE held SET state = $2, decided = $3, by_turn = COALESCE($4, by_turn) \
             WHERE turn = $1",
        )
        .bind(turn.to_string())
        .bind(state.word())
        .bind(stamp(now))
        .bind(by.map(|by| by.to_string()))
        .execute(&self.pool)
        .await
        .map_err(failed("deciding about a held change"))?;
        Ok(())
    }

    /// Notes what an operator asks for; the same twice is once.
    ///
    /// # Errors
    /// When the entry can't be written.
    pub async fn wish(
        &self,
        verb: Verb,
        turn: TurnId,
        now: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        sqlx::query(
            "INSERT INTO wish (at, verb, turn) SELECT $1, $2, $3 WHERE NOT EXISTS \
             (SELECT 1 FROM wish WHERE verb = $2 AND turn = $3 AND taken IS NULL)",
        )
        .bind(stamp(now))
        .bind(verb.word())
        .bind(turn.to_string())
        .execute(&self.pool)
        .await
        .map_err(failed("noting a wish"))?;
        Ok(())
    }

    /// What was asked for first and is not taken up.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub async fn next_wish(&self) -> Result<Option<Wish>, LedgerError> {
        let row = sqlx::query(
            "SELECT seq, verb, turn FROM wish WHERE taken IS NULL ORDER BY seq LIMIT 1",
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(failed("reading wishes"))?;
        Ok(row.and_then(|row| {
            let verb: String = row.get(1);
            let verbs = [Verb::Approve, Verb::Rollback];
            Some(Wish {
                seq: row.get(0),
                verb: verbs.into_iter().find(|v| v.word() == verb)?,
                turn: row.get::<String, _>(2).parse().ok()?,
            })
        }))
    }

    /// A turn takes it up: whatever comes of it, it is not done twice.
    ///
    /// # Errors
    /// When the entry can't be written.
    pub async fn take_wish(&self, seq: i64, by: TurnId) -> Result<(), LedgerError> {
        sqlx::query("UPDATE wish SET taken = $2 WHERE seq = $1")
            .bind(seq)
            .bind(by.to_string())
            .execute(&self.pool)
            .await
            .map_err(failed("taking up a wish"))?;
        Ok(())
    }

    /// The turn that took a turn's improvement back.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub async fn reverted_by(&self, turn: TurnId) -> Result<Option<TurnId>, LedgerError> {
        let by: Option<Option<String>> =
            sqlx::query_scalar("SELECT reverted FROM turn WHERE id = $1")
                .bind(turn.to_string())
                .fetch_optional(&self.pool)
                .await
                .map_err(failed(READING))?;
        Ok(by.flatten().and_then(|by| by.parse().ok()))
    }
}

const READING: &str = "reading held changes";

/// The words are this file's own.
fn in_states(states: &[HeldState]) -> String {
    let words: Vec<String> = states.iter().map(|s| format!("'{}'", s.word())).collect();
    format!("held.state IN ({})", words.join(", "))
}

fn read(row: &SqliteRow) -> Option<HeldRow> {
    let state: String = row.get(4);
    Some(HeldRow {
        turn: row.get::<String, _>(0).parse().ok()?,
        number: row.get(1),
        at: parse_stamp(row.get(2)),
        proposal: row.get(3),
        state: HeldState::ALL.into_iter().find(|s| s.word() == state)?,
    })
}
