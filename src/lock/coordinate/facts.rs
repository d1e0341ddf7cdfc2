//! What is known about the run that holds the lock.

use std::fmt::Write as _;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::clock::asleep;
use crate::gate::MicroUsd;
use crate::lock::Holder;
use crate::process::Likeness;
use crate::text::plain;
use crate::turn::Stage;

/// What is known about the run that holds the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The recorded holder, if there is a record.
    pub holder: Option<Holder>,
    /// Whether the recorded process is alive and that very one; unknown without a record.
    pub likeness: Likeness,
    /// How long its turn has been going on; `None` between turns, or when its begin lies in the
    /// future, after a clock was set back.
    pub turn_age: Option<Duration>,
    /// How long ago its last sign of life was. One from the future says nothing and counts as
    /// endless: a living holder replaces it soon.
    pub silence: Duration,
}

impl Facts {
    /// Gathers the facts.
    pub fn new(holder: Option<Holder>, likeness: Likeness, now: DateTime<Utc>) -> Self {
        Self::at(holder, likeness, now, asleep())
    }

    /// As [`Facts::new`], where the machine has slept for so long.
    fn at(
        holder: Option<Holder>,
        likeness: Likeness,
        now: DateTime<Utc>,
        asleep: Option<Duration>,
    ) -> Self {
        let slept = |then: Option<Duration>| match (then, asleep) {
            (Some(then), Some(now)) => now.saturating_sub(then),
            _ => Duration::ZERO,
        };
        let turn_age = holder
            .as_ref()
            .and_then(|h| Some(age(h.turn_started?, now)?.saturating_sub(slept(h.asleep.0))));
        let silence = holder
            .as_ref()
            .and_then(|h| Some(age(h.heartbeat, now)?.saturating_sub(slept(h.asleep.1))))
            .unwrap_or(Duration::MAX);
        Self {
            likeness: if holder.is_some() {
                likeness
            } else {
                Likeness::Unknown
            },
            turn_age,
            silence,
            holder,
        }
    }

    /// Where in its turn the holder is, as far as it is in one.
    pub fn stage(&self) -> Option<Stage> {
        self.holder.as_ref().and_then(|h| h.stage)
    }

    /// Whether the holder is between two turns.
    pub fn idle(&self) -> bool {
        self.holder
            .as_ref()
            .is_some_and(|h| h.turn.is_none() && h.stage == Some(Stage::Sleep))
    }

    /// Why it can't be told who the holder is.
    fn doubt(&self) -> &'static str {
        match self.holder.as_ref().map(|h| &h.identity) {
            None => "unknown",
            Some(who) if who.started == 0 || who.boot.is_empty() => {
                "unknown: when it started could not be read when it was recorded"
            }
            Some(_) => {
                "unknown: it is of another boot of this machine or of another machine, or it can't \
                 be looked at"
            }
        }
    }

    /// What the holder's turn has spent.
    pub fn spent(&self) -> MicroUsd {
        self.holder.as_ref().map_or(MicroUsd::ZERO, |h| h.spent)
    }
}

/// How long ago `at` was; a little in the future is now.
fn age(at: DateTime<Utc>, now: DateTime<Utc>) -> Option<Duration> {
    let passed = now - at;
    if passed < -TimeDelta::minutes(1) {
        return None;
    }
    Some(passed.to_std().unwrap_or(Duration::ZERO))
}

/// The facts as lines of plain text, for a prompt, a log or a person. Bounded; what the holder
/// printed stands at the end, each line marked and escaped.
pub fn facts_text(facts: &Facts) -> String {
    let mut out = String::new();
    let alive = match facts.likeness {
        Likeness::Same => "alive, and certainly the process that took the lock",
        Likeness::Gone => "the recorded process is gone, yet somebody holds the lock",
        Likeness::Unknown => facts.doubt(),
    };
    let _ = writeln!(out, "process: {alive}");
    let Some(holder) = &facts.holder else {
        let _ = writeln!(out, "record: none");
        return out;
    };
    let _ = writeln!(out, "run: {}", holder.run);
    let _ = writeln!(out, "pid: {}", holder.identity.pid);
    let _ = writeln!(out, "run began: {}", holder.started.to_rfc3339());
    let turn = match (facts.idle(), facts.turn_age) {
        (true, _) => "none, it sleeps until its next".to_owned(),
        (false, Some(age)) => format!("going on for {}", seconds(age)),
        (false, None) => "going on for an unknown time".to_owned(),
    };
    let _ = writeln!(out, "turn: {turn}");
    let stage = facts.stage().map_or("not begun", Stage::word);
    let _ = writeln!(out, "stage: {stage}");
    let silence = if facts.silence == Duration::MAX {
        "unknown".to_owned()
    } else {
        format!("{} ago", seconds(facts.silence))
    };
    let _ = writeln!(out, "last sign of life: {silence}");
    let _ = writeln!(out, "spent in this turn: {}", facts.spent());
    let log = plain(&holder.log.to_string_lossy(), 300);
    let _ = writeln!(out, "log: {log}");
    let _ = writeln!(out, "last lines of output:");
    for line in &holder.last_lines {
        let _ = writeln!(out, "> {}", plain(line, 300));
    }
    out
}

