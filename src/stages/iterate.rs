//! The agent's part: an allowance goes in, an iteration comes out, and its cost is booked.

use tokio_util::sync::CancellationToken;

use super::metered::metered;
use super::{Draft, Ending};
use crate::agent::{Agent as _, Brief};
use crate::gate::Allowance;
use crate::gates;
use crate::next::Stop;
use crate::spend::Reached;
use crate::text::redact;
use crate::turn::{AgentOutcome, Finding, Iteration, Stage, TurnOutcome};
use crate::world::World;

/// An iteration with the clone that the agent worked in.
pub(super) struct Iterated {
    /// What the agent gave.
    pub(super) iteration: Iteration,
    /// Its working copy; gone when dropped.
    pub(super) clone: tempfile::TempDir,
}

/// How many refusals and findings the prompt is given.
const REMEMBERED: u32 = 30;

/// Lets the agent work once. The allowance is used up, whatever happens.
pub(super) async fn iterate(
    world: &World,
    allowance: Allowance,
    draft: &mut Draft,
    cancel: &CancellationToken,
) -> Result<Iterated, Ending> {
    world.stage(Stage::Iterate);
    let run_dir = world.make_run_dir(draft.id)?;
    let clone = world.make_private_dir("clone")?;
    let workdir = clone.path().join("repo");
    world
        .repo
        .clone_for_agent(&workdir)
        .await
        .map_err(Ending::Fatal)?;
    let turns = world.ledger.turns(REMEMBERED).await?;
    let brief = Brief {
        turn: draft.id,
        session: uuid::Uuid::new_v4().to_string(),
        workdir,
        run_dir,
        playbook: world.config.playbook.file.clone(),
        allowance: allowance.amount(),
        memory: world.ledger.memory(REMEMBERED).await?,
        refusals: refusals(&turns),
        allowed: world.config.repo.allowed.clone(),
        off_limits: world
            .config
            .repo
            .off_limits
            .iter()
            .chain(&world.config.agent.off_limits)
            .cloned()
            .collect(),
        confirming: matches!(turns.last().map(|t| &t.outcome), Some(TurnOutcome::Idle(_))),
    };
    let run = world
        .ledger
        .reserve(draft.id, &brief.session, brief.allowance, world.clock.now())
        .await?;
    world
        .event(draft.id, Stage::Iterate, "started", &brief.allowance)
        .await?;
    world
        .console()
        .working(&format!("{} looks for one improvement", world.agent.name()));
    let meter = world.meter(brief.allowance, cancel);
    let mut iteration = {
        let mut beat = |line: &str| world.beat(line);
        let work = world.agent.iterate(&brief, &meter, &mut beat);
        metered(world, &meter, &brief.session, work).await?
    };
    // Before anything of it is written down or shown.
    let leaked = without_secrets(&mut iteration);
    world
        .ledger
        .settle(&run, iteration.cost, world.clock.now())
        .await?;
    draft.cost = draft.cost.plus(iteration.cost);
    world.spent(iteration.cost);
    draft.agent = Some(iteration.outcome.clone());
    if let Some(report) = &iteration.report {
        draft.finding.clone_from(&report.finding);
        draft.change.clone_from(&report.change);
        draft.question.clone_from(&report.blocked_on);
    }
    world
        .event(draft.id, Stage::Iterate, "finished", &iteration)
        .await?;
    show(world, &iteration);
    if let Some(why) = leaked {
        return Err(Ending::Outcome(TurnOutcome::Rejected(why)));
    }
    match iteration.outcome {
        AgentOutcome::Done => Ok(Iterated { iteration, clone }),
        AgentOutcome::NoOp => {
            // What the agent changed without reporting it is thrown away with the clone.
            Err(Ending::Outcome(TurnOutcome::Idle(iteration.why)))
        }
        AgentOutcome::Blocked => {
            let question = draft.question.clone().unwrap_or_default();
            Err(Ending::Outcome(TurnOutcome::Held(format!(
                "the agent asks: {question}"
            ))))
        }
        AgentOutcome::Limit { .. }
        | AgentOutcome::Auth
        | AgentOutcome::Offline
        | AgentOutcome::Truncated
        | AgentOutcome::Budget
        | AgentOutcome::Hung
        | AgentOutcome::Crashed
        | AgentOutcome::Cancelled => {
            let why = format!("agent {}: {}", iteration.outcome.word(), iteration.why);
            let outcome = TurnOutcome::Failed(why);
            Err(match meter.reached() {
                Some(reached @ Reached::DayCap { .. }) => {
                    Ending::Cut(outcome, Stop::CapReached(reached.to_string()))
                }
                Some(reached @ Reached::Unknown(_)) => {
                    Ending::Cut(outcome, Stop::NeedsOperator(reached.to_string()))
                }
                Some(Reached::Allowance { .. }) | None => Ending::Outcome(outcome),
            })
        }
    }
}

/// Drops a report that holds a credential; why, without the credential.
fn without_secrets(iteration: &mut Iteration) -> Option<String> {
    iteration.why = redact(&iteration.why);
    let texts = super::check::texts(iteration.report.as_ref()?);
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let kind = match gates::texts_hold(&texts) {
        Ok(None) => return None,
        Ok(Some(kind)) => kind.to_owned(),
        Err(why) => why,
    };
    iteration.report = None;
    "the report is not kept: it holds what looks like a credential".clone_into(&mut iteration.why);
    Some(format!(
        "secrets: the report holds {kind}; take it out, name where it is instead, and have it replaced"
    ))
}

fn show(world: &World, iteration: &Iteration) {
    let text = match iteration.report.as_ref().and_then(|r| r.finding.as_ref()) {
        Some(Finding {
            title, severity, ..
        }) => format!("{severity} {title}"),
        None => iteration.why.clone(),
    };
    world.console().finding(&iteration.outcome, &text);
}

/// The reasons of the last refusals, newest first.
fn refusals(turns: &[crate::turn::Turn]) -> Vec<String> {
    turns
        .iter()
        .rev()
        .filter(|turn| !turn.receipt.rehearsal)
        .filter_map(|turn| match (&turn.outcome, &turn.finding) {
            (TurnOutcome::Rejected(why) | TurnOutcome::Held(why), Some(finding)) => {
                Some(format!("{}: {why}", finding.title))
            }
            (TurnOutcome::Rejected(why), None) => Some(why.clone()),
            _ => None,
        })
        .take(5)
        .collect()
}
