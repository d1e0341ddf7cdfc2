//! Errors by consequence, and the exit codes of `secloop`.
//!
//! A failure inside a turn becomes a recorded turn and never one of these. [`Fatal`] ends the
//! program before (or instead of) a loop: nothing was started that is not in the ledger.

use std::path::PathBuf;

/// How the program ends: the documented exit codes of `secloop run`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Nothing material is left, or a single command did what was asked.
    Done = 0,
    /// Something that the program cannot work without is broken.
    Fatal = 1,
    /// The command line is wrong.
    Usage = 2,
    /// What was asked about is refused: to the system the same number as a wrong command line.
    Refused = 3,
    /// What was asked about waits for a person.
    Held = 4,
    /// The day's spending cap is reached.
    CapReached = 10,
    /// Another run is active and this cycle was skipped.
    Busy = 11,
    /// A person has to decide or repair something.
    NeedsOperator = 12,
    /// Too many failures in a row, or a dry spell.
    GaveUp = 13,
    /// Stopped by Ctrl-C or a signal.
    Interrupted = 130,
}

impl Exit {
    /// The number handed to the operating system.
    pub fn code(self) -> u8 {
        match self {
            Self::Refused => 2,
            Self::Held => 3,
            other => other as u8,
        }
    }
}

/// An error that ends the program. Each message names the thing and its cure.
#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    /// A configuration file or flag can't be used.
    #[error("configuration: {0}")]
    Config(String),
    /// The state directory can't be used safely.
    #[error("state directory {path}: {why}")]
    State {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it and how to mend it.
        why: String,
    },
    /// The ledger can't be read or written; without it no money is spent.
    #[error("ledger: {0}")]
    Ledger(String),
    /// The playbook's repository can't be used.
    #[error("repository: {0}")]
    Repo(String),
    /// No usable Ansible, or a playbook that does not parse.
    #[error("ansible: {0}")]
    Ansible(String),
    /// The agent can't be started as configured.
    #[error("agent: {0}")]
    Agent(String),
    /// The sandbox that the configuration asks for is not available.
    #[error("sandbox: {0}")]
    Sandbox(String),
    /// The spend figure can't be trusted.
    #[error("spend: {0}")]
    Spend(String),
    /// The requested thing does not exist.
    #[error("{0}")]
    NotFound(String),
    /// A person has to repair something before secloop may go on.
    #[error("needs the operator: {0}")]
    NeedsOperator(String),
    /// Any other failure of the operating system, with what was being done.
    #[error("{what}: {source}")]
    Io {
        /// What was being done, naming the path.
        what: String,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
}

impl Fatal {
    /// The exit code that belongs to this error.
    pub fn exit(&self) -> Exit {
        match self {
            Self::NeedsOperator(_) => Exit::NeedsOperator,
            _ => Exit::Fatal,
        }
    }

    /// Wraps an I/O error with what was being done.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
