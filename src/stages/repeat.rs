//! A hole that is known is not tried for ever: one that has landed is a repeat, or has drifted, which
//! its own proof tells; one that was rejected twice, or waits for a person, is left alone.

use tokio_util::sync::CancellationToken;

use super::check::cancelled;
use super::{Draft, Ending};
use crate::memory::{Known, Seen, seen};
use crate::turn::{Colour, Report, TurnOutcome};
use crate::world::World;

/// Refuses a repeat; notes what is the repair of a drift.
pub(super) async fn refuse(
    world: &World,
    report: &Report,
    draft: &mut Draft,
    cancel: &CancellationToken,
) -> Result<(), Ending> {
    let Some(finding) = &report.finding else {
        return Ok(());
    };
    let memory = world.ledger.memory().await?;
    let (known, why) = match seen(finding, &report.probes, &memory, &world.config.home) {
        Seen::New => return Ok(()),
        Seen::Landed(known) => match drifted(world, known, cancel).await? {
            Some(red) => {
                draft.receipt.drift_of = Some(known.turn);
                draft.not_covered(&[format!(
                    "drift and no new finding: \"{red}\", the proof of turn {}, is red again",
                    known.turn
                )]);
                return Ok(());
            }
            None => (
                known,
                "it has landed before, and its proof is green".to_owned(),
            ),
        },
        Seen::Waits(known) => {
            let why = match known.outcome.as_str() {
                "denied" => "the operator denied it",
                "taken_back" => "the operator had it taken back",
                _ => "it waits for a person",
            };
            (known, why.to_owned())
        }
        Seen::Tried(known) => (known, "it was rejected twice".to_owned()),
    };
    draft.receipt.repeats = Some(known.turn);
    Err(Ending::Outcome(TurnOutcome::Rejected(format!(
        "a repeat of \"{}\" (turn {}): {why}",
        known.finding.title, known.turn
    ))))
}

/// The first probe of a landed improvement that is red again.
async fn drifted(
    world: &World,
    known: &Known,
    cancel: &CancellationToken,
) -> Result<Option<String>, Ending> {
    for probe in &known.probes {
        let result = world.probe(probe, cancel).await;
        if cancel.is_cancelled() {
            return Err(cancelled());
        }
        // One that errors tells nothing, and is no reason to try again.
        if result.colour == Colour::Red {
            return Ok(Some(probe.name.clone()));
        }
    }
    Ok(None)
}
