//! Every decision is written down, each kind once and with how often it was taken, so that nobody
//! inside can fill the ledger. What can't be written down is not let through.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::Mutex;

/// So many different decisions of a run are told apart.
pub const MAX_ROWS: usize = 200;

/// What was asked for, and what the answer was. Never more of a request than its host and port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decision {
    /// The host; `?`: no host.
    pub host: String,
    /// The port; 0: none.
    pub port: u16,
    /// Whether it was let through.
    pub allowed: bool,
    /// The rule that decided.
    pub rule: String,
}

/// Whoever keeps decisions.
pub trait Record: Send + Sync {
    /// Keeps one, with how often it has been taken since the last time.
    fn keep<'a>(
        &'a self,
        decision: &'a Decision,
        times: u64,
    ) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>;
}

/// The decisions of one run.
pub struct Journal {
    record: Option<Arc<dyn Record>>,
    rows: Mutex<BTreeMap<Decision, Times>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Times {
    all: u64,
    kept: u64,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").finish_non_exhaustive()
    }
}

impl Journal {
    /// An empty one, whose rows `record` keeps.
    pub fn new(record: Option<Arc<dyn Record>>) -> Self {
        Self {
            record,
            rows: Mutex::default(),
        }
    }

    /// Takes a decision down before it has an effect.
    ///
    /// # Errors
    /// When it can't be kept: then nothing may be let through.
    pub(super) async fn note(&self, decision: Decision) -> Result<(), String> {
        let mut rows = self.rows.lock().await;
        let decision = if rows.len() < MAX_ROWS || rows.contains_key(&decision) {
            decision
        } else {
            Decision {
                host: "…".to_owned(),
                port: 0,
                allowed: decision.allowed,
                rule: "further ones".to_owned(),
            }
        };
        let times = rows.entry(decision.clone()).or_default();
        times.all += 1;
        // How often comes with the end of the run.
        if times.all == 1
            && let Some(record) = &self.record
        {
            record.keep(&decision, 1).await?;
            times.kept = 1;
        }
        Ok(())
    }

    /// Writes down what is not yet: how often each was taken.
    ///
    /// # Errors
    /// When it can't be kept.
    pub async fn finish(&self) -> Result<(), String> {
        let mut rows = self.rows.lock().await;
        let Some(record) = &self.record else {
            return Ok(());
        };
        for (decision, times) in rows.iter_mut().filter(|(_, t)| t.kept < t.all) {
            record.keep(decision, times.all - times.kept).await?;
            times.kept = times.all;
        }
        Ok(())
    }

    /// The decisions so far, and how often each was taken.
    pub async fn rows(&self) -> Vec<(Decision, u64)> {
        let rows = self.rows.lock().await;
        rows.iter().map(|(d, t)| (d.clone(), t.all)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Kept {
        rows: std::sync::Mutex<Vec<(Decision, u64)>>,
        broken: bool,
    }

    impl Record for Kept {
        fn keep<'a>(
            &'a self,
            decision: &'a Decision,
            times: u64,
        ) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>> {
            Box::pin(async move {
                self.rows.lock().unwrap().push((decision.clone(), times));
                if self.broken {
                    Err("no room".to_owned())
                } else {
                    Ok(())
                }
            })
        }
    }

    fn of(host: &str) -> Decision {
        Decision {
            host: host.to_owned(),
            port: 443,
            allowed: false,
            rule: "not in egress.allow".to_owned(),
        }
    }

    #[tokio::test]
    async fn a_flood_is_a_bounded_number_of_rows() {
        let kept = Arc::new(Kept::default());
        let journal = Journal::new(Some(Arc::clone(&kept) as Arc<dyn Record>));
        for n in 0..10_000 {
            journal
                .note(of(&format!("h{n}.example.org")))
                .await
                .unwrap();
            journal.note(of("same.example.org")).await.unwrap();
        }
        journal.finish().await.unwrap();
        let rows = journal.rows().await;
        assert_eq!(rows.len(), MAX_ROWS + 1);
        assert_eq!(rows.iter().map(|(_, times)| times).sum::<u64>(), 20_000);
        let kept = kept.rows.lock().unwrap();
        // Each once when it came, and those that came again once at the end.
        assert_eq!(kept.len(), MAX_ROWS + 1 + 2);
        assert_eq!(kept.iter().map(|(_, times)| times).sum::<u64>(), 20_000);
    }

    #[tokio::test]
    async fn what_can_not_be_kept_is_said() {
        let kept = Arc::new(Kept {
            broken: true,
            ..Kept::default()
        });
        let journal = Journal::new(Some(kept));
        assert!(journal.note(of("a.example.org")).await.is_err());
    }
}
