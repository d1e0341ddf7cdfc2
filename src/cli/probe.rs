//! `secloop probe`: do the improvements that landed still hold?

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Value, json};

use super::fresh::{self, Fresh};
use super::{Surroundings, print, print_json};
use crate::config::{Overrides, load};
use crate::error::{Exit, Fatal};
use crate::ledger::Ledger;
use crate::prove::committed::{self, Committed};
use crate::prove::probe::{ProbeContext, ProbeResult};
use crate::repo::Repo;
use crate::report::console::CountBar;
use crate::sandbox::Sandbox;
use crate::signals::Signals;
use crate::text::{counted, one_line, terminal_safe};
use crate::turn::{Colour, ProbeRun};

/// How it is asked for.
pub(super) struct How {
    pub(super) json: bool,
    /// Also in an empty home directory.
    pub(super) fresh: bool,
    pub(super) jobs: Option<usize>,
}

/// Where a green comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Source {
    /// The playbook gives it in an empty home directory, too.
    Playbook,
    /// Only this machine has it: it is gone when the machine is set up anew.
    MachineOnly,
    /// It can't be told.
    Unknown,
}

/// Runs every committed probe; exit code 1 where one is not green.
pub(super) async fn probe(
    around: &Surroundings,
    file: Option<PathBuf>,
    how: How,
) -> Result<Exit, Fatal> {
    let signals = Signals::listen().map_err(Fatal::io("listening for signals"))?;
    let flags = Overrides {
        config: file,
        ..Overrides::default()
    };
    let config = load(&around.env, &around.cwd, &flags)?;
    let path = around.path();
    let sandbox = Sandbox::detect(config.sandbox.level, &path)
        .await
        .map_err(Fatal::Sandbox)?;
    let repo = Repo::reader(&config.repo, &config.state_dir, &path).await?;
    let ledger = Ledger::open_for_reading(&config.state_dir).await?;
    let probes = committed::all(ledger.as_ref(), &repo).await?;
    let context = ProbeContext::new(sandbox.clone(), config.home.clone(), path);
    let bar = CountBar::new(probes.len(), "probes");
    let width = how.jobs.unwrap_or_else(committed::width);
    let told = |done| bar.show(done);
    let results = committed::run_all(&probes, &context, width, &signals.stop, told).await;
    bar.clear();
    let sources = if how.fresh && !probes.is_empty() {
        let fresh = fresh::deploy(
            around,
            &config,
            &sandbox,
            &config.repo.branch,
            &signals.stop,
        );
        let fresh = Box::pin(fresh).await?;
        let elsewhere = ProbeContext::new(sandbox.clone(), fresh.home().to_owned(), around.path());
        let there = committed::run_all(&probes, &elsewhere, width, &signals.stop, |_| ()).await;
        Some(sources(&probes, &results, &there, &fresh, &config.home))
    } else {
        None
    };
    if signals.stop.is_cancelled() {
        return Ok(Exit::Interrupted);
    }
    let sources = sources_or_none(sources, probes.len());
    if how.json {
        print_json(&document(&probes, &results, &sources, sandbox.describe()));
    } else {
        print(&table(&probes, &results, &sources));
    }
    let good = |(result, source): (&ProbeResult, &Option<Source>)| {
        result.colour == Colour::Green && *source != Some(Source::MachineOnly)
    };
    let all = results.iter().zip(&sources).all(good);
    Ok(if all { Exit::Done } else { Exit::Fatal })
}

fn sources_or_none(sources: Option<Vec<Source>>, len: usize) -> Vec<Option<Source>> {
    sources.map_or_else(
        || vec![None; len],
        |all| all.into_iter().map(Some).collect(),
    )
}

