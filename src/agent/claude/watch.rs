//! Whether the guard was asked about everything that a run did, and what it said.

use std::collections::{BTreeMap, VecDeque};

use super::guard::Guard;
use super::outcome::Failure;
use super::registration::{fails_closed, strike};
use super::stream::ToolResult;
use crate::turn::AgentOutcome;

/// Refusals of the worse kind that end a run.
const STRIKES: usize = 3;
/// Refusals kept for the record, the last ones.
const KEPT: usize = 20;
/// The client's own way to take the final answer; it runs nothing.
const ANSWER: &str = "StructuredOutput";

/// What was seen of the guard.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Whether there is a guard.
    pub(super) on: bool,
    /// Calls that it let through and that have not answered yet, by tool.
    let_through: BTreeMap<String, usize>,
    refused: VecDeque<String>,
    strikes: usize,
    /// What shows that the guard is not there.
    missing: Option<String>,
}

impl Watch {
    /// The client says who it is.
    pub(super) fn client(&mut self, version: &str) {
        if self.on && !fails_closed(version) {
            self.missing = Some(format!(
                "the client is version {version}, which goes on when its guard fails: install \
                 Claude Code 2.1.295 or later"
            ));
        }
    }

    /// The guard was asked.
    pub(super) fn asked(&mut self, guard: &Guard) {
        let Some(why) = &guard.refused else {
            if guard.failed.is_none() {
                *self.let_through.entry(guard.tool.clone()).or_default() += 1;
            }
            return;
        };
        self.strikes += usize::from(strike(why));
        if self.refused.len() == KEPT {
            self.refused.pop_front();
        }
        self.refused.push_back(format!("{}: {why}", guard.tool));
    }

    /// A tool has answered. Those that failed may never have begun, for other reasons.
    pub(super) fn answered(&mut self, result: &ToolResult) {
        if !self.on || result.tool == ANSWER {
            return;
        }
        let left = self.let_through.entry(result.tool.clone()).or_default();
        match left.checked_sub(1) {
            Some(less) => *left = less,
            None if result.is_error => (),
            None => {
                self.missing = Some(format!(
                    "{} worked without the guard having been asked",
                    result.tool
                ));
            }
        }
    }

    /// What it refused, in order.
    pub(super) fn refused(&self) -> impl Iterator<Item = &str> {
        self.refused.iter().map(String::as_str)
    }

    /// Whether the run has to end.
    pub(super) fn ends(&self) -> bool {
        self.on && (self.missing.is_some() || self.strikes >= STRIKES)
    }

    /// Why the run has failed, whatever else is said of it.
    pub(super) fn fault(&self) -> Option<Failure> {
        if !self.on {
            return None;
        }
        if let Some(why) = &self.missing {
            return Some((AgentOutcome::Crashed, why.clone()));
        }
        let last = self.refused.back().map_or("", String::as_str);
        (self.strikes >= STRIKES).then(|| {
            let why =
                format!("its guard refused {STRIKES} attempts of the worse kind; last: {last}");
            (AgentOutcome::Denied, why)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch() -> Watch {
        Watch {
            on: true,
            ..Watch::default()
        }
    }

    fn guard(tool: &str, refused: Option<&str>) -> Guard {
        Guard {
            tool: tool.to_owned(),
            failed: None,
            refused: refused.map(str::to_owned),
        }
    }

    fn result(tool: &str, is_error: bool) -> ToolResult {
        ToolResult {
            tool: tool.to_owned(),
            is_error,
            text: String::new(),
        }
    }

    #[test]
    fn a_tool_that_works_unasked_is_a_failed_run() {
        let mut watch = watch();
        watch.asked(&guard("Bash", None));
        watch.answered(&result("Bash", false));
        // Refused by the client itself: an unknown tool, a bad argument.
        watch.answered(&result("Bash", true));
        watch.answered(&result(ANSWER, false));
        assert!(!watch.ends() && watch.fault().is_none());
        watch.answered(&result("Bash", false));
        let (class, why) = watch.fault().unwrap();
        assert_eq!(class, AgentOutcome::Crashed);
        assert!(
            watch.ends() && why.contains("Bash worked without the guard"),
            "{why}"
        );
    }

    #[test]
    fn what_was_refused_lets_nothing_through() {
        let mut watch = watch();
        watch.asked(&guard("Bash", Some("secloop guard: file-destroy: x")));
        watch.answered(&result("Bash", true));
        assert!(!watch.ends());
        watch.answered(&result("Bash", false));
        assert!(watch.ends());
    }

    #[test]
    fn three_of_the_worse_refusals_end_it_and_any_number_of_others_do_not() {
        let mut watch = watch();
        for _ in 0..30 {
            watch.asked(&guard("Bash", Some("secloop guard: file-destroy: x")));
        }
        assert!(!watch.ends());
        assert_eq!(watch.refused().count(), KEPT);
        for _ in 0..STRIKES {
            assert!(!watch.ends());
            watch.asked(&guard("Bash", Some("secloop guard: protection-off: x")));
        }
        assert_eq!(watch.fault().unwrap().0, AgentOutcome::Denied);
    }

    #[test]
    fn an_old_client_is_no_guarded_one() {
        let mut watch = watch();
        watch.client("2.1.200");
        assert!(watch.ends());
        let mut off = Watch::default();
        off.client("2.1.200");
        off.answered(&result("Bash", false));
        assert!(!off.ends() && off.fault().is_none());
    }
}
