//! The commands that only look: `status`, `history`, `show`, `spend`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::signal::unix::SignalKind;

use super::args::SpendBy;
use super::place::Place;
use super::{Surroundings, print, print_json, receipt};
use crate::clock::Clock;
use crate::error::{Exit, Fatal};
use crate::gate::MicroUsd;
use crate::ledger::{HeldRow, HeldState};
use crate::lock;
use crate::records;
use crate::spend::{self, By};
use crate::stages::held::Held;
use crate::supervise::LAST_STOP;
use crate::text::one_line;
use crate::turn::{Turn, TurnId};

/// `secloop status`.
pub(super) async fn status(
    around: &Surroundings,
    file: Option<PathBuf>,
    json: bool,
    watch: bool,
) -> Result<Exit, Fatal> {
    if !watch {
        let text = state(around, file, json).await?;
        print(&text);
        return Ok(Exit::Done);
    }
    // Listened for from the beginning, so that no Ctrl-C ends it with an error.
    let mut interrupt = tokio::signal::unix::signal(SignalKind::interrupt())
        .map_err(Fatal::io("listening for Ctrl-C"))?;
    let again = async {
        let mut clear = "";
        loop {
            let text = state(around, file.clone(), false).await?;
            print(&format!("{clear}{text}"));
            clear = "\x1b[2J\x1b[H";
            tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        }
    };
    tokio::select! {
        _ = interrupt.recv() => Ok(Exit::Done),
        failed = again => failed,
    }
}

/// The state in one text.
async fn state(around: &Surroundings, file: Option<PathBuf>, json: bool) -> Result<String, Fatal> {
    let place = Place::find(around, file)?;
    let holder = lock::active(&place.state_dir);
    let spend = place.spend(place.clock.today(), false).await?;
    let turns = place.turns(5).await?;
    let (mut waiting, mut scanned, mut last_stop) = (0, Vec::new(), None);
    let mut held = Vec::new();
    if let Some(ledger) = place.ledger().await? {
        waiting = ledger.waiting_posts().await?;
        scanned = ledger.last_scan().await?;
        last_stop = ledger.fact(LAST_STOP).await?;
        let states = [HeldState::Waiting, HeldState::Approved];
        held = ledger.all_held(&states).await?;
    }
    let held: Vec<Waiting> = held.iter().map(Waiting::of).collect();
    let paused = records::pause_file(&place.state_dir).exists();
    // An older version has left the reason alone.
    let last_stop = last_stop.and_then(|text| serde_json::from_str::<Value>(&text).ok());
    if json {
        let document = json!({
            "version": 1,
            "running": holder.is_some(),
            "holder": holder,
            "spend": {
                "date": spend.date, "timezone": spend.zone, "complete": spend.complete,
                "total_micro_usd": spend.total.0, "cap_micro_usd": place.cap.map(|c| c.0),
            },
            "outbox": waiting,
            "paused": paused,
            "held": held,
            "scanned": scanned,
            "last_stop": last_stop,
            "turns": turns.iter().map(row_json).collect::<Vec<_>>(),
        });
        return Ok(format!("{document:#}\n"));
    }
    let mut out = String::new();
    match &holder {
        Some(h) => {
            let now = place.clock.now();
            let stage = h.stage.map_or("starting", crate::turn::Stage::word);
            let age = (now - h.heartbeat).num_seconds().max(0);
            let _ = writeln!(
                out,
                "running   pid {}, stage {stage}, last sign of life {age} s ago{}",
                h.identity.pid,
                if h.spent > MicroUsd::ZERO {
                    format!(", {} spent in this turn", h.spent)
                } else {
                    String::new()
                }
            );
        }
        None => out.push_str("running   no\n"),
    }
    let cap = place.cap.map_or_else(String::new, |c| format!(" of {c}"));
    let known = if spend.complete {
        ""
    } else {
        " (incomplete: the gate is closed)"
    };
    let _ = writeln!(
        out,
        "spend     {}{cap} on {} ({}){known}",
        spend.total, spend.date, spend.zone
    );
    let _ = writeln!(out, "outbox    {waiting} waiting");
    if paused {
        out.push_str("paused    yes: `secloop resume` lets it go on\n");
    }
    for one in &held {
        let _ = writeln!(out, "{}", one.line());
    }
    for coverage in &scanned {
        let _ = writeln!(out, "scanned   {coverage}");
    }
    if let Some(reason) = last_stop.as_ref().and_then(|stop| stop["reason"].as_str())
        && holder.is_none()
    {
        let _ = writeln!(out, "ended     {}", one_line(reason, 200));
    }
    out.push('\n');
    out.push_str(&table(&turns, &place.clock));
    Ok(out)
}

/// A change that waits for a person.
#[derive(Serialize)]
struct Waiting {
    turn: TurnId,
    number: i64,
    since: DateTime<Utc>,
    state: &'static str,
    title: String,
    prices: Vec<String>,
}

