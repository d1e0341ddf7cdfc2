//! Layers and validation: command line > environment > file > defaults.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::raw::{Raw, Span};
use super::resolved::{
    AgentConfig, AgentKind, AnsibleConfig, AnsibleRuntime, Config, CoordinateConfig, Decider,
    DiscordConfig, Level, LoopConfig, PlaybookConfig, RepoConfig, SandboxConfig, Secret,
    SpendConfig, WikiConfig,
};
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
    let (file, raw) = read(env, cwd, flags)?;
    let base = file.parent().unwrap_or(cwd).to_owned();
    resolve(raw, &file.display().to_string(), &base, env, flags)
        .map_err(|why| Fatal::Config(format!("{}: {why}", file.display())))
}

fn read(env: &Env, cwd: &Path, flags: &Overrides) -> Result<(PathBuf, Raw), Fatal> {
    let file = locate(env, cwd, flags)?;
    let text = std::fs::read_to_string(&file).map_err(|e| {
        Fatal::Config(format!(
            "{}: {e}; check the path and its permissions",
            file.display()
        ))
    })?;
    let raw = toml::from_str(&text)
        .map_err(|e| Fatal::Config(format!("{}: {}", file.display(), e.to_string().trim_end())))?;
    Ok((file, raw))
}

/// Where the configuration file is.
fn locate(env: &Env, cwd: &Path, flags: &Overrides) -> Result<PathBuf, Fatal> {
    if let Some(path) = &flags.config {
        return Ok(path.clone());
    }
    if let Some(path) = env.get("SECLOOP_CONFIG").filter(|p| !p.is_empty()) {
        return Ok(PathBuf::from(path));
    }
    let beside = cwd.join("secloop.toml");
    if beside.is_file() {
        return Ok(beside);
    }
    let user = dir(env, "XDG_CONFIG_HOME", ".config")?.join("secloop/config.toml");
    if user.is_file() {
        return Ok(user);
    }
    Err(Fatal::Config(format!(
        "no secloop.toml here and no {}; write one with `secloop init` in the playbook's \
         repository, or watch a trial with `secloop run --trial`",
        user.display()
    )))
}

fn home(env: &Env) -> Result<PathBuf, Fatal> {
    match env.get("HOME") {
        Some(home) if Path::new(home).is_absolute() => Ok(PathBuf::from(home)),
        _ => Err(Fatal::Config(
            "HOME is not set to an absolute path; set it".to_owned(),
        )),
    }
}

fn dir(env: &Env, variable: &str, below_home: &str) -> Result<PathBuf, Fatal> {
    match env.get(variable) {
        Some(value) if Path::new(value).is_absolute() => Ok(PathBuf::from(value)),
        _ => Ok(home(env)?.join(below_home)),
    }
}

/// The state directory: `SECLOOP_STATE_DIR`, or the platform's place for such things.
///
/// # Errors
/// When neither it nor `HOME` is set.
pub fn state_dir(env: &Env) -> Result<PathBuf, Fatal> {
    match env.get("SECLOOP_STATE_DIR") {
        Some(value) if Path::new(value).is_absolute() => Ok(PathBuf::from(value)),
        Some(value) if !value.is_empty() => Err(Fatal::Config(format!(
            "SECLOOP_STATE_DIR: {value} is not an absolute path"
        ))),
        _ if std::env::consts::OS == "macos" => {
            Ok(home(env)?.join("Library/Application Support/secloop"))
        }
        _ => Ok(dir(env, "XDG_STATE_HOME", ".local/state")?.join("secloop")),
    }
}

/// The cache directory, for what can be made again.
///
/// # Errors
/// When `HOME` is not set.
pub fn cache_dir(env: &Env) -> Result<PathBuf, Fatal> {
    if std::env::consts::OS == "macos" {
        return Ok(home(env)?.join("Library/Caches/secloop"));
    }
    Ok(dir(env, "XDG_CACHE_HOME", ".cache")?.join("secloop"))
}

/// Files below the home directory that hardening touches and that nothing else rewrites.
const WATCHED: [&str; 13] = [
    ".claude/settings.json",
    ".claude/hooks",
    ".ssh/authorized_keys",
    ".ssh/config",
    ".gitconfig",
    ".config/git",
    ".zprofile",
    ".zshrc",
    ".zshenv",
    ".bashrc",
    ".bash_profile",
    ".profile",
    "Library/LaunchAgents",
];

