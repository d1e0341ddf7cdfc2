//! Doing what was decided.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::facts::Facts;
use super::rules::{Choice, allowed, rules};
use crate::clock::Clock;
use crate::config::CoordinateConfig;
use crate::error::Fatal;
use crate::lock::{Acquired, Holder, Lock, acquire};
use crate::playbook::{may_work, scratch_prefix};
use crate::process::{Likeness, likeness, terminate_tree, working_in};
use crate::turn::TurnId;

/// How often, and how far apart, the lock is tried for after its holder was ended.
const TRIES: u32 = 20;
const BETWEEN: Duration = Duration::from_millis(50);

/// A run that wants the lock.
#[derive(Debug, Clone, Copy)]
pub struct Meeting<'a> {
    /// The state directory.
    pub dir: &'a Path,
    /// Who wants it.
    pub me: &'a Holder,
    /// The limits.
    pub config: &'a CoordinateConfig,
    /// The time.
    pub clock: &'a Clock,
    /// How long a holder that is ended has between TERM and KILL.
    pub grace: Duration,
}

/// One decision about a holder, for the ledger and the posts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What was known.
    pub facts: Facts,
    /// What was decided.
    pub choice: Choice,
    /// Why.
    pub reason: &'static str,
    /// Whether the plugged-in decider chose it, and not the table.
    pub by_decider: bool,
}

/// What came of it.
#[derive(Debug)]
pub enum Outcome {
    /// The lock is ours; the steps that led there are none where it was free.
    Held(Lock, Vec<Step>),
    /// The other run goes on; this cycle is skipped.
    Skipped(Vec<Step>),
    /// The other run was ended, and it is not proven that all of it is gone: nobody may take over.
    Unproven(Vec<Step>, String),
}

/// Remembers for which turn of which run a cycle was skipped.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Skipped {
    run: Uuid,
    turn: Option<TurnId>,
}

/// What a decider is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// What is known about the holder.
    pub facts: Facts,
    /// Whether it was waited already.
    pub waited: bool,
    /// Whether a cycle was skipped before for the same turn.
    pub skipped: bool,
}

impl Look {
    /// Whether this may be chosen, see [`allowed`].
    pub fn allows(&self, choice: Choice, config: &CoordinateConfig) -> bool {
        allowed(choice, &self.facts, config, self.waited, self.skipped)
    }
}

