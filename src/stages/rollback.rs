//! Taking a change back from the machine, and proving it.
//!
//! Re-applying the previous commit alone restores nothing: Ansible has no memory of what a task
//! that is gone did. So: the snapshot first, then the re-apply as drift repair, then the proof.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

pub use super::apply::Journal;
use super::{Draft, Ending};
use crate::deadman;
use crate::playbook::{as_left, judge_apply, still_at_work};
use crate::turn::{Colour, Gate, Stage, TurnOutcome, Verdict, in_short};
use crate::world::World;

/// How long somebody whom no signal reaches may take to end by itself.
const STILL: Duration = Duration::from_secs(10);

/// Takes the change back; returns how the turn ends. Not even a stop request interrupts it.
pub(super) async fn roll_back(
    world: &World,
    journal: Journal,
    ending: Ending,
    draft: &mut Draft,
) -> Ending {
    world.stage(Stage::Rollback);
    let since = Instant::now();
    world.console().working("taking the change back");
    let left = restore(world, &journal, draft).await;
    let verdict = match &left {
        Ok(()) => Verdict::Passed,
        Err(why) => Verdict::Refused(why.clone()),
    };
    draft.judged(
        world,
        Gate::Rollback,
        verdict,
        since,
        "snapshot, re-apply, proof",
    );
    // Without a ledger this can't be noted; the next start finds the open turn and repeats it.
    let noted = world
        .event(draft.id, Stage::Rollback, "finished", &left.as_ref().err())
        .await;
    match (left, ending, noted) {
        (Err(why), ending, _) => {
            let first = match ending {
                Ending::Outcome(outcome) => outcome.detail().to_owned(),
                Ending::Closed(stop) | Ending::Cut(_, stop) => stop.reason(),
                Ending::Fatal(fatal) => fatal.to_string(),
            };
            // The snapshot stays: the next start tries again before it does anything else.
            Ending::Outcome(TurnOutcome::NeedsOperator(format!(
                "the change was refused ({first}) and could not be taken back wholly: {why}"
            )))
        }
        (Ok(()), Ending::Fatal(fatal), _) => Ending::Fatal(fatal),
        (Ok(()), _, Err(error)) => error.into(),
        (Ok(()), ending, Ok(())) => {
            journal.close();
            ending
        }
    }
}

/// Snapshot, re-apply of the branch's head, proof by manifest, states and probes. What is left is in
/// the draft's receipt too, one by one.
///
/// # Errors
/// What is left, in words.
pub async fn restore(world: &World, journal: &Journal, draft: &mut Draft) -> Result<(), String> {
    let before = &journal.before;
    // The dead-man timer may be at it; whoever comes second finds nothing to do.
    let held = deadman::hold(before.dir())
        .await
        .map_err(|e| format!("{}: {e}", before.dir().display()))?;
    if let Some(fired) = held.fired() {
        world.console().note(&fired.describe());
        draft.not_covered(&[fired.describe()]);
        note(world, draft, "deadman", &fired).await;
    }
    let done = before.restore().await;
    note(world, draft, "restored", &done).await;
    let proven = prove(world, journal, draft).await;
    // The timer could do no more, and a person may be mending what is left.
    if let Err(e) = held.disarm() {
        world.console().note(&format!("the dead-man timer: {e}"));
    }
    proven
}

/// For a reader; without it the machine is put back all the same.
async fn note(world: &World, draft: &Draft, kind: &str, data: &(impl serde::Serialize + Sync)) {
    let noted = world.event(draft.id, Stage::Rollback, kind, data).await;
    if let Err(error) = noted {
        world.console().note(&error.to_string());
    }
}

async fn prove(world: &World, journal: &Journal, draft: &mut Draft) -> Result<(), String> {
    let never = CancellationToken::new();
    let run = world.apply_head(&never).await;
    let now = journal.before.now().await;
    draft.not_covered(&now.told);
    draft.receipt.left = now.left;
    // While somebody may still change it, nothing is proven.
    let at_work = still_at_work(&world.config.state_dir, STILL).await;
    draft.receipt.left.extend(as_left(&at_work));
    let left = &draft.receipt.left;
    for one in left {
        world.console().note_line(&format!("  left: {one}"));
    }
    if !left.is_empty() {
        let left = crate::text::clamp(&in_short(left), 1_000);
        return Err(format!("not as before: {left}"));
    }
    if let Verdict::Refused(why) = judge_apply(&run?, &world.baseline()).verdict {
        return Err(format!("re-applying the branch's head: {why}"));
    }
    for probe in &journal.probes {
        let result = world.probe(probe, &never).await;
        if let Some(record) = draft.receipt.probes.iter_mut().find(|r| r.probe == *probe) {
            record.rolled_back = Some(result.colour);
        }
        if result.colour != journal.colour {
            let colour = match journal.colour {
                Colour::Green => "green",
                Colour::Red | Colour::Error => "red",
            };
            return Err(format!("probe \"{}\" is not {colour} again", probe.name));
        }
    }
    Ok(())
}
