//! `secloop approve`, `deny` and `rollback`: what only a person decides.

use std::path::PathBuf;

use super::args::Run;
use super::look::find;
use super::place::Place;
use super::{Surroundings, print, run};
use crate::error::{Exit, Fatal};
use crate::ledger::{HeldState, Ledger, Verb};
use crate::lock;
use crate::records::pause_file;
use crate::stages::held::Held;
use crate::text::terminal_safe;
use crate::turn::{Turn, TurnOutcome};

/// Accepts the prices of a held change: it is proven through every gate, today.
pub(super) async fn approve(
    around: &Surroundings,
    file: Option<PathBuf>,
    id: &str,
) -> Result<Exit, Fatal> {
    let (place, turn, ledger) = open(around, file.clone(), id).await?;
    let row = ledger.held(turn.id).await?;
    let Some(row) = row else {
        return Err(Fatal::NotFound(format!(
            "turn {} holds no change that could be approved ({})",
            turn.number,
            turn.outcome.word()
        )));
    };
    match row.state {
        HeldState::Waiting | HeldState::Approved | HeldState::Refused => {}
        HeldState::Denied | HeldState::Landed => {
            return Err(Fatal::NotFound(format!(
                "the change of turn {} is {} already",
                turn.number,
                row.state.word()
            )));
        }
    }
    let held = Held::read(&row.proposal).map_err(Fatal::NotFound)?;
    let mut text = format!(
        "Approved: the change of turn {}, at this price:\n",
        turn.number
    );
    for price in &held.prices {
        text.push_str(&format!("  {price}\n"));
    }
    print(&terminal_safe(&text));
    let now = place.clock.now();
    ledger
        .decide(turn.id, HeldState::Approved, None, now)
        .await?;
    ledger.wish(Verb::Approve, turn.id, now).await?;
    ledger.close().await;
    carry_out(around, file, &place, |after| {
        after.receipt.approves == Some(turn.number)
            && matches!(after.outcome, TurnOutcome::Committed(_))
    })
    .await
}

/// Lets a held change be; the agent is told not to come with it again.
pub(super) async fn deny(
    around: &Surroundings,
    file: Option<PathBuf>,
    id: &str,
) -> Result<Exit, Fatal> {
    let (place, turn, ledger) = open(around, file, id).await?;
    let row = ledger.held(turn.id).await?;
    let state = row.map(|row| row.state);
    match state {
        Some(HeldState::Landed) => {
            return Err(Fatal::NotFound(format!(
                "the change of turn {} has landed: `secloop rollback` takes it back",
                turn.number
            )));
        }
        Some(_) => {}
        None => {
            return Err(Fatal::NotFound(format!(
                "turn {} holds no change that could be denied ({})",
                turn.number,
                turn.outcome.word()
            )));
        }
    }
    let now = place.clock.now();
    ledger.decide(turn.id, HeldState::Denied, None, now).await?;
    ledger.close().await;
    print(&format!("Denied: the change of turn {}.\n", turn.number));
    Ok(Exit::Done)
}

/// Takes an improvement back, from repository and machine.
pub(super) async fn rollback(
    around: &Surroundings,
    file: Option<PathBuf>,
    id: &str,
) -> Result<Exit, Fatal> {
    let (place, turn, ledger) = open(around, file.clone(), id).await?;
    if !matches!(turn.outcome, TurnOutcome::Committed(_)) {
        return Err(Fatal::NotFound(format!(
            "turn {} made no improvement that could be taken back ({})",
            turn.number,
            turn.outcome.word()
        )));
    }
    if ledger.reverted_by(turn.id).await?.is_some() {
        return Err(Fatal::NotFound(format!(
            "the improvement of turn {} is taken back already",
            turn.number
        )));
    }
    ledger
        .wish(Verb::Rollback, turn.id, place.clock.now())
        .await?;
    ledger.close().await;
    carry_out(around, file, &place, |after| {
        after.receipt.reverts == Some(turn.id) && matches!(after.outcome, TurnOutcome::TakenBack(_))
    })
    .await
}

async fn open(
    around: &Surroundings,
    file: Option<PathBuf>,
    id: &str,
) -> Result<(Place, Turn, Ledger), Fatal> {
    let place = Place::find(around, file)?;
    let turn = find(&place, id).await?;
    let ledger = Ledger::open(&place.state_dir).await?;
    Ok((place, turn, ledger))
}

/// By the loop that runs, or now by a turn of its own.
async fn carry_out(
    around: &Surroundings,
    file: Option<PathBuf>,
    place: &Place,
    done: impl Fn(&Turn) -> bool,
) -> Result<Exit, Fatal> {
    if let Some(holder) = lock::active(&place.state_dir) {
        print(&format!(
            "The running loop (pid {}) takes it up at its next wake.\n",
            holder.identity.pid
        ));
        return Ok(Exit::Done);
    }
    if pause_file(&place.state_dir).exists() {
        print("It is noted; `secloop resume` and `secloop run` let it be done.\n");
        return Ok(Exit::Done);
    }
    let once = Run {
        once: true,
        trial: false,
        dry_run: false,
        interval: None,
        trial_dir: None,
    };
    let exit = Box::pin(run::run(around, once, file)).await?;
    let last = place.turns(5).await?;
    if exit == Exit::Done && !last.iter().any(done) {
        return Ok(Exit::Fatal);
    }
    Ok(exit)
}