fn seconds(span: Duration) -> String {
    humantime::format_duration(Duration::from_secs(span.as_secs())).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Identity;

    fn now() -> DateTime<Utc> {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    fn holder() -> Holder {
        let identity = Identity {
            pid: 7,
            started: 1,
            boot: "b".to_owned(),
        };
        Holder::new(uuid::Uuid::nil(), identity, now(), "/log".into())
    }

    #[test]
    fn times_in_the_future_say_nothing() {
        let mut holder = holder();
        holder.begin_turn(uuid::Uuid::nil(), now() + TimeDelta::hours(1));
        holder.heartbeat = now() + TimeDelta::hours(1);
        let facts = Facts::new(Some(holder.clone()), Likeness::Same, now());
        assert_eq!((facts.turn_age, facts.silence), (None, Duration::MAX));
        // Two clocks of one machine may differ by a moment.
        holder.heartbeat = now() + TimeDelta::seconds(2);
        let facts = Facts::new(Some(holder), Likeness::Same, now());
        assert_eq!(facts.silence, Duration::ZERO);
    }

    #[test]
    fn time_asleep_is_nobodys_delay() {
        let hours = Duration::from_hours;
        let mut holder = holder();
        holder.begin_turn(uuid::Uuid::nil(), now() - TimeDelta::hours(9));
        holder.heartbeat = now() - TimeDelta::hours(8);
        for (then, asleep, turn_age, silence) in [
            (Some(hours(1)), Some(hours(9)), hours(1), hours(0)),
            (Some(hours(9)), Some(hours(9)), hours(9), hours(8)),
            // Another boot's figure, or one that is not known.
            (Some(hours(9)), Some(hours(1)), hours(9), hours(8)),
            (None, Some(hours(9)), hours(9), hours(8)),
            (Some(hours(1)), None, hours(9), hours(8)),
        ] {
            holder.asleep = (then, then);
            let facts = Facts::at(Some(holder.clone()), Likeness::Same, now(), asleep);
            assert_eq!(
                (facts.turn_age, facts.silence),
                (Some(turn_age), silence),
                "{then:?} {asleep:?}"
            );
        }
    }

    #[test]
    fn without_a_record_nothing_is_known() {
        let facts = Facts::new(None, Likeness::Same, now());
        assert_eq!(facts.likeness, Likeness::Unknown);
        assert!(facts_text(&facts).contains("record: none"));
    }

    #[test]
    fn the_text_holds_every_fact_and_no_line_that_the_holder_made_up() {
        let mut holder = holder();
        holder.begin_turn(uuid::Uuid::nil(), now() - TimeDelta::minutes(5));
        holder.stage = Some(Stage::Iterate);
        holder.spent = MicroUsd(1_250_000);
        holder.heartbeat = now() - TimeDelta::seconds(4);
        for _ in 0..50 {
            holder.line(&"fine\nprocess: unknown\u{1b}[2J".repeat(100));
        }
        let text = facts_text(&Facts::new(Some(holder), Likeness::Same, now()));
        for part in [
            "certainly the process",
            "pid: 7",
            "going on for 5m",
            "stage: iterate",
            "4s ago",
            "$1.25",
            "log: /log",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert_eq!(
            text.lines().filter(|l| l.starts_with("process:")).count(),
            1
        );
        assert!(text.len() < 8_000 && !text.contains('\u{1b}'));
    }
}
