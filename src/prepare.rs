//! From a configuration to a [`World`] whose lock is held, whose past is recovered and whose
//! baseline is known.

use std::collections::BTreeMap;
use std::ffi::OsString;

use tokio_util::sync::CancellationToken;

use crate::agent::catalog::Catalog;
use crate::agent::claude::Claude;
use crate::cli::Surroundings;
use crate::clock::Clock;
use crate::config::{AgentKind, Config, Level};
use crate::error::Fatal;
use crate::ledger::Ledger;
use crate::lock::Lock;
use crate::memory::Scope;
use crate::playbook::{Ansible, bootstrap};
use crate::process::account_home;
use crate::recover::{GRACE, end_what_survived, recover};
use crate::repo::Repo;
use crate::report::console::Console;
use crate::report::discord::Discord;
use crate::sandbox::Sandbox;
use crate::sandbox::container::Container;
use crate::stages::is_open;
use crate::turn::Stage;
use crate::world::{Worker, World, beating, make_private};

/// Assembles the parts and makes them ready for the first turn.
///
/// # Errors
/// Whatever is missing or broken, before any money is spent.
pub async fn prepare(
    config: Config,
    around: &Surroundings,
    lock: Lock,
    mut console: Console,
    cancel: &CancellationToken,
) -> Result<World, Fatal> {
    let path = around.path();
    let clock = Clock::system(config.spend.zone);
    let ledger = Ledger::open(&config.state_dir)
        .await?
        .about(Scope::here(&config));
    let sandbox = Sandbox::detect(config.sandbox.level, &path)
        .await
        .map_err(Fatal::Sandbox)?;
    let agent = worker(&config, &sandbox, around)
        .await?
        .recorded(&ledger, &clock, &config);
    end_what_survived(&config.state_dir, GRACE).await?;
    let repo = Repo::open(&config.repo, &config.state_dir, &path).await?;
    if !config.repo.path.join(&config.playbook.file).is_file() {
        return Err(Fatal::Config(format!(
            "playbook.file: {} does not exist; correct it in {}",
            config.repo.path.join(&config.playbook.file).display(),
            config.source
        )));
    }
    console.working("bringing Ansible");
    let mut progress = |line: &str| console.progress(line);
    let bring = bootstrap::obtain(
        config.ansible.runtime,
        &config.cache_dir,
        &path,
        passed_through(around),
        &mut progress,
        cancel,
    );
    let runtime = beating(&lock, &clock, bring).await?;
    console.ready("ansible", &runtime.describe());
    for note in &runtime.notes {
        console.note(note);
    }
    let support = config.state_dir.join("ansible");
    make_private(&support)?;
    let ansible = Ansible::new(runtime, sandbox.clone(), &config, &support, path.clone())?;
    let discord = Discord::new(&config.discord);
    let env = around.env.clone();
    let world = World::new(
        config, clock, ledger, repo, ansible, agent, sandbox, discord, path, env, lock, console,
    );
    world.read_corpus()?;
    for note in world.repo.notes() {
        world.console().note(note);
    }
    if let Some(home) = account_home().filter(|h| differs(h, &world, around)) {
        world.console().note(&format!(
            "HOME is {}, the account's own is {}: Ansible takes ~ in a task for the second",
            world.config.home.display(),
            home.display()
        ));
    }
    world
        .alive(async {
            if let Some(baseline) = world.known_baseline(&world.repo.head().await?).await? {
                world.set_baseline(baseline);
            }
            recover(&world).await?;
            adopt(&world, cancel).await
        })
        .await?;
    Ok(world)
}

/// Whether a person has set another home than the account's; a trial has one of its own.
fn differs(account: &std::path::Path, world: &World, around: &Surroundings) -> bool {
    let home = &world.config.home;
    let given = around.env.get("HOME").map(std::path::Path::new);
    given == Some(home.as_path()) && home != account
}

async fn worker(
    config: &Config,
    sandbox: &Sandbox,
    around: &Surroundings,
) -> Result<Worker, Fatal> {
    Ok(match config.agent.kind {
        AgentKind::Catalog => Worker::Catalog(Catalog::new(sandbox.clone(), around.path())),
        AgentKind::Claude => {
            let claude = Claude::new(
                &config.agent,
                &config.sandbox,
                &config.egress,
                sandbox.clone(),
                &around.env,
            )
            .and_then(|claude| claude.guarded_by(&own_program()?))
            .map_err(Fatal::Agent)?;
            let claude = if config.sandbox.level == Level::Container {
                let path = around.path();
                Container::find(&config.sandbox, &config.state_dir, &around.env, &path)
                    .await
                    .map(|container| claude.in_container(container))
                    .map_err(Fatal::Sandbox)?
            } else {
                claude
            };
            Worker::Claude(Box::new(claude))
        }
    })
}

/// This program, which is its agent's guard.
fn own_program() -> Result<std::path::PathBuf, String> {
    let program = crate::process::own_program().and_then(std::fs::canonicalize);
    program.map_err(|e| format!("secloop's own program can't be found: {e}"))
}

/// What package installers need to reach their registry.
pub(crate) fn passed_through(around: &Surroundings) -> BTreeMap<OsString, OsString> {
    around
        .env
        .iter()
        .filter(|(name, _)| {
            let name = name.to_ascii_lowercase();
            name.starts_with("pip_")
                || name.starts_with("uv_")
                || name.ends_with("_proxy")
                || name.starts_with("ssl_cert")
                || name.ends_with("_ca_bundle")
        })
        .map(|(k, v)| (k.into(), v.into()))
        .collect()
}

/// The playbook as it stands is the baseline: only what a change adds counts. It is taken again
/// whenever the branch has moved other than by secloop's own commits, or the playbook is run in
/// another way.
async fn adopt(world: &World, cancel: &CancellationToken) -> Result<(), Fatal> {
    let head = world.repo.head().await?;
    if world.known_baseline(&head).await?.is_none() {
        // At the cap nothing starts, not even an apply; the first turn says why.
        if !is_open(world).await? {
            return Ok(());
        }
        let tree = world.make_private_dir("baseline").map_err(fatal)?;
        world.repo.export(&head, tree.path()).await?;
        if world.config.r#loop.dry_run {
            world.console().working("baseline: dry run as it stands");
            let baseline = world.ansible.rehearse(tree.path(), cancel).await?;
            world.console().ready("baseline", &baseline.describe());
            // Of a dry run's own; a real run takes its baseline from an apply.
            world.set_baseline(baseline);
        } else {
            world
                .console()
                .working("baseline: dry run, then apply twice as it stands");
            world.stage(Stage::Apply);
            let baseline = world.ansible.adopt(tree.path(), cancel).await?;
            world.console().ready("baseline", &baseline.describe());
            world.set_baseline(baseline);
            world.keep_baseline(&head).await?;
        }
    }
    let (before, _) = world.check_autonomy(cancel).await;
    world.console().ready("autonomy", &before.summary());
    world.remember_autonomy(before);
    Ok(())
}

fn fatal(ending: crate::stages::Ending) -> Fatal {
    match ending {
        crate::stages::Ending::Fatal(fatal) => fatal,
        crate::stages::Ending::Closed(stop) | crate::stages::Ending::Cut(_, stop) => {
            Fatal::Spend(stop.reason())
        }
        crate::stages::Ending::Outcome(outcome) => Fatal::Repo(outcome.detail().to_owned()),
    }
}
