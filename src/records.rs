//! What is written when a turn ends: ledger, wiki page, posts. Each is a projection of the ledger.

use std::path::PathBuf;

use crate::error::Fatal;
use crate::memory;
use crate::next::Stop;
use crate::outbox;
use crate::pages;
use crate::report::posts::{self, Totals};
use crate::turn::{Turn, TurnOutcome};
use crate::world::World;

/// Records a turn: the ledger with its post first, then the page, then delivery. `stop`: the loop
/// ends with it.
///
/// # Errors
/// Only when the ledger fails. A page that can't be written is said, and written next time.
pub async fn record(world: &World, turn: &Turn, stop: Option<&Stop>) -> Result<(), Fatal> {
    // One alert is enough: that of the stop, which tells the same and what it came to.
    let posts: Vec<(String, String)> = if stop.is_some_and(|stop| stop.tells_the_turn(turn)) {
        Vec::new()
    } else {
        let totals = totals(world, std::slice::from_ref(turn));
        vec![(format!("turn/{}", turn.id), posts::turn(turn, &totals))]
    };
    let facts = memory::of_turn(turn, &turn.receipt.observations, &world.config.home);
    world.ledger.finish_turn_with(turn, &posts, &facts).await?;
    world.ledger.archive_facts(turn.finished).await?;
    pages::write(world).await?;
    world.console().turn_done(turn);
    deliver(world).await?;
    thin(world).await
}

/// Lets go of what old turns left, a little with each new one.
async fn thin(world: &World) -> Result<(), Fatal> {
    for turn in world.ledger.thin(world.clock.now()).await? {
        if let Err(e) = world.drop_run_dir(turn) {
            let why = format!("the directory of turn {turn} can't be removed: {e}");
            world.console().note_once("old run", &why);
        }
    }
    Ok(())
}

/// Delivers what waits, and says why it can't.
///
/// # Errors
/// When the ledger fails.
pub async fn deliver(world: &World) -> Result<(), Fatal> {
    let round = outbox::deliver(&world.ledger, &world.discord, &world.clock).await?;
    if let Some(why) = round.stuck {
        world
            .console()
            .note_once("discord", &format!("posts are kept in the outbox: {why}"));
    }
    Ok(())
}

/// The totals of these turns.
pub fn totals(world: &World, turns: &[Turn]) -> Totals {
    let count = |of: fn(&TurnOutcome) -> bool| {
        u32::try_from(turns.iter().filter(|t| of(&t.outcome)).count()).unwrap_or(u32::MAX)
    };
    Totals {
        iterations: count(|o| !matches!(o, TurnOutcome::Skipped(_))),
        improvements: count(|o| matches!(o, TurnOutcome::Committed(_))),
        rejected: count(|o| matches!(o, TurnOutcome::Rejected(_))),
        held: count(|o| matches!(o, TurnOutcome::Held(_)) && !o.is_rehearsed()),
        failed: count(|o| matches!(o, TurnOutcome::Failed(_) | TurnOutcome::NeedsOperator(_))),
        spent_today: world.today(),
        cap: world.config.spend.daily_cap,
        unconfined: (!world.confines()).then(|| world.confinement()),
    }
}

/// What an operator asked a running loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopRequest {
    /// End after the current turn.
    AfterTurn,
    /// Take the current turn back and end.
    Now,
}

/// Where `secloop stop` leaves its request.
pub fn stop_file(state_dir: &std::path::Path) -> PathBuf {
    state_dir.join("stop-requested")
}

/// Where `secloop pause` leaves its word.
pub fn pause_file(state_dir: &std::path::Path) -> PathBuf {
    state_dir.join("paused")
}

/// Whether no turn may begin.
pub fn is_paused(world: &World) -> bool {
    pause_file(&world.config.state_dir).exists()
}

/// Whether a stop was asked for.
pub fn stop_requested(world: &World) -> Option<StopRequest> {
    let text = std::fs::read_to_string(stop_file(&world.config.state_dir)).ok()?;
    Some(if text.trim() == "now" {
        StopRequest::Now
    } else {
        StopRequest::AfterTurn
    })
}
