//! What the person at the terminal watches, on standard error: one line per step, a spinner while
//! it runs; plain lines where there is no terminal. Everything shown is made printable first.

mod counting;
mod reading;
mod summary;

use std::collections::BTreeSet;
use std::io::Write;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

pub use counting::CountBar;
pub use reading::ReadingBar;
pub use summary::Summary;

use crate::text::{one_line, redact};
use crate::turn::{AgentOutcome, Turn, TurnOutcome, Verdict};

/// Width of a step's name, in columns.
const NAME: usize = 12;
/// Longest text beside it.
const DETAIL: usize = 200;

/// Colours of marks and of what matters less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Paint {
    Good,
    Bad,
    Warn,
    Strong,
    Faint,
}

/// The terminal, or a log file.
pub struct Console {
    out: Box<dyn Write>,
    colour: bool,
    /// Drawn while a step runs; `None` where there is no terminal.
    spinner: Option<ProgressBar>,
    said: BTreeSet<String>,
}

impl std::fmt::Debug for Console {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Console")
            .field("colour", &self.colour)
            .finish_non_exhaustive()
    }
}

impl Console {
    /// Writes to standard error. `terminal`: whether that is a terminal.
    pub fn new(terminal: bool, colour: bool) -> Self {
        let mut console = Self::to(Box::new(std::io::stderr()), colour);
        if terminal {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("  {spinner} {msg} {elapsed}") {
                bar.set_style(style);
            }
            console.spinner = Some(bar);
        }
        console
    }

    /// Writes plain lines to `out`.
    pub fn to(out: Box<dyn Write>, colour: bool) -> Self {
        Self {
            out,
            colour,
            spinner: None,
            said: BTreeSet::new(),
        }
    }

