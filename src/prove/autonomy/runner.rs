//! Gives calls to hooks inside a confinement, one after the other, and tells what they said. One
//! confinement for many calls, since setting it up costs more than most hooks do.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, Read as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::hooks::{Answer, SLOW, answer, no_answer};
use crate::process::{self, Spec};
use crate::prove::probe::ProbeContext;

/// The hidden command by which secloop starts itself inside.
const COMMAND: &str = "hook-runner";
/// Output of a hook that is read, in bytes.
const KEEP: usize = 64 * 1024;
/// Output of a confinement that is read, in bytes.
const KEEP_ALL: usize = 8 << 20;
/// Calls for one confinement.
pub(super) const CHUNK: usize = 50;

/// The first line of the input.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    /// Ends every line of the output: a hook does not know it.
    key: String,
    /// The workstation's home directory.
    home: PathBuf,
    /// How long a hook may take, in milliseconds.
    limit: u64,
}

/// Every further line: a call and the hooks that are asked, until one denies it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Task {
    pub(super) id: usize,
    pub(super) hooks: Vec<String>,
    /// Its standard input.
    pub(super) input: String,
}

/// A line of the output.
#[derive(Debug, Serialize, Deserialize)]
struct Told {
    key: String,
    id: usize,
    /// One for each hook that was asked, in order.
    said: Vec<Said>,
}

/// What a hook said.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Said {
    pub(super) answer: Answer,
    pub(super) millis: u64,
}

/// Runs tasks in one confinement; what of them was answered, by their ids.
pub(super) async fn run(
    context: ProbeContext,
    tasks: Vec<Task>,
    cancel: CancellationToken,
) -> BTreeMap<usize, Vec<Said>> {
    let head = Head {
        key: uuid::Uuid::new_v4().to_string(),
        home: context.home().to_owned(),
        limit: u64::try_from(SLOW.as_millis()).unwrap_or(u64::MAX),
    };
    let mut input = serde_json::to_string(&head).unwrap_or_default();
    for task in &tasks {
        input.push('\n');
        input.push_str(&serde_json::to_string(task).unwrap_or_default());
    }
    let most = SLOW * 4 + Duration::from_mins(2);
    let program = context.program().display().to_string();
    let mut spec = context.spec(&program, most).args([COMMAND]);
    spec.stdin = input.into_bytes();
    spec.keep = KEEP_ALL;
    let spec = context.confined(spec, Vec::new());
    let Ok(done) = process::run(&spec, &cancel, |_| ()).await else {
        return BTreeMap::new();
    };
    let out = done.out();
    let lines = out.lines().filter_map(|l| serde_json::from_str(l).ok());
    let ours = lines.filter(|t: &Told| t.key == head.key);
    ours.map(|t| (t.id, t.said)).collect()
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
            ask(head, hook, &task.input).await
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

async fn ask(head: &Head, hook: &str, input: &str) -> Said {
    let limit = Duration::from_millis(head.limit);
    let mut spec = Spec::new("/bin/sh", &head.home, limit)
        .args(["-c", hook])
        .envs(std::env::vars_os())
        .env("CLAUDE_PROJECT_DIR", &head.home);
    spec.stdin = input.as_bytes().to_vec();
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
