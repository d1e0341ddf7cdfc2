//! The texts of the posts: short enough for a phone, at most 2,000 characters.

use crate::gate::MicroUsd;
use crate::text::{clamp, counted, discord_plain, redact};
use crate::turn::{Colour, Drift, Turn, TurnOutcome, in_short};

/// Discord's limit for a message, in characters.
const MAX: usize = 2_000;
/// Probes that a post about drift names.
const DRIFT: usize = 6;

/// What a run has come to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Totals {
    /// Turns in which an iteration was started.
    pub iterations: u32,
    /// Those that ended in a commit.
    pub improvements: u32,
    /// Those that a gate refused.
    pub rejected: u32,
    /// Those that wait for a person.
    pub held: u32,
    /// Those that failed.
    pub failed: u32,
    /// The day's spend on this machine.
    pub spent_today: MicroUsd,
    /// The day's cap.
    pub cap: MicroUsd,
    /// How agent and checks are confined, if they are not.
    pub unconfined: Option<String>,
}

fn plain(text: &str, max: usize) -> String {
    discord_plain(&redact(text), max)
}

/// What one turn found and changed, and whether it passed.
pub fn turn(turn: &Turn, totals: &Totals) -> String {
    let number = turn.number;
    let found = turn
        .finding
        .as_ref()
        .map(|f| format!("{} {}", f.severity, plain(&f.title, 140)));
    let mut lines = Vec::new();
    match &turn.outcome {
        TurnOutcome::Committed(commit) => {
            lines.push(format!("✅ **Turn {number}: committed**"));
            lines.push(format!("Found: {}", found.unwrap_or_default()));
            lines.push(format!("Changed: {}", plain(&turn.change, 240)));
            let probes = turn.receipt.probes.len();
            let green = turn
                .receipt
                .probes
                .iter()
                .filter(|p| p.after == Some(Colour::Green))
                .count();
            let commit: String = commit.chars().take(12).collect();
            lines.push(format!(
                "Pass: {green}/{probes} probes red → green, commit `{commit}`"
            ));
        }
        TurnOutcome::Idle(why) => {
            lines.push(format!("💤 **Turn {number}: nothing material**"));
            lines.push(plain(why, 240));
        }
        TurnOutcome::Skipped(why) => {
            lines.push(format!("⏭️ **Turn {number}: skipped**"));
            lines.push(plain(why, 240));
        }
        other if other.is_rehearsed() => {
            lines.push(format!("🧪 **Turn {number}: rehearsed**"));
            lines.extend(found.map(|f| format!("Found: {f}")));
            lines.push(format!("Pass: {}", plain(other.detail(), 300)));
        }
        other => {
            let (mark, word) = match other {
                TurnOutcome::Rejected(_) => ("❌", "rejected, taken back"),
                TurnOutcome::Held(_) => ("✋", "held for a person"),
                TurnOutcome::NeedsOperator(_) => ("🚨", "needs the operator"),
                TurnOutcome::TakenBack(_) => ("↩️", "an improvement taken back"),
                _ => ("⚠️", "failed"),
            };
            lines.push(format!("{mark} **Turn {number}: {word}**"));
            lines.extend(found.map(|f| format!("Found: {f}")));
            match other {
                TurnOutcome::TakenBack(commit) => {
                    let commit: String = commit.chars().take(12).collect();
                    lines.push(format!("Pass: as before it, proven; commit `{commit}`"));
                }
                TurnOutcome::Held(_) if !turn.receipt.prices.is_empty() => {
                    lines.push(format!("Price: {}", plain(other.detail(), 300)));
                    lines.push(format!(
                        "Decide: `secloop approve {number}` or `secloop deny {number}`"
                    ));
                }
                _ => lines.push(format!("Fail: {}", plain(other.detail(), 300))),
            }
            lines.extend(left(turn));
        }
    }
    lines.push(today(totals));
    clamp(&lines.join("\n"), MAX)
}

