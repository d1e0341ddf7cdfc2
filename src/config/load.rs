//! Layers and validation: command line > environment > file > defaults.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::locate::{self, cache_dir, expand, home, state_dir};
use super::raw::{Raw, RawLimits, Span};
use super::resolved::{
    AgentConfig, AgentKind, AnsibleConfig, AnsibleRuntime, Config, CoordinateConfig, Decider,
    DiscordConfig, GuardConfig, Level, LimitsConfig, LoopConfig, MemoryConfig, NOBODY,
    PlaybookConfig, PolicyConfig, ProveConfig, RepoConfig, SandboxConfig, Secret, SpendConfig,
    Unknown, WikiConfig,
};
use super::scan;
use super::validate::{check, inside, pass_env, word};
use super::{defaults, egress};
use crate::error::Fatal;
use crate::gate::MicroUsd;

/// The environment variables that the configuration looks at, read once.
pub type Env = BTreeMap<String, String>;

/// What the command line can override.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--interval`.
    pub interval: Option<Duration>,
    /// `--once`.
    pub once: bool,
    /// `--dry-run`.
    pub dry_run: bool,
}

const MINUTE: Duration = Duration::from_mins(1);

/// Finds and reads the configuration.
///
/// # Errors
/// Names the file, the line or key, and the cure.
pub fn load(env: &Env, cwd: &Path, flags: &Overrides) -> Result<Config, Fatal> {
    load_if_any(env, cwd, flags)?.ok_or_else(|| locate::missing(env))
}

/// The same where a configuration is not needed; `None`: there is no file.
///
/// # Errors
/// As [`load`]: a file that is there has to be right.
pub fn load_if_any(env: &Env, cwd: &Path, flags: &Overrides) -> Result<Option<Config>, Fatal> {
    let Some(file) = locate::find(env, cwd, flags) else {
        return Ok(None);
    };
    let fatal = |why: &str| Fatal::Config(format!("{}: {why}", file.display()));
    let text = std::fs::read_to_string(&file)
        .map_err(|e| fatal(&format!("{e}; check the path and its permissions")))?;
    let raw = toml::from_str(&text).map_err(|e| fatal(e.to_string().trim_end()))?;
    let base = file.parent().unwrap_or(cwd);
    resolve(raw, &file.display().to_string(), base, env, flags)
        .map(Some)
        .map_err(|why| fatal(&why))
}