#[expect(
    clippy::too_many_lines,
    reason = "one line a key; splitting it would hide the table"
)]
fn resolve(
    raw: Raw,
    source: &str,
    base: &Path,
    env: &Env,
    flags: &Overrides,
) -> Result<Config, String> {
    let home = home(env).map_err(|e| e.to_string())?;
    let state_dir = state_dir(env).map_err(|e| e.to_string())?;
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
    if file.is_absolute()
        || file
            .components()
            .any(|c| c == std::path::Component::ParentDir)
    {
        return Err("playbook.file must be relative to repo.path and stay inside it".to_owned());
    }
    let around = file.parent().filter(|p| !p.as_os_str().is_empty());
    let allowed = raw.repo.allowed.unwrap_or_else(|| {
        around.map_or_else(
            || vec![String::new()],
            |p| vec![format!("{}/", p.display())],
        )
    });

    let r#loop = LoopConfig {
        interval: flags
            .interval
            .unwrap_or_else(|| span(raw.r#loop.interval, 30 * MINUTE)),
        once: flags.once,
        dry_run: flags.dry_run,
        confirmations: raw.r#loop.confirmations.unwrap_or(2),
        max_failures: raw.r#loop.max_failures.unwrap_or(5),
        dry_spell: raw.r#loop.dry_spell.unwrap_or(12),
        max_turns: raw.r#loop.max_turns.unwrap_or(500),
    };
    for (key, value) in [
        ("loop.confirmations", r#loop.confirmations),
        ("loop.max_failures", r#loop.max_failures),
        ("loop.dry_spell", r#loop.dry_spell),
        ("loop.max_turns", r#loop.max_turns),
    ] {
        if value == 0 {
            return Err(format!("{key} must be at least 1"));
        }
    }
    if r#loop.interval < Duration::from_secs(1) {
        return Err("loop.interval must be at least 1s".to_owned());
    }

    let daily_cap = raw
        .spend
        .daily_cap_usd
        .map_or(MicroUsd(150_000_000), |d| d.0);
    let per_iteration = raw
        .spend
        .per_iteration_usd
        .map_or(MicroUsd(5_000_000), |d| d.0);
    if per_iteration > daily_cap {
        return Err("spend.per_iteration_usd is above spend.daily_cap_usd".to_owned());
    }
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
    if !branch.starts_with("secloop/") || branch.len() <= "secloop/".len() {
        return Err(format!(
            "repo.branch: \"{branch}\" must begin with secloop/"
        ));
    }

    let credential_env = raw.agent.credential_env.unwrap_or_else(|| {
        [
            "CLAUDE_CODE_OAUTH_TOKEN",
            "ANTHROPIC_API_KEY",
            "ANTHROPIC_AUTH_TOKEN",
        ]
        .map(str::to_owned)
        .to_vec()
    });
    let token = env.get("DISCORD_BOT_TOKEN").cloned().unwrap_or_default();
    let channel_id = env
        .get("DISCORD_STATUS_CHANNEL_ID")
        .cloned()
        .filter(|c| !c.is_empty())
        .or(raw.discord.channel_id.map(|c| c.0))
        .unwrap_or_default();
    if !channel_id.chars().all(|c| c.is_ascii_digit()) {
        return Err("DISCORD_STATUS_CHANNEL_ID is no channel id, which is a number".to_owned());
    }
    let watch = raw.playbook.watch.map_or_else(
        || WATCHED.iter().map(|w| home.join(w)).collect(),
        |list| list.iter().map(|w| path(w)).collect(),
    );

    Ok(Config {
        source: source.to_owned(),
        cache_dir: cache_dir(env).map_err(|e| e.to_string())?,
        r#loop,
        spend: SpendConfig {
            daily_cap,
            per_iteration,
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
                .or_else(|| env.get("ANTHROPIC_BASE_URL").cloned())
                .unwrap_or_default(),
            credential_env,
            off_limits: raw.agent.off_limits.unwrap_or_default(),
            prompts: raw.agent.prompts.as_deref().map_or_else(PathBuf::new, path),
        },
        sandbox: SandboxConfig {
            level: word(
                "sandbox.level",
                raw.sandbox.level.as_deref(),
                "native",
                &[("native", Level::Native), ("none", Level::None)],
            )?,
            user: raw.sandbox.user.unwrap_or_else(|| "nobody".to_owned()),
        },
        repo: RepoConfig {
            path: repo_path,
            branch,
            push: raw.repo.push.unwrap_or(false),
            allowed,
            off_limits: raw.repo.off_limits.unwrap_or_default(),
        },
        playbook: PlaybookConfig {
            file,
            args: raw.playbook.args.unwrap_or_default(),
            watch,
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
        state_dir,
        home,
    })
}

/// The named variables with their values.
fn pass_env(names: Vec<String>, env: &Env) -> Result<Vec<(String, Secret)>, String> {
    names
        .into_iter()
        .map(|name| {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let steers = ["ANSIBLE_", "PYTHON", "LD_", "DYLD_", "SECLOOP_"];
            if name.is_empty() || !name.chars().all(plain) {
                return Err(format!(
                    "ansible.pass_env: \"{name}\" is no variable's name"
                ));
            }
            if let Some(start) = steers.iter().find(|s| name.starts_with(**s)) {
                return Err(format!(
                    "ansible.pass_env: {name} is not passed on: {start}… steers how Ansible runs, \
                     which is secloop's part"
                ));
            }
            let value = env.get(&name).cloned().unwrap_or_default();
            Ok((name, Secret::new(value)))
        })
        .collect()
}

/// `~/x` below the home directory, anything else relative to the file's own directory.
fn expand(text: &str, home: &Path, base: &Path) -> PathBuf {
    match text.strip_prefix("~/") {
        Some(rest) => home.join(rest),
        None if text == "~" => home.to_owned(),
        None => base.join(text),
    }
}

fn word<T: Copy>(
    key: &str,
    value: Option<&str>,
    default: &str,
    known: &[(&str, T)],
) -> Result<T, String> {
    let value = value.unwrap_or(default);
    known
        .iter()
        .find(|(name, _)| *name == value)
        .map(|(_, t)| *t)
        .ok_or_else(|| {
            let names: Vec<&str> = known.iter().map(|(n, _)| *n).collect();
            format!(
                "{key}: \"{value}\" is unknown; known are {}",
                names.join(", ")
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env() -> Env {
        Env::from([("HOME".to_owned(), "/home/kyle".to_owned())])
    }

    fn parsed(text: &str) -> Result<Config, String> {
        let raw: Raw = toml::from_str(text).map_err(|e| e.to_string())?;
        resolve(
            raw,
            "secloop.toml",
            Path::new("/repo"),
            &env(),
            &Overrides::default(),
        )
    }

    #[test]
    fn the_smallest_file_gives_the_documented_defaults() {
        let config = parsed("[playbook]\nfile = \"infra/mac-setup/playbook.yml\"").unwrap();
        assert_eq!(config.spend.daily_cap, MicroUsd(150_000_000));
        assert_eq!(config.r#loop.interval, Duration::from_mins(30));
        assert_eq!(config.agent.model, "sonnet");
        assert_eq!(config.repo.path, Path::new("/repo"));
        assert_eq!(config.repo.allowed, ["infra/mac-setup/"]);
        assert!(!config.repo.push);
        assert_eq!(config.sandbox.level, Level::Native);
    }

    #[test]
    fn bad_values_name_their_key() {
        let file = "[playbook]\nfile = \"p.yml\"\n";
        for (text, says) in [
            ("[spend]\ndaily_cap_usd = 0", "daily_cap_usd"),
            ("[spend]\ndaily_cap_usd = -1", "daily_cap_usd"),
            ("[spend]\ndaily_cap_usd = nan", "daily_cap_usd"),
            ("[spend]\ndaily_cap_usd = inf", "daily_cap_usd"),
            ("[spend]\ndaily_cap_usd = \"plenty\"", "daily_cap_usd"),
            ("[spend]\ndaily_cap = 1", "daily_cap"),
            ("[spend]\nper_iteration_usd = 200", "per_iteration_usd"),
            ("[spend]\nzone = \"Mars/Base\"", "spend.zone"),
            ("[loop]\ninterval = \"soon\"", "interval"),
            ("[loop]\nconfirmations = 0", "loop.confirmations"),
            ("[sandbox]\nlevel = \"some\"", "sandbox.level"),
            ("[agent]\nkind = \"hal\"", "agent.kind"),
            ("[repo]\nbranch = \"main\"", "repo.branch"),
            ("[ansible]\npass_env = [\"A B\"]", "ansible.pass_env"),
            ("[ansible]\npass_env = [\"LD_PRELOAD\"]", "LD_PRELOAD"),
            ("[ansible]\nruntime = \"pip\"", "ansible.runtime"),
            ("[nonsense]\nx = 1", "nonsense"),
            ("[discord]\nchannel_id = \"#status\"", "channel"),
        ] {
            let error = parsed(&format!("{file}{text}")).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
        assert!(parsed("").unwrap_err().contains("playbook.file"));
        assert!(
            parsed("[playbook]\nfile = \"../x.yml\"")
                .unwrap_err()
                .contains("inside")
        );
    }

    #[test]
    fn dollars_are_read_exactly() {
        for (text, micro) in [
            ("150", 150_000_000),
            ("0.000001", 1),
            ("2.5", 2_500_000),
            ("1000000", 1_000_000_000_000),
        ] {
            assert_eq!(
                super::super::raw::parse_dollars(text),
                Ok(MicroUsd(micro)),
                "{text}"
            );
        }
        for text in ["", "0", "0.0000001", "1e3", "-1", "1.2.3", "1000001", "١"] {
            assert!(super::super::raw::parse_dollars(text).is_err(), "{text}");
        }
    }
}
