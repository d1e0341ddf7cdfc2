//! The second opinion: another run of the agent, without memory of the first, tries to get round the
//! change. It can refuse it and no more; what it leaves on the machine is found and removed.

use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::apply::Journal;
use super::check::{Cleared, cancelled, passed};
use super::metered::metered;
use super::{Draft, Ending, opening};
use crate::agent::claude::{Claude, Opinion, Target};
use crate::playbook::snapshot::{self, Snapshot};
use crate::prove::decoys;
use crate::turn::{Gate, Verdict};
use crate::world::World;

/// Asks for objections, where the configuration says so.
pub(super) async fn object(
    world: &World,
    cleared: &Cleared,
    journal: &Journal,
    draft: &mut Draft,
    cancel: &CancellationToken,
) -> Result<(), Ending> {
    if !world.config.prove.second_opinion {
        return Ok(());
    }
    let since = Instant::now();
    world.console().step_started("second opinion");
    let (verdict, detail) = match asked(world, cleared, journal, draft, cancel).await? {
        Ok(attempts) => (
            Verdict::Passed,
            format!("{attempts} attempts, none got through"),
        ),
        Err(why) => (Verdict::Refused(why), String::new()),
    };
    if cancel.is_cancelled() {
        return Err(cancelled());
    }
    passed(world, draft, Gate::SecondOpinion, verdict, since, &detail)
}

/// How many attempts failed, or why the change is refused.
async fn asked(
    world: &World,
    cleared: &Cleared,
    journal: &Journal,
    draft: &mut Draft,
    cancel: &CancellationToken,
) -> Result<Result<usize, String>, Ending> {
    let Some(claude) = world.agent.live() else {
        return Ok(Err("this agent can give none".to_owned()));
    };
    // All that it gets and leaves is in here, and goes with it.
    let dir = world.make_private_dir("opinion")?;
    let before = match snapshot::take(journal.before.files.trees(), &dir.path().join("before")) {
        Ok(before) => before,
        Err(e) => return Ok(Err(format!("the watched trees can't be read: {e}"))),
    };
    let opinion = match paid(world, claude, cleared, dir.path(), draft, cancel).await? {
        Ok(opinion) => opinion,
        Err(why) => return Ok(Err(why)),
    };
    if let Err(why) = unchanged(&before) {
        draft.not_covered(&[format!("second opinion: {why}")]);
        return Ok(Err(why));
    }
    Ok(opinion.objection)
}

/// The run itself, with its money reserved before and booked after.
async fn paid(
    world: &World,
    claude: &Claude,
    cleared: &Cleared,
    dir: &std::path::Path,
    draft: &mut Draft,
    cancel: &CancellationToken,
) -> Result<Result<Opinion, String>, Ending> {
    let Some(finding) = &cleared.report.finding else {
        return Ok(Err("there is nothing to get round".to_owned()));
    };
    let allowance = match opening::open(world, draft, world.config.prove.second_opinion_cost).await
    {
        Ok(allowance) => allowance,
        Err(Ending::Closed(stop)) => {
            return Ok(Err(format!("no money is left for it: {}", stop.reason())));
        }
        Err(ending) => return Err(ending),
    };
    let amount = allowance.amount();
    let workdir = dir.join("repo");
    crate::world::make_private(&workdir).map_err(Ending::Fatal)?;
    world
        .repo
        .stage(&cleared.changes, &workdir)
        .await
        .map_err(Ending::Fatal)?;
    let made = match decoys::make(&dir.join("home"), &world.config.home) {
        Ok(made) => made,
        Err(e) => return Ok(Err(format!("decoys can't be made: {e}"))),
    };
    let target = Target {
        finding,
        probes: &cleared.report.probes,
        diff: &draft.receipt.diff,
        playbook: &world.config.playbook.file,
        workdir,
        run_dir: dir,
        decoys: &made,
    };
    let session = uuid::Uuid::new_v4().to_string();
    let run = world
        .ledger
        .reserve(draft.id, &session, amount, world.clock.now())
        .await?;
    let meter = world.meter(amount, cancel);
    let asking = claude.opinion(&target, &session, &meter);
    let opinion = metered(world, &meter, &session, asking).await?;
    world
        .ledger
        .settle(&run, opinion.cost, world.clock.now())
        .await?;
    draft.cost = draft.cost.plus(opinion.cost);
    world.spent(opinion.cost);
    Ok(Ok(opinion))
}

/// Whether the watched trees are as they were; if not, they are put back, and it is said.
fn unchanged(before: &Snapshot) -> Result<(), String> {
    let now = |what: &str| {
        before
            .now()
            .map(|now| before.compare(&now))
            .map_err(|e| format!("{what} it the watched trees can't be read: {e}"))
    };
    let left = now("after")?;
    if left.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = left.iter().map(ToString::to_string).collect();
    let names = crate::text::clamp(&names.join(", "), 500);
    let restored = before.restore_all();
    let removed = match now("after removing what was left by") {
        Ok(left) if left.is_empty() && restored.failed.is_empty() => "it was put back",
        _ => "and it could not be put back",
    };
    Err(format!("it changed the machine, {removed}: {names}"))
}
