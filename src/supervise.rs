//! The loop: wake, turn, record, report, sleep or stop.

use tokio::time::{Instant, sleep_until};

use crate::error::Fatal;
use crate::lock::Holder;
use crate::next::{Next, Stop, next};
use crate::overlap::{Asking, Overlap, ask};
use crate::process::OwnFile;
use crate::report::posts;
use crate::signals::Signals;
use crate::stages::{Turned, turn};
use crate::turn::Turn;
use crate::wait::Wait;
use crate::world::{HEARTBEAT, World};
use crate::{outbox, records};

/// Where the ledger has how the last run ended.
pub const LAST_STOP: &str = "last-stop";

/// How a run of the loop ended.
#[derive(Debug)]
pub struct Ended {
    /// Why.
    pub stop: Stop,
    /// The turns of this run, oldest first.
    pub turns: Vec<Turn>,
}

/// Turns the loop until it stops. The lock is held and recovery is done.
///
/// # Errors
/// When the program can't go on; what was started is in the ledger.
pub async fn supervise(world: &World, signals: &Signals) -> Result<Ended, Fatal> {
    let mut turns: Vec<Turn> = Vec::new();
    let clock = &world.clock;
    let mut wake = clock.elapsed();
    let program = OwnFile::at_start().map_err(Fatal::io("looking at secloop's own file"))?;
    let stop = loop {
        if let Some(stop) = paused(world, signals).await? {
            break stop;
        }
        if let Some(stop) = replaced(&program) {
            break stop;
        }
        let Some(turned) = wake_up(world, signals, &program, &mut turns).await? else {
            break Stop::Signal;
        };
        turns.push(Turn {
            // The rest is in the ledger soon: a run of months must not keep the evidence in memory.
            receipt: turned.turn.receipt.kept_in_mind(),
            ..turned.turn.clone()
        });
        let config = &world.config.r#loop;
        let next = turned.stop.map_or_else(|| next(&turns, config), Next::Stop);
        // What ended the turn ends the loop, but for what a person has to know.
        let next = match next {
            Next::Stop(Stop::NeedsOperator(_) | Stop::AuthLost(_) | Stop::CapReached(_)) => next,
            _ if signals.stop.is_cancelled() => Next::Stop(Stop::Signal),
            _ => next,
        };
        records::record(world, &turned.turn, next.stop()).await?;
        if let Some(fatal) = turned.fatal {
            return Err(fatal);
        }
        let next = match next {
            Next::Stop(stop) => break stop,
            next => next,
        };
        let wait = Wait::after(wake, &next, config.interval, clock.elapsed(), clock.now());
        if let Some(stop) = sleep(world, signals, &program, wait).await? {
            break stop;
        }
        wake = clock.elapsed();
    };
    Ok(Ended { stop, turns })
}

/// One wake: a turn, watched over. `None`: ended at once by a second signal.
async fn wake_up(
    world: &World,
    signals: &Signals,
    program: &OwnFile,
    turns: &mut Vec<Turn>,
) -> Result<Option<Turned>, Fatal> {
    let open = world.ledger.begin_turn(world.clock.now()).await?;
    world.console().turn_started(open.number);
    let now = world.clock.now();
    world.sign(|holder| holder.begin_turn(open.id, now));
    let cancel = signals.stop.child_token();
    let work = turn(world, &open, &cancel);
    tokio::pin!(work);
    let mut overlap = Overlap::after(Instant::now(), world);
    // A decider may take its time: turn, heartbeat and signals go on meanwhile.
    let asking: Asking<'_> = None;
    tokio::pin!(asking);
    loop {
        tokio::select! {
            biased;
            turned = &mut work => return Ok(Some(turned)),
            () = signals.abort.cancelled() => return Ok(None),
            answer = async { asking.as_mut().as_pin_mut()?.await }, if asking.is_some() => {
                asking.set(None);
                if let Some(skipped) = overlap.settle(world, &cancel, answer).await? {
                    turns.push(skipped);
                }
            }
            () = sleep_until(overlap.next), if asking.is_none() => {
                let look = overlap.look(world);
                asking.set(Some(Box::pin(ask(world, look))));
            }
            () = tokio::time::sleep(HEARTBEAT) => {
                world.sign(|_| {});
                let now = records::stop_requested(world) == Some(records::StopRequest::Now);
                // What the turn starts of itself from here on is another version, or nothing.
                if now || !program.stands() {
                    cancel.cancel();
                }
            }
        }
    }
}

/// Waits while an operator wants no turn to begin.
async fn paused(world: &World, signals: &Signals) -> Result<Option<Stop>, Fatal> {
    if records::is_paused(world) {
        world
            .console()
            .note("paused: `secloop resume` lets it go on");
    }
    while records::is_paused(world) {
        if signals.stop.is_cancelled() {
            return Ok(Some(Stop::Signal));
        }
        if records::stop_requested(world).is_some() {
            return Ok(Some(Stop::Operator));
        }
        tokio::select! {
            () = signals.stop.cancelled() => {}
            () = tokio::time::sleep(HEARTBEAT) => {
                world.sign(|_| {});
                outbox::deliver(&world.ledger, &world.discord, &world.clock).await?;
            }
        }
    }
    Ok(None)
}

/// The end of a run whose own file is another one now: guard, guardian and sandbox are started from it.
fn replaced(program: &OwnFile) -> Option<Stop> {
    (!program.stands()).then(|| {
        Stop::NeedsOperator(format!(
            "{} was replaced while it ran, by an upgrade or a build: start it again",
            program.path().display()
        ))
    })
}

/// Sleeps until the next wake; delivers what waits in the outbox meanwhile.
async fn sleep(
    world: &World,
    signals: &Signals,
    program: &OwnFile,
    wait: Wait,
) -> Result<Option<Stop>, Fatal> {
    let left = || wait.left(world.clock.elapsed(), world.clock.now());
    world.sign(Holder::end_turn);
    world.console().sleeping(left());
    loop {
        if signals.stop.is_cancelled() {
            return Ok(Some(Stop::Signal));
        }
        if records::stop_requested(world).is_some() {
            return Ok(Some(Stop::Operator));
        }
        if let Some(stop) = replaced(program) {
            return Ok(Some(stop));
        }
        let left = left();
        if left.is_zero() {
            return Ok(None);
        }
        tokio::select! {
            () = signals.stop.cancelled() => {}
            () = tokio::time::sleep(left.min(HEARTBEAT)) => {
                world.sign(|_| {});
                outbox::deliver(&world.ledger, &world.discord, &world.clock).await?;
            }
        }
    }
}

/// The final summary: posted, and shown to the person at the terminal.
///
/// # Errors
/// When the ledger fails.
pub async fn farewell(world: &World, ended: &Ended) -> Result<(), Fatal> {
    let totals = records::totals(world, &ended.turns);
    let text = match &ended.stop {
        Stop::CapReached(why) => posts::cost_stop(why, &totals),
        stop => posts::stop(&stop.reason(), &totals),
    };
    let now = world.clock.now();
    let run = world.lock().me().run;
    let key = format!("stop/{run}");
    let entry = serde_json::json!({
        "run": run, "at": now, "stop": ended.stop.word(), "reason": ended.stop.reason(),
        "exit": ended.stop.exit().code(), "turns": ended.turns.len(),
    });
    world
        .ledger
        .set_fact(LAST_STOP, &entry.to_string(), now)
        .await?;
    world.ledger.queue_post(&key, &text, now).await?;
    records::deliver(world).await
}
