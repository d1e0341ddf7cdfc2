//! One turn: the stages in their order, each taking what only the one before it can mint.
//!
//! ```text
//! drift ─ gate ─ iterate ─ propose ─ check ─ apply ─ prove ─ commit
//!                                              └───────┴── refused ── roll back
//! ```

mod apply;
mod check;
mod commit;
mod draft;
mod drift;
pub mod held;
mod iterate;
mod metered;
mod opening;
mod opinion;
mod posture;
mod propose;
mod prove;
mod repeat;
mod replay;
pub mod rollback;
mod take_back;
mod way_back;

use tokio_util::sync::CancellationToken;

pub use draft::Draft;
pub use opening::{is_open, spend_on, spend_today};

use crate::error::Fatal;
use crate::ledger::{LedgerError, OpenTurn, Verb};
use crate::next::Stop;
use crate::turn::{Turn, TurnOutcome};
use crate::world::World;

/// A finished turn, and what it means for the loop beyond its outcome.
#[derive(Debug)]
pub struct Turned {
    /// The turn, to be recorded.
    pub turn: Turn,
    /// The loop has to stop for this reason: the gate is closed.
    pub stop: Option<Stop>,
    /// The program can't go on, for example because the ledger failed.
    pub fatal: Option<Fatal>,
}

/// How a turn ends before its last stage.
#[derive(Debug)]
pub enum Ending {
    /// With an outcome; nothing is left on machine or repository.
    Outcome(TurnOutcome),
    /// The gate is closed: nothing was started.
    Closed(Stop),
    /// The agent was ended for a reason that ends the loop, too.
    Cut(TurnOutcome, Stop),
    /// The program can't go on.
    Fatal(Fatal),
}

impl From<LedgerError> for Ending {
    fn from(error: LedgerError) -> Self {
        Self::Fatal(error.into())
    }
}

/// Does one turn. Never fails: whatever happens is in the value, so that nothing skips the ledger.
pub async fn turn(world: &World, open: &OpenTurn, cancel: &CancellationToken) -> Turned {
    let mut draft = Draft::new(open);
    draft.receipt.confinement = world.confinement();
    draft.receipt.rehearsal = world.config.r#loop.dry_run;
    let (outcome, stop, fatal) = match Box::pin(attempt(world, &mut draft, cancel)).await {
        Ok(commit) if draft.receipt.reverts.is_some() => {
            (TurnOutcome::TakenBack(commit.to_string()), None, None)
        }
        Ok(commit) => (TurnOutcome::Committed(commit.to_string()), None, None),
        Err(Ending::Outcome(outcome)) => (outcome, None, None),
        Err(Ending::Closed(stop)) => (TurnOutcome::Skipped(stop.reason()), Some(stop), None),
        Err(Ending::Cut(outcome, stop)) => (outcome, Some(stop), None),
        Err(Ending::Fatal(fatal)) => (TurnOutcome::Failed(fatal.to_string()), None, Some(fatal)),
    };
    let (stop, fatal) = match &outcome {
        TurnOutcome::Held(_) if !world.config.r#loop.dry_run => {
            match held::keep(world, &draft).await {
                Ok(()) => (stop, fatal),
                Err(error) => (stop, Some(error.into())),
            }
        }
        _ => (stop, fatal),
    };
    Turned {
        turn: draft.finish(outcome, world.clock.now()),
        stop,
        fatal,
    }
}

async fn attempt(
    world: &World,
    draft: &mut Draft,
    cancel: &CancellationToken,
) -> Result<crate::repo::CommitId, Ending> {
    let drifted = drift::look(world, draft, cancel).await?;
    if !world.config.r#loop.dry_run
        && let Some(wish) = world.ledger.next_wish().await?
    {
        world.ledger.take_wish(wish.seq, draft.id).await?;
        return match wish.verb {
            Verb::Approve => Box::pin(held::approved(world, wish.turn, draft, cancel)).await,
            Verb::Rollback => Box::pin(take_back::take_back(world, wish.turn, draft, cancel)).await,
        };
    }
    let allowance = opening::gate(world, draft).await?;
    drift::mend(world, drifted, draft, cancel).await?;
    let iteration = Box::pin(iterate::iterate(world, allowance, draft, cancel)).await?;
    let proposal = propose::propose(world, iteration, draft).await?;
    land(world, proposal, draft, cancel).await
}

/// From a proposal to its commit, through every gate; what is refused is taken back.
async fn land(
    world: &World,
    proposal: propose::Proposal,
    draft: &mut Draft,
    cancel: &CancellationToken,
) -> Result<crate::repo::CommitId, Ending> {
    let cleared = check::check(world, proposal, draft, cancel).await?;
    let posture = posture::before(world, cancel).await;
    let past = replay::before(world, cancel).await;
    let journal = apply::open_journal(world, &cleared, draft).await?;
    let proven = match apply::apply(world, cleared, &journal, draft, cancel).await {
        Ok(applied) => {
            let before = prove::Before {
                past: &past,
                posture: &posture,
            };
            Box::pin(prove::prove(
                world, applied, &journal, &before, draft, cancel,
            ))
            .await
        }
        Err(ending) => Err(ending),
    };
    let done = match proven {
        Ok(proven) => commit::commit(world, proven, draft).await,
        Err(ending) => Err(ending),
    };
    match done {
        Ok(commit) => {
            journal.keep_way_back(world, draft).await;
            journal.close();
            Ok(commit)
        }
        Err(ending) => Err(rollback::roll_back(world, journal, ending, draft).await),
    }
}
