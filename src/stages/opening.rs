//! The gate: may an iteration start, and with how much money.

use tokio::sync::watch;

use super::{Draft, Ending};
use crate::clock::Clock;
use crate::config::Config;
use crate::gate::{Allowance, Decision, GateInput, MIN_ALLOWANCE, MicroUsd, decide};
use crate::ledger::{Ledger, LedgerError};
use crate::next::Stop;
use crate::spend::{DayQuery, DaySpend, Progress, Reading, day_indexed};
use crate::turn::{Stage, TurnOutcome};
use crate::world::{World, all_roots};

/// The day's spend as the gate sees it: every transcript of this machine and the ledger's own
/// runs. At a terminal one sees how far reading is.
pub async fn spend_today(world: &World) -> Result<DaySpend, Ending> {
    let (told, mut progress) = watch::channel(Progress::default());
    let reading = spend_on(&world.ledger, &world.clock, &world.config, told);
    tokio::pin!(reading);
    loop {
        tokio::select! {
            biased;
            day = &mut reading => return Ok(day?),
            Ok(()) = progress.changed() => {
                let progress = *progress.borrow_and_update();
                world.console().reading(&progress.to_string());
            }
        }
    }
}

/// As [`spend_today`], from its parts. Of two days that it may be, the one with less money left.
pub async fn spend_on(
    ledger: &Ledger,
    clock: &Clock,
    config: &Config,
    told: watch::Sender<Progress>,
) -> Result<DaySpend, LedgerError> {
    let mut worst: Option<DaySpend> = None;
    for day in clock.days() {
        let spend = spend_of(ledger, clock.zone(), day, config, told.clone()).await?;
        let key = |spend: &DaySpend| (!spend.complete, spend.at_most);
        if worst.as_ref().is_none_or(|worst| key(&spend) > key(worst)) {
            worst = Some(spend);
        }
    }
    Ok(worst.unwrap_or_else(|| DaySpend::unknown(clock.today(), clock.zone(), "it is no day")))
}

/// The spend of one day. Blocking reads happen on a thread of their own.
async fn spend_of(
    ledger: &Ledger,
    zone: chrono_tz::Tz,
    (date, now): (chrono::NaiveDate, chrono::DateTime<chrono::Utc>),
    config: &Config,
    told: watch::Sender<Progress>,
) -> Result<DaySpend, LedgerError> {
    // A day is at most 25 hours long.
    let own = ledger.own_runs(now - chrono::TimeDelta::hours(26)).await?;
    let roots = all_roots(config);
    let dir = config.state_dir.clone();
    let read = tokio::task::spawn_blocking(move || {
        let query = DayQuery {
            roots: &roots,
            date,
            zone,
            now,
            own: &own,
        };
        let reading = Reading {
            dir: &dir,
            early: false,
            progress: &|progress| {
                let _ = told.send(progress);
            },
        };
        day_indexed(&query, reading)
    });
    Ok(read
        .await
        .unwrap_or_else(|_| DaySpend::unknown(date, zone, "the reader failed")))
}

/// Opens the gate or ends the turn.
pub(super) async fn gate(world: &World, draft: &mut Draft) -> Result<Allowance, Ending> {
    world.stage(Stage::Gate);
    crate::room::check(&world.config.state_dir)
        .map_err(|why| Ending::Outcome(TurnOutcome::Failed(why)))?;
    open(world, draft, world.config.spend.per_iteration).await
}

/// Whether the gate would open now. Reserves nothing.
///
/// # Errors
/// When the ledger can't be read.
pub async fn is_open(world: &World) -> Result<bool, LedgerError> {
    let (told, _) = watch::channel(Progress::default());
    let spend = spend_on(&world.ledger, &world.clock, &world.config, told).await?;
    let reserved = world.ledger.reserved().await?;
    let input = input(world, &spend, world.config.spend.per_iteration, reserved);
    Ok(matches!(decide(&input), Decision::Open(_)))
}

fn input<'a>(
    world: &World,
    spend: &'a DaySpend,
    limit: MicroUsd,
    reserved: MicroUsd,
) -> GateInput<'a> {
    GateInput {
        cap: world.config.spend.daily_cap,
        per_iteration: limit,
        minimum: MIN_ALLOWANCE,
        spend: spend.figures(),
        reserved,
    }
}

/// Asks the gate for at most `limit`; also used for the live call after an apply.
pub(super) async fn open(
    world: &World,
    draft: &Draft,
    limit: MicroUsd,
) -> Result<Allowance, Ending> {
    let spend = spend_today(world).await?;
    let reserved = world.ledger.reserved().await?;
    world.set_today(spend.total);
    let cap = world.config.spend.daily_cap;
    let input = input(world, &spend, limit, reserved);
    let facts = serde_json::json!({
        "total_micro_usd": spend.total.0, "cap_micro_usd": cap.0,
        "reserved_micro_usd": reserved.0, "complete": spend.complete,
    });
    match decide(&input) {
        Decision::Open(allowance) => {
            world.event(draft.id, Stage::Gate, "open", &facts).await?;
            Ok(allowance)
        }
        Decision::Closed(closed) => {
            let why = closed.to_string();
            world
                .event(draft.id, Stage::Gate, "closed", &(facts, &why))
                .await?;
            // A figure that is not known is for a person to mend; tomorrow alone mends nothing.
            Err(Ending::Closed(if closed.is_cap() {
                Stop::CapReached(why)
            } else {
                Stop::NeedsOperator(why)
            }))
        }
    }
}
