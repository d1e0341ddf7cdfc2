//! The last scan in short, for whoever looks.

use super::{Ledger, LedgerError};
use crate::memory::Scope;
use crate::scan::{Coverage, Scan};

fn key(scope: &Scope) -> String {
    format!("scan/{}/{}", scope.workstation, scope.repo)
}

impl Ledger {
    /// Keeps how much was looked at.
    ///
    /// # Errors
    /// When it can't be written.
    pub async fn keep_scan(&self, scan: &Scan) -> Result<(), LedgerError> {
        let text = serde_json::to_string(&scan.coverage).unwrap_or_default();
        self.set_fact(&key(&self.scope), &text, scan.at).await
    }

    /// How much was looked at last.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub async fn last_scan(&self) -> Result<Vec<Coverage>, LedgerError> {
        let text = self.fact(&key(&self.scope)).await?;
        Ok(text
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default())
    }
}
