//! `secloop guard`: Claude Code's question on standard input, and the same for people.

mod corpus;
mod explain;

use std::ffi::OsString;
use std::io::{Read as _, Write as _};

use serde_json::json;

use super::args::GuardCommand;
use super::playbook;
use super::{print, print_json};
use crate::error::Exit;
use crate::guard::{self, Verdict, hook};

/// Enough for the deepest nesting that is still read.
const STACK: usize = 256 * 1024 * 1024;
/// A question that can't nest deep enough to need it.
const SHALLOW: usize = 2 * 1024;

/// Answers where the process was started as the hook, before anything else is set up. None: it was
/// started as something else.
pub fn hook(arguments: &[OsString]) -> Option<Exit> {
    let [_, only, trips @ ..] = arguments else {
        return None;
    };
    if only != "guard" || trips.len() % 2 != 0 {
        return None;
    }
    let mut added = Vec::new();
    for pair in trips.chunks(2) {
        if pair[0] != "--trip" {
            return None;
        }
        added.push(pair[1].to_str()?.to_owned());
    }
    guard::tripwire::add(added);
    // A panic is a refusal of one line, not a backtrace.
    std::panic::set_hook(Box::new(|_| {}));
    let mut question = Vec::new();
    let most = u64::try_from(hook::LARGEST).unwrap_or(u64::MAX);
    let read = std::io::stdin()
        .lock()
        .take(most.saturating_add(1))
        .read_to_end(&mut question);
    let refusal = match read {
        Err(_) => {
            Some("secloop guard: the question can't be read; the tool was not run".to_owned())
        }
        Ok(_) => answered(question),
    };
    let Some(line) = refusal else {
        return Some(Exit::Done);
    };
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
    Some(Exit::Refused)
}

/// The refusal, if it is one. A thread would cost a short question a good part of its time.
fn answered(question: Vec<u8>) -> Option<String> {
    let judged = if question.len() > SHALLOW {
        apart(move || hook::refusal(&question))
    } else {
        std::panic::catch_unwind(|| hook::refusal(&question)).ok()
    };
    judged.unwrap_or_else(|| {
        Some("secloop guard: judging it failed; the tool was not run".to_owned())
    })
}

/// Runs the judgement on a stack of its own; none where it panics or can't be started.
fn apart<T: Send + 'static>(judge: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    std::thread::Builder::new()
        .stack_size(STACK)
        .spawn(judge)
        .ok()?
        .join()
        .ok()
}

/// `secloop guard check` and what else people ask.
pub(super) fn guard(command: GuardCommand) -> Exit {
    match command {
        GuardCommand::Check { script, json } => check(script, json),
        GuardCommand::Explain { rule, json } => explain::explain(rule.as_deref(), json),
        GuardCommand::Playbook { old, new, json } => playbook::judge(&old, &new, json),
        GuardCommand::Test { file, json } => {
            apart(move || corpus::test(&file, json)).unwrap_or(Exit::Fatal)
        }
    }
}

/// What was asked can't be answered.
fn complain(why: &str) -> Exit {
    let line = format!("secloop: {}\n", crate::text::terminal_safe(why));
    let _ = std::io::stderr().write_all(line.as_bytes());
    Exit::Usage
}

fn check(script: String, json: bool) -> Exit {
    let verdict = apart(move || guard::judge(&script))
        .unwrap_or_else(|| Verdict::Unprovable("something that judging it fails on".to_owned()));
    if json {
        print_json(&document(&verdict));
    } else {
        let line = verdict.line().unwrap_or_else(|| "allowed".to_owned());
        print(&format!("{}\n", crate::text::terminal_safe(&line)));
    }
    if verdict.is_allowed() {
        Exit::Done
    } else {
        Exit::Refused
    }
}

fn document(verdict: &Verdict) -> serde_json::Value {
    match verdict {
        Verdict::Allowed => json!({"version": 1, "verdict": "allowed"}),
        Verdict::Denied(denial) => json!({
            "version": 1,
            "verdict": "denied",
            "rule": denial.rule,
            "span": denial.span.as_ref().map(|s| [s.start, s.end]),
            "why": denial.why,
            "instead": denial.instead,
        }),
        Verdict::Unprovable(node) => json!({
            "version": 1,
            "verdict": "unprovable",
            "node": node,
        }),
    }
}
