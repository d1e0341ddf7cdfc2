//! The vocabulary of the loop: what a turn is made of and what it leaves behind.
//!
//! Pure data. A [`Turn`] is always recorded; its [`Receipt`] holds the evidence. Every text that
//! comes from an agent is length-limited when a [`Report`] is parsed (see `agent::report`).

mod drift;
mod left;
mod price;
mod probe;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use self::drift::Drift;
pub use self::left::{Left, in_short};
pub use self::price::Price;
pub use self::probe::{Colour, Expect, Probe, ProbeRecord, ProbeRun};
use crate::gate::MicroUsd;

/// Identifies a turn: a version 7 UUID, so that ids sort by time.
pub type TurnId = uuid::Uuid;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Severity {
    /// Exploitable now.
    P0,
    /// Comes back on rebuild.
    P1,
    /// Defence in depth.
    P2,
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::P0 => "P0",
            Self::P1 => "P1",
            Self::P2 => "P2",
        })
    }
}

/// What is wrong on the workstation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// One line, at most 120 characters.
    pub title: String,
    /// Why it matters, at most 2,000 characters.
    pub detail: String,
    /// How bad it is.
    pub severity: Severity,
    /// What the control is applied to, such as a file or a service.
    pub target: String,
    /// The name of the control, such as `deny-read-by-any-program`.
    pub control: String,
}

impl Finding {
    /// Target and control, independent of the wording: the same hole has the same fingerprint.
    pub fn fingerprint(&self) -> String {
        crate::memory::Print::of(&self.target, &self.control).key()
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut out, b| {
            let _ = write!(out, "{b:02x}");
            out
        })
}

/// What an agent says it did. The supervisor believes none of it until proven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// What the iteration came to, by the agent's own account.
    pub outcome: ReportOutcome,
    /// Present when `outcome` is `improvement`.
    #[serde(default)]
    pub finding: Option<Finding>,
    /// What was changed and why.
    #[serde(default)]
    pub change: String,
    /// At least one when `outcome` is `improvement`.
    #[serde(default)]
    pub probes: Vec<Probe>,
    /// The verification plan in words.
    #[serde(default)]
    pub verification: String,
    /// The question for a person when `outcome` is `blocked`.
    #[serde(default)]
    pub blocked_on: Option<String>,
    /// What later iterations should know, each in one line.
    #[serde(default)]
    pub observations: Vec<String>,
}

impl Report {
    /// Most observations that one report may have.
    pub const OBSERVATIONS: usize = 5;
}

/// What an iteration came to, by the agent's own account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportOutcome {
    /// A change that closes a hole.
    Improvement,
    /// No change would materially reduce the attack surface.
    NothingMaterial,
    /// Only a person can decide or do what comes next.
    Blocked,
}

/// How an agent's process ended, judged from structured events only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "class")]
pub enum AgentOutcome {
    /// Ended well with a valid report.
    Done,
    /// Ended well and says that nothing material is left.
    NoOp,
    /// Ended well and asks a person.
    Blocked,
    /// A usage limit; nothing is burned until it resets.
    Limit {
        /// When the provider lifts the limit, where it said so.
        reset: Option<DateTime<Utc>>,
    },
    /// The credentials are not accepted.
    Auth,
    /// The model's service can't be reached or is overloaded.
    Offline,
    /// Out of turns or context in mid-work.
    Truncated,
    /// The allowance is used up.
    Budget,
    /// No sign of life until a deadline.
    Hung,
    /// The guard refused too much that no honest work runs into.
    Denied,
    /// Anything else that is not a valid end, such as a malformed report.
    Crashed,
    /// Stopped by the supervisor.
    Cancelled,
}

impl AgentOutcome {
    /// The class in one word, as shown to people.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::NoOp => "no_op",
            Self::Blocked => "blocked",
            Self::Limit { .. } => "limit",
            Self::Auth => "auth",
            Self::Offline => "offline",
            Self::Truncated => "truncated",
            Self::Budget => "budget",
            Self::Hung => "hung",
            Self::Denied => "denied",
            Self::Crashed => "crashed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What an agent's run gave: its class, its words, its cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Iteration {
    /// How it ended.
    pub outcome: AgentOutcome,
    /// The report, when one was given and is well-formed.
    pub report: Option<Report>,
    /// Why the outcome is what it is, one line.
    pub why: String,
    /// What the run cost by its own events, in millionths of a US dollar.
    pub cost: MicroUsd,
    /// The agent's session id, where it has one: joins the run with its transcript.
    pub session: Option<String>,
    /// Tool calls that the guard refused, one line each, bounded and redacted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused_calls: Vec<String>,
    /// The last lines of its output, bounded and redacted.
    pub tail: Vec<String>,
}

