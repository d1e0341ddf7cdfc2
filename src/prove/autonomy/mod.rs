//! Whether the agent can still work: ordinary tool calls through the *deployed* hooks, and one
//! real tool call and file read as Claude Code makes them.
//!
//! A measure is compared with the one before the change, since a user's own hooks may already
//! refuse what the corpus calls ordinary: only what a change adds counts.

mod corpus;
mod cycle;
mod hooks;
mod permissions;
mod scripts;
mod settings;

use std::collections::BTreeMap;

use tokio_util::sync::CancellationToken;

pub use corpus::{Call, Wanted, corpus};
pub use hooks::Answer;
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
    /// The slowest hook, in milliseconds.
    pub slowest: u64,
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

/// Measures the machine as it is.
pub async fn measure(context: &ProbeContext, cancel: &CancellationToken) -> Report {
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
    let (calls, slowest) = hooks::judge_all(context, &settings, cancel).await;
    let cycle = cycle::run(context, &settings, cancel).await;
    Report {
        broken: None,
        deployed,
        calls,
        cycle,
        slowest,
    }
}

/// Judges a measure against the one before the change.
pub fn compare(before: &Report, after: &Report) -> Verdict {
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
            (Wanted::Deny, Answer::Allowed) if before.calls.get(call) == Some(&Answer::Denied) => {
                return Verdict::Refused(format!("a dangerous call is let through now: {shown}"));
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
