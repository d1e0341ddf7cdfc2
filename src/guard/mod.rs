//! Reads a shell command and says whether it may run: allowed, denied by a rule, or unprovable. Pure:
//! no files, no clock, no network; work is bounded by size and steps.
//!
//! Two parsers read every script (`parse.rs`); what they don't agree on is refused. The walk
//! (`walk.rs`) follows it in the order in which it would run, with the values that variables can
//! have; every program is judged by its expanded words. `docs/guard.md` says what is not judged.

mod accounts;
mod awk;
mod builtins;
mod call;
mod clouds;
mod code;
mod databases;
mod disks;
mod emptying;
mod environment;
mod escapes;
mod executes;
mod expand;
mod files;
mod find;
mod git;
mod guards;
mod homes;
mod inline;
mod launchers;
mod machine;
mod marks;
mod modes;
mod network;
mod options;
mod parse;
mod paths;
mod program;
mod reads;
mod rules;
mod runners;
mod sed;
mod sends;
mod shells;
mod simple;
mod startup;
mod table;
mod trace;
mod tree;
pub mod tripwire;
mod walk;
mod windows;
mod wrappers;

pub mod hook;

pub use rules::{RULES, Rule, rule};
pub(crate) use trace::{Trace, ends_at, trace};

/// What is said of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing in it is refused.
    Allowed,
    /// A rule refuses it.
    Denied(Denial),
    /// It can't be told what it would do.
    Unprovable(String),
}

/// A refusal by a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// The rule's id.
    pub rule: &'static str,
    /// The command in the script, in characters; none where it is not there as such.
    pub span: Option<std::ops::Range<usize>>,
    /// What exactly, and why.
    pub why: String,
    /// What to do instead.
    pub instead: &'static str,
}

impl Verdict {
    /// Whether the command may run.
    pub fn is_allowed(&self) -> bool {
        *self == Self::Allowed
    }

    /// One line for whoever wrote the command; none where it is allowed.
    pub fn line(&self) -> Option<String> {
        let line = match self {
            Self::Allowed => return None,
            Self::Denied(denial) => {
                format!(
                    "{}: {} Instead: {}.",
                    denial.rule, denial.why, denial.instead
                )
            }
            Self::Unprovable(what) => format!(
                "unprovable: the command has {what}. Instead: write it plainly, one command per \
                 call, and put long texts into a file first."
            ),
        };
        Some(line.replace(['\n', '\r'], " "))
    }
}

/// The first thing that ends a walk.
#[derive(Debug, Clone)]
enum Stop {
    Deny { rule: &'static str, what: String },
    Unprovable(&'static str),
}

impl Stop {
    fn deny(rule: &'static str, what: impl Into<String>) -> Self {
        Self::Deny {
            rule,
            what: what.into(),
        }
    }

    fn unprovable(what: &'static str) -> Self {
        Self::Unprovable(what)
    }
}

/// Judges a script.
pub fn judge(script: &str) -> Verdict {
    if script.contains([
        '\u{f0000}',
        '\u{f0001}',
        '\u{f0002}',
        '\u{f0003}',
        '\u{f0004}',
        '\u{f0005}',
    ]) {
        return Verdict::Unprovable("a private character".to_owned());
    }
    let mut walk = walk::Walk::new();
    let ended = caught(|| walk.script(script).map(drop));
    verdict(&walk, ended)
}

/// The parsers are others' work, and the second one can be made to panic: then nothing is known.
fn caught(walk: impl FnOnce() -> Result<(), Stop>) -> Result<(), Stop> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(walk))
        .unwrap_or(Err(Stop::Unprovable("text that a parser fails on")))
}

/// What the end of a walk comes to.
fn verdict(walk: &walk::Walk, ended: Result<(), Stop>) -> Verdict {
    match ended {
        Ok(()) => Verdict::Allowed,
        Err(Stop::Unprovable(what)) => Verdict::Unprovable(what.to_owned()),
        Err(Stop::Deny { rule, what }) => match rules::rule(rule) {
            Some(found) => Verdict::Denied(Denial {
                rule: found.id,
                span: walk.span.clone(),
                why: format!("{what}: {}.", found.why),
                instead: found.instead,
            }),
            None => Verdict::Unprovable(what),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_refuse_and_pass_their_examples() {
        let mut wrong = Vec::new();
        for rule in RULES {
            for script in rule.denied {
                match judge(script) {
                    Verdict::Denied(denial) if denial.rule == rule.id => {}
                    other => wrong.push(format!("{}: {script}: {other:?}", rule.id)),
                }
            }
            for script in rule.allowed {
                if !judge(script).is_allowed() {
                    wrong.push(format!("{}: {script}: {:?}", rule.id, judge(script)));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
