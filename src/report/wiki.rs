//! The wiki log, rendered as a whole from the ledger's turns: the page itself, which is often
//! public, and a private one with everything.

use std::fmt::Write as _;
use std::path::Path;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::config::WikiConfig;
use crate::text::{clamp, markdown_cell, markdown_text, one_line, redact};
use crate::turn::{Colour, Counts, Probe, ProbeRun, Turn, TurnOutcome, Verdict};
use crate::whole;

const PAGE: &str = include_str!("../../wiki-log/page.md");
const INTRODUCTION: &str = include_str!("../../wiki-log/introduction.md");
const OPERATORS_INTRODUCTION: &str = include_str!("../../wiki-log/every-turn.md");
/// In the front matter of every page that is ours to rewrite.
const MARK: &str = "generated_by: secloop";
/// Longest script on the page, in characters.
const SCRIPT: usize = 3_000;
/// Longest paragraph on the page, in characters.
const TEXT: usize = 2_000;

/// Who reads a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Anybody: what was improved, and what else the configuration asks for.
    Public,
    /// The operator: every turn, refusals, open findings and money included.
    Operator,
}

/// Renders the page. `turns` are oldest first; the same turns give the same page to the byte.
/// `counts` are of all turns, also of those that are on other pages.
pub fn render(
    config: &WikiConfig,
    readers: Readers,
    host: &str,
    zone: Tz,
    turns: &[Turn],
    counts: &Counts,
) -> String {
    let mut shown: Vec<&Turn> = turns
        .iter()
        .filter(|t| belongs(config, readers, t))
        .collect();
    if config.newest_first {
        shown.reverse();
    }
    let entries: Vec<String> = shown.iter().map(|t| entry(t, readers, zone)).collect();
    PAGE.replace("{{front}}", &front(config, host, zone, counts.last_commit))
        .replace("{{title}}", &title(config, readers))
        .replace("{{introduction}}", introduction(readers).trim_end())
        .replace("{{counts}}", &sentence(counts))
        .replace("{{table}}", &table(&shown, zone))
        // Last: what is put in here is not looked at again.
        .replace("{{entries}}", entries.join("\n").trim_end())
}

fn title(config: &WikiConfig, readers: Readers) -> String {
    let title = markdown_text(&config.title, 120);
    match readers {
        Readers::Public => title,
        Readers::Operator => format!("{title}: every turn"),
    }
}

fn introduction(readers: Readers) -> &'static str {
    match readers {
        Readers::Public => INTRODUCTION,
        Readers::Operator => OPERATORS_INTRODUCTION,
    }
}

fn belongs(config: &WikiConfig, readers: Readers, turn: &Turn) -> bool {
    match turn.outcome {
        // A wake at a closed gate is only worth a place for what it saw.
        TurnOutcome::Skipped(_) => readers == Readers::Operator && !turn.receipt.drift.is_empty(),
        _ if readers == Readers::Operator => true,
        TurnOutcome::Committed(_) => true,
        TurnOutcome::Rejected(_)
        | TurnOutcome::Held(_)
        | TurnOutcome::Failed(_)
        | TurnOutcome::NeedsOperator(_) => config.include_open,
        TurnOutcome::Idle(_) | TurnOutcome::TakenBack(_) => false,
    }
}

fn front(config: &WikiConfig, host: &str, zone: Tz, last: Option<DateTime<Utc>>) -> String {
    let quoted = |text: &str| serde_json::Value::from(one_line(text, 160)).to_string();
    let verified = last.map_or_else(
        || "never".to_owned(),
        |at| at.with_timezone(&zone).format("%Y-%m-%d").to_string(),
    );
    [
        format!("title: {}", quoted(&config.title)),
        format!(
            "summary: {}",
            quoted(&format!(
                "Security improvements of {host}, each with its proof"
            ))
        ),
        "keywords: [security, workstation, ansible, hardening]".to_owned(),
        "related: []".to_owned(),
        format!("scope: {}", quoted(&format!("workstation {host}"))),
        format!("last_verified: {verified}"),
        MARK.to_owned(),
    ]
    .join("\n")
}

