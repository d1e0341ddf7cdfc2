//! What the rest of the program sees.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::egress::{Limits, Rules, Source};
use crate::gate::MicroUsd;
use crate::scan::Fields;

/// Everything that can be set, resolved and cross-checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the values came from, for messages: a path, or "embedded defaults".
    pub source: String,
    /// Ledger, lock, worktree, runs; mode 0700.
    pub state_dir: PathBuf,
    /// Things that can be made again: the managed Ansible; mode 0700.
    pub cache_dir: PathBuf,
    /// The home directory of the workstation that is hardened.
    pub home: PathBuf,
    /// Timing and stops.
    pub r#loop: LoopConfig,
    /// Money.
    pub spend: SpendConfig,
    /// The agent.
    pub agent: AgentConfig,
    /// Confinement.
    pub sandbox: SandboxConfig,
    /// The agent's network.
    pub egress: EgressConfig,
    /// The playbook's repository.
    pub repo: RepoConfig,
    /// The playbook.
    pub playbook: PlaybookConfig,
    /// How it is run.
    pub ansible: AnsibleConfig,
    /// Overlap with an earlier run.
    pub coordinate: CoordinateConfig,
    /// Discord.
    pub discord: DiscordConfig,
    /// The gate that reads a changed playbook.
    pub policy: PolicyConfig,
    /// The wiki log.
    pub wiki: WikiConfig,
    /// The guard of tool calls.
    pub guard: GuardConfig,
    /// What is remembered for the agent.
    pub memory: MemoryConfig,
    /// How a change is proven.
    pub prove: ProveConfig,
    /// Scanners whose findings are told to the agent.
    pub scan: ScanConfig,
}

/// The guard of tool calls.
#[derive(Debug, Clone, Default)]
pub struct GuardConfig {
    /// What the tripwire has besides its own list.
    pub tripwire: Vec<String>,
}

/// Timing and stops of the loop.
#[derive(Debug, Clone)]
pub struct LoopConfig {
    /// From one wake to the next.
    pub interval: Duration,
    /// One turn only.
    pub once: bool,
    /// Everything up to apply, nothing changed on the machine.
    pub dry_run: bool,
    /// How many iterations in a row must say that nothing material is left. At least 1.
    pub confirmations: u32,
    /// Failed turns in a row that stop the loop.
    pub max_failures: u32,
    /// Turns without a commit that stop the loop.
    pub dry_spell: u32,
    /// Improvements in a row that are only P2 and end the loop. At least 2.
    pub diminishing: u32,
    /// Hard ceiling of turns, whatever the agent says.
    pub max_turns: u32,
}

/// Money.
#[derive(Debug, Clone)]
pub struct SpendConfig {
    /// The day's cap over all Claude Code use on this machine. Never zero.
    pub daily_cap: MicroUsd,
    /// What one iteration may cost at most. Never zero.
    pub per_iteration: MicroUsd,
    /// What a call is booked at that was asked for in a run that was ended, and of whose answer
    /// nothing came.
    pub unanswered: MicroUsd,
    /// The zone whose midnight begins a day.
    pub zone: Tz,
    /// Transcript roots: directories that hold `projects/`. May be missing on disk.
    pub roots: Vec<PathBuf>,
}

/// Which agent works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentKind {
    /// The Claude Code command line.
    Claude,
    /// The embedded catalogue: no model, no account.
    Catalog,
}

/// The agent.
#[derive(Debug, Clone)]
pub struct AgentConfig {
    /// Which.
    pub kind: AgentKind,
    /// The model's name or alias.
    pub model: String,
    /// The program: a path, or a name looked up on `PATH`.
    pub program: PathBuf,
    /// Turns of the agent's own loop.
    pub max_turns: u32,
    /// Wall-clock limit of an iteration.
    pub deadline: Duration,
    /// Limit between two events.
    pub silence: Duration,
    /// Base URL of the model's service; empty: the client's default.
    pub base_url: String,
    /// Where the credential comes from.
    pub credential: Source,
    /// Words for the prompt: what the agent must leave alone.
    pub off_limits: Vec<String>,
    /// Directory with the operator's own prompts; files missing there come from the binary.
    /// Empty: all do.
    pub prompts: PathBuf,
}

