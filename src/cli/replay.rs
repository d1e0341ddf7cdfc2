//! `secloop replay`: this workstation's past tool calls through the deployed hooks.

use std::path::PathBuf;
use std::time::Instant;

use serde_json::json;

use super::{Surroundings, fresh, print, print_json};
use crate::clock::Clock;
use crate::config::{Overrides, load};
use crate::error::{Exit, Fatal};
use crate::prove::autonomy::replay::{Blocked, Coverage, ask, blocked, past};
use crate::prove::probe::ProbeContext;
use crate::sandbox::Sandbox;
use crate::signals::Signals;
use crate::text::{one_line, terminal_safe};

/// Shows what is blocked; exit code 1 where something is.
pub(super) async fn replay(
    around: &Surroundings,
    file: Option<PathBuf>,
    against: Option<String>,
    json: bool,
    anew: bool,
) -> Result<Exit, Fatal> {
    let signals = Signals::listen().map_err(Fatal::io("listening for signals"))?;
    let flags = Overrides {
        config: file,
        ..Overrides::default()
    };
    let config = load(&around.env, &around.cwd, &flags)?;
    let clock = Clock::system(config.spend.zone);
    let path = around.path();
    let sandbox = Sandbox::detect(config.sandbox.level, &path)
        .await
        .map_err(Fatal::Sandbox)?;
    let since = clock.now() - chrono::TimeDelta::days(i64::from(config.prove.replay_days));
    let roots = config.spend.roots.clone();
    let began = Instant::now();
    let past = tokio::task::spawn_blocking(move || past(&roots, since))
        .await
        .map_err(|e| Fatal::Spend(e.to_string()))?;
    let within = config.prove.replay;
    // Only where there is a state directory already: to look makes none.
    let dir = Some(config.state_dir.as_path()).filter(|dir| !anew && dir.is_dir());
    let cancel = &signals.stop;
    let live = ProbeContext::new(sandbox.clone(), config.home.clone(), path.clone());
    let broken = |why: String| Fatal::NotFound(format!("the deployed settings: {why}; mend them"));
    let now = ask(&past, &live, dir, within, cancel)
        .await
        .map_err(broken)?;
    let (found, coverage) = match &against {
        None => blocked(&past, &now, None),
        Some(rev) => {
            let fresh = fresh::deploy(around, &config, &sandbox, rev, cancel).await?;
            let context = ProbeContext::new(sandbox, fresh.home().to_owned(), path);
            let then = ask(&past, &context, dir, within, cancel).await;
            let then = then.map_err(|why| Fatal::NotFound(format!("the hooks of {rev}: {why}")))?;
            blocked(&past, &then, Some(&now))
        }
    };
    if cancel.is_cancelled() {
        return Ok(Exit::Interrupted);
    }
    if json {
        print_json(&json!({
            "version": 1,
            "against": against,
            "coverage": coverage,
            "failed_calls": past.failed,
            "problems": past.problems,
            "blocked": found,
            "millis": u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        }));
    } else {
        print(&table(
            &found,
            &coverage,
            &past.problems,
            against.as_deref(),
            &clock,
        ));
    }
    Ok(if found.is_empty() {
        Exit::Done
    } else {
        Exit::Fatal
    })
}

fn table(
    found: &[Blocked],
    coverage: &Coverage,
    problems: &[String],
    against: Option<&str>,
    clock: &Clock,
) -> String {
    let mut out = String::new();
    let what = match against {
        None => "blocked by the hooks that are deployed".to_owned(),
        Some(rev) => format!("blocked by the hooks of {rev}, and not by those that are deployed"),
    };
    if found.is_empty() {
        out.push_str(&format!("Nothing of the past is {what}.\n"));
    } else {
        out.push_str(&format!(
            "Of the past, {what}:\n\ntimes  last        call\n"
        ));
        for one in found {
            let last = one.last.with_timezone(&clock.zone()).format("%Y-%m-%d");
            out.push_str(&format!(
                "{:>5}  {last}  {}\n",
                one.times,
                one_line(&one.call, 120)
            ));
        }
    }
    out.push_str(&format!("\n{}\n", coverage.describe()));
    if coverage.reused > 0 {
        out.push_str(&format!(
            "{} of them without a process: known answers of the same hooks, and this program's own \
             guard\n",
            coverage.reused
        ));
    }
    for note in coverage.not_run().iter().chain(problems) {
        out.push_str(&format!("not run: {note}\n"));
    }
    terminal_safe(&out)
}
