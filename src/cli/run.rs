//! `secloop run`.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use super::Surroundings;
use super::args::Run;
use super::refused::Refused;
use crate::agent::coordinator::decide;
use crate::clock::Clock;
use crate::config::{AnsibleRuntime, Config, Level, Overrides, cache_dir, load, state_dir};
use crate::error::{Exit, Fatal};
use crate::lock::coordinate::{Look, Meeting, Outcome, facts_text, resolve};
use crate::lock::{Holder, Lock};
use crate::pages;
use crate::prepare::prepare;
use crate::process::{Guardian, end_own, own_identity};
use crate::rebuild;
use crate::records;
use crate::report::console::{Console, Summary};
use crate::room;
use crate::sandbox::Sandbox;
use crate::signals::Signals;
use crate::supervise::{Ended, farewell, supervise};
use crate::trial::{Trial, default_dir};
use crate::world::{World, make_private};

/// What a run that is ended has between TERM and KILL: time to take its change back.
const GRACE: std::time::Duration = std::time::Duration::from_mins(2);

/// Runs the loop and says how it ended.
pub(super) async fn run(
    around: &Surroundings,
    run: Run,
    file: Option<PathBuf>,
) -> Result<Exit, Fatal> {
    // Before anything else: whether it still is the same file is asked from now on.
    crate::process::OwnFile::at_start().map_err(|e| {
        Fatal::NeedsOperator(format!(
            "secloop's own file can't be looked at ({e}): start it again"
        ))
    })?;
    let signals = Signals::listen().map_err(Fatal::io("listening for signals"))?;
    let terminal = std::io::stderr().is_terminal();
    let colour = terminal && !around.env.contains_key("NO_COLOR");
    let mut console = Console::new(terminal, colour);
    let (config, trial) = if run.trial {
        let (config, trial) = trial_config(around, &run, &mut console).await?;
        (config, Some(trial))
    } else {
        let flags = Overrides {
            config: file,
            interval: run.interval,
            once: run.once,
            dry_run: run.dry_run,
        };
        (load(&around.env, &around.cwd, &flags)?, None)
    };
    make_private(&config.state_dir)?;
    // Before the first file is written: a full disk is said as such.
    room::check(&config.state_dir).map_err(|why| Fatal::State {
        path: config.state_dir.clone(),
        why,
    })?;
    if let Some(trial) = &trial {
        let dir = trial.dir.display();
        console.note_line(&format!("a trial on a throw-away workstation below {dir}"));
    }
    let clock = Clock::system(config.spend.zone);
    let lock = match take_lock(&config, &clock, around, &mut console).await? {
        Taken::Ours(lock) => *lock,
        Taken::Not(refused) => return refused.end(&config, &clock, &mut console).await,
    };
    let program =
        crate::process::own_program().map_err(Fatal::io("looking for the own program"))?;
    let state = config.state_dir.to_string_lossy();
    let _guardian = Guardian::start(&program, &["guardian", "--state", &state]).map_err(
        Fatal::io("starting the process that ends what a killed run leaves"),
    )?;
    let _ = std::fs::remove_file(records::stop_file(&config.state_dir));
    let world = Box::pin(prepare(config, around, lock, console, &signals.stop)).await?;
    let result = supervise(&world, &signals).await;
    // After a second signal nobody has waited for the turn's tree; only then is the lock let go of.
    let all_ended = end_own().await;
    let exit = match result {
        Ok(ended) => {
            farewell(&world, &ended).await?;
            let rebuilt = match &trial {
                Some(trial) => Some(rebuild::rebuild(&world, trial).await),
                None => None,
            };
            say_goodbye(&world, &ended, trial.as_ref(), rebuilt.as_ref());
            match rebuilt {
                Some(Err(_)) if ended.stop.exit() == Exit::Done => Exit::Fatal,
                _ => ended.stop.exit(),
            }
        }
        Err(fatal) => {
            world.ledger.close().await;
            return Err(fatal);
        }
    };
    world.ledger.close().await;
    if !all_ended {
        return Err(Fatal::NeedsOperator(
            "a program that this run started is still alive and can't be ended: end it before the \
             next start"
                .to_owned(),
        ));
    }
    Ok(exit)
}

