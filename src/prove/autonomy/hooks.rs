//! Running the deployed hooks as Claude Code does: `sh -c COMMAND`, the call as JSON on stdin.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::batch::{Asking, Question};
use super::corpus::Call;
use super::known::Known;
use super::settings::Settings;
use crate::process::{self, Ended, Finished};
use crate::prove::probe::ProbeContext;
use crate::text::{one_line, redact};

/// A hook that takes longer makes every tool call of the agent unbearable.
pub(super) const SLOW: Duration = Duration::from_secs(10);

/// What the hooks answer to a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Every hook and rule let it pass.
    Allowed,
    /// One denied it.
    Denied,
    /// One failed: neither exit 0 nor exit 2. Claude Code lets the tool run then.
    Broken(String),
}

/// What the hooks answer to every call of the corpus; also how long each hook takes, in milliseconds,
/// as a rule. What a hook answered in an earlier measure counts while it is the same in all that is
/// known of it, and as long as no call of the sample says otherwise.
pub(super) async fn judge_all(
    context: &ProbeContext,
    settings: &Settings,
    corpus: &[Call],
    known: &Known,
    cancel: &CancellationToken,
) -> (BTreeMap<Call, Answer>, BTreeMap<String, u64>) {
    let questions: Vec<Question> = corpus.iter().map(Call::question).collect();
    let asking = Asking {
        context,
        settings,
        known,
        sample: Some(known.begin()),
        until: None,
        cancel,
    };
    let mut answers = asking.ask(&questions).await;
    if known.is_contradicted() {
        known.forget();
        answers = asking.ask(&questions).await;
    }
    let lost = || Answer::Broken("it was not run to its end".to_owned());
    let calls = corpus
        .iter()
        .zip(answers.judged)
        .map(|(call, judged)| (call.clone(), judged.map_or_else(lost, |j| j.answer)))
        .collect();
    let times = answers.times.into_iter();
    (
        calls,
        times.map(|(hook, all)| (hook, median(all))).collect(),
    )
}

/// Of some numbers the one in the middle: one slow moment of a busy machine says nothing of a hook.
fn median(mut all: Vec<u64>) -> u64 {
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or_default()
}

/// The JSON that a hook is given.
pub(super) fn event(context: &ProbeContext, name: &str, question: &Question) -> Value {
    event_at(context.home(), name, question)
}

/// As [`event`], for a home directory.
pub(super) fn event_at(home: &Path, name: &str, question: &Question) -> Value {
    let home = home.display().to_string();
    let cwd = Some(&question.cwd).filter(|cwd| !cwd.is_empty());
    json!({
        "session_id": "00000000-0000-4000-8000-000000000000",
        "transcript_path": "/dev/null",
        "cwd": cwd.unwrap_or(&home),
        "permission_mode": "bypassPermissions",
        "hook_event_name": name,
        "tool_name": question.tool,
        "tool_input": question.input,
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
    let mut spec = context
        .spec("/bin/sh", SLOW)
        .args(["-c", command])
        .env("CLAUDE_PROJECT_DIR", context.home());
    spec.stdin = event.to_string().into_bytes();
    let done = match process::run(&context.confined(spec, hide), cancel, |_| ()).await {
        Ok(done) => done,
        Err(e) => return (Answer::Broken(format!("can't be started: {e}")), 0),
    };
    let millis = u64::try_from(done.elapsed.as_millis()).unwrap_or(u64::MAX);
    (answer(&done), millis)
}

/// What a hook's end means.
pub(super) fn answer(done: &Finished) -> Answer {
    match done.ended {
        Ended::Exited(0) if denies(&done.out()) => Answer::Denied,
        Ended::Exited(0) => Answer::Allowed,
        Ended::Exited(2) => Answer::Denied,
        Ended::Exited(code) => Answer::Broken(format!(
            "exit {code}: {}",
            one_line(&redact(&done.err()), 160)
        )),
        Ended::Deadline => no_answer(),
        other => Answer::Broken(format!("{other:?}")),
    }
}

pub(super) fn no_answer() -> Answer {
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
