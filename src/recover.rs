//! What an earlier run left when it died: every open turn is taken back or completed.

use std::path::Path;
use std::time::Duration;

use crate::deadman;
use crate::error::Fatal;
use crate::ledger::{Event, OpenTurn};
use crate::pages;
use crate::playbook::{may_work, still_at_work};
use crate::process::end_survivors;
use crate::records;
use crate::sandbox::container;
use crate::stages::Draft;
use crate::stages::rollback::{Journal, restore};
use crate::turn::{Colour, Probe, Stage, Turn, TurnId, TurnOutcome};
use crate::world::World;

/// How long a survivor gets to end by itself.
pub const GRACE: Duration = Duration::from_secs(10);

/// Ends what a dead run started: it may still be changing the machine, or spending. To be called
/// before anything else is looked at.
///
/// # Errors
/// When somebody can't be ended, or may be at work and is not known to be ours.
pub async fn end_what_survived(state_dir: &Path, grace: Duration) -> Result<(), Fatal> {
    // Their engine's client may be dead while they live.
    let containers = container::sweep(state_dir).await;
    if !end_survivors(grace).await || !containers {
        return Err(Fatal::NeedsOperator(
            "a program that an earlier run started is still alive and can't be ended: end it, then \
             start again"
                .to_owned(),
        ));
    }
    let left = still_at_work(state_dir, grace).await;
    if left.is_empty() {
        return Ok(());
    }
    Err(Fatal::NeedsOperator(may_work(&left)))
}

/// Closes every open turn, takes back what earlier turns could not, and removes what dead runs left
/// in the state directory.
///
/// # Errors
/// When a change can't be taken back: the loop must not go on over an unknown state.
pub async fn recover(world: &World) -> Result<(), Fatal> {
    for open in world.ledger.open_turns().await? {
        let turn = close(world, &open).await?;
        let stuck = match &turn.outcome {
            TurnOutcome::NeedsOperator(why) => Some(why.clone()),
            _ => None,
        };
        world.console().note(&format!(
            "turn {} was interrupted: {}",
            turn.number,
            turn.outcome.detail()
        ));
        if let Some(why) = stuck {
            // The turn stays open, so that the next start tries again.
            return Err(Fatal::NeedsOperator(why));
        }
        records::record(world, &turn, None).await?;
    }
    for turn in unproven(world)? {
        take_back(world, turn).await?;
    }
    clear_scratch(world)?;
    // A run that died between an entry and the pages has left them as they were.
    if world.ledger.newest_number().await? > 0 {
        pages::write(world).await?;
    }
    Ok(())
}

/// Removes the working copies and scratch directories of dead runs.
fn clear_scratch(world: &World) -> Result<(), Fatal> {
    let mut left = world.ansible.scratch_of_dead_runs();
    left.push(world.work_dir());
    for dir in left.iter().filter(|dir| dir.exists()) {
        std::fs::remove_dir_all(dir).map_err(Fatal::io(format!(
            "removing what a dead run left in {}",
            dir.display()
        )))?;
    }
    Ok(())
}

/// The turns whose snapshots are still there: their changes were not proven to be taken back.
fn unproven(world: &World) -> Result<Vec<TurnId>, Fatal> {
    let dir = world.snapshots_dir();
    let entries = match std::fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Fatal::io(format!("reading {}", dir.display()))(e)),
    };
    Ok(entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect())
}

/// Takes back what a turn that is over has left on the machine, or drops a snapshot that nobody
/// needs any more.
async fn take_back(world: &World, turn: TurnId) -> Result<(), Fatal> {
    let dir = world.snapshot_dir(turn);
    let events = world.ledger.events(turn).await?;
    let committed = world.repo.find_commit(turn).await?.is_some();
    if let Some((_, probes, colour)) = applied(&events)?.filter(|_| !committed) {
        let cure = format!(
            "mend it and start again; to keep the machine as it is, remove {}",
            dir.display()
        );
        world.stage(Stage::Rollback);
        let stuck = |why: String| {
            Fatal::NeedsOperator(format!(
                "a change of an earlier turn is still on the machine ({why}): {cure}"
            ))
        };
        let journal = Journal::found(&dir, probes, colour).map_err(|e| stuck(e.to_string()))?;
        let mut draft = Draft::unrecorded(turn, world.clock.now());
        restore(world, &journal, &mut draft).await.map_err(stuck)?;
        world
            .event(turn, Stage::Rollback, "finished", &serde_json::Value::Null)
            .await?;
        world
            .console()
            .note("what an earlier turn left on the machine is taken back");
    }
    std::fs::remove_dir_all(&dir).map_err(Fatal::io(format!("removing {}", dir.display())))
}

