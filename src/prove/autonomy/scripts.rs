//! A changed hook beside the old one, before it is deployed: both are given the corpus, confined.

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::corpus::{Call, Wanted, corpus};
use super::hooks::{Answer, event};
use super::runner::{self, CHUNK, Task};
use crate::gates::Hook;
use crate::prove::committed::width;
use crate::prove::probe::ProbeContext;
use crate::turn::Verdict;

/// What no caller sends: a hook that fails here lets everything pass.
const ODD: [&str; 3] = ["", "not JSON", "{\"tool_name\":"];

/// Judges changed hooks: known worse is refused, looser waits for a person.
pub async fn compare_hooks(
    context: &ProbeContext,
    hooks: &[Hook],
    cancel: &CancellationToken,
) -> Verdict {
    for hook in hooks {
        let verdict = one(context, hook, cancel).await;
        if verdict != Verdict::Passed {
            return verdict;
        }
    }
    Verdict::Passed
}

async fn one(context: &ProbeContext, hook: &Hook, cancel: &CancellationToken) -> Verdict {
    let name = &hook.place;
    let (Some(new), old) = (command(&hook.new), hook.old.as_deref().map(command)) else {
        return Verdict::Held(format!(
            "{name}: its text can't be run by itself, so that it could not be tried"
        ));
    };
    let old = old.flatten();
    let calls = corpus(context.home());
    let inputs: Vec<String> = calls
        .iter()
        .map(|call| event(context, "PreToolUse", &call.question()).to_string())
        .chain(ODD.map(str::to_owned))
        .collect();
    let after = answers(context, &new, &inputs, cancel).await;
    let before = match &old {
        Some(old) => answers(context, old, &inputs, cancel).await,
        None => Vec::new(),
    };
    let mut held = None;
    for (at, now) in after.iter().enumerate() {
        let was = before.get(at).and_then(Option::as_ref);
        let Some(now) = now else {
            return Verdict::NotRun(format!("{name}: it was not tried to the end"));
        };
        let call = calls.get(at);
        let shown = call.map_or_else(|| "input that is no question".to_owned(), Call::shown);
        match (call.map(|c| c.wanted), was, now) {
            (_, Some(Answer::Broken(_)), Answer::Broken(_))
            | (Some(Wanted::Allow), Some(Answer::Denied), Answer::Denied) => {}
            (_, _, Answer::Broken(why)) => {
                return Verdict::Refused(format!(
                    "{name} fails on \"{shown}\": {why}; exit 2 where something goes wrong [script-open]"
                ));
            }
            (Some(Wanted::Allow), _, Answer::Denied) => {
                return Verdict::Refused(format!(
                    "{name} blocks an ordinary call: {shown}; narrow what it stops [script-blocks]"
                ));
            }
            (Some(Wanted::Deny) | None, Some(Answer::Denied), Answer::Allowed) => {
                held.get_or_insert_with(|| {
                    format!("{name} lets through what the old one denied: {shown} [hook-loosens]")
                });
            }
            _ => {}
        }
    }
    held.map_or(Verdict::Passed, Verdict::Held)
}

/// The script as one command, by the interpreter that its first line names.
fn command(script: &str) -> Option<String> {
    let first = script.lines().next().unwrap_or_default();
    let shell = match first.strip_prefix("#!").map(str::trim) {
        Some("/bin/sh" | "/usr/bin/sh" | "/usr/bin/env sh") | None => "/bin/sh",
        Some("/bin/bash" | "/usr/bin/bash" | "/usr/bin/env bash") => "/bin/bash",
        Some("/bin/zsh" | "/usr/bin/zsh" | "/usr/bin/env zsh") => "/bin/zsh",
        Some(_) => return None,
    };
    if script.contains("{{") || script.contains("{%") {
        return None;
    }
    Some(format!(
        "exec {shell} -c {} hook",
        shlex::try_quote(script).ok()?
    ))
}

/// The answer to each input; none where it was not given.
async fn answers(
    context: &ProbeContext,
    command: &str,
    inputs: &[String],
    cancel: &CancellationToken,
) -> Vec<Option<Answer>> {
    let tasks: Vec<Task> = inputs
        .iter()
        .enumerate()
        .map(|(id, input)| Task {
            id,
            hooks: vec![command.to_owned()],
            input: input.clone(),
        })
        .collect();
    let mut chunks = tasks.chunks(CHUNK);
    let mut running = JoinSet::new();
    let mut all = vec![None; inputs.len()];
    loop {
        while running.len() < width() && !cancel.is_cancelled() {
            let Some(chunk) = chunks.next() else {
                break;
            };
            running.spawn(runner::run(context.clone(), chunk.to_vec(), cancel.clone()));
        }
        let Some(done) = running.join_next().await else {
            return all;
        };
        for (id, said) in done.unwrap_or_default() {
            let answer = said.into_iter().next().map(|s| s.answer);
            if let (Some(place), Some(answer)) = (all.get_mut(id), answer) {
                *place = Some(answer);
            }
        }
    }
}