/// A wake that came to nothing, where a person has to look. Without the day's figure: nothing was
/// asked for it.
pub fn refused(turn: &Turn) -> String {
    let mark = match turn.outcome {
        TurnOutcome::NeedsOperator(_) => "🚨",
        _ => "⏭️",
    };
    let text = format!(
        "{mark} **Turn {}: {}**\n{}",
        turn.number,
        turn.outcome.word().replace('_', " "),
        plain(turn.outcome.detail(), 700)
    );
    clamp(&text, MAX)
}

/// Probes of earlier improvements that are not green any more.
pub fn drift(found: &[Drift]) -> String {
    let count = u64::try_from(found.len()).unwrap_or(u64::MAX);
    let probes = counted(count, "earlier probe");
    let head = format!("🧭 **Drift: {probes} not green any more**");
    listed(head, found)
}

/// What a re-run of the playbook made of it; `failed`: why the run itself is no proof.
pub fn mended(drift: &[Drift], failed: Option<&str>) -> String {
    let left: Vec<Drift> = drift.iter().filter(|d| !d.repaired).cloned().collect();
    let repaired = drift.len() - left.len();
    let mut head = format!(
        "🔧 **Drift: {repaired} of {} mended by a re-run of the playbook**",
        drift.len()
    );
    if let Some(why) = failed {
        head.push_str(&format!("\nFail: {}", plain(why, 300)));
    }
    if !left.is_empty() {
        head.push_str("\nLeft for the agent:");
    }
    listed(head, &left)
}

/// A heading and the first few.
fn listed(mut text: String, drift: &[Drift]) -> String {
    for one in drift.iter().take(DRIFT) {
        text.push_str(&format!("\n- {}", plain(&one.to_string(), 200)));
    }
    if drift.len() > DRIFT {
        text.push_str(&format!("\n- and {} more", drift.len() - DRIFT));
    }
    clamp(&text, MAX)
}

/// What could not be put back: the first few.
fn left(turn: &Turn) -> Option<String> {
    let left = &turn.receipt.left;
    (!left.is_empty()).then(|| format!("Left: {}", plain(&in_short(left), 700)))
}

/// The day's figure, and what everybody should know.
fn today(totals: &Totals) -> String {
    let mut text = format!("Today {} of {}", totals.spent_today, totals.cap);
    if let Some(how) = &totals.unconfined {
        text.push_str(&format!("\n⚠️ Not confined: {}", plain(how, 120)));
    }
    text
}

fn counts(totals: &Totals) -> String {
    let mut text = format!(
        "{}, {}",
        counted(totals.iterations, "iteration"),
        counted(totals.improvements, "improvement")
    );
    for (count, word) in [
        (totals.rejected, "rejected"),
        (totals.held, "held"),
        (totals.failed, "failed"),
    ] {
        if count > 0 {
            text.push_str(&format!(", {count} {word}"));
        }
    }
    text
}

/// The final summary of a run.
pub fn stop(reason: &str, totals: &Totals) -> String {
    let text = format!(
        "🏁 **secloop ended**: {}\n{}\n{}",
        plain(reason, 400),
        counts(totals),
        today(totals)
    );
    clamp(&text, MAX)
}

/// The warning that the day's cap is near; without Markdown, since the console shows it, too.
pub fn near_cap(spent: MicroUsd, cap: MicroUsd, date: chrono::NaiveDate) -> String {
    let percent = u128::from(spent.0) * 100 / u128::from(cap.0).max(1);
    format!("⚠️ {spent} of the day's cap of {cap} is spent ({percent} %, {date})")
}

/// The summary of a run that the money gate ended.
pub fn cost_stop(why: &str, totals: &Totals) -> String {
    let text = format!(
        "💸 **secloop stopped by the spending gate**: {}\n{}\nStart it again when a new day or \
         a higher cap allows it\n{}",
        plain(why, 600),
        counts(totals),
        today(totals)
    );
    clamp(&text, MAX)
}