fn sentence(counts: &Counts) -> String {
    format!(
        "{} iterations: {} improvements committed, {} rejected, {} held for a person, {} idle, {} \
         failed.",
        counts.iterations,
        counts.committed,
        counts.rejected,
        counts.held,
        counts.idle,
        counts.failed,
    )
}

fn at(time: DateTime<Utc>, zone: Tz) -> String {
    time.with_timezone(&zone)
        .format("%Y-%m-%d %H:%M:%S %:z")
        .to_string()
}

fn cell(text: &str, max: usize) -> String {
    markdown_cell(&redact(text), max)
}

fn text(text: &str) -> String {
    markdown_text(&redact(text), TEXT)
}

fn table(turns: &[&Turn], zone: Tz) -> String {
    if turns.is_empty() {
        return "Nothing has been improved yet.".to_owned();
    }
    let mut out = String::from(
        "| Timestamp | Severity | Finding | Change | Verification | Result | Commit |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for turn in turns {
        let (severity, title) = turn.finding.as_ref().map_or((String::new(), ""), |f| {
            (f.severity.to_string(), f.title.as_str())
        });
        let method: Vec<&str> = turn
            .receipt
            .probes
            .iter()
            .map(|p| p.probe.name.as_str())
            .collect();
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} |",
            cell(&at(turn.finished, zone), 40),
            cell(&severity, 8),
            cell(title, 120),
            cell(&turn.change, 160),
            cell(&method.join("; "), 160),
            cell(result(turn), 16),
            commit(turn),
        );
    }
    out.trim_end().to_owned()
}

fn result(turn: &Turn) -> &'static str {
    match turn.outcome {
        TurnOutcome::Committed(_) | TurnOutcome::TakenBack(_) => "pass",
        TurnOutcome::Held(_) => "held",
        TurnOutcome::Idle(_) => "none",
        _ => "fail",
    }
}

fn commit(turn: &Turn) -> String {
    match &turn.outcome {
        TurnOutcome::Committed(id) | TurnOutcome::TakenBack(id) => format!("`{}`", short(id)),
        _ => "–".to_owned(),
    }
}

fn short(id: &str) -> String {
    id.chars()
        .filter(char::is_ascii_hexdigit)
        .take(12)
        .collect()
}

fn entry(turn: &Turn, readers: Readers, zone: Tz) -> String {
    let mut out = String::new();
    let title = turn
        .finding
        .as_ref()
        .map_or("No finding", |f| f.title.as_str());
    let _ = writeln!(out, "<a id=\"turn-{}\"></a>\n", turn.id);
    let _ = writeln!(
        out,
        "## {}: {}\n",
        turn.number,
        markdown_text(&redact(title), 160)
    );
    let _ = writeln!(out, "- **Timestamp:** {}", at(turn.finished, zone));
    if let Some(finding) = &turn.finding {
        let _ = writeln!(out, "- **Severity:** {}", finding.severity);
        let _ = writeln!(out, "- **Finding:** {}", text(&finding.detail));
        let _ = writeln!(
            out,
            "- **Target and control:** {}, {}",
            text(&finding.target),
            text(&finding.control)
        );
    }
    let _ = writeln!(out, "- **Change:** {}", or_dash(&text(&turn.change)));
    let _ = writeln!(out, "- **Verification method:** {}", methods(turn));
    let _ = writeln!(out, "- **Verification result:** {}", evidence(turn));
    match &turn.outcome {
        TurnOutcome::Committed(id) => {
            let _ = writeln!(out, "- **Commit:** `{}`", short(id));
        }
        other => {
            let _ = writeln!(
                out,
                "- **Outcome:** {}: {}",
                other.word(),
                text(other.detail())
            );
        }
    }
    if readers == Readers::Operator {
        let _ = writeln!(out, "- **Cost:** {}", turn.cost);
        for drift in &turn.receipt.drift {
            let _ = writeln!(out, "- **Drift:** {}", text(&drift.to_string()));
        }
    }
    if turn.receipt.confinement.starts_with("none") {
        let _ = writeln!(out, "- **Confined:** {}", text(&turn.receipt.confinement));
    }
    out.push_str(&scripts(turn));
    out
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "–" } else { text }
}

