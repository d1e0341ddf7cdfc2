//! `secloop doctor`: every part that a run needs, each line with its cure.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Surroundings, print, print_json};
use crate::agent::claude::Claude;
use crate::config::{AgentKind, AnsibleRuntime, Config, Overrides, cache_dir, load, state_dir};
use crate::error::{Exit, Fatal};
use crate::ledger::Ledger;
use crate::playbook::{bootstrap, missing_env};
use crate::process::effective_uid;
use crate::prove::autonomy::extended;
use crate::repo::Repo;
use crate::sandbox::Sandbox;
use crate::text::terminal_safe;
use crate::world::all_roots;
use crate::{lock, spend};

/// One part's state.
struct Check {
    part: &'static str,
    state: State,
    says: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Good,
    /// Works, but a person should know.
    Note,
    Bad,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Note => "note",
            Self::Bad => "bad",
        }
    }
}

/// Checks everything; exit code 1 when something is bad.
pub(super) async fn doctor(
    around: &Surroundings,
    file: Option<PathBuf>,
    json: bool,
) -> Result<Exit, Fatal> {
    let mut checks = Vec::new();
    let mut runtime = AnsibleRuntime::Managed;
    let flags = Overrides {
        config: file,
        ..Overrides::default()
    };
    match load(&around.env, &around.cwd, &flags) {
        Ok(config) => {
            checks.push(good("configuration", config.source.clone()));
            checks.push(state(&config.state_dir));
            configured(&config, around, &mut checks).await;
            checks.push(match extended(&config.home, &config.prove.corpus) {
                Ok(calls) => good("hook corpus", format!("{} calls", calls.len())),
                Err(why) => bad("hook corpus", why),
            });
            runtime = config.ansible.runtime;
        }
        Err(why) => {
            checks.push(failed("configuration", &why));
            checks.push(state(&state_dir(&around.env)?));
        }
    }
    checks.push(ansible(around, runtime).await);
    let worst = checks.iter().any(|c| c.state == State::Bad);
    if json {
        let rows: Vec<_> = checks
            .iter()
            .map(|c| json!({ "part": c.part, "state": c.state.word(), "says": c.says }))
            .collect();
        print_json(&json!({ "version": 1, "ok": !worst, "checks": rows }));
    } else {
        for check in &checks {
            let text = terminal_safe(&check.says);
            print(&format!(
                "{:<5} {:<14} {text}\n",
                check.state.word(),
                check.part
            ));
        }
    }
    Ok(if worst { Exit::Fatal } else { Exit::Done })
}

fn good(part: &'static str, says: impl Into<String>) -> Check {
    Check {
        part,
        state: State::Good,
        says: says.into(),
    }
}

fn note(part: &'static str, says: impl Into<String>) -> Check {
    Check {
        part,
        state: State::Note,
        says: says.into(),
    }
}

fn bad(part: &'static str, says: impl Into<String>) -> Check {
    Check {
        part,
        state: State::Bad,
        says: says.into(),
    }
}

/// The line names the part already.
fn failed(part: &'static str, why: &Fatal) -> Check {
    let text = why.to_string();
    let named = [format!("{part}: "), format!("{part} directory ")];
    let says = named.iter().find_map(|name| text.strip_prefix(name));
    bad(part, says.unwrap_or(&text))
}

fn state(dir: &Path) -> Check {
    if !dir.exists() {
        return good("state", format!("{} (will be made)", dir.display()));
    }
    match lock::check_dir(dir) {
        Ok(()) => good("state", dir.display().to_string()),
        Err(why) => failed("state", &why),
    }
}

async fn configured(config: &Config, around: &Surroundings, checks: &mut Vec<Check>) {
    let path = around.path();
    checks.push(match Sandbox::detect(config.sandbox.level, &path).await {
        Ok(Sandbox::Off) => note("sandbox", Sandbox::Off.describe()),
        Ok(found) => good("sandbox", found.found()),
        Err(why) => bad("sandbox", why),
    });
    if config.state_dir.exists() {
        checks.push(match ledger(&config.state_dir).await {
            Ok(says) => good("ledger", says),
            Err(why) => failed("ledger", &why),
        });
    }
    checks.push(match Repo::check(&config.repo, &path).await {
        Ok(says) => good("repository", says),
        Err(why) => failed("repository", &why),
    });
    // Without a repository neither could say what to do.
    if config.repo.path.is_dir() {
        checks.push(playbook(config));
        checks.extend(environment(config));
    }
    checks.extend(agent(config, around).await);
    checks.extend(egress(config));
    let clock = crate::clock::Clock::system(config.spend.zone);
    let query = spend::DayQuery {
        roots: &all_roots(config),
        date: clock.today(),
        zone: clock.zone(),
        now: clock.now(),
        own: &[],
    };
    let reading = spend::Reading {
        dir: &config.state_dir,
        early: false,
        progress: &|_| {},
    };
    // Nothing is made where nothing is yet.
    let day = if config.state_dir.is_dir() {
        spend::day_indexed(&query, reading)
    } else {
        spend::day(&query)
    };
    let figure = format!(
        "{} of {} today ({})",
        day.total, config.spend.daily_cap, day.zone
    );
    checks.push(if day.complete {
        good("spend", figure)
    } else {
        bad(
            "spend",
            format!("{figure}, incomplete: {}", day.problems.join("; ")),
        )
    });
    checks.push(discord(config));
}

