//! The proof: nothing changes on a second run, every probe is green, the agent can still work.

use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::apply::{Applied, Journal};
use super::check::{Cleared, ansible_gate, cancelled, names, passed};
use super::metered::metered;
use super::posture::{self, Posture};
use super::replay::{self, Asked};
use super::{Draft, Ending, opening, opinion, way_back};
use crate::gate::MicroUsd;
use crate::playbook::{Mode, judge_second_run};
use crate::prove::autonomy::Report;
use crate::prove::committed::Committed;
use crate::turn::{Colour, Drift, Gate, GateRecord, Probe, Stage, TurnOutcome, Verdict};
use crate::world::World;

/// What the live call may cost.
const LIVE_CALL: MicroUsd = MicroUsd(250_000);

/// A change that is proven on the machine: the only thing that can be committed.
pub(super) struct Proven {
    pub(super) cleared: Cleared,
    /// How the agent can work with it: what the next change is compared with.
    pub(super) autonomy: Report,
}

/// What was known before the apply.
pub(super) struct Before<'a> {
    pub(super) past: &'a Asked,
    pub(super) posture: &'a Posture,
}

/// Second run, probes, autonomy, the past, posture, the way back.
pub(super) async fn prove(
    world: &World,
    applied: Applied,
    journal: &Journal,
    before: &Before<'_>,
    draft: &mut Draft,
    cancel: &CancellationToken,
) -> Result<Proven, Ending> {
    world.stage(Stage::Prove);
    let cleared = applied.cleared;
    after_apply(world, &cleared.report.probes, draft, cancel).await?;
    second_run(world, &cleared, journal, draft, cancel).await?;
    green(world, &cleared.report.probes, draft, cancel).await?;
    let autonomy = autonomy(world, draft, cancel).await?;
    replay::again(world, before.past, draft, cancel).await?;
    posture::again(world, before.posture, draft, cancel).await?;
    live_call(world, draft, cancel).await?;
    opinion::object(world, &cleared, journal, draft, cancel).await?;
    way_back::rehearse(world, &cleared, journal, draft, cancel).await?;
    journal.disarm().await?;
    Ok(Proven { cleared, autonomy })
}

/// Running it again changes nothing.
pub(super) async fn second_run(
    world: &World,
    cleared: &Cleared,
    journal: &Journal,
    draft: &mut Draft,
    cancel: &CancellationToken,
) -> Result<(), Ending> {
    world.console().step_started("second run");
    let run = world
        .ansible
        .run(cleared.tree.path(), Mode::Apply, cancel)
        .await;
    journal.in_time()?;
    let judged = judge_second_run(&run, &world.baseline());
    ansible_gate(world, draft, Gate::SecondRun, &run, judged, cancel)
}

/// The probes are green after one run already: a machine that is set up anew gets no second one.
async fn after_apply(
    world: &World,
    probes: &[Probe],
    draft: &mut Draft,
    cancel: &CancellationToken,
) -> Result<(), Ending> {
    let since = Instant::now();
    for probe in probes {
        let result = world.probe(probe, cancel).await;
        if cancel.is_cancelled() {
            return Err(cancelled());
        }
        if result.colour != Colour::Green {
            if let Some(record) = draft.receipt.probes.iter_mut().find(|r| r.probe == *probe) {
                record.after = Some(result.colour);
                record.output.clone_from(&result.output);
            }
            let verdict = Verdict::Refused(format!(
                "\"{}\" is still red after apply (what it said is in the receipt)",
                probe.name,
            ));
            return passed(world, draft, Gate::Green, verdict, since, "after one run");
        }
    }
    Ok(())
}

