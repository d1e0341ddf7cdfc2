//! The table that decides, and the bounds of any other decider.

use std::time::Duration;

use serde_json::Value;

use super::facts::Facts;
use crate::config::CoordinateConfig;
use crate::process::Likeness;
use crate::turn::Stage;

/// What to do about a run that holds the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// End it and take over.
    Kill,
    /// Wait, then look again.
    Wait,
    /// Leave it alone and skip this cycle.
    Skip,
}

impl Choice {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Wait => "wait",
            Self::Skip => "skip",
        }
    }
}

/// A choice with its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ruling {
    /// The choice.
    pub choice: Choice,
    /// Why, for log and posts.
    pub reason: &'static str,
}

/// A stage that changes the machine may be silent this many times longer.
const PATIENCE: u32 = 3;

/// Decides. The first row that fits rules; "silent" is `coordinate.silent` without a sign of life,
/// three times that in the stages apply, prove, commit and rollback.
///
/// | the holder | first look | after waiting | after waiting, and a cycle skipped before |
/// |---|---|---|---|
/// | is not certainly the recorded process | wait | skip | skip |
/// | is silent | wait | kill | kill |
/// | sleeps between two turns | skip | skip | skip |
/// | applies, proves, commits or rolls back | wait | skip | skip |
/// | is in a turn for longer than `coordinate.overdue` | kill | kill | kill |
/// | anything else | wait | skip | kill |
///
/// A silent one is waited for because a machine that was asleep makes everything look silent; a
/// sleeping one is a healthy run that does by itself what this one came for.
pub fn rules(facts: &Facts, config: &CoordinateConfig, waited: bool, skipped: bool) -> Ruling {
    let (choice, reason) = if facts.likeness != Likeness::Same {
        (
            if waited { Choice::Skip } else { Choice::Wait },
            "who holds the lock is not certain, and only a process that is certain is ended",
        )
    } else if silent(facts, config) {
        (
            if waited { Choice::Kill } else { Choice::Wait },
            "it has given no sign of life for too long",
        )
    } else if facts.idle() {
        (
            Choice::Skip,
            "it is healthy and sleeps until its own next turn",
        )
    } else if protected(facts) {
        (
            if waited { Choice::Skip } else { Choice::Wait },
            "it is changing the machine and must not be interrupted",
        )
    } else if facts.turn_age.is_some_and(|age| age >= config.overdue) {
        (Choice::Kill, "its turn has been going on for too long")
    } else if !waited {
        (Choice::Wait, "it is at work and may be done soon")
    } else if skipped {
        (
            Choice::Kill,
            "it is in the same turn as when a cycle was skipped for it",
        )
    } else {
        (Choice::Skip, "it is at work and healthy")
    };
    Ruling { choice, reason }
}

/// Whether any decider may choose this. A wait and, for the same turn, a skip come once; where
/// ending the holder is not allowed, skipping always is.
pub fn allowed(
    choice: Choice,
    facts: &Facts,
    config: &CoordinateConfig,
    waited: bool,
    skipped: bool,
) -> bool {
    let kill = facts.likeness == Likeness::Same
        && if silent(facts, config) {
            waited
        } else {
            !facts.idle() && !protected(facts)
        };
    match choice {
        Choice::Kill => kill,
        Choice::Wait => !waited,
        Choice::Skip => !skipped || !kill,
    }
}

fn protected(facts: &Facts) -> bool {
    matches!(
        facts.stage(),
        Some(Stage::Apply | Stage::Prove | Stage::Commit | Stage::Rollback)
    )
}

fn silent(facts: &Facts, config: &CoordinateConfig) -> bool {
    let limit: Duration = if protected(facts) {
        config.silent.saturating_mul(PATIENCE)
    } else {
        config.silent
    };
    facts.silence >= limit
}