/// Takes the lock, or comes to terms with whoever has it. `decide` is asked at each look; where it
/// answers `None`, or something that is not [`allowed`], the table of [`rules`] decides.
///
/// # Errors
/// As [`acquire`].
pub async fn resolve<D, F>(meeting: Meeting<'_>, mut decide: D) -> Result<Outcome, Fatal>
where
    D: FnMut(Look) -> F,
    F: Future<Output = Option<Choice>>,
{
    let mut steps = Vec::new();
    let mut waited = false;
    loop {
        let met = match acquire(meeting.dir, meeting.me.clone())? {
            Acquired::Held(lock) => return Ok(held(meeting.dir, lock, steps)),
            Acquired::Busy(holder) => holder,
        };
        let look = look(met, &meeting, waited);
        let answer = decide(look.clone()).await;
        steps.push(judge(answer, look.clone(), meeting.config));
        let choice = steps.last().map_or(Choice::Skip, |s| s.choice);
        match choice {
            Choice::Wait => {
                waited = true;
                tokio::time::sleep(meeting.config.wait).await;
            }
            Choice::Kill => {
                return Ok(match kill(&look, &meeting).await? {
                    Killed::Ours(lock) => held(meeting.dir, *lock, steps),
                    Killed::Not => Outcome::Skipped(steps),
                    Killed::Unproven(why) => Outcome::Unproven(steps, why),
                });
            }
            Choice::Skip => {
                if let Some(holder) = &look.facts.holder {
                    remember(meeting.dir, holder);
                }
                return Ok(Outcome::Skipped(steps));
            }
        }
    }
}

fn held(dir: &Path, lock: Lock, steps: Vec<Step>) -> Outcome {
    let _ = std::fs::remove_file(note(dir));
    Outcome::Held(lock, steps)
}

fn look(met: Option<Holder>, meeting: &Meeting<'_>, waited: bool) -> Look {
    let known = met
        .as_ref()
        .map_or(Likeness::Unknown, |h| likeness(&h.identity));
    let facts = Facts::new(met, known, meeting.clock.now());
    let skipped = skipped_before(meeting.dir, &facts);
    Look {
        facts,
        waited,
        skipped,
    }
}

fn judge(answer: Option<Choice>, look: Look, config: &CoordinateConfig) -> Step {
    let answer = answer.filter(|choice| look.allows(*choice, config));
    let (choice, reason) = answer.map_or_else(
        || {
            let ruling = rules(&look.facts, config, look.waited, look.skipped);
            (ruling.choice, ruling.reason)
        },
        |choice| (choice, "the decider chose it"),
    );
    Step {
        facts: look.facts,
        choice,
        reason,
        by_decider: answer.is_some(),
    }
}

/// What came of ending a holder.
enum Killed {
    /// The lock is ours.
    Ours(Box<Lock>),
    /// It is another's, or it was not ended: it is not any more what was decided about.
    Not,
    /// Somebody of it may still be at work.
    Unproven(String),
}

/// Ends the holder and takes the lock.
async fn kill(decided: &Look, meeting: &Meeting<'_>) -> Result<Killed, Fatal> {
    // Deciding may have taken a while: what was decided about must still be so.
    let met = match acquire(meeting.dir, meeting.me.clone())? {
        Acquired::Held(lock) => return Ok(Killed::Ours(Box::new(lock))),
        Acquired::Busy(holder) => holder,
    };
    let fresh = look(met, meeting, decided.waited);
    let same = |look: &Look| look.facts.holder.as_ref().map(of);
    let Some(holder) = &fresh.facts.holder else {
        return Ok(Killed::Not);
    };
    if same(&fresh) != same(decided) || !fresh.allows(Choice::Kill, meeting.config) {
        return Ok(Killed::Not);
    }
    let pid = holder.identity.pid;
    if !terminate_tree(&holder.identity, meeting.grace).await {
        // Somebody of it may still be at work: not even a free lock is taken over then.
        return Ok(Killed::Unproven(format!(
            "it, or a program that it started, could not be ended (pid {pid})"
        )));
    }
    let left = working_in(&scratch_prefix(meeting.dir));
    if !left.is_empty() {
        return Ok(Killed::Unproven(may_work(&left)));
    }
    Ok(match take_over(meeting).await? {
        Some(lock) => Killed::Ours(Box::new(lock)),
        None => Killed::Not,
    })
}

/// A holder that was ended lets go at once; another newcomer may be faster than we are.
async fn take_over(meeting: &Meeting<'_>) -> Result<Option<Lock>, Fatal> {
    for _ in 0..TRIES {
        if let Acquired::Held(lock) = acquire(meeting.dir, meeting.me.clone())? {
            return Ok(Some(lock));
        }
        tokio::time::sleep(BETWEEN).await;
    }
    Ok(None)
}

fn note(dir: &Path) -> PathBuf {
    dir.join("skipped.json")
}

fn skipped_before(dir: &Path, facts: &Facts) -> bool {
    let Some(holder) = &facts.holder else {
        return false;
    };
    std::fs::read(note(dir))
        .ok()
        .and_then(|text| serde_json::from_slice::<Skipped>(&text).ok())
        .is_some_and(|s| s == of(holder))
}

/// Forgetting it costs one more skipped cycle, so a failure is no reason to stop.
fn remember(dir: &Path, holder: &Holder) {
    if let Ok(text) = serde_json::to_vec(&of(holder)) {
        let _ = std::fs::write(note(dir), text);
    }
}

fn of(holder: &Holder) -> Skipped {
    Skipped {
        run: holder.run,
        turn: holder.turn,
    }
}