/// Opens the ledger and reads from it.
async fn ledger(state_dir: &Path) -> Result<String, Fatal> {
    let path = Ledger::path(state_dir).display().to_string();
    let Some(ledger) = Ledger::open_for_reading(state_dir).await? else {
        return Ok(format!("{path} (will be made)"));
    };
    ledger.turns(1).await?;
    Ok(path)
}

fn playbook(config: &Config) -> Check {
    let playbook = config.repo.path.join(&config.playbook.file);
    if playbook.is_file() {
        good("playbook", playbook.display().to_string())
    } else {
        bad(
            "playbook",
            format!("{} does not exist; set playbook.file", playbook.display()),
        )
    }
}

fn discord(config: &Config) -> Check {
    let missing: Vec<&str> = [
        (config.discord.token.is_empty(), "DISCORD_BOT_TOKEN"),
        (
            config.discord.channel_id.is_empty(),
            "discord.channel_id (or DISCORD_STATUS_CHANNEL_ID)",
        ),
    ]
    .into_iter()
    .filter_map(|(missing, name)| missing.then_some(name))
    .collect();
    if missing.is_empty() {
        return good("discord", format!("channel {}", config.discord.channel_id));
    }
    note(
        "discord",
        format!(
            "no {}: posts are kept in the outbox; set what is missing",
            missing.join(" and no ")
        ),
    )
}

/// Whether the playbook gets the variables that it reads.
fn environment(config: &Config) -> Option<Check> {
    let around = config.playbook.file.parent()?;
    let dir = config.repo.path.join(around);
    if !dir.is_dir() {
        return None;
    }
    match missing_env(&dir, &config.ansible.pass_env) {
        Ok(names) if !names.is_empty() => Some(bad(
            "environment",
            format!(
                "the playbook reads {}, which would be empty: export them before secloop is \
                 started and name them in ansible.pass_env",
                names.join(", ")
            ),
        )),
        Ok(_) if config.ansible.pass_env.is_empty() => None,
        Ok(_) => Some(good("environment", "what the playbook reads is set")),
        Err(why) => Some(bad("environment", why)),
    }
}

async fn agent(config: &Config, around: &Surroundings) -> Vec<Check> {
    if config.agent.kind == AgentKind::Catalog {
        return vec![good("agent", "the embedded catalogue; needs no account")];
    }
    let Ok(sandbox) = Sandbox::detect(config.sandbox.level, &around.path()).await else {
        return vec![bad("agent", "it can't be confined; see sandbox")];
    };
    let (agent, sandboxing, egress) = (&config.agent, &config.sandbox, &config.egress);
    let claude = match Claude::new(agent, sandboxing, egress, sandbox, &around.env) {
        Ok(claude) => claude,
        Err(why) => return vec![bad("agent", why)],
    };
    let program = claude.program().display();
    let there = if effective_uid() == 0 {
        let user = &config.sandbox.user;
        note("agent", format!("{program}; as root it runs as {user}"))
    } else {
        good("agent", program.to_string())
    };
    vec![there, good("credential", claude.credential())]
}

/// What the agent can reach.
fn egress(config: &Config) -> Option<Check> {
    let egress = &config.egress;
    if config.agent.kind == AgentKind::Catalog {
        return None;
    }
    if !egress.proxy {
        return Some(note(
            "egress",
            "egress.proxy = false: the agent has the host's network, and the credential in its \
             environment",
        ));
    }
    let hosts: Vec<String> = egress.rules.allow.iter().map(ToString::to_string).collect();
    let tools = if hosts.is_empty() {
        "its tools reach nothing".to_owned()
    } else {
        format!(
            "its tools reach {}",
            crate::text::one_line(&hosts.join(", "), 200)
        )
    };
    Some(good(
        "egress",
        format!("the model, through secloop's proxy; {tools}"),
    ))
}

async fn ansible(around: &Surroundings, runtime: AnsibleRuntime) -> Check {
    let Ok(cache) = cache_dir(&around.env) else {
        return bad("ansible", "HOME is not set");
    };
    match bootstrap::look(runtime, &cache, &around.path()).await {
        Ok(says) => good("ansible", says),
        Err(why) => bad("ansible", why),
    }
}
