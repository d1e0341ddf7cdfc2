//! One turn's receipt for people.

use std::fmt::Write as _;

use crate::clock::Clock;
use crate::ledger::EgressRow;
use crate::text::terminal_safe as safe;
use crate::turn::{Colour, GateRecord, ProbeRecord, ProbeRun, Turn, Verdict};

/// The whole receipt as lines.
pub(super) fn text(turn: &Turn, egress: &[EgressRow], clock: &Clock) -> String {
    let mut out = String::new();
    let at = |t: chrono::DateTime<chrono::Utc>| {
        t.with_timezone(&clock.zone())
            .to_rfc3339_opts(chrono::SecondsFormat::Secs, false)
    };
    let _ = writeln!(out, "turn {}  {}", turn.number, turn.id);
    let mut field = |name: &str, value: &str| {
        let _ = writeln!(out, "  {name:<10} {value}");
    };
    field(
        "outcome",
        &format!("{}: {}", turn.outcome.word(), safe(turn.outcome.detail())),
    );
    field("began", &at(turn.started));
    field("ended", &at(turn.finished));
    field("cost", &turn.cost.to_string());
    if let Some(agent) = &turn.agent {
        field("agent", agent.word());
    }
    field("confined", &safe(&turn.receipt.confinement));
    if let Some(finding) = &turn.finding {
        let head = format!("finding ({}, {})", finding.severity, finding.fingerprint());
        let about = format!("target {}, control {}", finding.target, finding.control);
        section(&mut out, &head, [&finding.title, &finding.detail, &about]);
    }
    if !turn.change.is_empty() {
        section(&mut out, "change", [&turn.change]);
    }
    if let Some(question) = &turn.question {
        section(&mut out, "question", [question]);
    }
    if let Some(number) = turn.receipt.approves {
        section(
            &mut out,
            "approved",
            [format!("the change that turn {number} held")],
        );
    }
    for (head, prices) in [
        ("price: a person decides", &turn.receipt.prices),
        ("accepted by the operator", &turn.receipt.accepted),
    ] {
        if !prices.is_empty() {
            section(&mut out, head, prices.iter().map(ToString::to_string));
        }
    }
    if !turn.receipt.drift.is_empty() {
        let drift = turn.receipt.drift.iter().map(ToString::to_string);
        section(&mut out, "drift when the turn began", drift);
    }
    if !turn.receipt.gates.is_empty() {
        out.push_str("\ngates\n");
    }
    for record in &turn.receipt.gates {
        gate(&mut out, record);
    }
    if !turn.receipt.probes.is_empty() {
        out.push_str("\nprobes (before → after → rolled back)\n");
    }
    for record in &turn.receipt.probes {
        probe(&mut out, record);
    }
    if !egress.is_empty() {
        section(&mut out, "network of the agent", egress.iter().map(asked));
    }
    if !turn.receipt.left.is_empty() {
        let left = turn.receipt.left.iter().map(ToString::to_string);
        section(&mut out, "left on the machine (was, is: what to do)", left);
    }
    if !turn.receipt.scanned.is_empty() {
        section(
            &mut out,
            "scanners, as the agent was told",
            &turn.receipt.scanned,
        );
    }
    if !turn.receipt.not_covered.is_empty() {
        section(&mut out, "not covered", &turn.receipt.not_covered);
    }
    if !turn.receipt.diff.is_empty() {
        let head = format!("diff (sha256 {})", turn.receipt.diff_sha256);
        section(&mut out, &head, turn.receipt.diff.lines());
    }
    out
}

fn asked(row: &EgressRow) -> String {
    let (host, port) = (&row.host, row.port);
    let word = if row.allowed {
        "let through"
    } else {
        "refused"
    };
    format!("{word:<11} {host}:{port} {} times: {}", row.times, row.rule)
}

fn section<S: AsRef<str>>(out: &mut String, head: &str, lines: impl IntoIterator<Item = S>) {
    let _ = writeln!(out, "\n{head}");
    for line in lines {
        let _ = writeln!(out, "  {}", safe(line.as_ref()));
    }
}

fn gate(out: &mut String, record: &GateRecord) {
    let (word, why) = match &record.verdict {
        Verdict::Passed => ("passed", ""),
        Verdict::Refused(why) => ("refused", why.as_str()),
        Verdict::Held(why) => ("held", why.as_str()),
        Verdict::NotRun(why) => ("not_run", why.as_str()),
    };
    let exit = record
        .exit
        .map_or_else(String::new, |code| format!(", exit {code}"));
    let time = format!("{} ms{exit}", record.millis);
    let name = record.gate.word();
    let line = format!("  {name:<12} {word:<8} {time:<16} {}", safe(why));
    let _ = writeln!(out, "{}", line.trim_end());
    if let Some(command) = &record.command {
        let _ = writeln!(out, "  {:<12} $ {}", "", safe(command));
    }
}

fn probe(out: &mut String, record: &ProbeRecord) {
    let colour = |c: Option<Colour>| match c {
        None => "–",
        Some(Colour::Red) => "red",
        Some(Colour::Green) => "green",
        Some(Colour::Error) => "error",
    };
    let run = match &record.probe.run {
        ProbeRun::Argv(argv) => argv.join(" "),
        ProbeRun::Script(script) => script.clone(),
    };
    let _ = writeln!(
        out,
        "  {}: {} → {} → {}",
        safe(&record.probe.name),
        colour(record.before),
        colour(record.after),
        colour(record.rolled_back)
    );
    for line in run.lines() {
        let _ = writeln!(out, "      {}", safe(line));
    }
}