fn methods(turn: &Turn) -> String {
    let probes: Vec<String> = turn
        .receipt
        .probes
        .iter()
        .map(|p| format!("{} ({})", text(&p.probe.name), how(&p.probe)))
        .collect();
    or_dash(&probes.join("; ")).to_owned()
}

fn how(probe: &Probe) -> String {
    let exit = probe.expect.exit;
    match &probe.run {
        ProbeRun::Argv(argv) => {
            let line = one_line(&redact(&argv.join(" ")), 240).replace('`', "'");
            format!("`{line}` gives {exit}")
        }
        ProbeRun::Script(_) => format!("the script below gives {exit}"),
    }
}

/// The probes' scripts, each in a block that it can't leave.
fn scripts(turn: &Turn) -> String {
    let mut out = String::new();
    for record in &turn.receipt.probes {
        let ProbeRun::Script(script) = &record.probe.run else {
            continue;
        };
        let printable = |c: char| if c.is_control() && c != '\n' { ' ' } else { c };
        let script: String = redact(script).chars().map(printable).collect();
        let script = clamp(script.trim_end(), SCRIPT);
        let longest = script.split(|c| c != '`').map(str::len).max().unwrap_or(0);
        let fence = "`".repeat(longest.max(2) + 1);
        let _ = write!(out, "\n{fence}sh\n{script}\n{fence}\n");
    }
    out
}

fn evidence(turn: &Turn) -> String {
    let colour = |c: Option<Colour>| match c {
        Some(Colour::Red) => "red",
        Some(Colour::Green) => "green",
        Some(Colour::Error) => "error",
        None => "not run",
    };
    let mut parts: Vec<String> = turn
        .receipt
        .probes
        .iter()
        .map(|p| format!("{} before, {} after", colour(p.before), colour(p.after)))
        .collect();
    let mut named = |label: &str, of: fn(&Verdict) -> bool| {
        let gates: Vec<&str> = turn
            .receipt
            .gates
            .iter()
            .filter(|g| of(&g.verdict))
            .map(|g| g.gate.word())
            .collect();
        if !gates.is_empty() {
            parts.push(format!("{label}: {}", gates.join(", ")));
        }
    };
    named("passed", |v| *v == Verdict::Passed);
    named("refused", |v| matches!(v, Verdict::Refused(_)));
    named("held", |v| matches!(v, Verdict::Held(_)));
    named("not run", |v| matches!(v, Verdict::NotRun(_)));
    format!("{}. {}", result(turn), parts.join("; "))
}

/// Replaces the page atomically.
///
/// # Errors
/// When it can't be written, or when a page is there that secloop did not write.
pub fn write(path: &Path, readers: Readers, page: &str) -> Result<(), String> {
    let foreign = match std::fs::read(path) {
        Ok(there) => {
            let there = String::from_utf8_lossy(&there);
            !there.trim().is_empty() && !there.lines().take(20).any(|l| l == MARK)
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => false,
        Err(e) => return Err(e.to_string()),
    };
    if foreign {
        return Err(
            "a page is there that secloop did not write; move it away, or set wiki.path to \
                    another one"
                .to_owned(),
        );
    }
    let dir = path.parent().ok_or("has no directory")?;
    std::fs::create_dir_all(dir).map_err(|e| e.to_string())?;
    let mode = match readers {
        Readers::Public => 0o644,
        Readers::Operator => 0o600,
    };
    whole::replace(path, page.as_bytes(), mode).map_err(|e| e.to_string())
}
