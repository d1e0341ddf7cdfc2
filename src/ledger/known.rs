//! Facts that the loop remembers, of one workstation and repository each.

use chrono::{DateTime, Utc};
use sqlx::{Row, Sqlite, Transaction};

use super::{Ledger, LedgerError, failed, parse_stamp, stamp};
use crate::memory::{Fact, Kind, REFUSED, Scope};
use crate::turn::Severity;

/// Facts that are kept of one workstation and repository; the oldest go into the archive.
const MOST: i64 = 500;
/// Facts that the archive keeps in all.
const ARCHIVE: i64 = 10_000;

/// Remembers facts; an older one about the same goes into the archive.
pub(super) async fn remember(
    within: &mut Transaction<'_, Sqlite>,
    scope: &Scope,
    facts: &[Fact],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    for fact in facts {
        let refused = match fact.kind {
            Kind::Landed => format!("{}{REFUSED}", fact.key),
            _ => String::new(),
        };
        sqlx::query(
            "INSERT INTO known_before (workstation, repo, key, kind, severity, text, confidence, \
             turn, at, expires, archived) SELECT workstation, repo, key, kind, severity, text, \
             confidence, turn, at, expires, $5 FROM known \
             WHERE workstation = $1 AND repo = $2 AND (key = $6 OR key = $3 AND text <> $4)",
        )
        .bind(&scope.workstation)
        .bind(&scope.repo)
        .bind(&fact.key)
        .bind(&fact.text)
        .bind(stamp(now))
        .bind(&refused)
        .execute(&mut **within)
        .await?;
        sqlx::query("DELETE FROM known WHERE workstation = $1 AND repo = $2 AND key = $3")
            .bind(&scope.workstation)
            .bind(&scope.repo)
            .bind(&refused)
            .execute(&mut **within)
            .await?;
        sqlx::query(
            "INSERT INTO known (workstation, repo, key, kind, severity, text, confidence, turn, at, \
             expires) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
             ON CONFLICT (workstation, repo, key) DO UPDATE SET kind = excluded.kind, \
             severity = excluded.severity, text = excluded.text, \
             confidence = excluded.confidence, turn = excluded.turn, at = excluded.at, \
             expires = excluded.expires",
        )
        .bind(&scope.workstation)
        .bind(&scope.repo)
        .bind(&fact.key)
        .bind(fact.kind.word())
        .bind(fact.severity.map(|s| s.to_string()))
        .bind(&fact.text)
        .bind(i64::from(fact.confidence))
        .bind(fact.turn)
        .bind(stamp(fact.at))
        .bind(stamp(fact.expires))
        .execute(&mut **within)
        .await?;
    }
    Ok(())
}

impl Ledger {
    /// Remembers facts about this workstation and repository.
    ///
    /// # Errors
    /// When they can't be written; then none is.
    pub async fn learn(&self, facts: &[Fact], now: DateTime<Utc>) -> Result<(), LedgerError> {
        let what = "remembering facts";
        let mut all = self.pool.begin().await.map_err(failed(what))?;
        remember(&mut all, &self.scope, facts, now)
            .await
            .map_err(failed(what))?;
        all.commit().await.map_err(failed(what))
    }

    /// What is known of this workstation and repository, and of no other.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub async fn facts(&self) -> Result<Vec<Fact>, LedgerError> {
        let rows = sqlx::query(
            "SELECT key, kind, severity, text, confidence, turn, at, expires FROM known \
             WHERE workstation = $1 AND repo = $2 ORDER BY at DESC, key",
        )
        .bind(&self.scope.workstation)
        .bind(&self.scope.repo)
        .fetch_all(&self.pool)
        .await
        .map_err(failed("reading facts"))?;
        let facts = rows.iter().filter_map(|row| {
            let (kind, severity): (String, Option<String>) = (row.get(1), row.get(2));
            Some(Fact {
                key: row.get(0),
                // One that this version does not know is not told.
                kind: Kind::ALL.into_iter().find(|k| k.word() == kind)?,
                severity: severity.and_then(|word| {
                    let all = [Severity::P0, Severity::P1, Severity::P2];
                    all.into_iter().find(|s| s.to_string() == word)
                }),
                text: row.get(3),
                confidence: u8::try_from(row.get::<i64, _>(4)).unwrap_or(0).min(100),
                turn: row.get(5),
                at: parse_stamp(row.get(6)),
                expires: parse_stamp(row.get(7)),
            })
        });
        Ok(facts.collect())
    }

    /// Moves what is out of date, and what is too much, into the archive; lets go of the oldest there.
    /// Gives how many went into it.
    ///
    /// # Errors
    /// When that can't be written; then everything is as before.
    pub async fn archive_facts(&self, now: DateTime<Utc>) -> Result<u64, LedgerError> {
        let what = "archiving facts";
        let mut all = self.pool.begin().await.map_err(failed(what))?;
        // What is out of date goes in every place, also in one that is not worked on any more.
        let old = "expires <= $1 OR (workstation = $2 AND repo = $3 AND at < (SELECT at FROM known \
                   WHERE workstation = $2 AND repo = $3 ORDER BY at DESC LIMIT 1 OFFSET $4))";
        let copy = format!(
            "INSERT INTO known_before (workstation, repo, key, kind, severity, text, confidence, \
             turn, at, expires, archived) SELECT workstation, repo, key, kind, severity, text, \
             confidence, turn, at, expires, $1 FROM known WHERE {old}"
        );
        let drop = format!("DELETE FROM known WHERE {old}");
        let mut moved = 0;
        for sql in [&copy, &drop] {
            let done = sqlx::query(sql)
                .bind(stamp(now))
                .bind(&self.scope.workstation)
                .bind(&self.scope.repo)
                .bind(MOST - 1)
                .execute(&mut *all)
                .await
                .map_err(failed(what))?;
            moved = done.rows_affected();
        }
        sqlx::query(
            "DELETE FROM known_before WHERE seq <= (SELECT MAX(seq) FROM known_before) - $1",
        )
        .bind(ARCHIVE)
        .execute(&mut *all)
        .await
        .map_err(failed(what))?;
        all.commit().await.map_err(failed(what))?;
        Ok(moved)
    }

    /// How many facts are known here, and how many lie in the archive.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub async fn count_facts(&self) -> Result<(u64, u64), LedgerError> {
        let row = sqlx::query(
            "SELECT (SELECT COUNT(*) FROM known WHERE workstation = $1 AND repo = $2), \
             (SELECT COUNT(*) FROM known_before WHERE workstation = $1 AND repo = $2)",
        )
        .bind(&self.scope.workstation)
        .bind(&self.scope.repo)
        .fetch_one(&self.pool)
        .await
        .map_err(failed("counting facts"))?;
        let count = |at| u64::try_from(row.get::<i64, _>(at)).unwrap_or(0);
        Ok((count(0), count(1)))
    }
}
