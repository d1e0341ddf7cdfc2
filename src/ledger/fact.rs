//! Small facts that outlive a run.

use chrono::{DateTime, Utc};
use sqlx::Row;

use super::{Ledger, LedgerError, failed, stamp};

impl Ledger {
    /// Remembers a value under a key, replacing an earlier one.
    ///
    /// # Errors
    /// When the entry can't be written.
    pub async fn set_fact(
        &self,
        key: &str,
        value: &str,
        now: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        sqlx::query(
            "INSERT INTO fact (key, value, at) VALUES ($1, $2, $3) \
             ON CONFLICT (key) DO UPDATE SET value = excluded.value, at = excluded.at",
        )
        .bind(key)
        .bind(value)
        .bind(stamp(now))
        .execute(&self.pool)
        .await
        .map_err(failed("writing a fact"))?;
        Ok(())
    }

    /// The value under a key.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub async fn fact(&self, key: &str) -> Result<Option<String>, LedgerError> {
        let row = sqlx::query("SELECT value FROM fact WHERE key = $1")
            .bind(key)
            .fetch_optional(&self.pool)
            .await
            .map_err(failed("reading a fact"))?;
        Ok(row.map(|r| r.get(0)))
    }
}
