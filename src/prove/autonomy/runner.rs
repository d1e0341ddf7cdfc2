//! Inside the confinement: gives calls to hooks, one after the other, and tells what they said. One
//! confinement for many calls, since setting it up costs more than most hooks do.

use std::collections::BTreeSet;
use std::io::{BufRead as _, Read as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::hooks::{Answer, answer, no_answer};
use crate::process::{self, Spec};

/// The hidden command by which secloop starts itself inside.
pub(super) const COMMAND: &str = "hook-runner";
/// Output of a hook that is read, in bytes.
const KEEP: usize = 64 * 1024;

/// The first line of the input.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Head {
    /// Ends every line of the output: a hook does not know it.
    pub(super) key: String,
    /// The workstation's home directory.
    pub(super) home: PathBuf,
    /// How long a hook may take, in milliseconds.
    pub(super) limit: u64,
}

/// Every further line: a call and the hooks that are asked, until one denies it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Task {
    pub(super) id: usize,
    pub(super) hooks: Vec<String>,
    pub(super) event: Value,
}

/// A line of the output.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) key: String,
    pub(super) id: usize,
    /// One for each hook that was asked, in order.
    pub(super) said: Vec<Said>,
}

/// What a hook said.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Said {
    pub(super) answer: Answer,
    pub(super) millis: u64,
}

/// Reads tasks from standard input and answers them on standard output. Whether it could.
pub async fn serve() -> bool {
    // A hook must neither read the key nor write between the lines.
    if !process::hide_from_children() {
        return false;
    }
    let mut lines = Vec::new();
    let read = std::io::stdin().lock().read_to_end(&mut lines);
    let mut lines = lines.lines().map_while(Result::ok);
    let head = lines
        .next()
        .and_then(|l| serde_json::from_str::<Head>(&l).ok());
    let (Ok(_), Some(head)) = (read, head) else {
        return false;
    };
    let mut hung = BTreeSet::new();
    for line in lines {
        let Ok(task) = serde_json::from_str::<Task>(&line) else {
            return false;
        };
        let told = Told {
            key: head.key.clone(),
            id: task.id,
            said: ask_all(&head, &task, &mut hung).await,
        };
        let line = serde_json::to_string(&told).unwrap_or_default();
        let mut out = std::io::stdout().lock();
        if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
            return false;
        }
    }
    true
}

async fn ask_all(head: &Head, task: &Task, hung: &mut BTreeSet<String>) -> Vec<Said> {
    let mut said = Vec::new();
    for hook in &task.hooks {
        // One that hangs on every call would hold up the measure for as many times its limit.
        let one = if hung.contains(hook) {
            Said {
                answer: no_answer(),
                millis: head.limit,
            }
        } else {
            ask(head, hook, &task.event).await
        };
        if one.answer == no_answer() {
            hung.insert(hook.clone());
        }
        let denied = one.answer == Answer::Denied;
        said.push(one);
        if denied {
            break;
        }
    }
    said
}

async fn ask(head: &Head, hook: &str, event: &Value) -> Said {
    let limit = Duration::from_millis(head.limit);
    let mut spec = Spec::new("/bin/sh", &head.home, limit)
        .args(["-c", hook])
        .envs(std::env::vars_os())
        .env("CLAUDE_PROJECT_DIR", &head.home);
    spec.stdin = event.to_string().into_bytes();
    spec.keep = KEEP;
    spec.grace = Duration::from_secs(1);
    match process::run(&spec, &CancellationToken::new(), |_| ()).await {
        Ok(done) => Said {
            answer: answer(&done),
            millis: u64::try_from(done.elapsed.as_millis()).unwrap_or(u64::MAX),
        },
        Err(e) => Said {
            answer: Answer::Broken(format!("can't be started: {e}")),
            millis: 0,
        },
    }
}
