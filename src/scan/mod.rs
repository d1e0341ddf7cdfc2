//! What scanners that are installed already have found: ranked input for the agent, and how much of it
//! was looked at. What was not checked is never taken for good.

mod json;
mod lynis;
mod mscp;
mod rank;
mod sarif;
mod sources;
mod tool;

pub use json::{Fields, parse as parse_json};
pub use lynis::parse as parse_lynis;
pub use mscp::{Rule, parse as parse_rule};
pub use rank::{lines, passed_over, ranked};
pub use sarif::parse as parse_sarif;
pub use sources::{Machine, Scan, scan};

use serde::{Deserialize, Serialize};

use crate::text::{plain, redact};
use crate::turn::{Probe, Severity};

/// Longest text of a candidate, in characters.
const TEXT: usize = 200;
/// Most candidates that are kept of one source.
const MOST: usize = 500;

/// A hole that a scanner claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The scanner.
    pub source: String,
    /// Its own name for what it checked: the control, where the agent takes it up.
    pub id: String,
    /// What is wrong, in one line.
    pub title: String,
    /// How bad it is, by the scanner's own scale.
    pub severity: Severity,
    /// What it is about; may be empty.
    pub target: String,
    /// The scanner's own check, where it has one that can be run alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Probe>,
}

impl Candidate {
    /// Scanners read what others wrote: every text is bounded, printable and without secrets.
    fn new(source: &str, id: &str, title: &str, severity: Severity, target: &str) -> Self {
        let text = |text: &str| plain(&redact(text.trim()), TEXT);
        Self {
            source: text(source),
            id: text(id),
            title: text(title),
            severity,
            target: text(target),
            probe: None,
        }
    }
}

/// How much one source has looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// The scanner.
    pub source: String,
    /// Checks that it found to be good. Where it does not tell, none.
    pub passed: usize,
    /// Checks that it found to be bad.
    pub failed: usize,
    /// Checks that could not be made, or of which nothing is known.
    pub not_checked: usize,
    /// How old that is, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age: Option<i64>,
    /// What else is to be known of it: why nothing was checked, or what it left out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

impl Coverage {
    fn nothing(source: &str, why: &str) -> Self {
        Self {
            source: plain(source, TEXT),
            note: plain(&redact(why), TEXT),
            ..Self::default()
        }
    }
}

/// In one line, for people, prompts and receipts.
impl std::fmt::Display for Coverage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: ", self.source)?;
        if self.passed + self.failed + self.not_checked == 0 {
            f.write_str("not checked")?;
        } else {
            write!(
                f,
                "{} failed, {} passed, {} not checked",
                self.failed, self.passed, self.not_checked
            )?;
        }
        match self.age {
            Some(age) if age >= 2 * 86_400 => write!(f, ", {} days old", age / 86_400)?,
            Some(age) if age >= 3_600 => write!(f, ", {} h old", age / 3_600)?,
            _ => {}
        }
        if !self.note.is_empty() {
            write!(f, " ({})", self.note)?;
        }
        Ok(())
    }
}

/// What one source gave.
pub type Found = (Vec<Candidate>, Coverage);
