//! The most that each day's spend came to at any look: with it, what was counted once stays
//! counted, even where the index and the transcripts are gone.

use chrono::{DateTime, Utc};

use super::{Ledger, LedgerError};
use crate::spend::{DaySpend, Most};

/// Prices and the zone belong to it: another table or another midnight is another sum.
fn key(day: &DaySpend) -> String {
    format!(
        "spend-most/{}/{}/{}",
        day.date, day.zone, day.price_table_date
    )
}

impl Ledger {
    /// Takes into a day what it came to at an earlier look.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub async fn remember_day(&self, day: &mut DaySpend) -> Result<(), LedgerError> {
        let known = self.fact(&key(day)).await?;
        if let Some(known) = known.and_then(|text| serde_json::from_str::<Most>(&text).ok()) {
            day.at_least(known);
        }
        Ok(())
    }

    /// As [`remember_day`](Self::remember_day), and keeps what the day comes to now.
    ///
    /// # Errors
    /// When the ledger can't be read or written.
    pub async fn keep_day(
        &self,
        day: &mut DaySpend,
        now: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        let before = self.fact(&key(day)).await?;
        self.remember_day(day).await?;
        match serde_json::to_string(&day.most()) {
            Ok(most) if Some(&most) != before.as_ref() => {
                self.set_fact(&key(day), &most, now).await
            }
            _ => Ok(()),
        }
    }
}
