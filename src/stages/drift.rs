//! The probes of earlier improvements, before anything else: what does not hold any more is told at
//! once, repaired by a re-run of the playbook, or offered to the agent.

use std::collections::BTreeMap;

use tokio_util::sync::CancellationToken;

use super::check::cancelled;
use super::{Draft, Ending};
use crate::playbook::judge_apply;
use crate::prove::committed::Committed;
use crate::report::posts;
use crate::turn::{Colour, Drift, Stage, Verdict};
use crate::world::World;

/// Under which the ledger keeps what is known to drift.
const KNOWN: &str = "drift";

/// The probes that are known not to be green, each with the head of the branch that was run again for
/// it; empty: none was.
type Known = BTreeMap<String, String>;

/// What was found at this wake.
pub(super) struct Drifted(Vec<Committed>);

/// Runs the probes of earlier improvements and tells of what is new. Costs no money, so that it is
/// done where the gate is closed, too.
pub(super) async fn look(
    world: &World,
    draft: &mut Draft,
    cancel: &CancellationToken,
) -> Result<Drifted, Ending> {
    let probes = world.committed_probes().await.map_err(Ending::Fatal)?;
    if probes.is_empty() {
        return Ok(Drifted(probes));
    }
    world.stage(Stage::Drift);
    world.console().step_started("earlier probes");
    let results = world.probe_all(&probes, cancel).await;
    if cancel.is_cancelled() {
        return Err(cancelled());
    }
    let total = probes.len();
    let mut red = Vec::new();
    for (one, result) in probes.into_iter().zip(&results) {
        if let Some(drift) = one.drift(result) {
            draft.receipt.drift.push(drift);
            red.push(one);
        }
    }
    let green = total - red.len();
    let text = format!("{green} of {total} probes of earlier improvements are green");
    world.console().detail("drift", &text);
    for drift in &draft.receipt.drift {
        world.console().note(&drift.to_string());
    }
    if !world.config.r#loop.dry_run {
        tell(world, draft).await?;
    }
    Ok(Drifted(red))
}

/// Notes what is new in the ledger and posts it, once.
async fn tell(world: &World, draft: &Draft) -> Result<(), Ending> {
    let before = known(world).await?;
    let now: Known = draft
        .receipt
        .drift
        .iter()
        .map(|d| (d.key(), before.get(&d.key()).cloned().unwrap_or_default()))
        .collect();
    let new: Vec<Drift> = draft
        .receipt
        .drift
        .iter()
        .filter(|d| !before.contains_key(&d.key()))
        .cloned()
        .collect();
    if !new.is_empty() {
        world.event(draft.id, Stage::Drift, "found", &new).await?;
        post(world, draft, "found", &posts::drift(&new)).await?;
    }
    if now != before {
        keep(world, &now).await?;
    }
    Ok(())
}

/// Runs the playbook again as it is committed, once for each head of the branch. What stays red is in
/// the draft for the agent.
pub(super) async fn mend(
    world: &World,
    Drifted(probes): Drifted,
    draft: &mut Draft,
    cancel: &CancellationToken,
) -> Result<(), Ending> {
    if probes.is_empty() || world.config.r#loop.dry_run {
        return Ok(());
    }
    let head = world.repo.head().await.map_err(Ending::Fatal)?.to_string();
    let mut known = known(world).await?;
    if probes.iter().all(|p| known.get(&p.key()) == Some(&head)) {
        return Ok(());
    }
    world.stage(Stage::Apply);
    let count = probes.len();
    world.console().working(&format!(
        "the playbook again, for {count} probes that are not green"
    ));
    world
        .event(draft.id, Stage::Drift, "started", &head)
        .await?;
    let run = world.apply_head(cancel).await;
    if cancel.is_cancelled() {
        return Err(cancelled());
    }
    let judged = run.map(|run| judge_apply(&run, &world.baseline()).verdict);
    let failed = match judged {
        Ok(Verdict::Passed) => None,
        Ok(Verdict::Refused(why) | Verdict::Held(why) | Verdict::NotRun(why)) | Err(why) => {
            Some(format!("running the playbook again: {why}"))
        }
    };
    let results = world.probe_all(&probes, cancel).await;
    for (one, result) in probes.iter().zip(&results) {
        let key = one.key();
        let repaired = result.colour == Colour::Green;
        if repaired {
            known.remove(&key);
        } else {
            known.insert(key.clone(), head.clone());
        }
        if let Some(drift) = draft.receipt.drift.iter_mut().find(|d| d.key() == key) {
            drift.repaired = repaired;
        }
    }
    draft.not_covered(&failed.iter().cloned().collect::<Vec<_>>());
    let text = posts::mended(&draft.receipt.drift, failed.as_deref());
    world
        .event(draft.id, Stage::Drift, "finished", &draft.receipt.drift)
        .await?;
    post(world, draft, "mended", &text).await?;
    keep(world, &known).await?;
    let repaired = draft.receipt.drift.iter().filter(|d| d.repaired).count();
    let text = format!("{repaired} of {count} are green after a re-run of the playbook");
    world.console().detail("drift", &text);
    // What the next change is compared with.
    let (now, _) = world.check_autonomy(cancel).await;
    world.remember_autonomy(now);
    Ok(())
}

async fn known(world: &World) -> Result<Known, Ending> {
    let text = world.ledger.fact(KNOWN).await?;
    Ok(text
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default())
}

async fn keep(world: &World, known: &Known) -> Result<(), Ending> {
    let text = serde_json::to_string(known).unwrap_or_default();
    let now = world.clock.now();
    Ok(world.ledger.set_fact(KNOWN, &text, now).await?)
}

async fn post(world: &World, draft: &Draft, what: &str, text: &str) -> Result<(), Ending> {
    let key = format!("drift/{}/{what}", draft.id);
    let now = world.clock.now();
    world.ledger.queue_post(&key, text, now).await?;
    // Told at once, not at the end of the turn.
    crate::records::deliver(world).await.map_err(Ending::Fatal)
}