/// One gate's verdict with its evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateRecord {
    /// Which gate.
    pub gate: Gate,
    /// What it decided.
    pub verdict: Verdict,
    /// The command that was run, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Its exit code, if it ended by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<i32>,
    /// How long it took, in milliseconds.
    pub millis: u64,
    /// What the gate could not see, and other remarks for a reader.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl GateRecord {
    /// A record without a command.
    pub fn new(gate: Gate, verdict: Verdict) -> Self {
        Self {
            gate,
            verdict,
            command: None,
            exit: None,
            millis: 0,
            notes: Vec::new(),
        }
    }
}

/// The gates in their fixed order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// Only allowed files changed.
    Scope,
    /// The change does something on the machine.
    Substance,
    /// The parsed change, task by task.
    Policy,
    /// No credential enters a commit.
    Secrets,
    /// A changed hook still denies what it denied, and lets ordinary calls pass.
    Hooks,
    /// The playbook parses.
    Syntax,
    /// The baseline plus the change, without changing anything.
    DryRun,
    /// Every probe fails now.
    Red,
    /// The change on the machine.
    Apply,
    /// What changed is what was declared and predicted.
    Agreement,
    /// Applying again changes nothing.
    SecondRun,
    /// Every probe passes, and those of earlier commits still do.
    Green,
    /// The agent can still work: tool call, file read, hook corpus.
    Autonomy,
    /// What the deployed hooks say to this workstation's own past.
    Replay,
    /// A call of the live agent with the deployed settings.
    LiveCall,
    /// Another run could not get round the change.
    SecondOpinion,
    /// An explicit-path commit.
    Commit,
    /// Rights, remote access, git and MCP servers are as they were.
    Posture,
    /// What is not made of plain files can be undone and made again.
    WayBack,
    /// The pre-state is back on the machine.
    Rollback,
}

impl Gate {
    /// The gate's name, as shown to people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Scope => "scope",
            Self::Substance => "substance",
            Self::Policy => "policy",
            Self::Secrets => "secrets",
            Self::Hooks => "hooks",
            Self::Syntax => "syntax",
            Self::DryRun => "dry run",
            Self::Red => "probe red",
            Self::Apply => "apply",
            Self::Agreement => "agreement",
            Self::SecondRun => "second run",
            Self::Green => "probe green",
            Self::Autonomy => "autonomy",
            Self::Replay => "replay",
            Self::LiveCall => "live call",
            Self::SecondOpinion => "second opinion",
            Self::Commit => "commit",
            Self::Posture => "posture",
            Self::WayBack => "way back",
            Self::Rollback => "rollback",
        }
    }
}

/// A gate's decision. What can't be known is never `Passed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict", content = "why")]
pub enum Verdict {
    /// Proven good.
    Passed,
    /// Known bad, with the reason and the cure.
    Refused(String),
    /// Not known: waits for a person.
    Held(String),
    /// Not run, with the reason. Never counts as passed.
    NotRun(String),
}

/// What a turn came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome", content = "why")]
pub enum TurnOutcome {
    /// A proven improvement is in the repository and on the machine.
    Committed(String),
    /// The agent says that nothing material is left.
    Idle(String),
    /// This cycle was skipped because another iteration is active.
    Skipped(String),
    /// A gate refused the proposal; repository and machine are as before.
    Rejected(String),
    /// Waits for a person; repository and machine are as before.
    Held(String),
    /// No proposal came to be: the agent, the model's service or the machine failed.
    Failed(String),
    /// Something could not be put back. The loop stops.
    NeedsOperator(String),
    /// An operator had an earlier improvement taken back, from repository and machine.
    TakenBack(String),
}

/// Begins the reason of a turn that `--dry-run` held.
const DRY_RUN: &str = "--dry-run: ";

impl TurnOutcome {
    /// Held by `--dry-run` after every gate that changes nothing.
    pub fn rehearsed() -> Self {
        Self::Held(format!(
            "{DRY_RUN}every gate before apply passed, nothing was changed"
        ))
    }

    /// Whether no more than `--dry-run` held it: nobody has to decide about it.
    pub fn is_rehearsed(&self) -> bool {
        matches!(self, Self::Held(why) if why.starts_with(DRY_RUN))
    }

    /// The outcome in one word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Committed(_) => "committed",
            Self::Idle(_) => "idle",
            Self::Skipped(_) => "skipped",
            Self::Rejected(_) => "rejected",
            Self::Held(_) => "held",
            Self::Failed(_) => "failed",
            Self::NeedsOperator(_) => "needs_operator",
            Self::TakenBack(_) => "taken_back",
        }
    }

    /// The commit id, or the reason.
    pub fn detail(&self) -> &str {
        match self {
            Self::Committed(s)
            | Self::Idle(s)
            | Self::Skipped(s)
            | Self::Rejected(s)
            | Self::Held(s)
            | Self::Failed(s)
            | Self::NeedsOperator(s)
            | Self::TakenBack(s) => s,
        }
    }
}

