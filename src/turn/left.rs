//! What could not be put back, exactly.

use serde::{Deserialize, Serialize};

use crate::text::one_line;

/// Longest value that is shown.
const VALUE: usize = 120;

/// One thing that is not as it was before a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// The path, or the kind and name of a state.
    pub what: String,
    /// How it was.
    pub was: String,
    /// How it is.
    pub is: String,
    /// What a person can do about it.
    pub cure: String,
}

impl Left {
    /// Values are bounded: some are whole sets of rules.
    pub(crate) fn new(what: String, was: &str, is: &str, cure: &str) -> Self {
        Self {
            what,
            was: one_line(was, VALUE),
            is: one_line(is, VALUE),
            cure: one_line(cure, 2 * VALUE),
        }
    }
}

impl std::fmt::Display for Left {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (was {}, is {})", self.what, self.was, self.is)?;
        if self.cure.is_empty() {
            return Ok(());
        }
        write!(f, ": {}", self.cure)
    }
}

/// At most five of them in a line, for a post; the receipt has all.
pub fn in_short(left: &[Left]) -> String {
    let mut text = left
        .iter()
        .take(5)
        .map(|l| format!("{} (was {}, is {})", l.what, l.was, l.is))
        .collect::<Vec<_>>()
        .join(", ");
    if left.len() > 5 {
        text.push_str(&format!(" and {} more", left.len() - 5));
    }
    text
}
