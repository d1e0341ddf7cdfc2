//! After a turn: sleep or stop. Pure; a table test.

use chrono::{DateTime, TimeDelta, Utc};

use crate::classes::{self, Ends, Pace, of_turn};
use crate::config::LoopConfig;
use crate::error::Exit;
use crate::turn::{AgentOutcome, Turn, TurnOutcome};
use crate::wait::LONGEST_LIMIT;

/// The longest back-off, in doublings of the interval.
const LONGEST_BACKOFF: u32 = 3;

/// What comes after a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Sleep until the next wake of the schedule.
    Sleep,
    /// Sleep at least until then: a usage limit, which burns nothing.
    SleepUntil(DateTime<Utc>),
    /// Sleep for so many intervals: the model's service can't be reached.
    BackOff(u32),
    /// End the loop.
    Stop(Stop),
}

/// Why the loop ended. Each has its own exit code, ledger entry and post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// Several iterations in a row found nothing material.
    NothingMaterial,
    /// The day's cap is reached, or the day's figure is unknown; with the reason.
    CapReached(String),
    /// This many turns without a commit.
    DrySpell(u32),
    /// This many failures in a row, and the last one's reason.
    Failures(u32, String),
    /// The agent's credentials are not accepted any more.
    AuthLost(String),
    /// Something could not be put back, or only a person can go on.
    NeedsOperator(String),
    /// The hard ceiling of turns.
    Ceiling(u32),
    /// `--once`, and the turn ended well.
    Once,
    /// `secloop stop`.
    Operator,
    /// Ctrl-C or a signal.
    Signal,
}

impl Stop {
    /// The exit code of `secloop run`.
    pub fn exit(&self) -> Exit {
        match self {
            Self::NothingMaterial | Self::Once | Self::Operator => Exit::Done,
            Self::CapReached(_) => Exit::CapReached,
            Self::DrySpell(_) | Self::Failures(..) | Self::Ceiling(_) => Exit::GaveUp,
            Self::AuthLost(_) | Self::NeedsOperator(_) => Exit::NeedsOperator,
            Self::Signal => Exit::Interrupted,
        }
    }

    /// The reason in one sentence, for every report.
    pub fn reason(&self) -> String {
        match self {
            Self::NothingMaterial => {
                "nothing is left that would materially reduce the attack surface".to_owned()
            }
            Self::DrySpell(n) => format!("{n} turns in a row brought no commit"),
            Self::Failures(n, why) => format!("{n} turns in a row failed, the last one: {why}"),
            Self::AuthLost(why) => format!("the agent's credentials are not accepted: {why}"),
            Self::CapReached(why) | Self::NeedsOperator(why) => why.clone(),
            Self::Ceiling(n) => format!("the ceiling of {n} turns is reached"),
            Self::Once => "one turn was asked for".to_owned(),
            Self::Operator => "an operator asked for it".to_owned(),
            Self::Signal => "interrupted by a signal".to_owned(),
        }
    }
}

