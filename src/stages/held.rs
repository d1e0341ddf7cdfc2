//! A change that is right and has a price: kept whole, and proven anew on the day a person accepts it.

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::propose::Proposal;
use super::{Draft, Ending, land};
use crate::ledger::{HeldState, LedgerError};
use crate::repo::{Changes, CommitId};
use crate::turn::{Price, Report, TurnId, TurnOutcome};
use crate::world::World;

/// What is kept of a held change.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Held {
    /// The changed files, contents included.
    pub changes: Changes,
    /// The agent's report with its probes.
    pub report: Report,
    /// What it would cost.
    pub prices: Vec<Price>,
}

impl Held {
    /// Reads one back.
    ///
    /// # Errors
    /// When another version wrote it.
    pub fn read(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|e| format!("the held change can't be read: {e}"))
    }
}

/// Keeps the proposal of a turn that ends held, where there is one.
pub(super) async fn keep(world: &World, draft: &Draft) -> Result<(), LedgerError> {
    let Some(proposal) = draft.proposal.as_deref() else {
        return Ok(());
    };
    let held = Held {
        changes: proposal.changes.clone(),
        report: proposal.report.clone(),
        prices: draft.receipt.prices.clone(),
    };
    let text = serde_json::to_string(&held).unwrap_or_default();
    world.ledger.hold(draft.id, &text, world.clock.now()).await
}

/// Proves an approved change through every gate, with exactly its prices accepted.
pub(super) async fn approved(
    world: &World,
    turn: TurnId,
    draft: &mut Draft,
    cancel: &CancellationToken,
) -> Result<CommitId, Ending> {
    let rejected = |why: String| Ending::Outcome(TurnOutcome::Rejected(why));
    let row = world.ledger.held(turn).await?;
    let row = row.filter(|row| row.state == HeldState::Approved);
    let row = row.ok_or_else(|| rejected("no such change waits any more".to_owned()))?;
    let done = prove(world, &row.proposal, row.number, draft, cancel).await;
    let state = match &done {
        Ok(_) => HeldState::Landed,
        // Stopped from outside, or the machine failed: the approval stands.
        Err(Ending::Outcome(TurnOutcome::Rejected(_) | TurnOutcome::Held(_))) => HeldState::Refused,
        Err(_) => HeldState::Waiting,
    };
    let now = world.clock.now();
    world
        .ledger
        .decide(turn, state, Some(draft.id), now)
        .await?;
    done
}

async fn prove(
    world: &World,
    proposal: &str,
    number: i64,
    draft: &mut Draft,
    cancel: &CancellationToken,
) -> Result<CommitId, Ending> {
    let rejected = |why: String| Ending::Outcome(TurnOutcome::Rejected(why));
    let held = Held::read(proposal).map_err(rejected)?;
    draft.accepted = held.prices;
    draft.receipt.approves = Some(number);
    draft.finding.clone_from(&held.report.finding);
    draft.change.clone_from(&held.report.change);
    let changes = world
        .repo
        .moved_to_head(held.changes)
        .await
        .map_err(rejected)?;
    world
        .console()
        .working(&format!("proving the change that turn {number} held"));
    let report = held.report;
    draft.proposes(&changes, &report);
    land(world, Proposal { changes, report }, draft, cancel).await
}