impl Waiting {
    fn of(row: &HeldRow) -> Self {
        let held = Held::read(&row.proposal).ok();
        let title = held.as_ref().and_then(|h| h.report.finding.as_ref());
        Self {
            turn: row.turn,
            number: row.number,
            since: row.at,
            state: row.state.word(),
            title: title.map(|f| f.title.clone()).unwrap_or_default(),
            prices: held.map_or_else(Vec::new, |h| {
                h.prices.iter().map(ToString::to_string).collect()
            }),
        }
    }

    fn line(&self) -> String {
        let price = one_line(&self.prices.join("; "), 120);
        let number = self.number;
        format!(
            "held      {number}: {} ({price}); {}",
            one_line(&self.title, 80),
            match self.state {
                "approved" => "approved, proven at the next wake".to_owned(),
                _ => format!("`secloop approve {number}` or `secloop deny {number}`"),
            }
        )
    }
}

fn row_json(turn: &Turn) -> serde_json::Value {
    json!({
        "id": turn.id, "number": turn.number, "started": turn.started, "finished": turn.finished,
        "outcome": turn.outcome.word(), "detail": turn.outcome.detail(),
        "finding": turn.finding, "cost_micro_usd": turn.cost.0,
    })
}

fn table(turns: &[Turn], clock: &Clock) -> String {
    if turns.is_empty() {
        return "No turns yet.\n".to_owned();
    }
    let mut out = String::from("turn  when              outcome         finding or reason\n");
    for turn in turns {
        let when = turn
            .started
            .with_timezone(&clock.zone())
            .format("%Y-%m-%d %H:%M");
        let what = match &turn.finding {
            Some(finding) => format!("{} {}", finding.severity, finding.title),
            None => turn.outcome.detail().to_owned(),
        };
        let _ = writeln!(
            out,
            "{:>4}  {when}  {:<14}  {}",
            turn.number,
            turn.outcome.word(),
            one_line(&what, 90)
        );
    }
    out
}

/// `secloop history`.
pub(super) async fn history(
    around: &Surroundings,
    file: Option<PathBuf>,
    json: bool,
    limit: u32,
) -> Result<Exit, Fatal> {
    let place = Place::find(around, file)?;
    let turns = place.turns(limit).await?;
    if json {
        let rows: Vec<_> = turns.iter().map(row_json).collect();
        print_json(&json!({ "version": 1, "turns": rows }));
    } else {
        print(&table(&turns, &place.clock));
    }
    Ok(Exit::Done)
}

/// `secloop show ID`.
pub(super) async fn show(
    around: &Surroundings,
    file: Option<PathBuf>,
    id: &str,
    json: bool,
) -> Result<Exit, Fatal> {
    let place = Place::find(around, file)?;
    let turn = &find(&place, id).await?;
    let egress = place.egress(turn).await?;
    if json {
        print_json(&json!({ "version": 1, "turn": turn, "egress": egress }));
    } else {
        print(&receipt::text(turn, &egress, &place.clock));
    }
    Ok(Exit::Done)
}

/// The turn with this number, or whose id begins so.
pub(super) async fn find(place: &Place, id: &str) -> Result<Turn, Fatal> {
    let turns = place.turns(u32::MAX).await?;
    let number: Option<i64> = id.parse().ok();
    let found: Vec<&Turn> = turns
        .iter()
        .filter(|t| number == Some(t.number) || t.id.to_string().starts_with(id))
        .collect();
    match found.as_slice() {
        [turn] => Ok((*turn).clone()),
        [] => Err(Fatal::NotFound(format!(
            "no turn {id}; `secloop history` lists them"
        ))),
        [turn, ..] if number == Some(turn.number) => Ok((*turn).clone()),
        _ => Err(Fatal::NotFound(format!(
            "several turns begin with {id}; give more of it"
        ))),
    }
}

/// `secloop spend`.
pub(super) async fn spend(
    around: &Surroundings,
    file: Option<PathBuf>,
    json: bool,
    date: Option<NaiveDate>,
    by: Option<SpendBy>,
    early: bool,
) -> Result<Exit, Fatal> {
    let place = Place::find(around, file)?;
    let today = place.clock.today();
    let day = place.spend(date.unwrap_or(today), early).await?;
    let by = by.map(|by| match by {
        SpendBy::Model => By::Model,
        SpendBy::Project => By::Project,
        SpendBy::Session => By::Session,
    });
    // The cap is held against the most that the day may have cost.
    let left = |cap: MicroUsd| MicroUsd(cap.0.saturating_sub(day.at_most.0));
    if json {
        let mut document = spend::json(&day, by);
        document["price_table_age_days"] = json!(spend::price_age_days(&day, today));
        document["cap_micro_usd"] = json!(place.cap.map(|cap| cap.0));
        document["left_micro_usd"] = json!(place.cap.map(|cap| left(cap).0));
        print_json(&document);
    } else {
        let home = around.env.get("HOME").map_or("", String::as_str);
        let home = Path::new(home);
        let mut text = spend::table(&day, by, spend::Screen { today, home });
        if let Some(cap) = place.cap {
            let most = if day.complete { "" } else { "at most " };
            let _ = writeln!(text, "of the day's cap of {cap}, {most}{} left", left(cap));
        }
        print(&text);
    }
    Ok(Exit::Done)
}
