//! Where the commands that look find their things; they work without a configuration too.

use std::path::PathBuf;

use chrono::NaiveDate;

use super::Surroundings;
use crate::clock::{Clock, system_zone};
use crate::config::{Overrides, load_if_any, state_dir};
use crate::error::Fatal;
use crate::gate::MicroUsd;
use crate::ledger::{EgressRow, Ledger};
use crate::memory::Scope;
use crate::report::console::ReadingBar;
use crate::spend::{self, DayQuery, Reading, day_indexed};
use crate::turn::Turn;
use crate::world::own_roots;

/// State, clock, transcripts and cap.
pub(super) struct Place {
    pub(super) state_dir: PathBuf,
    pub(super) clock: Clock,
    /// The day's cap; `None` without a configuration.
    pub(super) cap: Option<MicroUsd>,
    /// What is remembered is of this workstation and repository; without a configuration, of none.
    scope: Scope,
    roots: Vec<PathBuf>,
}

impl Place {
    /// Without a file the figures are those of this machine's defaults; a file that is there has
    /// to be right.
    pub(super) fn find(around: &Surroundings, file: Option<PathBuf>) -> Result<Self, Fatal> {
        let flags = Overrides {
            config: file,
            ..Overrides::default()
        };
        let (state_dir, scope, zone, mut roots, cap) =
            if let Some(config) = load_if_any(&around.env, &around.cwd, &flags)? {
                let scope = Scope::here(&config);
                let spend = config.spend;
                (
                    config.state_dir,
                    scope,
                    spend.zone,
                    spend.roots,
                    Some(spend.daily_cap),
                )
            } else {
                let value = |name: &str| around.env.get(name).map_or("", String::as_str);
                let home = PathBuf::from(value("HOME"));
                let roots = spend::roots(value("CLAUDE_CONFIG_DIR"), &home, &[]);
                let state_dir = state_dir(&around.env)?;
                (state_dir, Scope::default(), system_zone(), roots, None)
            };
        roots.extend(own_roots(&state_dir));
        Ok(Self {
            state_dir,
            clock: Clock::system(zone),
            cap,
            scope,
            roots,
        })
    }

    pub(super) async fn ledger(&self) -> Result<Option<Ledger>, Fatal> {
        let ledger = Ledger::open_for_reading(&self.state_dir).await?;
        Ok(ledger.map(|ledger| ledger.about(self.scope.clone())))
    }

    /// The newest turns, oldest first.
    pub(super) async fn turns(&self, limit: u32) -> Result<Vec<Turn>, Fatal> {
        match self.ledger().await? {
            Some(ledger) => Ok(ledger.turns(limit).await?),
            None => Ok(Vec::new()),
        }
    }

    /// What the agent's runs of a turn asked the network for.
    pub(super) async fn egress(&self, turn: &Turn) -> Result<Vec<EgressRow>, Fatal> {
        match self.ledger().await? {
            Some(ledger) => Ok(ledger.egress(turn.id).await?),
            None => Ok(Vec::new()),
        }
    }

    /// What a day cost. `early`: by the files touched on the day alone.
    pub(super) async fn spend(
        &self,
        date: NaiveDate,
        early: bool,
    ) -> Result<spend::DaySpend, Fatal> {
        let ledger = self.ledger().await?;
        let own = match &ledger {
            Some(ledger) => {
                let start = date.and_time(chrono::NaiveTime::MIN).and_utc();
                ledger
                    .own_runs(start - chrono::TimeDelta::hours(26))
                    .await?
            }
            None => Vec::new(),
        };
        let (roots, zone, now) = (self.roots.clone(), self.clock.zone(), self.clock.now());
        let dir = self.state_dir.clone();
        let bar = ReadingBar::new();
        let mut day = tokio::task::spawn_blocking(move || {
            let query = DayQuery {
                roots: &roots,
                date,
                zone,
                now,
                own: &own,
            };
            let reading = Reading {
                dir: &dir,
                early,
                progress: &|progress| bar.show(progress),
            };
            let day = day_indexed(&query, reading);
            bar.clear();
            day
        })
        .await
        .map_err(|e| Fatal::Spend(e.to_string()))?;
        if let Some(ledger) = &ledger {
            ledger.remember_day(&mut day).await?;
        }
        Ok(day)
    }
}
