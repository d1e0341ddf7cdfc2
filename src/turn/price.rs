//! What a change that is right would cost.

use serde::{Deserialize, Serialize};

use super::Gate;

/// A reason for which a change waits for a person, such that the same reason of another day is the
/// same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// The gate that names it.
    pub gate: Gate,
    /// What it is, without what differs from day to day.
    pub what: String,
}

impl std::fmt::Display for Price {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.gate.word(), self.what)
    }
}
