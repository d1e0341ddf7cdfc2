//! The commands that only look: `status`, `history`, `show`, `spend`.

use std::fmt::Write as _;
use std::path::PathBuf;

use chrono::NaiveDate;
use serde_json::json;

use super::args::SpendBy;
use super::{Surroundings, print, print_json, receipt};
use crate::clock::{Clock, system_zone};
use crate::config::{Overrides, load, state_dir};
use crate::error::{Exit, Fatal};
use crate::ledger::Ledger;
use crate::lock;
use crate::spend::{self, By, DayQuery};
use crate::text::one_line;
use crate::turn::Turn;
use crate::world::own_roots;

/// Where a looking command finds its things; works without a configuration too.
struct Place {
    state_dir: PathBuf,
    clock: Clock,
    roots: Vec<PathBuf>,
    cap: Option<crate::gate::MicroUsd>,
}

impl Place {
    fn find(around: &Surroundings, file: Option<PathBuf>) -> Result<Self, Fatal> {
        let asked = file.is_some() || around.env.contains_key("SECLOOP_CONFIG");
        let flags = Overrides {
            config: file,
            ..Overrides::default()
        };
        let home = PathBuf::from(around.env.get("HOME").cloned().unwrap_or_default());
        let (state_dir, zone, mut roots, cap) = match load(&around.env, &around.cwd, &flags) {
            Ok(c) => (
                c.state_dir,
                c.spend.zone,
                c.spend.roots,
                Some(c.spend.daily_cap),
            ),
            Err(error) if asked => return Err(error),
            // Without a file the figures are those of this machine's defaults.
            Err(_) => {
                let configured = around
                    .env
                    .get("CLAUDE_CONFIG_DIR")
                    .map_or("", String::as_str);
                (
                    state_dir(&around.env)?,
                    system_zone(),
                    spend::roots(configured, &home, &[]),
                    None,
                )
            }
        };
        roots.extend(own_roots(&state_dir));
        Ok(Self {
            state_dir,
            clock: Clock::system(zone),
            roots,
            cap,
        })
    }

    async fn ledger(&self) -> Result<Option<Ledger>, Fatal> {
        Ledger::open_for_reading(&self.state_dir).await
    }

    async fn turns(&self, limit: u32) -> Result<Vec<Turn>, Fatal> {
        match self.ledger().await? {
            Some(ledger) => Ok(ledger.turns(limit).await?),
            None => Ok(Vec::new()),
        }
    }

    async fn spend(&self, date: NaiveDate) -> Result<spend::DaySpend, Fatal> {
        let own = match self.ledger().await? {
            Some(ledger) => {
                let start = date.and_time(chrono::NaiveTime::MIN).and_utc();
                ledger
                    .own_runs(start - chrono::TimeDelta::hours(26))
                    .await?
            }
            None => Vec::new(),
        };
        let (roots, zone, now) = (self.roots.clone(), self.clock.zone(), self.clock.now());
        tokio::task::spawn_blocking(move || {
            spend::day(&DayQuery {
                roots: &roots,
                date,
                zone,
                now,
                own: &own,
            })
        })
        .await
        .map_err(|e| Fatal::Spend(e.to_string()))
    }
}

/// `secloop status`.
pub(super) async fn status(
    around: &Surroundings,
    file: Option<PathBuf>,
    json: bool,
    watch: bool,
) -> Result<Exit, Fatal> {
    loop {
        let place = Place::find(around, file.clone())?;
        let holder = lock::active(&place.state_dir);
        let spend = place.spend(place.clock.today()).await?;
        let turns = place.turns(5).await?;
        let waiting = match place.ledger().await? {
            Some(ledger) => ledger.waiting_posts().await?,
            None => 0,
        };
        if json {
            print_json(&json!({
                "version": 1,
                "running": holder.is_some(),
                "holder": holder,
                "spend": {
                    "date": spend.date, "timezone": spend.zone, "complete": spend.complete,
                    "total_micro_usd": spend.total.0, "cap_micro_usd": place.cap.map(|c| c.0),
                },
                "outbox": waiting,
                "turns": turns.iter().map(row_json).collect::<Vec<_>>(),
            }));
            return Ok(Exit::Done);
        }
        let mut out = String::new();
        match &holder {
            Some(h) => {
                let now = place.clock.now();
                let stage = h.stage.map_or("starting", crate::turn::Stage::word);
                let age = (now - h.heartbeat).num_seconds().max(0);
                let _ = writeln!(
                    out,
                    "running   pid {}, stage {stage}, last sign of life {age} s ago",
                    h.identity.pid
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
        out.push('\n');
        out.push_str(&table(&turns, &place.clock));
        print(&out);
        if !watch {
            return Ok(Exit::Done);
        }
        tokio::select! {
            _ = tokio::signal::ctrl_c() => return Ok(Exit::Done),
            () = tokio::time::sleep(std::time::Duration::from_secs(2)) => print("\x1b[2J\x1b[H"),
        }
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
    let turns = place.turns(u32::MAX).await?;
    let number: Option<i64> = id.parse().ok();
    let found: Vec<&Turn> = turns
        .iter()
        .filter(|t| number == Some(t.number) || t.id.to_string().starts_with(id))
        .collect();
    let turn = match found.as_slice() {
        [turn] => turn,
        [] => {
            return Err(Fatal::NotFound(format!(
                "no turn {id}; `secloop history` lists them"
            )));
        }
        [turn, ..] if number == Some(turn.number) => turn,
        _ => {
            return Err(Fatal::NotFound(format!(
                "several turns begin with {id}; give more of it"
            )));
        }
    };
    if json {
        print_json(&json!({ "version": 1, "turn": turn }));
    } else {
        print(&receipt::text(turn, &place.clock));
    }
    Ok(Exit::Done)
}

/// `secloop spend`.
pub(super) async fn spend(
    around: &Surroundings,
    file: Option<PathBuf>,
    json: bool,
    date: Option<NaiveDate>,
    by: Option<SpendBy>,
) -> Result<Exit, Fatal> {
    let place = Place::find(around, file)?;
    let day = place
        .spend(date.unwrap_or_else(|| place.clock.today()))
        .await?;
    let by = by.map(|by| match by {
        SpendBy::Model => By::Model,
        SpendBy::Project => By::Project,
        SpendBy::Session => By::Session,
    });
    if json {
        print_json(&spend::json(&day, by));
    } else {
        print(&spend::table(&day, by));
    }
    Ok(Exit::Done)
}