/// Decides from the turns of this run, oldest first.
pub fn next(turns: &[Turn], config: &LoopConfig) -> Next {
    let Some(last) = turns.last() else {
        return Next::Sleep;
    };
    match (&last.outcome, &last.agent) {
        (TurnOutcome::NeedsOperator(why), _) => {
            return Next::Stop(Stop::NeedsOperator(why.clone()));
        }
        (outcome, Some(agent)) if classes::of(agent).ends == Ends::AtOnce => {
            return Next::Stop(Stop::AuthLost(outcome.detail().to_owned()));
        }
        _ => {}
    }
    let idle = streak(turns, |t| match t.outcome {
        // Nothing new is not nothing left, while what landed does not hold.
        TurnOutcome::Idle(_) => Some(t.receipt.drift.iter().all(|d| d.repaired)),
        TurnOutcome::Skipped(_) => None,
        _ => Some(false),
    });
    if idle >= config.confirmations {
        return Next::Stop(Stop::NothingMaterial);
    }
    let failed = streak(turns, |t| match (&t.outcome, of_turn(t)) {
        (TurnOutcome::Skipped(_), _) => None,
        (TurnOutcome::Failed(_), None) => Some(true),
        (_, Some(class)) if !class.failure && !class.attempt => None,
        (_, class) => Some(class.is_some_and(|class| class.failure)),
    });
    if failed >= config.max_failures {
        return Next::Stop(Stop::Failures(failed, last.outcome.detail().to_owned()));
    }
    if config.once {
        return Next::Stop(match &last.outcome {
            TurnOutcome::Failed(why) => Stop::Failures(1, why.clone()),
            _ => Stop::Once,
        });
    }
    let dry = streak(turns, |t| match (&t.outcome, of_turn(t)) {
        (TurnOutcome::Skipped(_), _) => None,
        (TurnOutcome::Committed(_), _) => Some(false),
        (_, class) => class.is_none_or(|class| class.attempt).then_some(true),
    });
    if dry >= config.dry_spell {
        return Next::Stop(Stop::DrySpell(dry));
    }
    let ran = u32::try_from(turns.len()).unwrap_or(u32::MAX);
    if ran >= config.max_turns {
        return Next::Stop(Stop::Ceiling(ran));
    }
    match (of_turn(last).map(|class| class.pace), &last.agent) {
        (Some(Pace::Reset), Some(AgentOutcome::Limit { reset: Some(at) })) => {
            // No limit lasts longer than a week; a date beyond it is a mistake.
            let at = (*at).min(last.finished + LONGEST_LIMIT);
            Next::SleepUntil(at + TimeDelta::minutes(1))
        }
        (Some(Pace::BackOff), _) => {
            let again = streak(turns, |t| {
                of_turn(t).map(|class| class.pace == Pace::BackOff)
            });
            Next::BackOff(1 << again.saturating_sub(1).min(LONGEST_BACKOFF))
        }
        _ => Next::Sleep,
    }
}