/// Reads a decider's answer: `{"choice": "kill" | "wait" | "skip"}` or the bare word. Anything
/// else is no answer.
pub fn parse_choice(answer: &Value) -> Option<Choice> {
    let word = match answer {
        Value::Object(fields) => fields.get("choice")?.as_str()?,
        Value::String(word) => word,
        _ => return None,
    };
    match word {
        "kill" => Some(Choice::Kill),
        "wait" => Some(Choice::Wait),
        "skip" => Some(Choice::Skip),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::config::Decider;
    use crate::lock::Holder;
    use crate::process::Identity;

    const CONFIG: CoordinateConfig = CoordinateConfig {
        decider: Decider::Rules,
        wait: Duration::from_mins(1),
        overdue: Duration::from_hours(1),
        silent: Duration::from_mins(10),
    };

    fn facts(likeness: Likeness, stage: Stage, minutes: i64, silent_minutes: i64) -> Facts {
        let now: DateTime<Utc> = "2026-11-20T12:00:00Z".parse().unwrap();
        let identity = Identity {
            pid: 7,
            started: 1,
            boot: "b".to_owned(),
        };
        let mut holder = Holder::new(uuid::Uuid::nil(), identity, now, "/log".into());
        if stage != Stage::Sleep {
            holder.begin_turn(uuid::Uuid::nil(), now - TimeDelta::minutes(minutes));
        }
        holder.stage = Some(stage);
        holder.heartbeat = now - TimeDelta::minutes(silent_minutes);
        Facts::new(Some(holder), likeness, now)
    }

    #[test]
    fn the_table_is_as_it_is_documented() {
        use Choice::{Kill, Skip, Wait};
        use Likeness::{Gone, Same, Unknown};
        for (facts, choices) in [
            (facts(Unknown, Stage::Iterate, 500, 500), [Wait, Skip, Skip]),
            (facts(Gone, Stage::Iterate, 500, 500), [Wait, Skip, Skip]),
            (
                Facts::new(None, Same, DateTime::<Utc>::default()),
                [Wait, Skip, Skip],
            ),
            (facts(Same, Stage::Iterate, 20, 10), [Wait, Kill, Kill]),
            (facts(Same, Stage::Sleep, 0, 10), [Wait, Kill, Kill]),
            (facts(Same, Stage::Apply, 20, 30), [Wait, Kill, Kill]),
            (facts(Same, Stage::Apply, 20, 29), [Wait, Skip, Skip]),
            (facts(Same, Stage::Sleep, 0, 0), [Skip, Skip, Skip]),
            (facts(Same, Stage::Apply, 500, 0), [Wait, Skip, Skip]),
            (facts(Same, Stage::Prove, 500, 0), [Wait, Skip, Skip]),
            (facts(Same, Stage::Commit, 500, 0), [Wait, Skip, Skip]),
            (facts(Same, Stage::Rollback, 500, 0), [Wait, Skip, Skip]),
            (facts(Same, Stage::Iterate, 60, 0), [Kill, Kill, Kill]),
            (facts(Same, Stage::Check, 59, 9), [Wait, Skip, Kill]),
            (facts(Same, Stage::Iterate, -60, 0), [Wait, Skip, Kill]),
        ] {
            let looks = [(false, false), (true, false), (true, true)];
            let ruled =
                looks.map(|(waited, skipped)| rules(&facts, &CONFIG, waited, skipped).choice);
            assert_eq!(ruled, choices, "{facts:?}");
        }
    }

    #[test]
    fn an_answer_is_one_of_three_words() {
        for (answer, choice) in [
            (json!({"choice": "kill", "why": "x"}), Some(Choice::Kill)),
            (json!("wait"), Some(Choice::Wait)),
            (json!({"choice": "skip"}), Some(Choice::Skip)),
            (json!({"choice": "KILL"}), None),
            (json!({"choice": ["kill"]}), None),
            (json!(["kill"]), None),
            (json!(null), None),
            (json!("kill it"), None),
        ] {
            assert_eq!(parse_choice(&answer), choice, "{answer}");
        }
    }

    proptest! {
        #[test]
        fn the_rules_keep_within_the_bounds_and_always_lead_somewhere(
            likeness in prop_oneof![
                Just(Likeness::Same), Just(Likeness::Gone), Just(Likeness::Unknown)
            ],
            stage in prop_oneof![
                Just(Stage::Gate), Just(Stage::Iterate), Just(Stage::Apply), Just(Stage::Prove),
                Just(Stage::Commit), Just(Stage::Rollback), Just(Stage::Sleep)
            ],
            minutes in -100..200_i64, silent in -100..200_i64, waited: bool, skipped: bool
        ) {
            let facts = facts(likeness, stage, minutes, silent);
            let ruling = rules(&facts, &CONFIG, waited, skipped);
            prop_assert!(allowed(ruling.choice, &facts, &CONFIG, waited, skipped));
            let may_kill = allowed(Choice::Kill, &facts, &CONFIG, waited, skipped);
            prop_assert!(!may_kill || likeness == Likeness::Same);
            prop_assert!(!waited || ruling.choice != Choice::Wait);
        }
    }
}