/// Where each green comes from. A probe that names the real home directory looks there all the same,
/// and a playbook that fails in an empty one proves nothing by what is missing.
fn sources(
    probes: &[Committed],
    here: &[ProbeResult],
    there: &[ProbeResult],
    fresh: &Fresh,
    home: &Path,
) -> Vec<Source> {
    let failed = ["failures", "ignored", "rescued", "unreachable"];
    let whole = failed.iter().all(|name| fresh.run.events.count(name) == 0);
    let home = home.display().to_string();
    probes
        .iter()
        .zip(here.iter().zip(there))
        .map(|(one, (here, there))| {
            let names_home = match &one.probe.run {
                ProbeRun::Argv(words) => words.iter().any(|w| w.contains(&home)),
                ProbeRun::Script(script) => script.contains(&home),
            };
            match (here.colour, there.colour) {
                _ if names_home => Source::Unknown,
                (Colour::Green, Colour::Green) => Source::Playbook,
                (Colour::Green, Colour::Red) if whole => Source::MachineOnly,
                _ => Source::Unknown,
            }
        })
        .collect()
}

fn count(results: &[ProbeResult], colour: Colour) -> usize {
    results.iter().filter(|r| r.colour == colour).count()
}

fn document(
    probes: &[Committed],
    results: &[ProbeResult],
    sources: &[Option<Source>],
    confined: &str,
) -> Value {
    let rows: Vec<Value> = probes
        .iter()
        .zip(results.iter().zip(sources))
        .map(|(one, (result, source))| {
            json!({
                "turn": one.turn, "number": one.number, "commit": one.commit,
                "finding": {
                    "title": one.finding.title, "severity": one.finding.severity,
                    "target": one.finding.target, "control": one.finding.control,
                    "fingerprint": one.finding.fingerprint(),
                },
                "probe": one.probe, "colour": result.colour, "exit": result.exit,
                "output": result.output, "millis": result.millis, "source": source,
            })
        })
        .collect();
    json!({
        "version": 1,
        "confinement": confined,
        "green": count(results, Colour::Green),
        "red": count(results, Colour::Red),
        "error": count(results, Colour::Error),
        "probes": rows,
    })
}

fn table(probes: &[Committed], results: &[ProbeResult], sources: &[Option<Source>]) -> String {
    if probes.is_empty() {
        return "No improvement has landed yet.\n".to_owned();
    }
    let mut out = String::from("turn  commit      probe  finding\n");
    for (one, (result, source)) in probes.iter().zip(results.iter().zip(sources)) {
        let number = one.number.map_or("–".to_owned(), |n| n.to_string());
        let commit: String = one.commit.chars().take(10).collect();
        let colour = match result.colour {
            Colour::Red => "RED",
            Colour::Green => "green",
            Colour::Error => "ERROR",
        };
        let what = format!(
            "{} {}: {}",
            one.finding.severity, one.finding.title, one.probe.name
        );
        out.push_str(&format!(
            "{number:>4}  {commit:<10}  {colour:<5}  {}\n",
            one_line(&what, 120)
        ));
        match source {
            Some(Source::MachineOnly) => out.push_str(&format!(
                "{:25}only on this machine: the playbook does not give it in an empty home\n",
                ""
            )),
            Some(Source::Unknown) if result.colour == Colour::Green => out.push_str(&format!(
                "{:25}whether the playbook gives it can't be told in an empty home\n",
                ""
            )),
            _ => {}
        }
        if result.colour != Colour::Green && !result.output.is_empty() {
            out.push_str(&format!("{:25}{}\n", "", one_line(&result.output, 200)));
        }
    }
    let mut sum = format!(
        "\n{}: {} green",
        counted(u64::try_from(probes.len()).unwrap_or(u64::MAX), "probe"),
        count(results, Colour::Green)
    );
    for (colour, word) in [
        (Colour::Red, "red"),
        (Colour::Error, "that could not be run"),
    ] {
        let count = count(results, colour);
        if count > 0 {
            sum.push_str(&format!(", {count} {word}"));
        }
    }
    out.push_str(&format!("{sum}\n"));
    terminal_safe(&out)
}
