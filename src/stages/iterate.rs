//! The agent's part: an allowance goes in, an iteration comes out, and its cost is booked.

use std::path::PathBuf;

use tokio_util::sync::CancellationToken;

use super::metered::metered;
use super::{Draft, Ending};
use crate::agent::{Agent as _, Brief};
use crate::gate::Allowance;
use crate::gates;
use crate::memory::{Known, decided, home_relative, near, summary};
use crate::next::Stop;
use crate::scan::{lines, passed_over, ranked};
use crate::spend::Reached;
use crate::text::redact;
use crate::turn::{AgentOutcome, Finding, Iteration, Stage, Turn, TurnOutcome};
use crate::world::World;

/// An iteration with the clone that the agent worked in.
pub(super) struct Iterated {
    /// What the agent gave.
    pub(super) iteration: Iteration,
    /// Its working copy; gone when dropped.
    pub(super) clone: tempfile::TempDir,
}

/// How many turns the prompt's refusals are taken from.
const REMEMBERED: u32 = 30;
/// What is like the findings of so many of the last turns is told first.
const LAST: usize = 3;
/// The prompt that looks for an improvement.
const ITERATION: &str = "iteration";
/// The other one, which tries to prove an earlier "nothing material" wrong.
const VERIFY: &str = "verify";

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
    let (brief, seed) = brief(world, &allowance, workdir, run_dir, draft, cancel).await?;
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
    seed.clone_into(&mut draft.receipt.seed);
    if let Some(report) = &mut iteration.report {
        if let Some(finding) = &mut report.finding {
            let worse = world.scanned().and_then(|scan| {
                let ranked = ranked(&scan.candidates, &brief.memory, &world.config.home);
                passed_over(finding, &ranked)
            });
            draft.not_covered(worse.as_slice());
            finding.target = home_relative(&finding.target, &world.config.home);
            finding.control = home_relative(&finding.control, &world.config.home);
        }
        draft.finding.clone_from(&report.finding);
        draft.change.clone_from(&report.change);
        draft.question.clone_from(&report.blocked_on);
        draft.receipt.observations.clone_from(&report.observations);
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
        | AgentOutcome::Denied
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

/// All that the agent is told, and which prompt it is told with.
async fn brief(
    world: &World,
    allowance: &Allowance,
    workdir: PathBuf,
    run_dir: PathBuf,
    draft: &mut Draft,
    cancel: &CancellationToken,
) -> Result<(Brief, &'static str), Ending> {
    let turns = world.ledger.turns_here(REMEMBERED).await?;
    let seed = seed(&turns);
    let memory = world.ledger.memory().await?;
    let known = known(world, &turns, &memory).await?;
    world.console().step_started("scanners");
    let scan = world.scan(cancel).await?;
    for coverage in &scan.coverage {
        world.console().detail("scanned", &coverage.to_string());
    }
    let candidates = ranked(&scan.candidates, &memory, &world.config.home);
    draft.receipt.scanned = scan.coverage.iter().map(ToString::to_string).collect();
    let brief = Brief {
        scanned: lines(&scan.coverage, &candidates, world.config.scan.tokens),
        turn: draft.id,
        session: uuid::Uuid::new_v4().to_string(),
        workdir,
        run_dir,
        playbook: world.config.playbook.file.clone(),
        allowance: allowance.amount(),
        memory,
        known,
        refusals: refusals(&turns),
        drift: draft.drift(),
        allowed: world.config.repo.allowed.clone(),
        off_limits: world
            .config
            .repo
            .off_limits
            .iter()
            .chain(&world.config.agent.off_limits)
            .cloned()
            .collect(),
        confirming: seed == VERIFY,
    };
    Ok((brief, seed))
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

/// The most useful of what is known, within the budget.
async fn known(world: &World, turns: &[Turn], memory: &[Known]) -> Result<Vec<String>, Ending> {
    let facts = decided(world.ledger.facts().await?, memory, &world.config.home);
    let last = turns.iter().rev().filter_map(|t| t.finding.as_ref());
    let last: Vec<&Finding> = last.take(LAST).collect();
    let near = near(&last, memory, &world.config.home);
    let budget = world.config.memory.tokens;
    let (mut lines, more) = summary(&facts, &near, budget, world.clock.now());
    if more > 0 {
        lines.push(format!("{more} more that matter less are left out"));
    }
    Ok(lines)
}

/// Whoever confirms that nothing is left does not begin where the other one began.
fn seed(turns: &[Turn]) -> &'static str {
    let looked = |t: &&Turn| !matches!(t.outcome, TurnOutcome::Skipped(_));
    match turns.iter().rev().find(looked) {
        Some(last) if matches!(last.outcome, TurnOutcome::Idle(_)) => {
            if last.receipt.seed == VERIFY {
                ITERATION
            } else {
                VERIFY
            }
        }
        _ => ITERATION,
    }
}

/// The reasons of the last refusals, newest first.
fn refusals(turns: &[Turn]) -> Vec<String> {
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
