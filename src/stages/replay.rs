//! The past before a change and after it: what the hooks block now and did not block then.

use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::check::{cancelled, passed};
use super::{Draft, Ending};
use crate::prove::autonomy::replay::{Answered, Past, ask, blocked, past};
use crate::turn::{Gate, Price, Verdict};
use crate::world::World;

/// Problems that are told.
const NAMED: usize = 3;

/// The past, and what the hooks said to it before the change.
pub(super) struct Asked {
    past: Past,
    answered: Result<Answered, String>,
}

/// Reads the past and asks the hooks as they are.
pub(super) async fn before(world: &World, cancel: &CancellationToken) -> Asked {
    world.console().step_started("past tool calls");
    let roots = world.config.spend.roots.clone();
    let days = i64::from(world.config.prove.replay_days);
    let since = world.clock.now() - chrono::TimeDelta::days(days);
    let read = tokio::task::spawn_blocking(move || past(&roots, since)).await;
    let past = read.unwrap_or_else(|_| Past {
        problems: vec!["the reader failed".to_owned()],
        ..Past::default()
    });
    let answered = asked(world, &past, cancel).await;
    Asked { past, answered }
}

async fn asked(world: &World, past: &Past, cancel: &CancellationToken) -> Result<Answered, String> {
    let dir = Some(world.config.state_dir.as_path());
    ask(
        past,
        &world.probe_context(),
        dir,
        world.config.prove.replay,
        cancel,
    )
    .await
}

/// Asks again, and compares. What is newly blocked is a price that a person decides about.
pub(super) async fn again(
    world: &World,
    before: &Asked,
    draft: &mut Draft,
    cancel: &CancellationToken,
) -> Result<(), Ending> {
    let since = Instant::now();
    let Asked { past, answered } = before;
    for problem in past.problems.iter().take(NAMED) {
        draft.not_covered(&[format!("replay: {problem}")]);
    }
    world.console().step_started("replay");
    let now = asked(world, past, cancel).await;
    if cancel.is_cancelled() {
        return Err(cancelled());
    }
    let (then, now) = match (answered, now) {
        (Ok(then), Ok(now)) => (then, now),
        (_, Err(why)) => {
            return passed(world, draft, Gate::Replay, Verdict::Refused(why), since, "");
        }
        (Err(why), _) => {
            let why = format!("what the hooks blocked before this change is not known: {why}");
            draft.not_covered(&[format!("replay: {why}")]);
            return passed(world, draft, Gate::Replay, Verdict::Held(why), since, "");
        }
    };
    let (blocked, coverage) = blocked(past, &now, Some(then));
    draft.not_covered(&coverage.not_run());
    let today = world.clock.now();
    let prices = blocked.iter().map(|one| {
        let price = Price {
            gate: Gate::Replay,
            what: format!("blocks `{}`", one.call.replace('`', "'")),
        };
        (price, one.describe(today))
    });
    let verdict = draft.price(Gate::Replay, prices);
    passed(
        world,
        draft,
        Gate::Replay,
        verdict,
        since,
        &coverage.describe(),
    )
}
