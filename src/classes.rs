//! What each outcome class of an agent's run means for the loop: the one table that says so.
//! `docs/reference.md` shows it; a test holds the two together.

use crate::turn::{AgentOutcome, Turn, TurnOutcome};

/// When the next wake is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// By the schedule.
    Schedule,
    /// A minute after the limit's reset, and not before the schedule; by the schedule where nobody
    /// says when that is.
    Reset,
    /// After 1, 2, 4, then 8 intervals.
    BackOff,
}

/// What ends the loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// Nothing of its own.
    Never,
    /// One is enough.
    AtOnce,
    /// `loop.confirmations` of them in a row.
    Confirmed,
    /// `loop.max_failures` failures in a row.
    InARow,
}

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Class {
    /// The class in one word.
    pub name: &'static str,
    /// Whether a turn of it is one of those among which a commit is expected (`loop.dry_spell`).
    pub attempt: bool,
    /// Whether it is a failure.
    pub failure: bool,
    /// When the next wake is.
    pub pace: Pace,
    /// What ends the loop.
    pub ends: Ends,
}

const fn class(name: &'static str, attempt: bool, failure: bool, pace: Pace, ends: Ends) -> Class {
    Class {
        name,
        attempt,
        failure,
        pace,
        ends,
    }
}

/// The table.
pub const TABLE: [Class; 12] = [
    //     class       attempt failure
    class("done", true, false, Pace::Schedule, Ends::Never),
    class("no_op", true, false, Pace::Schedule, Ends::Confirmed),
    class("blocked", true, false, Pace::Schedule, Ends::Never),
    class("limit", false, false, Pace::Reset, Ends::Never),
    class("auth", false, false, Pace::Schedule, Ends::AtOnce),
    class("offline", false, false, Pace::BackOff, Ends::Never),
    class("truncated", true, true, Pace::Schedule, Ends::InARow),
    class("budget", true, true, Pace::Schedule, Ends::InARow),
    class("hung", true, true, Pace::Schedule, Ends::InARow),
    class("denied", true, true, Pace::Schedule, Ends::InARow),
    class("crashed", true, true, Pace::Schedule, Ends::InARow),
    class("cancelled", false, false, Pace::Schedule, Ends::Never),
];

/// A class that the table forgot: the strictest there is.
const UNKNOWN: Class = class("unknown", true, true, Pace::Schedule, Ends::AtOnce);

/// The line of a class.
pub fn of(outcome: &AgentOutcome) -> Class {
    let name = outcome.word();
    TABLE
        .into_iter()
        .find(|c| c.name == name)
        .unwrap_or(UNKNOWN)
}

/// The line of a turn: that of its agent's run, unless the turn went wrong later.
pub(crate) fn of_turn(turn: &Turn) -> Option<Class> {
    let class = turn.agent.as_ref().map(of)?;
    let later = matches!(turn.outcome, TurnOutcome::Failed(_))
        && matches!(turn.agent, Some(AgentOutcome::Done));
    Some(if later {
        Class {
            failure: true,
            ends: Ends::InARow,
            ..class
        }
    } else {
        class
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of the documented table, as they follow from the one above.
    fn documented() -> Vec<String> {
        let yes = |yes| if yes { "yes" } else { "no" };
        TABLE
            .iter()
            .map(|c| {
                let next = match c.pace {
                    _ if c.ends == Ends::AtOnce => "none",
                    Pace::Schedule => "by the schedule",
                    Pace::Reset => "a minute after the reset",
                    Pace::BackOff => "after 1, 2, 4, then 8 intervals",
                };
                let ends = match c.ends {
                    Ends::Never => "no",
                    Ends::AtOnce => "at once, exit 12",
                    Ends::Confirmed => "after `loop.confirmations` in a row, exit 0",
                    Ends::InARow => "after `loop.max_failures` failures in a row, exit 13",
                };
                let (attempt, failure) = (yes(c.attempt), yes(c.failure));
                format!("| `{}` | {attempt} | {failure} | {next} | {ends} |", c.name)
            })
            .collect()
    }

    #[test]
    fn the_reference_shows_this_table() {
        let text = include_str!("../docs/reference.md");
        let (_, section) = text.split_once("## Outcome classes").unwrap();
        let shown: Vec<&str> = section
            .lines()
            .skip_while(|line| !line.starts_with("|---"))
            .skip(1)
            .take_while(|line| line.starts_with('|'))
            .collect();
        // What the class is, the second column, is prose.
        let facts: Vec<String> = shown
            .iter()
            .map(|line| {
                let mut cells: Vec<&str> = line.split('|').collect();
                cells.remove(2);
                cells.join("|")
            })
            .collect();
        assert_eq!(facts, documented());
    }

    #[test]
    fn no_class_is_missing() {
        use AgentOutcome::{
            Auth, Blocked, Budget, Cancelled, Crashed, Denied, Done, Hung, Limit, NoOp, Offline,
            Truncated,
        };
        for outcome in [
            Done,
            NoOp,
            Blocked,
            Limit { reset: None },
            Auth,
            Offline,
            Truncated,
            Budget,
            Hung,
            Denied,
            Crashed,
            Cancelled,
        ] {
            assert_eq!(of(&outcome).name, outcome.word());
        }
    }
}
