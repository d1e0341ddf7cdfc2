//! A throw-away workstation: its own home, repository, ledger and wiki log below one directory.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::agent::catalog::starter;
use crate::clock::Clock;
use crate::config::{
    AgentConfig, AgentKind, AnsibleConfig, AnsibleRuntime, Config, CoordinateConfig, Decider,
    DiscordConfig, EgressConfig, Level, LoopConfig, MemoryConfig, PlaybookConfig, PolicyConfig,
    ProveConfig, RepoConfig, SandboxConfig, ScanConfig, Secret, SpendConfig, Unknown, WikiConfig,
};
use crate::egress::Source;
use crate::error::Fatal;
use crate::gate::MicroUsd;
use crate::repo;
use crate::world::make_private;

/// The playbook of the starter, relative to the trial's repository.
pub const PLAYBOOK: &str = "ansible-hooks/playbook.yml";

/// A trial's directories.
#[derive(Debug, Clone)]
pub struct Trial {
    /// Everything is below it.
    pub dir: PathBuf,
}

impl Trial {
    /// Makes the directories and the repository with the starter playbook.
    ///
    /// # Errors
    /// When the directory exists and is not empty, or can't be made.
    pub async fn make(dir: &Path, path: &std::ffi::OsStr) -> Result<Self, Fatal> {
        if std::fs::read_dir(dir).is_ok_and(|mut d| d.next().is_some()) {
            return Err(Fatal::Config(format!(
                "{} is not empty; name a new directory for the trial",
                dir.display()
            )));
        }
        let trial = Self {
            dir: dir.to_owned(),
        };
        for dir in [
            dir,
            &trial.home(),
            &trial.repo(),
            &trial.state(),
            &trial.wiki(),
        ] {
            make_private(dir)?;
        }
        starter::write_to(&trial.repo().join("ansible-hooks"))
            .map_err(Fatal::io("writing the starter playbook"))?;
        repo::init_with_all(&trial.repo(), "Start from the starter playbook", path).await?;
        Ok(trial)
    }

    /// The workstation's home directory.
    pub fn home(&self) -> PathBuf {
        self.dir.join("home")
    }

    /// The playbook's repository.
    pub fn repo(&self) -> PathBuf {
        self.dir.join("repo")
    }

    /// Ledger, lock, worktree.
    pub fn state(&self) -> PathBuf {
        self.dir.join("state")
    }

    fn wiki(&self) -> PathBuf {
        self.dir.join("wiki")
    }

    /// The configuration of a trial: embedded defaults with a short interval, the embedded agent,
    /// and everything below the trial's directory. `level` is what this machine can confine.
    pub fn config(&self, cache_dir: PathBuf, level: Level, runtime: AnsibleRuntime) -> Config {
        let minute = Duration::from_mins(1);
        Config {
            source: "embedded defaults (trial)".to_owned(),
            state_dir: self.state(),
            cache_dir,
            home: self.home(),
            r#loop: LoopConfig {
                interval: Duration::from_secs(1),
                once: false,
                dry_run: false,
                confirmations: 2,
                max_failures: 3,
                dry_spell: 12,
                diminishing: 5,
                max_turns: 60,
            },
            spend: SpendConfig {
                daily_cap: MicroUsd(150_000_000),
                per_iteration: MicroUsd(5_000_000),
                unanswered: MicroUsd(1_000_000),
                zone: crate::clock::system_zone(),
                roots: crate::spend::roots("", &self.home(), &[]),
            },
            agent: AgentConfig {
                kind: AgentKind::Catalog,
                model: String::new(),
                program: PathBuf::new(),
                max_turns: 1,
                deadline: minute,
                silence: minute,
                base_url: String::new(),
                credential: Source::Environment(Vec::new()),
                off_limits: Vec::new(),
                prompts: PathBuf::new(),
            },
            sandbox: SandboxConfig {
                level,
                ..SandboxConfig::default()
            },
            egress: EgressConfig::default(),
            repo: RepoConfig {
                path: self.repo(),
                branch: "secloop/hardening".to_owned(),
                push: false,
                idle_lines: 40,
                allowed: vec!["ansible-hooks/".to_owned()],
                off_limits: Vec::new(),
            },
            playbook: PlaybookConfig {
                file: PathBuf::from(PLAYBOOK),
                args: Vec::new(),
                watch: vec![self.home()],
                // A throw-away home is all that it may change.
                system: false,
                deadman: 30 * minute,
            },
            ansible: AnsibleConfig {
                runtime,
                pass_env: Vec::new(),
                deadline: 10 * minute,
            },
            coordinate: CoordinateConfig {
                decider: Decider::Rules,
                wait: minute,
                overdue: 60 * minute,
                silent: 10 * minute,
            },
            discord: DiscordConfig {
                base_url: "https://discord.com".to_owned(),
                channel_id: String::new(),
                token: Secret::default(),
            },
            policy: PolicyConfig {
                unknown: Unknown::Hold,
            },
            guard: crate::config::GuardConfig::default(),
            wiki: WikiConfig {
                path: self.wiki().join("security-improvement-log.md"),
                title: "Security improvement log".to_owned(),
                newest_first: true,
                include_open: false,
            },
            memory: MemoryConfig { tokens: 2_000 },
            scan: ScanConfig::default(),
            prove: ProveConfig::default(),
        }
    }
}

/// A new directory for a trial below the state directory.
pub fn default_dir(state_dir: &Path, clock: &Clock) -> PathBuf {
    let name = clock.local().format("%Y%m%d-%H%M%S");
    state_dir
        .join("trials")
        .join(format!("{name}-{}", std::process::id()))
}
