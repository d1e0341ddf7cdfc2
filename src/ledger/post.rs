//! The outbox: a post is an entry until it is delivered.

use chrono::{DateTime, Utc};
use sqlx::{Row, Sqlite, Transaction};

use super::{Ledger, LedgerError, failed, stamp};

/// A post that waits for delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// Its place in the order.
    pub seq: i64,
    /// What it is about; unique. The receiver's nonce is derived from it.
    pub key: String,
    /// Its text.
    pub body: String,
    /// How often it was tried.
    pub attempts: i64,
}

pub(super) async fn queue(
    within: &mut Transaction<'_, Sqlite>,
    key: &str,
    body: &str,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO post (key, body, created, not_before) VALUES ($1, $2, $3, $3) \
         ON CONFLICT (key) DO NOTHING",
    )
    .bind(key)
    .bind(body)
    .bind(stamp(now))
    .execute(&mut **within)
    .await?;
    Ok(())
}

impl Ledger {
    /// Queues a post; a key that is already there is left as it is.
    ///
    /// # Errors
    /// When the entry can't be written.
    pub async fn queue_post(
        &self,
        key: &str,
        body: &str,
        now: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        let what = "queueing a post";
        let mut all = self.pool.begin().await.map_err(failed(what))?;
        queue(&mut all, key, body, now)
            .await
            .map_err(failed(what))?;
        all.commit().await.map_err(failed(what))
    }

    /// The oldest post that is not delivered, if its time has come. Order is
    /// kept: a post that has to wait holds up those behind it.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub async fn next_post(&self, now: DateTime<Utc>) -> Result<Option<Post>, LedgerError> {
        let row = sqlx::query(
            "SELECT seq, key, body, attempts, not_before FROM post \
             WHERE delivered IS NULL ORDER BY seq LIMIT 1",
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(failed("reading the outbox"))?;
        Ok(row
            .filter(|r| r.get::<String, _>(4) <= stamp(now))
            .map(|r| Post {
                seq: r.get(0),
                key: r.get(1),
                body: r.get(2),
                attempts: r.get(3),
            }))
    }

    /// How many posts wait.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub async fn waiting_posts(&self) -> Result<i64, LedgerError> {
        let row = sqlx::query("SELECT COUNT(*) FROM post WHERE delivered IS NULL")
            .fetch_one(&self.pool)
            .await
            .map_err(failed("reading the outbox"))?;
        Ok(row.get(0))
    }

    /// Marks a post as delivered.
    ///
    /// # Errors
    /// When the entry can't be written.
    pub async fn post_delivered(
        &self,
        seq: i64,
        message: &str,
        now: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        self.mark_post(
            "UPDATE post SET delivered = $2, message = $3 WHERE seq = $1",
            seq,
            now,
            message,
        )
        .await
    }

    /// Puts a post off until `until`.
    ///
    /// # Errors
    /// When the entry can't be written.
    pub async fn post_later(&self, seq: i64, until: DateTime<Utc>) -> Result<(), LedgerError> {
        self.mark_post(
            "UPDATE post SET not_before = $2, attempts = attempts + 1 WHERE seq = $1 AND $3 = ''",
            seq,
            until,
            "",
        )
        .await
    }

    async fn mark_post(
        &self,
        sql: &'static str,
        seq: i64,
        at: DateTime<Utc>,
        text: &str,
    ) -> Result<(), LedgerError> {
        sqlx::query(sql)
            .bind(seq)
            .bind(stamp(at))
            .bind(text)
            .execute(&self.pool)
            .await
            .map_err(failed("marking a post"))?;
        Ok(())
    }
}