/// How strongly something is confined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Not at all; every report says so.
    None,
    /// The operating system's own means: bubblewrap on Linux, Seatbelt on macOS.
    Native,
    /// The agent in a container, everything else by the operating system's own means.
    Container,
}

/// Confinement.
#[derive(Debug, Clone)]
pub struct SandboxConfig {
    /// The level; never lowered silently.
    pub level: Level,
    /// As root, the account that the agent runs as.
    pub user: String,
    /// The engine of containers: a name or a path; empty: the first that is there.
    pub engine: String,
    /// The image that the agent runs in.
    pub image: String,
    /// Bounds on what is confined.
    pub limits: LimitsConfig,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self {
            level: Level::Native,
            user: NOBODY.to_owned(),
            engine: String::new(),
            image: crate::sandbox::container::IMAGE.to_owned(),
            limits: LimitsConfig::default(),
        }
    }
}

/// The account that the agent is where secloop is root.
pub(super) const NOBODY: &str = "nobody";

/// Bounds on what a confined program may use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitsConfig {
    /// Processes and threads, all together.
    pub processes: u32,
    /// Open files of one process.
    pub files: u32,
    /// Memory of one process.
    pub memory_mib: u32,
    /// One file.
    pub file_mib: u32,
    /// Each temporary place, and what the working copy may grow by.
    pub disk_mib: u32,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            processes: 512,
            files: 4096,
            memory_mib: 4096,
            file_mib: 256,
            disk_mib: 256,
        }
    }
}

/// The agent's network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EgressConfig {
    /// The agent has no network but secloop's proxy, which holds the credential. Without it the
    /// agent has the host's network, and the credential in its environment.
    pub proxy: bool,
    /// Which hosts its tools may reach.
    pub rules: Rules,
    /// How much it may ask for.
    pub limits: Limits,
    /// Tools that the model's service runs itself are let through.
    pub server_tools: bool,
}

impl Default for EgressConfig {
    fn default() -> Self {
        Self {
            proxy: true,
            rules: Rules {
                deny: Vec::new(),
                allow: Vec::new(),
                ports: vec![443],
            },
            limits: Limits {
                connections: 64,
                per_minute: 600,
                bytes: 512 << 20,
                idle: Duration::from_mins(5),
            },
            server_tools: false,
        }
    }
}

/// The playbook's repository.
#[derive(Debug, Clone)]
pub struct RepoConfig {
    /// The user's checkout; only read.
    pub path: PathBuf,
    /// The branch that secloop's own worktree is on, `secloop/…`.
    pub branch: String,
    /// Push the branch after each commit.
    pub push: bool,
    /// Lines of comments, names, formatting and documentation that may come along with an
    /// improvement.
    pub idle_lines: usize,
    /// Paths, relative to the repository, that a proposal may touch (prefixes).
    pub allowed: Vec<String>,
    /// Paths that it may not, even below an allowed one (prefixes).
    pub off_limits: Vec<String>,
}

/// Where Ansible comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnsibleRuntime {
    /// A pinned one in the cache directory; falls back to `PATH` and says so.
    Managed,
    /// The user's own on `PATH`.
    Path,
}

/// The playbook.
#[derive(Debug, Clone)]
pub struct PlaybookConfig {
    /// The playbook file, relative to the repository.
    pub file: PathBuf,
    /// The user's own arguments: tags, limits, extra variables.
    pub args: Vec<String>,
    /// Trees and files that are snapshotted and compared besides those the playbook names.
    pub watch: Vec<PathBuf>,
    /// A play that runs as root: the system's own trees, and the states of services, packages,
    /// kernel, mounts and firewall, are snapshotted and compared too.
    pub system: bool,
    /// How long the proof of an apply may take before the machine is put back without it.
    pub deadman: Duration,
}

/// How Ansible is run.
#[derive(Debug, Clone)]
pub struct AnsibleConfig {
    /// Where it comes from.
    pub runtime: AnsibleRuntime,
    /// Variables of secloop's own environment that the playbook reads, with their values; an empty
    /// value: it is not set.
    pub pass_env: Vec<(String, Secret)>,
    /// How long a single run may take.
    pub deadline: Duration,
}

/// Who decides about an active run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decider {
    /// The documented table.
    Rules,
    /// One short model call, falling back to the table.
    Agent,
}

