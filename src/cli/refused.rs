//! A wake that comes to nothing because the lock is another's: said, entered in the ledger, and posted
//! where a person has to look.

use std::path::Path;

use crate::clock::Clock;
use crate::config::Config;
use crate::error::{Exit, Fatal};
use crate::ledger::Ledger;
use crate::lock::coordinate::Step;
use crate::process::Likeness;
use crate::report::console::Console;
use crate::report::posts;
use crate::stages::Draft;
use crate::turn::TurnOutcome;

/// Why the lock was not taken.
pub(super) struct Refused {
    outcome: TurnOutcome,
    /// About whom a person is told, once; without it nobody is.
    alert: Option<String>,
}

impl Refused {
    /// The other run goes on.
    pub(super) fn skipped(steps: &[Step], state_dir: &Path) -> Self {
        let last = steps.last();
        let why = last.map_or("", |step| step.reason).to_owned();
        let doubtful = last.filter(|step| step.facts.likeness != Likeness::Same);
        Self {
            outcome: TurnOutcome::Skipped(match doubtful {
                None => why,
                Some(_) => format!(
                    "{why}: `lsof {}` shows who that is; if it is no secloop at work, end it",
                    state_dir.join("lock").display()
                ),
            }),
            alert: doubtful.map(about),
        }
    }

    /// The other run was to be ended, and it is not proven that it is.
    pub(super) fn unproven(steps: &[Step], why: &str) -> Self {
        Self {
            outcome: TurnOutcome::NeedsOperator(format!(
                "a run was to be taken over, and it is not proven that all of it has ended: {why}"
            )),
            alert: steps.last().map(about),
        }
    }

    /// Says, enters and ends.
    pub(super) async fn end(
        self,
        config: &Config,
        clock: &Clock,
        console: &mut Console,
    ) -> Result<Exit, Fatal> {
        // Nothing is spent and nothing changed: it ends the same where it can't be entered.
        if let Err(error) = self.enter(config, clock).await {
            console.note(&error.to_string());
        }
        let why = self.outcome.detail().to_owned();
        if matches!(self.outcome, TurnOutcome::NeedsOperator(_)) {
            return Err(Fatal::NeedsOperator(why));
        }
        console.note_line(&format!("this cycle is skipped: {why}"));
        Ok(Exit::Busy)
    }

    /// Whoever holds the lock delivers the post, or the next run does.
    async fn enter(&self, config: &Config, clock: &Clock) -> Result<(), Fatal> {
        let ledger = Ledger::open(&config.state_dir).await?;
        let now = clock.now();
        let open = ledger.begin_turn(now).await?;
        let turn = Draft::new(&open).finish(self.outcome.clone(), now);
        let post = self.alert.as_ref().map(|about| {
            let text = posts::refused(&turn);
            (format!("refused/{}/{about}", self.outcome.word()), text)
        });
        ledger.finish_turn(&turn, post.as_slice()).await?;
        ledger.close().await;
        Ok(())
    }
}

/// Names a holder, so that nobody is told twice about the same.
fn about(step: &Step) -> String {
    let holder = step.facts.holder.as_ref();
    holder.map_or_else(|| "nobody".to_owned(), |h| h.run.to_string())
}
