//! The static gates: what a proposal may touch, what it may say, and that it carries no secret.
//!
//! Nothing here runs anything. Known bad is refused, unknown waits for a person.

mod policy;
mod scope;
mod secrets;
mod substance;

pub use policy::{policy, resolved};
pub use scope::scope;
pub use secrets::secrets;
pub use substance::{Own, Work, classify, substance};

use crate::turn::Verdict;

/// What the rules of a gate said so far.
#[derive(Debug, Default)]
struct Findings {
    refused: Vec<String>,
    held: Vec<String>,
}

impl Findings {
    fn refuse(&mut self, why: impl Into<String>) {
        self.refused.push(why.into());
    }

    fn hold(&mut self, why: impl Into<String>) {
        self.held.push(why.into());
    }

    /// The first refusal, else the first hold, and how many more there are of the same weight.
    fn verdict(self) -> Verdict {
        match (self.refused.as_slice(), self.held.as_slice()) {
            ([], []) => Verdict::Passed,
            ([], [first, more @ ..]) => Verdict::Held(counted(first, more.len())),
            ([first, more @ ..], _) => Verdict::Refused(counted(first, more.len())),
        }
    }
}

fn counted(first: &str, more: usize) -> String {
    match more {
        0 => first.to_owned(),
        _ => format!("{first} (and {more} more)"),
    }
}

/// A path as it is shown: bounded, without what does not print.
fn shown(path: &std::path::Path) -> String {
    crate::text::plain(&path.display().to_string(), 200)
}
