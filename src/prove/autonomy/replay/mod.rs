//! The past, asked again: would the hooks that are deployed now have let through what this workstation
//! did before? Nothing is executed but the hooks.

mod past;
mod shape;

use std::path::Path;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

pub use past::{Past, Shape, past};

use super::batch::{Asking, Judged, Question};
use super::hooks::Answer;
use super::known::Known;
use super::settings::{Deployed, Settings, deployed};
use crate::prove::probe::ProbeContext;
use crate::text::counted;

/// What the hooks answered to the past, in the order in which it was asked.
#[derive(Debug)]
pub struct Answered {
    judged: Vec<Option<Judged>>,
}

/// Calls that the hooks block, of one shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Blocked {
    /// One of them, without credentials.
    pub call: String,
    /// How often its shape was used.
    pub times: u64,
    /// When it was last used.
    pub last: DateTime<Utc>,
}

impl Blocked {
    /// As a person reads it: what it costs.
    pub fn describe(&self, now: DateTime<Utc>) -> String {
        let days = (now - self.last).num_days().max(0);
        let last = match days {
            0 => "today".to_owned(),
            1 => "yesterday".to_owned(),
            _ => format!("{days} days ago"),
        };
        format!(
            "blocks `{}`, used {}, last {last}",
            self.call.replace('`', "'"),
            counted(self.times, "time")
        )
    }
}

/// How much of the past was asked about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Calls that succeeded.
    pub calls: u64,
    /// Shapes among them.
    pub shapes: u64,
    /// Distinct calls.
    pub distinct: u64,
    /// Distinct calls that the hooks were asked about, now or before with the same hooks.
    pub run: u64,
    /// Of those, how many without a process: known answers, and this program's own guard.
    pub reused: u64,
    /// Shapes of which no call was run.
    pub shapes_not_run: u64,
    /// Calls too large or too many to be held.
    pub left_out: u64,
}

impl Coverage {
    /// In one line.
    pub fn describe(&self) -> String {
        if self.calls == 0 {
            return "no past calls are known".to_owned();
        }
        format!(
            "{} past calls of {} shapes, {} of {} distinct ones run",
            self.calls, self.shapes, self.run, self.distinct
        )
    }

    /// What was not run, as remarks.
    pub fn not_run(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.run < self.distinct {
            notes.push(format!(
                "replay: {} of {} distinct past calls were not run, {} of {} shapes not at all \
                 (prove.replay)",
                self.distinct - self.run,
                self.distinct,
                self.shapes_not_run,
                self.shapes
            ));
        }
        if self.left_out > 0 {
            notes.push(format!(
                "replay: {} are too large or too many to be held",
                counted(self.left_out, "past call")
            ));
        }
        notes
    }
}

/// In which order the past is asked: one call of each shape, then the others.
fn order(past: &Past) -> Vec<(usize, &Question)> {
    let first = past.shapes.iter().enumerate();
    let first = first.filter_map(|(at, s)| Some((at, s.calls.first()?)));
    let rest = past.shapes.iter().enumerate();
    let rest = rest.flat_map(|(at, s)| s.calls.iter().skip(1).map(move |c| (at, c)));
    first.chain(rest).collect()
}

/// Asks the hooks that are deployed in the context's home about the past.
///
/// # Errors
/// When the settings can't be read: then no hook runs.
pub async fn ask(
    past: &Past,
    context: &ProbeContext,
    state_dir: Option<&Path>,
    within: Duration,
    cancel: &CancellationToken,
) -> Result<Answered, String> {
    let settings = match deployed(context.home()) {
        Deployed::None => Settings::default(),
        Deployed::Settings(settings) => settings,
        Deployed::Broken(why) => return Err(why),
    };
    let questions: Vec<Question> = order(past).into_iter().map(|(_, q)| q.clone()).collect();
    let known = Known::of(state_dir, context.home());
    let asking = Asking {
        context,
        settings: &settings,
        known: &known,
        sample: None,
        until: Some(Instant::now() + within),
        cancel,
    };
    let answers = asking.ask(&questions).await;
    Ok(Answered {
        judged: answers.judged,
    })
}

/// What the hooks block. With `before`, only what those did not block; a call of which it is not known
/// what they did counts as not run.
pub fn blocked(
    past: &Past,
    after: &Answered,
    before: Option<&Answered>,
) -> (Vec<Blocked>, Coverage) {
    let order = order(past);
    let mut coverage = Coverage {
        calls: past.calls,
        shapes: past.shapes.len() as u64,
        distinct: order.len() as u64,
        left_out: past.left_out,
        ..Coverage::default()
    };
    let mut run = vec![false; past.shapes.len()];
    let mut hit = vec![false; past.shapes.len()];
    for (place, (shape, _)) in order.iter().enumerate() {
        let of = |answered: &Answered| answered.judged.get(place).cloned().flatten();
        let Some(now) = of(after) else { continue };
        let then = match before.map(of) {
            Some(None) => continue,
            Some(Some(then)) => Some(then.answer),
            None => None,
        };
        coverage.run += 1;
        coverage.reused += u64::from(now.reused);
        run[*shape] = true;
        if now.answer == Answer::Denied && then != Some(Answer::Denied) {
            hit[*shape] = true;
        }
    }
    coverage.shapes_not_run = run.iter().filter(|r| !**r).count() as u64;
    let shapes = past.shapes.iter().zip(hit).filter(|(_, hit)| *hit);
    let blocked = shapes.map(|(shape, _)| Blocked {
        call: shape.shown(),
        times: shape.times,
        last: shape.last,
    });
    (blocked.collect(), coverage)
}
