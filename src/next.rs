//! After a turn: sleep or stop. Pure; a table test.

use chrono::{DateTime, TimeDelta, Utc};

use crate::classes::{self, Ends, Pace, of_turn};
use crate::config::LoopConfig;
use crate::error::Exit;
use crate::turn::{AgentOutcome, Severity, Turn, TurnOutcome};
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

impl Next {
    /// Why the loop ends, if it does.
    pub fn stop(&self) -> Option<&Stop> {
        match self {
            Self::Stop(stop) => Some(stop),
            Self::Sleep | Self::SleepUntil(_) | Self::BackOff(_) => None,
        }
    }
}

/// Why the loop ended. Each has its own exit code, ledger entry and post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// So many iterations in a row, not all with the same prompt, found nothing material.
    NothingMaterial(u32),
    /// The last so many improvements were all P2.
    Diminishing(u32),
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
            Self::NothingMaterial(_) | Self::Diminishing(_) | Self::Once | Self::Operator => {
                Exit::Done
            }
            Self::CapReached(_) => Exit::CapReached,
            Self::DrySpell(_) | Self::Failures(..) | Self::Ceiling(_) => Exit::GaveUp,
            Self::AuthLost(_) | Self::NeedsOperator(_) => Exit::NeedsOperator,
            Self::Signal => Exit::Interrupted,
        }
    }

    /// Whether its post tells all that there is to tell of the last turn.
    pub fn tells_the_turn(&self, turn: &Turn) -> bool {
        match self {
            Self::CapReached(_) | Self::AuthLost(_) => true,
            // What a turn left is told by the turn.
            Self::NeedsOperator(_) => !matches!(turn.outcome, TurnOutcome::NeedsOperator(_)),
            _ => false,
        }
    }

    /// The kind of end in one word, for the ledger.
    pub fn word(&self) -> &'static str {
        match self {
            Self::NothingMaterial(_) => "nothing_material",
            Self::Diminishing(_) => "diminishing",
            Self::CapReached(_) => "cap_reached",
            Self::DrySpell(_) => "dry_spell",
            Self::Failures(..) => "failures",
            Self::AuthLost(_) => "auth_lost",
            Self::NeedsOperator(_) => "needs_operator",
            Self::Ceiling(_) => "ceiling",
            Self::Once => "once",
            Self::Operator => "operator",
            Self::Signal => "signal",
        }
    }

    /// The reason in one sentence, for every report.
    pub fn reason(&self) -> String {
        match self {
            Self::NothingMaterial(n) => format!(
                "nothing is left that would materially reduce the attack surface, by {n} \
                 independent looks in a row"
            ),
            Self::Diminishing(n) => format!(
                "the last {n} improvements were all P2, defence in depth: the returns diminish"
            ),
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
    if idle >= config.confirmations && independent(turns, idle) {
        return Next::Stop(Stop::NothingMaterial(idle));
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
    let minor = streak(turns, minor);
    if minor >= config.diminishing {
        return Next::Stop(Stop::Diminishing(minor));
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

/// Whether the last `idle` turns that found nothing had begun in more than one way: the word of one
/// prompt, however often it is given, is one word.
fn independent(turns: &[Turn], idle: u32) -> bool {
    let found_nothing = |t: &&Turn| matches!(t.outcome, TurnOutcome::Idle(_));
    let seeds: std::collections::BTreeSet<&str> = turns
        .iter()
        .rev()
        .filter(found_nothing)
        .take(usize::try_from(idle).unwrap_or(usize::MAX))
        .map(|t| t.receipt.seed.as_str())
        .collect();
    seeds.len() > 1
}

/// Whether a turn is one more sign that only depth is left. What was worse and did not land may still
/// be there; a repair of what had landed before says nothing.
fn minor(turn: &Turn) -> Option<bool> {
    let severity = turn.finding.as_ref()?.severity;
    match turn.outcome {
        TurnOutcome::Committed(_) if turn.receipt.drift_of.is_none() => {
            Some(severity == Severity::P2)
        }
        TurnOutcome::Rejected(_) | TurnOutcome::Held(_) if severity != Severity::P2 => Some(false),
        _ => None,
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
    use crate::turn::{Finding, Receipt, TurnId};

    fn config() -> LoopConfig {
        LoopConfig {
            interval: Duration::from_mins(30),
            once: false,
            dry_run: false,
            confirmations: 2,
            max_failures: 3,
            dry_spell: 5,
            max_turns: 9,
            diminishing: 3,
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

    /// Capitals are P0, but for the repair of a drift.
    fn finding(kind: char) -> Option<Finding> {
        let severity = match kind {
            'p' | 'r' | 'D' => Severity::P2,
            'P' | 'R' => Severity::P0,
            _ => return None,
        };
        Some(Finding {
            title: String::new(),
            detail: String::new(),
            severity,
            target: String::new(),
            control: String::new(),
        })
    }

    fn turns(kinds: &str) -> Vec<Turn> {
        kinds
            .chars()
            .map(|kind| {
                let (outcome, agent) = match kind {
                    'c' | 'p' | 'P' | 'D' => (
                        TurnOutcome::Committed("abc".into()),
                        Some(AgentOutcome::Done),
                    ),
                    'i' | 'v' | 'y' => (TurnOutcome::Idle(String::new()), Some(AgentOutcome::NoOp)),
                    's' => (TurnOutcome::Skipped(String::new()), None),
                    'r' | 'R' => (
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
                    finding: finding(kind),
                    change: String::new(),
                    question: None,
                    receipt: Receipt {
                        seed: if kind == 'v' { "verify" } else { "iteration" }.to_owned(),
                        drift_of: (kind == 'D').then_some(1),
                        ..if kind == 'y' {
                            drifting()
                        } else {
                            Receipt::default()
                        }
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
            ("v", Next::Sleep),
            ("iv", stop(Stop::NothingMaterial(2))),
            ("vi", stop(Stop::NothingMaterial(2))),
            ("isv", stop(Stop::NothingMaterial(2))),
            ("icv", Next::Sleep),
            ("irv", Next::Sleep),
            ("ifv", Next::Sleep),
            // The same prompt again is no second opinion.
            ("ii", Next::Sleep),
            ("vv", Next::Sleep),
            ("iiv", stop(Stop::NothingMaterial(3))),
            // Only depth: three improvements in a row, whatever came between them.
            ("pp", Next::Sleep),
            ("ppp", stop(Stop::Diminishing(3))),
            ("prspp", stop(Stop::Diminishing(3))),
            ("pifpp", stop(Stop::Diminishing(3))),
            ("PPP", Next::Sleep),
            ("ppPpp", Next::Sleep),
            ("pPppp", stop(Stop::Diminishing(3))),
            // What is worse and was not closed is still there.
            ("ppRp", Next::Sleep),
            ("ppD", Next::Sleep),
            ("pDpp", stop(Stop::Diminishing(3))),
            // What landed and does not hold is left.
            ("yv", Next::Sleep),
            ("vy", Next::Sleep),
            ("yyyyy", stop(Stop::DrySpell(5))),
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

    /// Each end has its own word, exit code and text.
    #[test]
    fn every_stop_says_what_it_is() {
        let why = || "why".to_owned();
        let all = [
            (Stop::NothingMaterial(2), Exit::Done, "2 independent looks"),
            (
                Stop::Diminishing(5),
                Exit::Done,
                "5 improvements were all P2",
            ),
            (Stop::CapReached(why()), Exit::CapReached, "why"),
            (
                Stop::DrySpell(7),
                Exit::GaveUp,
                "7 turns in a row brought no commit",
            ),
            (
                Stop::Failures(3, why()),
                Exit::GaveUp,
                "3 turns in a row failed",
            ),
            (Stop::AuthLost(why()), Exit::NeedsOperator, "credentials"),
            (Stop::NeedsOperator(why()), Exit::NeedsOperator, "why"),
            (Stop::Ceiling(9), Exit::GaveUp, "ceiling of 9"),
            (Stop::Once, Exit::Done, "one turn"),
            (Stop::Operator, Exit::Done, "operator"),
            (Stop::Signal, Exit::Interrupted, "signal"),
        ];
        let mut words = std::collections::BTreeSet::new();
        for (stop, exit, text) in &all {
            assert_eq!(stop.exit(), *exit, "{stop:?}");
            assert!(stop.reason().contains(text), "{stop:?}");
            words.insert(stop.word());
        }
        assert_eq!(words.len(), all.len());
    }
}