/// Overlap with an earlier run.
#[derive(Debug, Clone)]
pub struct CoordinateConfig {
    /// Who decides.
    pub decider: Decider,
    /// How long "wait" waits.
    pub wait: Duration,
    /// A holder older than this without result is taken over.
    pub overdue: Duration,
    /// A holder without a sign of life for this long is taken over.
    pub silent: Duration,
}

/// Discord. Without channel or token, posts stay in the outbox.
#[derive(Debug, Clone)]
pub struct DiscordConfig {
    /// `https://discord.com`, or where the tests listen.
    pub base_url: String,
    /// The channel's id; empty: none.
    pub channel_id: String,
    /// The bot's token; empty: none. Never logged.
    pub token: Secret,
}

/// How a change is proven.
#[derive(Debug, Clone)]
pub struct ProveConfig {
    /// Another run of the agent tries to get round each change.
    pub second_opinion: bool,
    /// What that may cost. Never zero.
    pub second_opinion_cost: MicroUsd,
    /// Files with more calls that hooks have to let through, or to deny.
    pub corpus: Vec<PathBuf>,
    /// How long a hook may take for a call, as a rule.
    pub hook_budget: Duration,
    /// How long past calls may be replayed, before a change and after it.
    pub replay: Duration,
    /// How many days of the past are replayed.
    pub replay_days: u32,
}

impl Default for ProveConfig {
    fn default() -> Self {
        Self {
            second_opinion: false,
            second_opinion_cost: MicroUsd(1_000_000),
            corpus: Vec::new(),
            hook_budget: Duration::from_secs(2),
            replay: Duration::from_mins(1),
            replay_days: 90,
        }
    }
}

/// Scanners whose findings are told to the agent.
#[derive(Debug, Clone, Default)]
pub struct ScanConfig {
    /// Lynis's report; `None`: it is not looked for.
    pub lynis_report: Option<PathBuf>,
    /// Somebody said where it is: then its absence is told.
    pub lynis_asked: bool,
    /// Run an audit of Lynis's own each time.
    pub lynis_audit: bool,
    /// A directory with rules of the macOS Security Compliance Project.
    pub mscp_rules: Option<PathBuf>,
    /// A report that is older is not believed.
    pub max_age: Duration,
    /// How long what was found is told before it is looked for again.
    pub refresh: Duration,
    /// How many tokens of a prompt it may take.
    pub tokens: usize,
    /// Any other tools.
    pub tools: Vec<ScanTool>,
}

impl ScanConfig {
    /// Whether what was found then has to be looked for again. A clock that was set back tells
    /// nothing.
    pub fn is_old(&self, at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        (now - at).to_std().map_or(true, |age| age >= self.refresh)
    }
}

/// A tool whose output is read.
#[derive(Debug, Clone)]
pub struct ScanTool {
    /// Its name, as shown.
    pub name: String,
    /// Its argument vector.
    pub command: Vec<String>,
    /// How long it may take.
    pub deadline: Duration,
    /// What it gives.
    pub format: ScanFormat,
}

/// What a tool gives.
#[derive(Debug, Clone)]
pub enum ScanFormat {
    /// SARIF 2.1.0.
    Sarif,
    /// A list of JSON objects.
    Json(Fields),
}

/// What is remembered for the agent.
#[derive(Debug, Clone)]
pub struct MemoryConfig {
    /// How many tokens of a prompt it may take.
    pub tokens: usize,
}

/// What becomes of a change that no rule knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unknown {
    /// It waits for a person.
    #[default]
    Hold,
    /// It is refused.
    Refuse,
}

/// The gate that reads a changed playbook.
#[derive(Debug, Clone)]
pub struct PolicyConfig {
    /// What becomes of what no rule knows.
    pub unknown: Unknown,
}

/// The wiki log.
#[derive(Debug, Clone)]
pub struct WikiConfig {
    /// The page.
    pub path: PathBuf,
    /// The page's title.
    pub title: String,
    /// Newest entry first.
    pub newest_first: bool,
    /// Put refused and open findings on the page too (such pages are often public).
    pub include_open: bool,
}

/// A string that never shows itself.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The secret itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_empty() {
            "Secret(none)"
        } else {
            "Secret(…)"
        })
    }
}
