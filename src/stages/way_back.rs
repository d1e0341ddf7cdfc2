//! The way back, tried before the commit: a change that is not made of plain files is undone and made
//! again, so that it is known to be one that can be taken back.

use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::apply::Journal;
use super::check::{Cleared, cancelled, passed};
use super::{Draft, Ending};
use crate::playbook::{Mode, judge_apply};
use crate::turn::{Colour, Gate, Stage, Verdict, in_short};
use crate::world::World;

/// Undoes, looks, applies again, looks again. A change of files alone is left as it is.
pub(super) async fn rehearse(
    world: &World,
    cleared: &Cleared,
    journal: &Journal,
    draft: &mut Draft,
    cancel: &CancellationToken,
) -> Result<(), Ending> {
    let states = journal.before.changed_states().await;
    if states.is_empty() {
        return Ok(());
    }
    let since = Instant::now();
    world.console().step_started("way back");
    let shown: Vec<String> = states.iter().map(ToString::to_string).collect();
    world
        .event(draft.id, Stage::Prove, "way back", &shown)
        .await?;
    let verdict = try_out(world, cleared, journal, cancel).await;
    if cancel.is_cancelled() {
        return Err(cancelled());
    }
    journal.in_time()?;
    let detail = crate::text::one_line(&shown.join("; "), 160);
    passed(world, draft, Gate::WayBack, verdict, since, &detail)
}

async fn try_out(
    world: &World,
    cleared: &Cleared,
    journal: &Journal,
    cancel: &CancellationToken,
) -> Verdict {
    let done = journal.before.restore().await;
    let now = journal.before.now().await;
    if !now.left.is_empty() {
        return Verdict::Refused(format!(
            "the way back does not work: {} is left ({})",
            in_short(&now.left),
            crate::text::one_line(&done.join("; "), 300)
        ));
    }
    let probes = &cleared.report.probes;
    for probe in probes {
        if world.probe(probe, cancel).await.colour == Colour::Green {
            return Verdict::Refused(format!("\"{}\" is still green on the way back", probe.name));
        }
    }
    let run = world
        .ansible
        .run(cleared.tree.path(), Mode::Apply, cancel)
        .await;
    match judge_apply(&run, &world.baseline()).verdict {
        Verdict::Passed => {}
        other => return other,
    }
    for probe in probes {
        if world.probe(probe, cancel).await.colour != Colour::Green {
            return Verdict::Refused(format!(
                "\"{}\" is not green when the change is made a second time",
                probe.name
            ));
        }
    }
    Verdict::Passed
}
