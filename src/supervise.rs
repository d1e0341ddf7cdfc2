//! The loop: wake, turn, record, report, sleep or stop.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::agent::coordinator;
use crate::config::Decider;
use crate::error::Fatal;
use crate::lock::Holder;
use crate::lock::coordinate::{Choice, Facts, Look, rules};
use crate::next::{Next, Stop, next};
use crate::process::Likeness;
use crate::report::posts;
use crate::signals::Signals;
use crate::stages::{Turned, turn};
use crate::turn::{Receipt, Turn, TurnOutcome};
use crate::world::World;
use crate::{outbox, records};

/// How often the lock's heartbeat is renewed and a stop request is looked for.
const HEARTBEAT: Duration = Duration::from_secs(2);

/// A shorter interval is a pause between turns: no wake comes while one runs.
const SHORTEST_WAKE: Duration = Duration::from_mins(1);

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
    let mut wake = Instant::now();
    let stop = loop {
        let Some(turned) = wake_up(world, signals, &mut turns, wake).await? else {
            break Stop::Signal;
        };
        records::record(world, &turned.turn, turned.stop.as_ref()).await?;
        turns.push(turned.turn);
        if let Some(fatal) = turned.fatal {
            return Err(fatal);
        }
        if let Some(stop) = turned.stop {
            break stop;
        }
        wake += world.config.r#loop.interval;
        let until = match next(&turns, &world.config.r#loop) {
            Next::Stop(stop) => break stop,
            Next::Sleep => wake,
            Next::SleepUntil(at) => {
                let wait = (at - world.clock.now()).to_std().unwrap_or_default();
                wake.max(Instant::now() + wait)
            }
        };
        // A machine that slept, or a turn that took long: one wake now, never a storm.
        wake = until.max(Instant::now());
        if let Some(stop) = sleep(world, signals, until).await? {
            break stop;
        }
    };
    Ok(Ended { stop, turns })
}

/// One wake: a turn, watched over. `None`: ended at once by a second signal.
async fn wake_up(
    world: &World,
    signals: &Signals,
    turns: &mut Vec<Turn>,
    wake: Instant,
) -> Result<Option<Turned>, Fatal> {
    let open = world.ledger.begin_turn(world.clock.now()).await?;
    world.console().turn_started(open.number);
    let now = world.clock.now();
    world.sign(|holder| holder.begin_turn(open.id, now));
    let cancel = signals.stop.child_token();
    let work = turn(world, &open, &cancel);
    tokio::pin!(work);
    let interval = world.config.r#loop.interval.max(SHORTEST_WAKE);
    let mut overlap = Overlap {
        next: wake + interval,
        waited: false,
        skipped: false,
    };
    loop {
        tokio::select! {
            biased;
            turned = &mut work => return Ok(Some(turned)),
            () = signals.abort.cancelled() => return Ok(None),
            () = sleep_until(overlap.next) => {
                if let Some(skipped) = overlap.resolve(world, &cancel).await? {
                    turns.push(skipped);
                }
            }
            () = tokio::time::sleep(HEARTBEAT) => {
                world.sign(|_| {});
                if records::stop_requested(world) == Some(records::StopRequest::Now) {
                    cancel.cancel();
                }
            }
        }
    }
}

/// A wake that comes while the own iteration still runs takes the same path as a second
/// invocation: kill, wait once, or skip.
struct Overlap {
    next: Instant,
    waited: bool,
    skipped: bool,
}

impl Overlap {
    async fn resolve(
        &mut self,
        world: &World,
        cancel: &CancellationToken,
    ) -> Result<Option<Turn>, Fatal> {
        let config = &world.config.coordinate;
        let facts = Facts::new(Some(world.lock().me()), Likeness::Same, world.clock.now());
        let look = Look {
            facts,
            waited: self.waited,
            skipped: self.skipped,
        };
        let asked = match (config.decider, world.agent.live()) {
            (Decider::Agent, Some(claude)) => {
                coordinator::ask(claude, &world.config, &world.clock, &look).await
            }
            _ => None,
        };
        let ruling = rules(&look.facts, config, self.waited, self.skipped);
        let (choice, reason) = match asked.filter(|choice| look.allows(*choice, config)) {
            Some(choice) => (choice, "the decider chose it"),
            None => (ruling.choice, ruling.reason),
        };
        world.console().note(&format!(
            "a wake while this turn runs: {}, {reason}",
            choice.word()
        ));
        match choice {
            Choice::Kill => {
                cancel.cancel();
                self.next = Instant::now() + world.config.r#loop.interval.max(SHORTEST_WAKE);
                Ok(None)
            }
            Choice::Wait => {
                self.waited = true;
                self.next = Instant::now() + config.wait;
                Ok(None)
            }
            Choice::Skip => {
                self.waited = false;
                self.skipped = true;
                self.next = Instant::now() + world.config.r#loop.interval.max(SHORTEST_WAKE);
                let skipped = skipped(world, reason).await?;
                records::record(world, &skipped, None).await?;
                Ok(Some(skipped))
            }
        }
    }
}

/// A turn that came to nothing because another one is active.
async fn skipped(world: &World, why: &str) -> Result<Turn, Fatal> {
    let open = world.ledger.begin_turn(world.clock.now()).await?;
    Ok(Turn {
        id: open.id,
        number: open.number,
        started: open.started,
        finished: world.clock.now(),
        outcome: TurnOutcome::Skipped(why.to_owned()),
        agent: None,
        cost: crate::gate::MicroUsd::ZERO,
        finding: None,
        change: String::new(),
        question: None,
        receipt: Receipt::default(),
    })
}

/// Sleeps until the next wake; delivers what waits in the outbox meanwhile.
async fn sleep(world: &World, signals: &Signals, until: Instant) -> Result<Option<Stop>, Fatal> {
    world.sign(Holder::end_turn);
    world
        .console()
        .sleeping(until.saturating_duration_since(Instant::now()));
    loop {
        if signals.stop.is_cancelled() {
            return Ok(Some(Stop::Signal));
        }
        if records::stop_requested(world).is_some() {
            return Ok(Some(Stop::Operator));
        }
        let now = Instant::now();
        if now >= until {
            return Ok(None);
        }
        tokio::select! {
            () = signals.stop.cancelled() => {}
            () = sleep_until(until.min(now + HEARTBEAT)) => {
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
    let key = format!("stop/{}", world.lock().me().run);
    world
        .ledger
        .set_fact("last-stop", &ended.stop.reason(), now)
        .await?;
    world.ledger.queue_post(&key, &text, now).await?;
    records::deliver(world).await
}
