//! Running the deployed hooks as Claude Code does: `sh -c COMMAND`, the call as JSON on stdin.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::corpus::{Call, corpus};
use super::settings::Settings;
use crate::process::{self, Ended};
use crate::prove::probe::ProbeContext;
use crate::text::{one_line, redact};

/// A hook that takes longer makes every tool call of the agent unbearable.
const SLOW: Duration = Duration::from_secs(10);

/// What the hooks answer to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Every hook and rule let it pass.
    Allowed,
    /// One denied it.
    Denied,
    /// One failed: neither exit 0 nor exit 2. Claude Code lets the tool run then.
    Broken(String),
}

/// Gives every call of the corpus to its hooks; also the slowest run in milliseconds.
pub(super) async fn judge_all(
    context: &ProbeContext,
    settings: &Settings,
    cancel: &CancellationToken,
) -> (BTreeMap<Call, Answer>, u64) {
    let width = std::thread::available_parallelism()
        .map_or(2, usize::from)
        .min(8);
    let slots = Arc::new(Semaphore::new(width));
    let hung = Hung::default();
    let mut running = JoinSet::new();
    for call in corpus(context.home()) {
        let commands = settings.commands("PreToolUse", &call.tool);
        let input: Value = serde_json::from_str(&call.input).unwrap_or_default();
        let stopped = settings.stops(&call.tool, &input, context.home());
        let event = event(context, "PreToolUse", &call.tool, &input);
        let (context, cancel, slots) = (context.clone(), cancel.clone(), Arc::clone(&slots));
        let hung = Arc::clone(&hung);
        running.spawn(async move {
            let _slot = slots.acquire().await;
            let (answer, millis) = judge(&context, &event, &commands, &hung, &cancel).await;
            let denied = stopped && answer == Answer::Allowed;
            (call, if denied { Answer::Denied } else { answer }, millis)
        });
    }
    let mut answers = BTreeMap::new();
    let mut slowest = 0;
    while let Some(done) = running.join_next().await {
        if let Ok((call, answer, millis)) = done {
            answers.insert(call, answer);
            slowest = slowest.max(millis);
        }
    }
    (answers, slowest)
}

/// The hooks that gave no answer in time: they are not asked again, since a hook that hangs on
/// every call would hold up the measure for as many times ten seconds.
type Hung = Arc<Mutex<BTreeSet<String>>>;

async fn judge(
    context: &ProbeContext,
    event: &Value,
    commands: &[String],
    hung: &Hung,
    cancel: &CancellationToken,
) -> (Answer, u64) {
    let mut slowest = 0;
    let mut answer = Answer::Allowed;
    for command in commands {
        let known = lock(hung).contains(command);
        let (said, millis) = if known {
            (no_answer(), 0)
        } else {
            ask(context, command, event, Vec::new(), cancel).await
        };
        if said == no_answer() {
            lock(hung).insert(command.clone());
        }
        slowest = slowest.max(millis);
        match said {
            Answer::Denied => return (Answer::Denied, slowest),
            Answer::Broken(_) => answer = said,
            Answer::Allowed => {}
        }
    }
    (answer, slowest)
}

/// The JSON that a hook is given.
pub(super) fn event(context: &ProbeContext, name: &str, tool: &str, input: &Value) -> Value {
    json!({
        "session_id": "00000000-0000-4000-8000-000000000000",
        "transcript_path": "/dev/null",
        "cwd": context.home(),
        "permission_mode": "bypassPermissions",
        "hook_event_name": name,
        "tool_name": tool,
        "tool_input": input,
        "tool_use_id": "toolu_secloop",
    })
}

/// Runs one hook; exit 2, or a decision to deny on its standard output, denies.
pub(super) async fn ask(
    context: &ProbeContext,
    command: &str,
    event: &Value,
    hide: Vec<PathBuf>,
    cancel: &CancellationToken,
) -> (Answer, u64) {
    ask_with(
        context,
        command,
        event.to_string().into_bytes(),
        hide,
        cancel,
    )
    .await
}

/// The same with any bytes on its standard input.
pub(super) async fn ask_with(
    context: &ProbeContext,
    command: &str,
    input: Vec<u8>,
    hide: Vec<PathBuf>,
    cancel: &CancellationToken,
) -> (Answer, u64) {
    let mut spec = context
        .spec("/bin/sh", SLOW)
        .args(["-c", command])
        .env("CLAUDE_PROJECT_DIR", context.home());
    spec.stdin = input;
    let done = match process::run(&context.confined(spec, hide), cancel, |_| ()).await {
        Ok(done) => done,
        Err(e) => return (Answer::Broken(format!("can't be started: {e}")), 0),
    };
    let millis = u64::try_from(done.elapsed.as_millis()).unwrap_or(u64::MAX);
    let answer = match done.ended {
        Ended::Exited(0) if denies(&done.out()) => Answer::Denied,
        Ended::Exited(0) => Answer::Allowed,
        Ended::Exited(2) => Answer::Denied,
        Ended::Exited(code) => Answer::Broken(format!(
            "exit {code}: {}",
            one_line(&redact(&done.err()), 160)
        )),
        Ended::Deadline => no_answer(),
        other => Answer::Broken(format!("{other:?}")),
    };
    (answer, millis)
}

fn lock(hung: &Hung) -> MutexGuard<'_, BTreeSet<String>> {
    hung.lock().unwrap_or_else(PoisonError::into_inner)
}

fn no_answer() -> Answer {
    Answer::Broken(format!("no answer in {} s", SLOW.as_secs()))
}

/// A structured decision, in today's form or the older one.
fn denies(out: &str) -> bool {
    let Ok(value) = serde_json::from_str::<Value>(out.trim()) else {
        return false;
    };
    let today = value
        .pointer("/hookSpecificOutput/permissionDecision")
        .and_then(Value::as_str);
    let older = value.get("decision").and_then(Value::as_str);
    matches!(today, Some("deny" | "ask" | "defer"))
        || older == Some("block")
        || value.get("continue") == Some(&Value::Bool(false))
}

#[cfg(test)]
mod tests {
    use super::denies;

    #[test]
    fn a_structured_decision_counts() {
        assert!(denies(
            r#"{"hookSpecificOutput": {"permissionDecision": "deny"}}"#
        ));
        assert!(denies(r#"{"decision": "block", "reason": "x"}"#));
        assert!(denies(r#"{"continue": false}"#));
        for allowed in [
            "",
            "ok",
            "{}",
            r#"{"hookSpecificOutput": {"permissionDecision": "allow"}}"#,
        ] {
            assert!(!denies(allowed), "{allowed}");
        }
    }
}
