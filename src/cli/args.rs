//! The arguments.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

/// Unattended, supervised security improvement of a workstation through its Ansible playbook.
#[derive(Debug, Parser)]
#[command(name = "secloop", version, about, max_term_width = 100)]
#[command(
    after_help = "Exit codes of `run`: 0 nothing material is left (or one turn ended well, or \
    `secloop stop`),\n1 fatal, 2 usage, 10 daily cap reached, 11 another run is active, 12 needs \
    the operator,\n13 repeated failures, a dry spell or the ceiling of turns, 130 \
    interrupted.\n\nConfiguration, the first that is there: --config, SECLOOP_CONFIG, \
    secloop.toml here or above as far\nas the repository's top, \
    $XDG_CONFIG_HOME/secloop/config.toml.\n\nEnvironment: SECLOOP_STATE_DIR (ledger, worktree, \
    receipts), SECLOOP_LOG (what is logged to stderr,\nsuch as secloop=debug; instead of -v), \
    DISCORD_BOT_TOKEN, DISCORD_STATUS_CHANNEL_ID."
)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Read this configuration file.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Say more on stderr; twice for yet more.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Turn the loop until nothing material is left.
    Run(Run),
    /// Show whether the loop runs, its stage, spend and last turns.
    Status {
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
        /// Show it again every two seconds until interrupted.
        #[arg(long, conflicts_with = "json")]
        watch: bool,
    },
    /// List the turns, oldest first.
    History {
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
        /// At most this many, the newest ones.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
    /// Show one turn with its receipt.
    Show {
        /// Its number, or the beginning of its id.
        #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
        id: String,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Show what all Claude Code use on this machine cost on a day, and what the cap leaves.
    Spend {
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
        /// The day; today by default.
        #[arg(long, value_name = "YYYY-MM-DD")]
        date: Option<chrono::NaiveDate>,
        /// Break the total down.
        #[arg(long, value_enum)]
        by: Option<SpendBy>,
        /// Answer at once: of what is new, only the files touched on the day are read.
        #[arg(long)]
        early: bool,
    },
    /// Run the probes of every improvement that landed; exit 1 where one is not green.
    Probe {
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
        /// Run the playbook in an empty home directory too, and tell apart what is green on this machine
        /// without the playbook giving it.
        #[arg(long)]
        fresh: bool,
        /// At most this many at once; by default as many as there are processors.
        #[arg(long, value_name = "N", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=64))]
        jobs: Option<usize>,
    },
    /// Ask the deployed hooks about this workstation's past tool calls: which would be blocked now?
    Replay {
        /// Also ask the hooks that this revision of the playbook deploys; shown is what they block
        /// newly.
        #[arg(long, value_name = "REV")]
        against: Option<String>,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
        /// Ask anew, whatever is known from before.
        #[arg(long)]
        fresh: bool,
    },
    /// Write a configuration by looking at a repository.
    Init {
        /// The playbook's repository; the current directory by default.
        #[arg(value_name = "DIR")]
        repo: Option<PathBuf>,
        /// Replace an existing secloop.toml.
        #[arg(long)]
        force: bool,
        /// Print it instead of writing it.
        #[arg(long)]
        stdout: bool,
    },
    /// Check every part that a run needs, each line with its cure.
    Doctor {
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
        /// Try the boundary around an agent: what it has to stop, and what has to work inside.
        #[arg(long)]
        boundary: bool,
    },
    /// Judge a tool call before it runs: Claude Code's hook, JSON on stdin; exit 2 refuses.
    Guard {
        /// For people; without one, the hook.
        #[command(subcommand)]
        command: Option<GuardCommand>,
    },
    /// Run a command as the agent is run, in a private copy of this directory, to try the boundary.
    ///
    /// The command's output and exit code are passed on; 125: it was not run.
    Sandbox {
        /// How it is confined; as configured by default.
        #[arg(long, value_name = "LEVEL", value_parser = crate::config::level)]
        level: Option<crate::config::Level>,
        /// The command.
        #[arg(last = true, required = true, value_name = "CMD")]
        command: Vec<std::ffi::OsString>,
    },
    /// Ask a running loop to end after its current turn.
    Stop {
        /// Take the current turn back and end at once.
        #[arg(long)]
        now: bool,
    },
    /// Let the loop begin no further turn until `resume`.
    Pause,
    /// Let the loop go on after `pause`.
    Resume,
    /// Accept the price of a held change: it is proven through every gate today, and committed.
    Approve {
        /// The turn that held it: its number, or the beginning of its id.
        #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
        id: String,
    },
    /// Let a held change be, for good.
    Deny {
        /// The turn that held it: its number, or the beginning of its id.
        #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
        id: String,
    },
    /// Take an improvement back, from repository and machine, with proof.
    Rollback {
        /// The turn that made it: its number, or the beginning of its id.
        #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
        id: String,
    },
    /// The dead-man timer: started by secloop itself.
    #[command(hide = true)]
    Deadman {
        /// The directory of a pre-state.
        dir: PathBuf,
    },
    /// Gives calls to hooks inside a confinement: started by secloop itself.
    #[command(hide = true)]
    HookRunner,
    /// Started by `run`: ends what a killed run leaves.
    #[command(hide = true)]
    Guardian {
        /// The state directory, where the records of containers are.
        #[arg(long, value_name = "DIR")]
        state: Option<PathBuf>,
    },
    /// Makes the attempts of `doctor --boundary`.
    #[command(hide = true)]
    BoundaryProbe {
        /// Be a process that stays.
        #[arg(long, value_name = "FILE")]
        stay: Option<PathBuf>,
        /// Be a process that outlives the one that started it.
        #[arg(long, value_name = "FILE")]
        hold: Option<PathBuf>,
    },
    /// Write what the image for `sandbox.level = "container"` is built from.
    Image {
        /// Where to; it must be there.
        #[arg(value_name = "DIR")]
        dir: PathBuf,
    },
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
}

/// The guard, for people.
#[derive(Debug, Subcommand)]
pub enum GuardCommand {
    /// Judge a change of a playbook, given as two directories: exit 0 passed, 2 refused, 3 held for a
    /// person, 1 unreadable. Needs neither git nor a configuration.
    Playbook {
        /// As it was.
        #[arg(value_name = "OLD_DIR")]
        old: PathBuf,
        /// As it would be.
        #[arg(value_name = "NEW_DIR")]
        new: PathBuf,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Judge a shell command: exit 0 allowed, 2 refused.
    Check {
        /// The command, as one word.
        #[arg(value_name = "CMD", allow_hyphen_values = true)]
        script: String,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Say what a rule refuses, why, and what to do instead; without a name: all rules.
    Explain {
        /// The rule's name.
        #[arg(value_name = "RULE")]
        rule: Option<String>,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Judge labelled commands: exit 0 where all verdicts agree with their labels, 2 where not.
    Test {
        /// One JSON object a line, with `command` and `label` ("deny" or "allow").
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
}

/// How `run` runs.
#[derive(Debug, clap::Args)]
#[expect(
    clippy::struct_field_names,
    reason = "a flag may be named like its command"
)]
pub struct Run {
    /// One turn only.
    #[arg(long)]
    pub once: bool,
    /// The whole loop on a throw-away workstation with the embedded agent; needs no account.
    #[arg(long, conflicts_with_all = ["dry_run"])]
    pub trial: bool,
    /// Everything up to apply; nothing on the machine or in the repository changes.
    #[arg(long)]
    pub dry_run: bool,
    /// From one wake to the next, such as 30m.
    #[arg(long, value_parser = humantime::parse_duration)]
    pub interval: Option<Duration>,
    /// Where a trial is made; a new directory in the state directory by default.
    #[arg(long, value_name = "DIR", requires = "trial")]
    pub trial_dir: Option<PathBuf>,
}

/// A breakdown of the spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SpendBy {
    /// By model.
    Model,
    /// By project.
    Project,
    /// By session.
    Session,
}