/// The evidence of a turn. Each field is filled by the supervisor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Receipt {
    /// SHA-256 of the unified diff, hexadecimal; empty when there was no diff.
    pub diff_sha256: String,
    /// The paths changed in the repository.
    pub paths: Vec<String>,
    /// The unified diff, at most 64 KiB.
    pub diff: String,
    /// The gates that were reached, in order.
    pub gates: Vec<GateRecord>,
    /// The probes.
    pub probes: Vec<ProbeRecord>,
    /// How agent and checks were confined, in words.
    pub confinement: String,
    /// The turn was a `--dry-run`: it is not remembered.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rehearsal: bool,
    /// What the evidence does not cover.
    pub not_covered: Vec<String>,
    /// What a rollback could not put back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<Left>,
    /// What the change would cost: a person decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prices: Vec<Price>,
    /// What an operator has accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<Price>,
    /// The number of the turn whose held change this one proved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approves: Option<i64>,
    /// The turn whose improvement this one took back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverts: Option<TurnId>,
    /// The probes of earlier improvements that were not green when the turn began.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<Drift>,
    /// Which of the prompts the agent was given: what confirms another's word is told by it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub seed: String,
    /// What the agent wants remembered: nobody has proven it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observations: Vec<String>,
    /// How much each scanner has looked at, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scanned: Vec<String>,
    /// The number of the turn that this one repeats: refused without a try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<i64>,
    /// The number of the turn whose improvement was undone since: this is its repair, and no new
    /// finding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift_of: Option<i64>,
}

/// One wake and what it came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// Its id.
    pub id: TurnId,
    /// Its number in this ledger, from 1.
    pub number: i64,
    /// When it began.
    pub started: DateTime<Utc>,
    /// When it ended.
    pub finished: DateTime<Utc>,
    /// What it came to.
    pub outcome: TurnOutcome,
    /// The agent's outcome class, if an agent ran.
    pub agent: Option<AgentOutcome>,
    /// What the agent's run cost.
    pub cost: MicroUsd,
    /// What was found, if anything.
    pub finding: Option<Finding>,
    /// What was changed and why, in the agent's words.
    pub change: String,
    /// The question for a person, when blocked.
    pub question: Option<String>,
    /// The evidence.
    pub receipt: Receipt,
}

/// What all turns came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Those in which an iteration could have been: all but the skipped.
    pub iterations: u64,
    /// Improvements.
    pub committed: u64,
    /// Refused by a gate.
    pub rejected: u64,
    /// Waiting for a person; not those that a dry run held.
    pub held: u64,
    /// Nothing material.
    pub idle: u64,
    /// Failed, or stopped for the operator.
    pub failed: u64,
    /// Earlier improvements taken back.
    pub taken_back: u64,
    /// When the newest improvement landed.
    pub last_commit: Option<DateTime<Utc>>,
}

impl Receipt {
    /// What of it decides about the turns to come: all that a run of months keeps in memory.
    #[must_use]
    pub fn kept_in_mind(&self) -> Self {
        Self {
            seed: self.seed.clone(),
            drift_of: self.drift_of,
            drift: self.drift.clone(),
            ..Self::default()
        }
    }

    /// What of it is kept for ever: what the pages show, what is remembered, and every probe. The
    /// difference is in git; what programs said is gone.
    #[must_use]
    pub fn thinned(mut self) -> Self {
        self.diff.clear();
        for gate in &mut self.gates {
            gate.command = None;
            gate.notes.clear();
        }
        for probe in &mut self.probes {
            probe.output.clear();
        }
        for drift in &mut self.drift {
            drift.output.clear();
        }
        self
    }
}

/// The stages of a turn, as `status` shows them and as events are named in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The probes of earlier improvements.
    Drift,
    /// Checking the spend.
    Gate,
    /// Taking the lock.
    Lock,
    /// The agent works.
    Iterate,
    /// The gates that need no machine.
    Check,
    /// Snapshot and apply.
    Apply,
    /// Second run, probes, autonomy.
    Prove,
    /// Writing the commit.
    Commit,
    /// Taking the change back.
    Rollback,
    /// Between turns.
    Sleep,
}

impl Stage {
    /// The stage's name, as shown to people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Drift => "drift",
            Self::Gate => "gate",
            Self::Lock => "lock",
            Self::Iterate => "iterate",
            Self::Check => "check",
            Self::Apply => "apply",
            Self::Prove => "prove",
            Self::Commit => "commit",
            Self::Rollback => "rollback",
            Self::Sleep => "sleep",
        }
    }
}