async fn trial_config(
    around: &Surroundings,
    run: &Run,
    console: &mut Console,
) -> Result<(Config, Trial), Fatal> {
    let path = around.path();
    let clock = Clock::system(crate::clock::system_zone());
    let dir = match &run.trial_dir {
        Some(dir) => around.cwd.join(dir),
        None => default_dir(&state_dir(&around.env)?, &clock),
    };
    let trial = Trial::make(&dir, &path).await?;
    // The embedded agent is part of this program: where nothing can confine it, it may run
    // unconfined, and every receipt says so.
    let level = match Sandbox::detect(Level::Native, &path).await {
        Ok(_) => Level::Native,
        Err(why) => {
            console.note(&format!(
                "the trial goes on unconfined, since its agent is part of this program: {why}"
            ));
            Level::None
        }
    };
    let mut config = trial.config(cache_dir(&around.env)?, level, AnsibleRuntime::Managed);
    if let Some(interval) = run.interval {
        config.r#loop.interval = interval;
    }
    config.r#loop.once = run.once;
    Ok((config, trial))
}

/// What came of wanting the lock.
enum Taken {
    Ours(Box<Lock>),
    Not(Refused),
}

/// Takes the lock, or settles with whoever has it.
async fn take_lock(
    config: &Config,
    clock: &Clock,
    around: &Surroundings,
    console: &mut Console,
) -> Result<Taken, Fatal> {
    let log = crate::ledger::Ledger::path(&config.state_dir);
    let me = Holder::new(uuid::Uuid::now_v7(), own_identity(), clock.now(), log);
    let meeting = Meeting {
        dir: &config.state_dir,
        me: &me,
        config: &config.coordinate,
        clock,
        grace: GRACE,
    };
    let path = around.path();
    let decide = |look: Look| {
        console.note_line("another run is active:");
        for line in facts_text(&look.facts).lines() {
            console.note_line(&format!("  {line}"));
        }
        let path = path.clone();
        async move { decide(config, &around.env, &path, clock, &look).await }
    };
    let (taken, steps) = match resolve(meeting, decide).await? {
        Outcome::Held(lock, steps) => (Taken::Ours(Box::new(lock)), steps),
        Outcome::Skipped(steps) => (Taken::Not(Refused::skipped(&steps, meeting.dir)), steps),
        Outcome::Unproven(steps, why) => (Taken::Not(Refused::unproven(&steps, &why)), steps),
    };
    for step in &steps {
        console.note(&format!("{}: {}", step.choice.word(), step.reason));
    }
    Ok(taken)
}

fn say_goodbye(
    world: &World,
    ended: &Ended,
    trial: Option<&Trial>,
    rebuilt: Option<&Result<String, String>>,
) {
    let mut places: Vec<(String, String)> = Vec::new();
    if let Some(trial) = trial {
        places.push(("trial".to_owned(), trial.dir.display().to_string()));
    }
    places.push((
        "wiki log".to_owned(),
        world.config.wiki.path.display().to_string(),
    ));
    places.push((
        "every turn".to_owned(),
        pages::private_page(&world.config).display().to_string(),
    ));
    places.push((
        "commits".to_owned(),
        format!(
            "git -C {} log {}",
            world.config.repo.path.display(),
            world.config.repo.branch
        ),
    ));
    let prefix = trial.map_or_else(String::new, |_| {
        format!("SECLOOP_STATE_DIR={} ", world.config.state_dir.display())
    });
    let program =
        crate::process::own_program().map_or("secloop".into(), |exe| exe.display().to_string());
    places.push(("receipts".to_owned(), format!("{prefix}{program} show N")));
    world.console().summary(&Summary {
        reason: ended.stop.reason(),
        turns: ended.turns.clone(),
        rebuilt: rebuilt.cloned(),
        confinement: world.confinement(),
        places,
    });
}
