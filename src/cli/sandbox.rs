//! `secloop sandbox -- CMD`: the boundary, to be tried by anybody.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Surroundings, say_error};
use crate::config::{Level, Overrides, SandboxConfig, load_if_any, state_dir};
use crate::error::{Exit, Fatal};
use crate::process::{self, Ended, Spec, account_home, effective_uid, user_ids};
use crate::sandbox::container::{self, Container};
use crate::sandbox::{self, Network, Policy, Sandbox, User, Work};
use crate::signals::Signals;

/// The exit code where the command was not run.
const NOT_RUN: u8 = sandbox::inside::MISSING;
/// Most that is copied of the current directory.
const MOST: u64 = 2 << 30;
/// Longer than anybody waits.
const DEADLINE: Duration = Duration::from_hours(24 * 30);
/// Between TERM and KILL.
const GRACE: Duration = Duration::from_secs(2);

/// Runs `command` in a private copy of the current directory. Gives the command's exit code.
pub(super) async fn sandbox(
    around: &Surroundings,
    file: Option<PathBuf>,
    level: Option<Level>,
    command: Vec<OsString>,
) -> u8 {
    match attempt(around, file, level, command).await {
        Ok(code) => code,
        Err(fatal) => {
            say_error(&fatal);
            NOT_RUN
        }
    }
}

async fn attempt(
    around: &Surroundings,
    file: Option<PathBuf>,
    level: Option<Level>,
    command: Vec<OsString>,
) -> Result<u8, Fatal> {
    let flags = Overrides {
        config: file,
        ..Overrides::default()
    };
    let configured = load_if_any(&around.env, &around.cwd, &flags)?;
    let mut config = configured.map_or_else(SandboxConfig::default, |config| config.sandbox);
    config.level = level.unwrap_or(config.level);
    let signals = Signals::listen().map_err(Fatal::io("listening for signals"))?;
    let sandbox = Sandbox::detect(config.level, &around.path())
        .await
        .map_err(Fatal::Sandbox)?;
    let at = allowed(&around.cwd).map_err(Fatal::Sandbox)?;
    let private = tempfile::Builder::new()
        .prefix("secloop-sandbox-")
        .tempdir()
        .map_err(Fatal::io("making a private directory"))?;
    let place = std::fs::canonicalize(private.path()).map_err(Fatal::io("a private directory"))?;
    for name in ["work", "home", "tmp"] {
        crate::world::make_private(&place.join(name))?;
    }
    let work = place.join("work");
    let bytes = sandbox::copy(&at, &work, MOST)
        .map_err(|why| Fatal::Sandbox(format!("{} can't be copied: {why}", at.display())))?;
    let policy = Policy {
        work: Some(Work {
            from: work.clone(),
            at: at.clone(),
            bytes,
        }),
        scratch: vec![place.join("home"), place.join("tmp")],
        network: Network::None,
        user: user(&config)?,
        ..config.policy()
    };
    let cwd = if sandbox.confines() { at } else { work.clone() };
    let spec = spec(command, &cwd, &place);
    let done = if config.level == Level::Container {
        let state_dir = state_dir(&around.env)?;
        crate::world::make_private(&state_dir)?;
        let path = around.path();
        let found = Container::find(&config, &state_dir, &around.env, &path);
        let found = found.await.map_err(Fatal::Sandbox)?;
        let inside = container::Work {
            repo: &work,
            run: &place,
            network: &Network::None,
        };
        // Large, as is what it waits for.
        let ran = Box::pin(found.run(spec, inside, &signals.stop, |_| ()));
        ran.await.map_err(Fatal::Sandbox)?.done
    } else {
        process::run(&sandbox.wrap(spec, &policy), &signals.stop, |_| ())
            .await
            .map_err(Fatal::io("starting the command"))?
    };
    Ok(match done.ended {
        Ended::Exited(code) => u8::try_from(code).unwrap_or(1),
        Ended::Signaled(signal) => u8::try_from(128 + signal).unwrap_or(1),
        _ => Exit::Interrupted.code(),
    })
}

/// The current directory, where it may be copied.
fn allowed(cwd: &Path) -> Result<PathBuf, String> {
    let cwd = std::fs::canonicalize(cwd).map_err(|e| format!("{}: {e}", cwd.display()))?;
    let homes = account_home().into_iter().chain(std::env::home_dir());
    let mut above = homes.filter_map(|home| std::fs::canonicalize(home).ok());
    if cwd.parent().is_none() || above.any(|home| home.starts_with(&cwd)) {
        return Err(format!(
            "{} is too much to be copied, and holds more than a command needs: start it in a \
             directory of its own",
            cwd.display()
        ));
    }
    Ok(cwd)
}

/// Who the command is.
pub(super) fn user(config: &SandboxConfig) -> Result<User, Fatal> {
    if effective_uid() != 0 {
        return Ok(User::Same);
    }
    match user_ids(&config.user) {
        Some((uid, gid)) if uid != 0 => Ok(User::Other(uid, gid)),
        _ => Err(Fatal::Sandbox(format!(
            "sandbox.user: {} is no unprivileged account; create it, or name another",
            config.user
        ))),
    }
}

fn spec(mut command: Vec<OsString>, cwd: &Path, place: &Path) -> Spec {
    let program = if command.is_empty() {
        OsString::new()
    } else {
        command.remove(0)
    };
    let mut spec = Spec::new(program, cwd, DEADLINE)
        .args(command)
        .envs(sandbox::environment(
            &place.join("home"),
            &place.join("tmp"),
        ));
    spec.relay = true;
    spec.grace = GRACE;
    spec
}
