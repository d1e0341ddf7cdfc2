//! The block that ends a run.

use std::time::Duration;

use super::seconds;
use crate::text::{one_line, redact};
use crate::turn::{Turn, TurnOutcome};

/// What a run came to, and where its traces are.
#[derive(Debug, Clone)]
pub struct Summary {
    /// Why it ended.
    pub reason: String,
    /// Its turns, oldest first.
    pub turns: Vec<Turn>,
    /// What a rebuild from nothing proved, where one was made.
    pub rebuilt: Option<Result<String, String>>,
    /// How agent and checks were confined.
    pub confinement: String,
    /// Names and places.
    pub places: Vec<(String, String)>,
}

impl Summary {
    /// The lines, printable.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = vec![
            String::new(),
            format!("ended: {}", one_line(&redact(&self.reason), 400)),
        ];
        lines.push(String::new());
        let above = lines.len();
        for turn in &self.turns {
            if let (TurnOutcome::Committed(id), Some(finding)) = (&turn.outcome, &turn.finding) {
                let id: String = id.chars().take(8).collect();
                lines.push(format!(
                    "  {:>3}  {id}  {}  {}",
                    turn.number,
                    finding.severity,
                    one_line(&redact(&finding.title), 100)
                ));
            }
        }
        if lines.len() > above {
            lines.push(String::new());
        }
        lines.push(format!("  {:<12} {}", "turns", self.counts()));
        let spent: Duration = self
            .turns
            .iter()
            .filter_map(|t| (t.finished - t.started).to_std().ok())
            .sum();
        let commits = self
            .turns
            .iter()
            .filter(|t| matches!(t.outcome, TurnOutcome::Committed(_)));
        let commits = u32::try_from(commits.count()).unwrap_or(0);
        let each = spent.checked_div(commits).map_or_else(String::new, |each| {
            format!(", {} per improvement", seconds(each))
        });
        lines.push(format!("  {:<12} {}{each}", "time", seconds(spent)));
        lines.push(format!(
            "  {:<12} {}",
            "confined",
            one_line(&self.confinement, 120)
        ));
        match &self.rebuilt {
            Some(Ok(text)) => lines.push(format!("  {:<12} {}", "rebuild", one_line(text, 200))),
            Some(Err(why)) => {
                lines.push(format!(
                    "  {:<12} FAILED: {}",
                    "rebuild",
                    one_line(&redact(why), 400)
                ));
            }
            None => {}
        }
        lines.push(String::new());
        for (name, place) in &self.places {
            lines.push(format!("  {name:<12} {}", one_line(place, 400)));
        }
        lines
    }

    fn counts(&self) -> String {
        let mut counts: Vec<(&'static str, usize)> = Vec::new();
        for turn in &self.turns {
            let word = turn.outcome.word();
            match counts.iter_mut().find(|(w, _)| *w == word) {
                Some((_, n)) => *n += 1,
                None => counts.push((word, 1)),
            }
        }
        let parts: Vec<String> = counts.iter().map(|(w, n)| format!("{n} {w}")).collect();
        format!("{} ({})", self.turns.len(), parts.join(", "))
    }
}
