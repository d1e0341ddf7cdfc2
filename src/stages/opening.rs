//! The gate: may an iteration start, and with how much money.

use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use tokio::sync::watch;

use super::{Draft, Ending};
use crate::clock::Clock;
use crate::config::Config;
use crate::gate::{Allowance, Decision, GateInput, MIN_ALLOWANCE, MicroUsd, decide};
use crate::ledger::{Ledger, LedgerError};
use crate::next::Stop;
use crate::report::posts;
use crate::spend::{DayQuery, DaySpend, OwnRun, Progress, Reading, day_indexed};
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

/// The question for a day, with what it refers to.
pub(super) struct Asked {
    roots: Vec<PathBuf>,
    own: Vec<OwnRun>,
    zone: Tz,
    date: NaiveDate,
    now: DateTime<Utc>,
}

impl Asked {
    /// About a day, at a time in it: all transcripts of this machine and the ledger's own runs.
    pub(super) async fn about(
        (date, now): (NaiveDate, DateTime<Utc>),
        ledger: &Ledger,
        zone: Tz,
        config: &Config,
    ) -> Result<Self, LedgerError> {
        Ok(Self {
            roots: all_roots(config),
            // A day is at most 25 hours long.
            own: ledger.own_runs(now - chrono::TimeDelta::hours(26)).await?,
            zone,
            date,
            now,
        })
    }

    pub(super) fn query(&self) -> DayQuery<'_> {
        DayQuery {
            roots: &self.roots,
            date: self.date,
            zone: self.zone,
            now: self.now,
            own: &self.own,
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
        let asked = Asked::about(day, ledger, clock.zone(), config).await?;
        let spend = spend_of(asked, ledger, config, told.clone()).await?;
        let key = |spend: &DaySpend| (!spend.complete, spend.at_most);
        if worst.as_ref().is_none_or(|worst| key(&spend) > key(worst)) {
            worst = Some(spend);
        }
    }
    Ok(worst.unwrap_or_else(|| DaySpend::unknown(clock.today(), clock.zone(), "it is no day")))
}

/// The spend of one day. Blocking reads happen on a thread of their own.
async fn spend_of(
    asked: Asked,
    ledger: &Ledger,
    config: &Config,
    told: watch::Sender<Progress>,
) -> Result<DaySpend, LedgerError> {
    let (date, zone, now) = (asked.date, asked.zone, asked.now);
    let dir = config.state_dir.clone();
    let read = tokio::task::spawn_blocking(move || {
        let reading = Reading {
            dir: &dir,
            early: false,
            progress: &|progress| {
                let _ = told.send(progress);
            },
        };
        day_indexed(&asked.query(), reading)
    });
    let mut day = read
        .await
        .unwrap_or_else(|_| DaySpend::unknown(date, zone, "the reader failed"));
    ledger.keep_day(&mut day, now).await?;
    Ok(day)
}

/// Of a hundred parts of the day's cap, those after which people are warned.
const NEAR: u64 = 80;

/// Queues a warning, once a day, when the day's cap is near and not reached. Whether it did so now.
///
/// # Errors
/// When it can't be written.
pub(super) async fn near_cap(world: &World, spent: MicroUsd) -> Result<bool, LedgerError> {
    let cap = world.config.spend.daily_cap;
    let near = u128::from(spent.0) * 100 >= u128::from(cap.0) * u128::from(NEAR);
    let today = world.clock.today();
    if !near || spent >= cap || !world.first_near_cap(today) {
        return Ok(false);
    }
    let text = posts::near_cap(spent, cap, today);
    world.console().note(&text);
    let key = format!("near-cap/{today}/{}", cap.0);
    world
        .ledger
        .queue_post(&key, &text, world.clock.now())
        .await?;
    Ok(true)
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
            near_cap(world, spend.at_most).await?;
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