/// How many turns at the end are of a kind; `None` from `of_kind` leaves a turn out.
fn streak(turns: &[Turn], of_kind: impl Fn(&Turn) -> Option<bool>) -> u32 {
    let count = turns
        .iter()
        .rev()
        .filter_map(of_kind)
        .take_while(|yes| *yes)
        .count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::gate::MicroUsd;
    use crate::turn::{Receipt, TurnId};

    fn config() -> LoopConfig {
        LoopConfig {
            interval: Duration::from_mins(30),
            once: false,
            dry_run: false,
            confirmations: 2,
            max_failures: 3,
            dry_spell: 5,
            max_turns: 9,
        }
    }

    fn drifting() -> Receipt {
        let finding = crate::turn::Finding {
            title: String::new(),
            detail: String::new(),
            severity: crate::turn::Severity::P0,
            target: String::new(),
            control: String::new(),
        };
        let drift = crate::turn::Drift {
            turn: TurnId::nil(),
            commit: String::new(),
            finding,
            probe: String::new(),
            colour: crate::turn::Colour::Red,
            output: String::new(),
            repaired: false,
        };
        Receipt {
            drift: vec![drift],
            ..Receipt::default()
        }
    }

    fn turns(kinds: &str) -> Vec<Turn> {
        kinds
            .chars()
            .map(|kind| {
                let (outcome, agent) = match kind {
                    'c' => (
                        TurnOutcome::Committed("abc".into()),
                        Some(AgentOutcome::Done),
                    ),
                    'i' | 'D' => (TurnOutcome::Idle(String::new()), Some(AgentOutcome::NoOp)),
                    's' => (TurnOutcome::Skipped(String::new()), None),
                    'r' => (
                        TurnOutcome::Rejected(String::new()),
                        Some(AgentOutcome::Done),
                    ),
                    'f' => (TurnOutcome::Failed("x".into()), Some(AgentOutcome::Crashed)),
                    'a' => (TurnOutcome::Failed("401".into()), Some(AgentOutcome::Auth)),
                    'o' => (
                        TurnOutcome::NeedsOperator("left".into()),
                        Some(AgentOutcome::Done),
                    ),
                    'n' => (TurnOutcome::Failed("no space".into()), None),
                    'd' => (TurnOutcome::Failed("x".into()), Some(AgentOutcome::Done)),
                    'u' => (
                        TurnOutcome::Failed("offline".into()),
                        Some(AgentOutcome::Offline),
                    ),
                    'x' => (
                        TurnOutcome::Failed("cancelled".into()),
                        Some(AgentOutcome::Cancelled),
                    ),
                    _ => (
                        TurnOutcome::Failed("limit".into()),
                        Some(AgentOutcome::Limit {
                            reset: Some(DateTime::UNIX_EPOCH),
                        }),
                    ),
                };
                Turn {
                    id: TurnId::nil(),
                    number: 0,
                    started: DateTime::UNIX_EPOCH,
                    finished: DateTime::UNIX_EPOCH,
                    outcome,
                    agent,
                    cost: MicroUsd::ZERO,
                    finding: None,
                    change: String::new(),
                    question: None,
                    receipt: if kind == 'D' {
                        drifting()
                    } else {
                        Receipt::default()
                    },
                }
            })
            .collect()
    }

    #[test]
    fn the_table() {
        let stop = Next::Stop;
        let failures = |n| Stop::Failures(n, "x".into());
        let limit = Next::SleepUntil(DateTime::UNIX_EPOCH + TimeDelta::minutes(1));
        for (kinds, expected) in [
            ("", Next::Sleep),
            ("c", Next::Sleep),
            ("i", Next::Sleep),
            ("ii", stop(Stop::NothingMaterial)),
            ("isi", stop(Stop::NothingMaterial)),
            ("ici", Next::Sleep),
            // What landed and does not hold is left.
            ("DD", Next::Sleep),
            ("iDi", Next::Sleep),
            ("DDDDD", stop(Stop::DrySpell(5))),
            ("ff", Next::Sleep),
            ("fff", stop(failures(3))),
            ("fsff", stop(failures(3))),
            ("frf", Next::Sleep),
            ("a", stop(Stop::AuthLost("401".into()))),
            ("co", stop(Stop::NeedsOperator("left".into()))),
            ("rrrr", Next::Sleep),
            ("rrrrr", stop(Stop::DrySpell(5))),
            ("crsrrrr", stop(Stop::DrySpell(5))),
            ("ccccccccc", stop(Stop::Ceiling(9))),
            ("llllll", limit.clone()),
            ("ffl", limit),
            ("fflf", stop(failures(3))),
            // What happened later in the turn, or before the agent, is a failure, too.
            ("nff", stop(failures(3))),
            ("dfd", stop(failures(3))),
            // Who can't reach the service waits longer and longer, and nothing is counted.
            ("u", Next::BackOff(1)),
            ("uu", Next::BackOff(2)),
            ("uusu", Next::BackOff(4)),
            ("uuuu", Next::BackOff(8)),
            ("uuuuuu", Next::BackOff(8)),
            ("uuuuc", Next::Sleep),
            ("uuuucu", Next::BackOff(1)),
            ("ffuf", stop(failures(3))),
            ("rrurrur", stop(Stop::DrySpell(5))),
            ("xxxxxx", Next::Sleep),
            ("ffxf", stop(failures(3))),
            ("uuuuuuuuu", stop(Stop::Ceiling(9))),
        ] {
            assert_eq!(next(&turns(kinds), &config()), expected, "{kinds}");
        }
    }

    #[test]
    fn once_ends_after_one_turn_and_says_how() {
        let once = LoopConfig {
            once: true,
            ..config()
        };
        assert_eq!(next(&turns("c"), &once), Next::Stop(Stop::Once));
        assert_eq!(
            next(&turns("f"), &once),
            Next::Stop(Stop::Failures(1, "x".into()))
        );
        assert_eq!(Stop::Failures(1, String::new()).exit(), Exit::GaveUp);
    }
}