async fn close(world: &World, open: &OpenTurn) -> Result<Turn, Fatal> {
    let now = world.clock.now();
    world.ledger.settle_at_reservation(open.id, now).await?;
    let events = world.ledger.events(open.id).await?;
    if let Some(commit) = world.repo.find_commit(open.id).await? {
        return Ok(completed(open, &events, &commit.to_string(), now));
    }
    let mut draft = Draft::new(open);
    let outcome = match applied(&events)? {
        None if taken_back(&events) => {
            TurnOutcome::Failed("interrupted after its change was taken back".to_owned())
        }
        None => TurnOutcome::Failed("interrupted before anything was applied".to_owned()),
        Some((dir, probes, colour)) => {
            world
                .console()
                .step_started("rollback of the interrupted turn");
            let journal = Journal::found(&dir, probes, colour).map_err(|e| {
                Fatal::NeedsOperator(format!(
                    "turn {} was interrupted in mid-apply and its snapshot {} can't be read: {e}",
                    open.number,
                    dir.display()
                ))
            })?;
            world.stage(Stage::Rollback);
            match restore(world, &journal, &mut draft).await {
                Ok(()) => {
                    // First the fact, then the loss of the snapshot: a crash between them repeats
                    // nothing that can't be repeated.
                    world
                        .event(
                            open.id,
                            Stage::Rollback,
                            "finished",
                            &serde_json::Value::Null,
                        )
                        .await?;
                    let timer = deadman::fired(&dir);
                    journal.close();
                    let timer = timer.map_or_else(String::new, |f| format!("{}; ", f.describe()));
                    TurnOutcome::Failed(format!("interrupted in mid-apply; {timer}rolled back"))
                }
                Err(left) => TurnOutcome::NeedsOperator(format!(
                    "turn {} was interrupted in mid-apply and can't be taken back: {left}",
                    open.number
                )),
            }
        }
    };
    let event = outcome.detail().to_owned();
    world
        .event(open.id, Stage::Rollback, "recovered", &event)
        .await?;
    Ok(draft.finish(outcome, world.clock.now()))
}

/// Whether the pre-state was back, with proof.
fn taken_back(events: &[Event]) -> bool {
    events
        .iter()
        .any(|e| e.stage == Stage::Rollback.word() && e.kind == "finished" && e.data.is_null())
}

/// The snapshot and the probes of an apply that was started and not taken back.
///
/// # Errors
/// When the entry can't be read: that is no proof that nothing was applied.
fn applied(events: &[Event]) -> Result<Option<(std::path::PathBuf, Vec<Probe>, Colour)>, Fatal> {
    let started = events
        .iter()
        .rfind(|e| e.stage == Stage::Apply.word() && e.kind == "started");
    let Some(started) = started.filter(|_| !taken_back(events)) else {
        return Ok(None);
    };
    let read = || {
        let dir = started.data.get("snapshot")?.as_str()?.into();
        let probes = serde_json::from_value(started.data.get("probes")?.clone()).ok()?;
        let colour = started.data.get("colour").cloned();
        let colour = colour.and_then(|c| serde_json::from_value(c).ok());
        Some((dir, probes, colour.unwrap_or(Colour::Red)))
    };
    read().map(Some).ok_or_else(|| {
        Fatal::NeedsOperator(
            "the ledger's entry of an apply that was interrupted can't be read: use the secloop \
             that wrote it to take the change back"
                .to_owned(),
        )
    })
}

/// A turn whose commit was made and not recorded: everything is in its last event.
fn completed(
    open: &OpenTurn,
    events: &[Event],
    commit: &str,
    now: chrono::DateTime<chrono::Utc>,
) -> Turn {
    let outcome = TurnOutcome::Committed(commit.to_owned());
    events
        .iter()
        .rfind(|e| e.stage == Stage::Commit.word() && e.kind == "started")
        .and_then(|e| serde_json::from_value::<Turn>(e.data.clone()).ok())
        .map_or_else(
            || Draft::new(open).finish(outcome.clone(), now),
            |turn| Turn {
                outcome: match turn.receipt.reverts {
                    Some(_) => TurnOutcome::TakenBack(commit.to_owned()),
                    None => outcome.clone(),
                },
                ..turn
            },
        )
}
