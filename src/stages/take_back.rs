//! Taking back an improvement that landed: from the repository by the reverse of its commit, from the
//! machine by the playbook without it and the way back that was kept, with the same proof as a change.

use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::apply::{Applied, Journal};
use super::check::{Cleared, dry_run, passed};
use super::prove::{Before, Proven, freedom, live_call, second_run};
use super::replay;
use super::{Draft, Ending, apply, commit, posture, rollback};
use crate::playbook::WayBack;
use crate::repo::CommitId;
use crate::turn::{
    Colour, Drift, Finding, Gate, Probe, ProbeRecord, Report, ReportOutcome, Turn, TurnId,
    TurnOutcome, Verdict,
};
use crate::world::World;

/// Takes back the improvement of a turn.
pub(super) async fn take_back(
    world: &World,
    turn: TurnId,
    draft: &mut Draft,
    cancel: &CancellationToken,
) -> Result<CommitId, Ending> {
    let rejected = |why: &str| Ending::Outcome(TurnOutcome::Rejected(why.to_owned()));
    let original = world
        .ledger
        .turn(turn)
        .await?
        .ok_or_else(|| rejected("no such turn"))?;
    let TurnOutcome::Committed(id) = &original.outcome else {
        return Err(rejected("that turn made no improvement"));
    };
    if world.ledger.reverted_by(turn).await?.is_some() {
        return Err(rejected("it is taken back already"));
    }
    draft.finding.clone_from(&original.finding);
    draft.change = format!("Take back the improvement of turn {}", original.number);
    draft.receipt.reverts = Some(turn);
    world.console().working(&draft.change.clone());
    let changes = world.repo.reverse(id).await.map_err(|why| rejected(&why))?;
    let report = report(&original, draft);
    draft.proposes(&changes, &report);
    let (tree, run) = dry_run(world, &changes, draft, cancel).await?;
    for probe in &report.probes {
        let result = world.probe(probe, cancel).await;
        draft.receipt.probes.push(ProbeRecord {
            probe: probe.clone(),
            before: Some(result.colour),
            after: None,
            rolled_back: None,
            output: result.output,
        });
    }
    let cleared = Cleared {
        changes,
        report,
        tree,
        dry_run: run,
    };
    let past = replay::before(world, cancel).await;
    let posture = posture::before(world, cancel).await;
    let journal = apply::open_journal(world, &cleared, draft).await?;
    let done = match apply::apply(world, cleared, &journal, draft, cancel).await {
        Ok(applied) => {
            let before = Before {
                past: &past,
                posture: &posture,
            };
            Box::pin(prove(
                world, applied, &journal, turn, &before, draft, cancel,
            ))
            .await
        }
        Err(ending) => Err(ending),
    };
    match done {
        Ok(commit) => {
            journal.close();
            Ok(commit)
        }
        Err(ending) => Err(rollback::roll_back(world, journal, ending, draft).await),
    }
}

fn report(original: &Turn, draft: &Draft) -> Report {
    let finding = original.finding.clone().map(|finding| Finding {
        title: format!("Take back: {}", finding.title),
        ..finding
    });
    let probes = original.receipt.probes.iter().map(|r| r.probe.clone());
    Report {
        outcome: ReportOutcome::Improvement,
        finding,
        change: draft.change.clone(),
        probes: probes.collect(),
        verification: "the probes are red again, all others are as they were".to_owned(),
        blocked_on: None,
        observations: Vec::new(),
    }
}

async fn prove(
    world: &World,
    applied: Applied,
    journal: &Journal,
    turn: TurnId,
    before: &Before<'_>,
    draft: &mut Draft,
    cancel: &CancellationToken,
) -> Result<CommitId, Ending> {
    let cleared = applied.cleared;
    // What a task did that is gone now comes back by no playbook.
    let dir = world.way_back_dir(turn);
    match WayBack::load(&dir) {
        Ok(way) => {
            let done = way.restore().await;
            world
                .event(draft.id, crate::turn::Stage::Apply, "way back", &done)
                .await?;
        }
        Err(e) => draft.not_covered(&[format!(
            "the way back of that turn was not kept ({e}): only the playbook without it is applied"
        )]),
    }
    second_run(world, &cleared, journal, draft, cancel).await?;
    red_again(world, turn, &cleared.report.probes, draft, cancel).await?;
    let autonomy = freedom(world, draft, cancel).await?;
    replay::again(world, before.past, draft, cancel).await?;
    posture::again(world, before.posture, draft, cancel).await?;
    live_call(world, draft, cancel).await?;
    journal.disarm().await?;
    let proven = Proven { cleared, autonomy };
    commit::commit(world, proven, draft).await
}

/// The probes of what is taken back are red, and all others as they were.
async fn red_again(
    world: &World,
    turn: TurnId,
    probes: &[Probe],
    draft: &mut Draft,
    cancel: &CancellationToken,
) -> Result<(), Ending> {
    let since = Instant::now();
    world.console().step_started("probe red");
    let mut verdict = Verdict::Passed;
    for (probe, record) in probes.iter().zip(draft.receipt.probes.iter_mut()) {
        let result = world.probe(probe, cancel).await;
        record.after = Some(result.colour);
        record.output.clone_from(&result.output);
        // Where the hook itself is gone it can't be run to its end, and closes nothing either.
        if result.colour == Colour::Green && verdict == Verdict::Passed {
            verdict = Verdict::Refused(format!(
                "\"{}\" is still green: something else than that commit closes the hole",
                probe.name
            ));
        }
    }
    let others = world.committed_probes().await.map_err(Ending::Fatal)?;
    let others: Vec<_> = others.into_iter().filter(|p| p.turn != turn).collect();
    let drift: Vec<String> = draft.drift().iter().map(Drift::key).collect();
    let results = world.probe_all(&others, cancel).await;
    let broken = others
        .iter()
        .zip(&results)
        .find(|(one, r)| r.colour != Colour::Green && !drift.contains(&one.key()));
    if let (Verdict::Passed, Some((one, _))) = (&verdict, broken) {
        verdict = Verdict::Refused(format!(
            "\"{}\", the proof of another improvement ({}), would be red: take that back first",
            one.probe.name, one.finding.title
        ));
    }
    if cancel.is_cancelled() {
        return Err(super::check::cancelled());
    }
    let detail = format!("{} other probes", others.len());
    passed(world, draft, Gate::Red, verdict, since, &detail)
}