#[expect(
    clippy::too_many_lines,
    reason = "one line a key; splitting it would hide the table"
)]
pub(super) fn resolve(
    raw: Raw,
    source: &str,
    base: &Path,
    env: &Env,
    flags: &Overrides,
) -> Result<Config, String> {
    let home = home(env)?;
    let state_dir = state_dir(env).map_err(reason)?;
    let path = |text: &str| expand(text, &home, base);
    let span = |value: Option<Span>, default: Duration| value.map_or(default, |s| s.0);

    let repo_path = raw
        .repo
        .path
        .as_deref()
        .map_or_else(|| base.to_owned(), path);
    let file = PathBuf::from(
        raw.playbook
            .file
            .ok_or("playbook.file is missing: the playbook, relative to repo.path")?,
    );
    inside("playbook.file", &file.to_string_lossy())?;
    let allowed = raw.repo.allowed.filter(|list| !list.is_empty());
    let allowed = allowed.unwrap_or_else(|| defaults::allowed(&repo_path, &file));

    let r#loop = LoopConfig {
        interval: flags
            .interval
            .unwrap_or_else(|| span(raw.r#loop.interval, 30 * MINUTE)),
        once: flags.once,
        dry_run: flags.dry_run,
        confirmations: raw.r#loop.confirmations.unwrap_or(2),
        max_failures: raw.r#loop.max_failures.unwrap_or(5),
        dry_spell: raw.r#loop.dry_spell.unwrap_or(12),
        diminishing: raw.r#loop.diminishing.unwrap_or(5),
        max_turns: raw.r#loop.max_turns.unwrap_or(500),
    };
    let daily_cap = raw
        .spend
        .daily_cap_usd
        .map_or(MicroUsd(150_000_000), |d| d.0);
    let per_iteration = raw
        .spend
        .per_iteration_usd
        .map_or(MicroUsd(5_000_000), |d| d.0);
    let unanswered = raw
        .spend
        .unanswered_call_usd
        .map_or(MicroUsd(1_000_000), |d| d.0);
    let zone = match raw.spend.zone.as_deref() {
        None | Some("system") => crate::clock::system_zone(),
        Some(name) => name.parse().map_err(|_| {
            format!("spend.zone: \"{name}\" is no IANA zone such as America/Toronto")
        })?,
    };
    let extra: Vec<PathBuf> = raw
        .spend
        .roots
        .unwrap_or_default()
        .iter()
        .map(|r| path(r))
        .collect();
    let roots = crate::spend::roots(
        env.get("CLAUDE_CONFIG_DIR").map_or("", String::as_str),
        &home,
        &extra,
    );

    let branch = raw
        .repo
        .branch
        .unwrap_or_else(|| "secloop/hardening".to_owned());
    let token = env.get("DISCORD_BOT_TOKEN").cloned().unwrap_or_default();
    let channel_id = env
        .get("DISCORD_STATUS_CHANNEL_ID")
        .cloned()
        .filter(|c| !c.is_empty())
        .or(raw.discord.channel_id.map(|c| c.0))
        .unwrap_or_default();
    let watch = raw.playbook.watch.map_or_else(
        || defaults::WATCHED.iter().map(|w| home.join(w)).collect(),
        |list| list.iter().map(|w| path(w)).collect(),
    );

    let credential = egress::source(&raw.agent, env, &home, path)?;

    let config = Config {
        source: source.to_owned(),
        cache_dir: cache_dir(env).map_err(reason)?,
        r#loop,
        spend: SpendConfig {
            daily_cap,
            per_iteration,
            unanswered,
            zone,
            roots,
        },
        agent: AgentConfig {
            kind: word(
                "agent.kind",
                raw.agent.kind.as_deref(),
                "claude",
                &[
                    ("claude", AgentKind::Claude),
                    ("catalog", AgentKind::Catalog),
                ],
            )?,
            model: raw.agent.model.unwrap_or_else(|| "sonnet".to_owned()),
            program: raw.agent.program.map_or_else(
                || PathBuf::from("claude"),
                |p| {
                    if p.contains('/') {
                        path(&p)
                    } else {
                        PathBuf::from(p)
                    }
                },
            ),
            max_turns: raw.agent.max_turns.unwrap_or(60),
            deadline: span(raw.agent.deadline, 25 * MINUTE),
            silence: span(raw.agent.silence, 6 * MINUTE),
            base_url: raw
                .agent
                .base_url
                .filter(|url| !url.is_empty())
                .or_else(|| env.get("ANTHROPIC_BASE_URL").cloned())
                .unwrap_or_default(),
            credential,
            off_limits: raw.agent.off_limits.unwrap_or_default(),
            prompts: raw.agent.prompts.as_deref().map_or_else(PathBuf::new, path),
        },
        sandbox: SandboxConfig {
            level: match raw.sandbox.level {
                Some(name) => level(&name).map_err(|why| format!("sandbox.level: {why}"))?,
                None => Level::Native,
            },
            user: raw.sandbox.user.unwrap_or_else(|| NOBODY.to_owned()),
            limits: limits(&raw.sandbox.limits),
            engine: raw.sandbox.engine.unwrap_or_default(),
            image: raw
                .sandbox
                .image
                .unwrap_or_else(|| crate::sandbox::container::IMAGE.to_owned()),
        },
        egress: egress::resolve(raw.egress)?,
        repo: RepoConfig {
            path: repo_path,
            branch,
            push: raw.repo.push.unwrap_or(false),
            idle_lines: raw.repo.idle_lines.unwrap_or(defaults::IDLE_LINES),
            allowed,
            off_limits: raw.repo.off_limits.unwrap_or_default(),
        },
        playbook: PlaybookConfig {
            file,
            args: raw.playbook.args.unwrap_or_default(),
            watch,
            system: raw.playbook.system.unwrap_or(true),
            deadman: span(
                raw.playbook.deadman,
                defaults::deadman(span(raw.ansible.deadline, 30 * MINUTE)),
            ),
        },
        ansible: AnsibleConfig {
            runtime: word(
                "ansible.runtime",
                raw.ansible.runtime.as_deref(),
                "managed",
                &[
                    ("managed", AnsibleRuntime::Managed),
                    ("path", AnsibleRuntime::Path),
                ],
            )?,
            pass_env: pass_env(raw.ansible.pass_env.unwrap_or_default(), env)?,
            deadline: span(raw.ansible.deadline, 30 * MINUTE),
        },
        coordinate: CoordinateConfig {
            decider: word(
                "coordinate.decider",
                raw.coordinate.decider.as_deref(),
                "rules",
                &[("rules", Decider::Rules), ("agent", Decider::Agent)],
            )?,
            wait: span(raw.coordinate.wait, MINUTE),
            overdue: span(raw.coordinate.overdue, 60 * MINUTE),
            silent: span(raw.coordinate.silent, 10 * MINUTE),
        },
        discord: DiscordConfig {
            base_url: raw
                .discord
                .base_url
                .unwrap_or_else(|| "https://discord.com".to_owned()),
            channel_id,
            token: Secret::new(token),
        },
        policy: PolicyConfig {
            unknown: word(
                "policy.unknown",
                raw.policy.unknown.as_deref(),
                "hold",
                &[("hold", Unknown::Hold), ("refuse", Unknown::Refuse)],
            )?,
        },
        wiki: WikiConfig {
            path: raw
                .wiki
                .path
                .as_deref()
                .map_or_else(|| state_dir.join("wiki/security-improvement-log.md"), path),
            title: raw
                .wiki
                .title
                .unwrap_or_else(|| "Security improvement log".to_owned()),
            newest_first: raw.wiki.newest_first.unwrap_or(true),
            include_open: raw.wiki.include_open.unwrap_or(false),
        },
        guard: GuardConfig {
            tripwire: raw.guard.tripwire.unwrap_or_default(),
        },
        scan: scan::resolve(raw.scan, path)?,
        prove: {
            let default = ProveConfig::default();
            let corpus = raw.prove.corpus.unwrap_or_default();
            ProveConfig {
                second_opinion: raw.prove.second_opinion.unwrap_or(false),
                second_opinion_cost: raw
                    .prove
                    .second_opinion_usd
                    .map_or(MicroUsd(1_000_000), |d| d.0),
                corpus: corpus.iter().map(|file| path(file)).collect(),
                hook_budget: span(raw.prove.hook_budget, default.hook_budget),
                replay: span(raw.prove.replay, default.replay),
                replay_days: raw.prove.replay_days.unwrap_or(default.replay_days),
            }
        },
        memory: MemoryConfig {
            tokens: raw.memory.tokens.unwrap_or(defaults::MEMORY_TOKENS),
        },
        state_dir,
        home,
    };
    check(&config)?;
    Ok(config)
}

/// The level of that name.
///
/// # Errors
/// When there is none, naming those there are.
pub fn level(name: &str) -> Result<Level, String> {
    match name {
        "native" => Ok(Level::Native),
        "container" => Ok(Level::Container),
        "none" => Ok(Level::None),
        other => Err(format!("\"{other}\" is none of native, container, none")),
    }
}

fn limits(raw: &RawLimits) -> LimitsConfig {
    let default = LimitsConfig::default();
    LimitsConfig {
        processes: raw.processes.unwrap_or(default.processes),
        files: raw.files.unwrap_or(default.files),
        memory_mib: raw.memory_mib.unwrap_or(default.memory_mib),
        file_mib: raw.file_mib.unwrap_or(default.file_mib),
        disk_mib: raw.disk_mib.unwrap_or(default.disk_mib),
    }
}

/// What is wrong, without the word for its kind: the caller says that.
fn reason(error: Fatal) -> String {
    match error {
        Fatal::Config(why) => why,
        other => other.to_string(),
    }
}