    fn paint(&self, paint: Paint, text: &str) -> String {
        if !self.colour {
            return text.to_owned();
        }
        let code = match paint {
            Paint::Good => 32,
            Paint::Bad => 31,
            Paint::Warn => 33,
            Paint::Strong => 1,
            Paint::Faint => 2,
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// A terminal that has gone away is no reason to stop.
    fn line(&mut self, text: &str) {
        if let Some(spinner) = &self.spinner {
            spinner.disable_steady_tick();
            spinner.finish_and_clear();
        }
        let _ = self.out.write_all(format!("{text}\n").as_bytes());
        let _ = self.out.flush();
    }

    fn safe(text: &str, max: usize) -> String {
        one_line(&redact(text), max)
    }

    /// One aligned line: mark, name, detail, time.
    fn step(&mut self, paint: Paint, mark: &str, name: &str, detail: &str, time: &str) {
        let mark = self.paint(paint, mark);
        let name = format!("{name:<NAME$}");
        let time = if time.is_empty() {
            String::new()
        } else {
            format!("{time:>8}")
        };
        let time = self.paint(Paint::Faint, &format!("{time:<8}"));
        let text = format!("  {mark} {name} {time}  {detail}");
        self.line(text.trim_end());
    }

    /// A new turn.
    pub fn turn_started(&mut self, number: i64) {
        let title = self.paint(Paint::Strong, &format!("turn {number}"));
        self.line(&format!("\n{title}"));
    }

    /// A step that takes seconds begins: a spinner, where there is a terminal.
    pub fn step_started(&mut self, name: &str) {
        if let Some(spinner) = &self.spinner {
            spinner.reset();
            spinner.set_message(Self::safe(name, 60));
            spinner.enable_steady_tick(Duration::from_millis(120));
        }
    }

    /// A step that may take minutes begins: said in a log file too.
    pub fn working(&mut self, what: &str) {
        if self.spinner.is_some() {
            self.step_started(what);
        } else {
            self.step(Paint::Faint, "…", "", &Self::safe(what, DETAIL), "");
        }
    }

    /// A line of a long step's own output.
    pub fn progress(&mut self, line: &str) {
        let line = Self::safe(line, 60);
        match &self.spinner {
            Some(spinner) => spinner.set_message(line),
            None => self.step(Paint::Faint, "·", "", &line, ""),
        }
    }

    /// How far a step is that takes seconds: for a terminal alone.
    pub fn reading(&mut self, text: &str) {
        if self.spinner.is_some() {
            self.step_started(text);
        }
    }

    /// A part is ready for the run.
    pub fn ready(&mut self, name: &str, text: &str) {
        self.step(Paint::Good, "✓", name, &Self::safe(text, DETAIL), "");
    }

    /// What a step found, where nothing has to be decided.
    pub fn detail(&mut self, name: &str, text: &str) {
        self.step(Paint::Faint, "·", name, &Self::safe(text, DETAIL), "");
    }

    /// A gate has decided.
    pub fn step_done(&mut self, name: &str, verdict: &Verdict, millis: u64, detail: &str) {
        let (paint, mark, why) = match verdict {
            Verdict::Passed => (Paint::Good, "✓", detail.to_owned()),
            Verdict::Refused(why) => (Paint::Bad, "✗", why.clone()),
            Verdict::Held(why) => (Paint::Warn, "?", format!("held: {why}")),
            Verdict::NotRun(why) => (Paint::Faint, "–", format!("not run: {why}")),
        };
        let time = match verdict {
            Verdict::NotRun(_) => String::new(),
            _ => seconds(Duration::from_millis(millis)),
        };
        self.step(paint, mark, name, &Self::safe(&why, DETAIL), &time);
    }

    /// What the agent came to.
    pub fn finding(&mut self, outcome: &AgentOutcome, text: &str) {
        let (paint, mark) = match outcome {
            AgentOutcome::Done => (Paint::Strong, "◆"),
            AgentOutcome::NoOp => (Paint::Faint, "○"),
            AgentOutcome::Blocked => (Paint::Warn, "?"),
            _ => (Paint::Bad, "✗"),
        };
        let name = if *outcome == AgentOutcome::Done {
            "finding"
        } else {
            outcome.word()
        };
        let text = self.paint(Paint::Strong, &Self::safe(text, DETAIL));
        self.step(paint, mark, name, &text, "");
    }

    /// A remark.
    pub fn note(&mut self, text: &str) {
        self.step(Paint::Warn, "!", "note", &Self::safe(text, 400), "");
    }

    /// A remark that is made once per run.
    pub fn note_once(&mut self, key: &str, text: &str) {
        if self.said.insert(key.to_owned()) {
            self.note(text);
        }
    }

    /// A line of its own.
    pub fn note_line(&mut self, text: &str) {
        self.line(&Self::safe(text, 1_000));
    }

    /// The loop sleeps.
    pub fn sleeping(&mut self, time: Duration) {
        if time > Duration::from_secs(5) {
            self.step(
                Paint::Faint,
                "z",
                "sleep",
                &format!("{} until the next wake", seconds(time)),
                "",
            );
        }
    }

    /// A turn is recorded.
    pub fn turn_done(&mut self, turn: &Turn) {
        let took = (turn.finished - turn.started).to_std().unwrap_or_default();
        let (paint, mark) = match turn.outcome {
            TurnOutcome::Committed(_) | TurnOutcome::TakenBack(_) => (Paint::Good, "●"),
            TurnOutcome::Idle(_) | TurnOutcome::Skipped(_) => (Paint::Faint, "○"),
            TurnOutcome::Held(_) => (Paint::Warn, "●"),
            TurnOutcome::Rejected(_) | TurnOutcome::Failed(_) | TurnOutcome::NeedsOperator(_) => {
                (Paint::Bad, "●")
            }
        };
        let detail = match &turn.outcome {
            TurnOutcome::Committed(id) | TurnOutcome::TakenBack(id) => {
                id.chars().take(12).collect()
            }
            other => Self::safe(other.detail(), 400),
        };
        self.step(paint, mark, turn.outcome.word(), &detail, &seconds(took));
    }

    /// The end of a run.
    pub fn summary(&mut self, summary: &Summary) {
        for line in summary.lines() {
            self.line(&line);
        }
    }
}

/// A duration as people read it: `340 ms`, `4.2 s`, `3 m 05 s`.
pub(super) fn seconds(time: Duration) -> String {
    let millis = time.as_millis();
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        60_000..3_600_000 => format!("{} m {:02} s", millis / 60_000, millis % 60_000 / 1_000),
        _ => format!(
            "{} h {:02} m",
            millis / 3_600_000,
            millis % 3_600_000 / 60_000
        ),
    }
}

#[cfg(test)]
mod tests;
