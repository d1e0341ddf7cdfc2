//! Rights, remote access, git and MCP servers: as they were before the change.

use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::check::{cancelled, passed};
use super::{Draft, Ending};
use crate::prove::posture::{Place, losses, take};
use crate::turn::{Gate, Price, Verdict};
use crate::world::World;

pub(super) use crate::prove::posture::Posture;

/// As it is.
pub(super) async fn before(world: &World, cancel: &CancellationToken) -> Posture {
    let config = &world.config;
    let place = Place {
        home: config.home.clone(),
        checkout: config.repo.path.clone(),
        env: world.env.clone(),
        path: world.path.clone(),
        system: config.playbook.system,
    };
    take(&place, cancel).await
}

/// Reads again, and compares. What is worse is a price that a person decides about.
pub(super) async fn again(
    world: &World,
    then: &Posture,
    draft: &mut Draft,
    cancel: &CancellationToken,
) -> Result<(), Ending> {
    let since = Instant::now();
    world.console().step_started("posture");
    let now = before(world, cancel).await;
    if cancel.is_cancelled() {
        return Err(cancelled());
    }
    let unknown = now.unknown().iter().map(|what| format!("posture: {what}"));
    draft.not_covered(&unknown.collect::<Vec<_>>());
    let losses = losses(then, &now);
    let verdict = match losses.iter().find(|loss| loss.broken) {
        Some(broken) => Verdict::Refused(broken.says.clone()),
        None => draft.price(
            Gate::Posture,
            losses.into_iter().map(|loss| {
                let what = Price {
                    gate: Gate::Posture,
                    what: loss.says.clone(),
                };
                (what, loss.says)
            }),
        ),
    };
    passed(world, draft, Gate::Posture, verdict, since, &now.summary())
}
