//! An improvement that landed and does not hold any more.

use serde::{Deserialize, Serialize};

use super::{Colour, Finding, TurnId};

/// A probe of an earlier improvement that is not green.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// The turn that made the improvement.
    pub turn: TurnId,
    /// Its commit.
    pub commit: String,
    /// What it closed.
    pub finding: Finding,
    /// The probe's name.
    pub probe: String,
    /// What the probe gave.
    pub colour: Colour,
    /// What it said, bounded and redacted.
    pub output: String,
    /// A plain re-run of the playbook turned it green.
    #[serde(default)]
    pub repaired: bool,
}

impl Drift {
    /// Which probe of which turn it is about.
    pub fn key(&self) -> String {
        format!("{}/{}", self.turn, self.probe)
    }
}

impl std::fmt::Display for Drift {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let colour = match self.colour {
            Colour::Red => "is red again",
            Colour::Green => "is green",
            Colour::Error => "can't be run to its end any more",
        };
        let Finding {
            severity, title, ..
        } = &self.finding;
        write!(f, "{severity} {title}: \"{}\" {colour}", self.probe)?;
        if self.repaired {
            f.write_str("; a re-run of the playbook turned it green")?;
        }
        Ok(())
    }
}