async fn green(
    world: &World,
    probes: &[Probe],
    draft: &mut Draft,
    cancel: &CancellationToken,
) -> Result<(), Ending> {
    let since = Instant::now();
    world.console().step_started("probe green");
    let mut verdict = Verdict::Passed;
    for (probe, record) in probes.iter().zip(draft.receipt.probes.iter_mut()) {
        let result = world.probe(probe, cancel).await;
        record.after = Some(result.colour);
        record.output.clone_from(&result.output);
        if result.colour != Colour::Green && verdict == Verdict::Passed {
            verdict = Verdict::Refused(format!(
                "\"{}\" is not green after a second run (what it said is in the receipt)",
                probe.name,
            ));
        }
    }
    let earlier = world.committed_probes().await.map_err(Ending::Fatal)?;
    if verdict == Verdict::Passed {
        verdict = still_green(world, &earlier, draft, cancel).await;
    }
    let earlier = earlier.len();
    if cancel.is_cancelled() {
        return Err(cancelled());
    }
    let detail = format!("{}; {earlier} earlier probes", names(probes));
    passed(world, draft, Gate::Green, verdict, since, &detail)
}

/// Whether the probes of earlier improvements are as they were when the turn began: what was red then
/// is not this change's doing.
async fn still_green(
    world: &World,
    earlier: &[Committed],
    draft: &Draft,
    cancel: &CancellationToken,
) -> Verdict {
    let drift: Vec<String> = draft.drift().iter().map(Drift::key).collect();
    let results = world.probe_all(earlier, cancel).await;
    let broken = earlier
        .iter()
        .zip(results)
        .find(|(one, result)| result.colour != Colour::Green && !drift.contains(&one.key()));
    match broken {
        None => Verdict::Passed,
        Some((one, _)) => Verdict::Refused(format!(
            "\"{}\", the proof of an earlier improvement ({}), is red now",
            one.probe.name, one.finding.title
        )),
    }
}

async fn autonomy(
    world: &World,
    draft: &mut Draft,
    cancel: &CancellationToken,
) -> Result<Report, Ending> {
    measured(world, draft, cancel, true).await
}

/// Only whether the agent can work: what is taken back lets through again what it denied.
pub(super) async fn freedom(
    world: &World,
    draft: &mut Draft,
    cancel: &CancellationToken,
) -> Result<Report, Ending> {
    measured(world, draft, cancel, false).await
}

async fn measured(
    world: &World,
    draft: &mut Draft,
    cancel: &CancellationToken,
    guards: bool,
) -> Result<Report, Ending> {
    let since = Instant::now();
    world.console().step_started("autonomy");
    let (after, judged) = if guards {
        world.check_autonomy(cancel).await
    } else {
        world.check_freedom(cancel).await
    };
    if cancel.is_cancelled() {
        return Err(cancelled());
    }
    passed(
        world,
        draft,
        Gate::Autonomy,
        judged,
        since,
        &after.summary(),
    )?;
    Ok(after)
}

/// A call of the real agent with the deployed settings, where there is one.
pub(super) async fn live_call(
    world: &World,
    draft: &mut Draft,
    cancel: &CancellationToken,
) -> Result<(), Ending> {
    let since = Instant::now();
    let Some(claude) = world.agent.live() else {
        let why = "the embedded agent makes no model calls; needs an account".to_owned();
        let record = GateRecord::new(Gate::LiveCall, Verdict::NotRun(why.clone()));
        draft.not_covered(&[format!("live call: {why}")]);
        draft.record(world, record, "");
        return Ok(());
    };
    world.console().step_started("live call");
    let allowance = match opening::open(world, draft, LIVE_CALL).await {
        Ok(allowance) => allowance,
        Err(Ending::Closed(stop)) => {
            let why = format!(
                "no money left to prove that the agent still works: {}",
                stop.reason()
            );
            return Err(Ending::Outcome(TurnOutcome::Rejected(why)));
        }
        Err(ending) => return Err(ending),
    };
    let amount = allowance.amount();
    let dir = world.make_private_dir("live")?;
    let session = uuid::Uuid::new_v4().to_string();
    let run = world
        .ledger
        .reserve(draft.id, &session, amount, world.clock.now())
        .await?;
    let meter = world.meter(amount, cancel);
    let call = claude.live_call(&world.config.home, dir.path(), &session, &meter);
    let call = metered(world, &meter, &session, call).await?;
    world
        .ledger
        .settle(&run, call.cost, world.clock.now())
        .await?;
    draft.cost = draft.cost.plus(call.cost);
    world.spent(call.cost);
    passed(world, draft, Gate::LiveCall, call.verdict, since, "")
}
