//! Probes: what is checked, what it has to give, and what it gave over a turn.

use serde::{Deserialize, Serialize};

/// A read-only check of the machine: red before the change, green after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// A short name, unique within a report.
    pub name: String,
    /// What to run.
    pub run: ProbeRun,
    /// What it must give when the hole is closed.
    pub expect: Expect,
    /// What it gives while the hole is open, where the report says so: then anything else that is
    /// not green is an error, and not red.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub red: Option<Expect>,
}

/// A probe's program: an argument vector, or a POSIX shell script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ProbeRun {
    /// Run directly, without a shell.
    Argv(Vec<String>),
    /// Run as `/bin/sh -c SCRIPT`.
    Script(String),
}

/// What a green probe gives. Anything else that ends normally is red; a probe that can't start, is
/// killed, exits above 125 or has nothing but an error message to give is an error and neither red
/// nor green.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The exit code.
    #[serde(default)]
    pub exit: i32,
    /// The whole standard output, compared after trimming white space at both ends; absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdout: Option<String>,
}

/// One probe's results over a turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeRecord {
    /// The probe as given; the verification method in the log.
    pub probe: Probe,
    /// Before the change.
    pub before: Option<Colour>,
    /// After apply and after the second run.
    pub after: Option<Colour>,
    /// After a rollback.
    pub rolled_back: Option<Colour>,
    /// The last output, bounded.
    pub output: String,
}

/// A probe's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Colour {
    /// Ran and did not give what was expected: the hole is open.
    Red,
    /// Ran and gave what was expected: the hole is closed.
    Green,
    /// Could not be run to its end: tells nothing.
    Error,
}
