//! The static gates: what a proposal may touch, what it may say, and that it carries no secret.
//!
//! Nothing here runs anything. Known bad is refused, unknown waits for a person.

mod offline;
mod policy;
mod scope;
mod secrets;
mod substance;

pub use offline::{between, offline};
pub use policy::{Hook, RULES, Rule, Standing, policy, policy_and_hooks, resolved, rule};
pub use scope::scope;
pub use secrets::{secrets, texts_hold};
pub use substance::{Own, Work, classify, substance};

use crate::config::Unknown;
use crate::turn::Verdict;

/// What a rule says about a place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file, relative to the repository's top.
    pub file: String,
    /// The line, from 1; none where it is about the file as such.
    pub line: Option<usize>,
    /// The rule.
    pub rule: &'static str,
    /// Known bad, and not only unknown.
    pub refused: bool,
    /// What it is.
    pub why: String,
    /// What to do instead.
    pub instead: String,
}

impl Finding {
    /// In one line.
    pub fn text(&self) -> String {
        let at = self.line.map(|l| format!(":{l}")).unwrap_or_default();
        format!(
            "{}{at}: {}; {} [{}]",
            self.file, self.why, self.instead, self.rule
        )
    }
}

/// What the rules of a gate said so far.
#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn refuse(
        &mut self,
        rule: &'static str,
        file: &std::path::Path,
        line: Option<usize>,
        what: &str,
    ) {
        self.push(rule, file, line, true, what);
    }

    fn hold(
        &mut self,
        rule: &'static str,
        file: &std::path::Path,
        line: Option<usize>,
        what: &str,
    ) {
        self.push(rule, file, line, false, what);
    }

    /// `what` may name its own cure behind a semicolon.
    fn push(
        &mut self,
        rule: &'static str,
        file: &std::path::Path,
        line: Option<usize>,
        refused: bool,
        what: &str,
    ) {
        let what = crate::text::plain(what, 400);
        let known = policy::rule(rule);
        let (why, instead) = match what.rsplit_once("; ") {
            Some((why, instead)) => (why.to_owned(), instead.to_owned()),
            None => (
                what,
                known.map_or("a person decides", |r| r.instead).to_owned(),
            ),
        };
        let finding = Finding {
            file: shown(file),
            line,
            rule,
            refused,
            why,
            instead,
        };
        if !self.0.contains(&finding) {
            self.0.push(finding);
        }
    }

    /// The first refusal, else the first hold, and how many more there are of the same weight.
    fn verdict(self, unknown: Unknown) -> Verdict {
        let all = self.0;
        let refused = |f: &&Finding| f.refused;
        let counted = |first: &Finding, all: usize| match all {
            1 => first.text(),
            _ => format!("{} (and {} more)", first.text(), all - 1),
        };
        if let Some(first) = all.iter().find(refused) {
            return Verdict::Refused(counted(first, all.iter().filter(refused).count()));
        }
        match (all.first(), unknown) {
            (None, _) => Verdict::Passed,
            (Some(first), Unknown::Hold) => Verdict::Held(counted(first, all.len())),
            (Some(first), Unknown::Refuse) => Verdict::Refused(counted(first, all.len())),
        }
    }
}

/// A path as it is shown: bounded, without what does not print.
fn shown(path: &std::path::Path) -> String {
    crate::text::plain(&path.display().to_string(), 200)
}
