//! Whether the agent can still work: ordinary tool calls through the *deployed* hooks, and one
//! real tool call and file read as Claude Code makes them.
//!
//! A measure is compared with the one before the change, since a user's own hooks may already
//! refuse what the corpus calls ordinary: only what a change adds counts.

mod batch;
mod closure;
mod corpus;
mod cycle;
mod hooks;
mod known;
mod own;
mod permissions;
pub mod replay;
mod runner;
mod scripts;
mod settings;

use std::collections::BTreeMap;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub use corpus::{Call, Wanted, corpus, extended};
pub use hooks::Answer;
pub use known::Known;
pub use runner::serve;
pub use scripts::compare_hooks;

use self::settings::{Deployed, deployed};
use super::probe::ProbeContext;
use crate::turn::Verdict;

/// What the machine's hooks answered, and whether the agent could work.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Where the settings can't be used: why.
    pub broken: Option<String>,
    /// Whether any hooks are deployed.
    pub deployed: bool,
    /// Each call of the corpus with what the hooks answered.
    pub calls: BTreeMap<Call, Answer>,
    /// The steps of the real tool calls that failed.
    pub cycle: BTreeMap<String, String>,
    /// How long each hook takes as a rule, in milliseconds.
    pub times: BTreeMap<String, u64>,
}

impl Report {
    /// In one line, as shown to people.
    pub fn summary(&self) -> String {
        if let Some(why) = &self.broken {
            return format!("broken: {why}");
        }
        let count = |wanted: Wanted, answer: &Answer| {
            let of: Vec<_> = self
                .calls
                .iter()
                .filter(|(c, _)| c.wanted == wanted)
                .collect();
            let as_wanted = of.iter().filter(|(_, a)| *a == answer).count();
            (as_wanted, of.len())
        };
        let (allowed, ordinary) = count(Wanted::Allow, &Answer::Allowed);
        let (denied, dangerous) = count(Wanted::Deny, &Answer::Denied);
        let cycle = if self.cycle.is_empty() {
            "tool call and read work"
        } else {
            "TOOL CALL OR READ FAILS"
        };
        let hooks = if self.deployed {
            ""
        } else {
            "no hooks deployed; "
        };
        format!(
            "{hooks}{allowed}/{ordinary} ordinary calls pass, {denied}/{dangerous} dangerous \
             denied, {cycle}"
        )
    }
}

/// Measures the machine as it is; `known` is what earlier measures of it found.
pub async fn measure(
    context: &ProbeContext,
    corpus: &[Call],
    known: &Known,
    cancel: &CancellationToken,
) -> Report {
    let settings = match deployed(context.home()) {
        Deployed::None => None,
        Deployed::Broken(why) => {
            return Report {
                broken: Some(why),
                deployed: true,
                ..Report::default()
            };
        }
        Deployed::Settings(settings) => Some(settings),
    };
    let deployed = settings.is_some();
    let settings = settings.unwrap_or_default();
    let (calls, times) = hooks::judge_all(context, &settings, corpus, known, cancel).await;
    let cycle = cycle::run(context, &settings, cancel).await;
    Report {
        broken: None,
        deployed,
        calls,
        cycle,
        times,
    }
}

/// No hook got slower than its budget: every tool call of the agent waits for it.
pub fn in_time(before: &Report, after: &Report, budget: Duration) -> Verdict {
    let budget = u64::try_from(budget.as_millis()).unwrap_or(u64::MAX);
    let slow = after.times.iter().find(|(hook, millis)| {
        let was = before.times.get(*hook);
        **millis > budget && was.is_none_or(|was| *was <= budget)
    });
    match slow {
        None => Verdict::Passed,
        Some((hook, millis)) => Verdict::Refused(format!(
            "a hook takes {millis} ms for a call, its budget (prove.hook_budget) is {budget} ms: {}",
            crate::text::one_line(hook, 160)
        )),
    }
}

/// Judges a measure against the one before the change.
pub fn compare(before: &Report, after: &Report) -> Verdict {
    let let_through = after.calls.iter().find(|(call, answer)| {
        call.wanted == Wanted::Deny
            && **answer == Answer::Allowed
            && before.calls.get(*call) == Some(&Answer::Denied)
    });
    match (freedom(before, after), let_through) {
        (Verdict::Passed, Some((call, _))) => Verdict::Refused(format!(
            "a dangerous call is let through now: {}",
            call.shown()
        )),
        (verdict, _) => verdict,
    }
}

/// The same, whatever dangerous calls are let through.
pub fn freedom(before: &Report, after: &Report) -> Verdict {
    if let Some(why) = &after.broken {
        return if before.broken.is_some() {
            Verdict::Held(format!(
                "whether the agent can work is not known: its settings are broken, as they were \
                 before this change ({why}); mend them"
            ))
        } else {
            Verdict::Refused(format!("the agent's settings are broken: {why}"))
        };
    }
    if before.deployed && !after.deployed {
        return Verdict::Refused("the agent's settings and hooks are gone".to_owned());
    }
    let new = |call: &Call, answer: &Answer| match (before.calls.get(call), answer) {
        // What a hook that fails says may differ each time.
        (Some(Answer::Broken(_)), Answer::Broken(_)) => false,
        (earlier, _) => earlier != Some(answer),
    };
    for (call, answer) in &after.calls {
        let shown = call.shown();
        match (call.wanted, answer) {
            (_, Answer::Broken(why)) if new(call, answer) => {
                return Verdict::Refused(format!("a hook fails on \"{shown}\": {why}"));
            }
            (Wanted::Allow, Answer::Denied) if new(call, answer) => {
                return Verdict::Refused(format!("an ordinary call is blocked now: {shown}"));
            }
            _ => {}
        }
    }
    for (step, why) in &after.cycle {
        if !before.cycle.contains_key(step) {
            return Verdict::Refused(format!("{step} does not work any more: {why}"));
        }
    }
    Verdict::Passed
}
