//! What a run proves, from its events. An exit code alone proves nothing: it is 0 when no host
//! matched, and 2 for a failed task as for a wrong option.

use std::collections::BTreeSet;

use super::ansible::AnsibleRun;
use super::baseline::Baseline;
use super::events::{Status, TaskRun};
use crate::turn::Verdict;

/// A verdict with what it does not cover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// What the baseline hides, and what the run could not see.
    pub notes: Vec<String>,
}

/// The playbook parses.
pub fn judge_syntax(run: &AnsibleRun, _baseline: &Baseline) -> Judgement {
    let verdict = match run.exit {
        Some(0) => Verdict::Passed,
        _ => Verdict::Refused(format!("the playbook does not parse: {}", run.complaint())),
    };
    Judgement {
        verdict,
        notes: Vec::new(),
    }
}

/// The dry run fails nowhere where the baseline does not.
pub fn judge_check(run: &AnsibleRun, baseline: &Baseline) -> Judgement {
    let mut judged = judge(run, &baseline.check_failed, "dry run");
    let unseen: Vec<&str> = run
        .events
        .tasks
        .iter()
        .filter(|t| t.status == Some(Status::Skipped) && is_command(t))
        .map(|t| t.name.as_str())
        .collect();
    if !unseen.is_empty() {
        judged.notes.push(format!(
            "a dry run does not run commands: {}",
            list(&unseen)
        ));
    }
    judged
}

/// The apply came to its end and failed nowhere where the baseline does not.
pub fn judge_apply(run: &AnsibleRun, baseline: &Baseline) -> Judgement {
    judge(run, &baseline.apply_failed, "apply")
}

/// A second apply changes nothing but what always changes.
pub fn judge_second_run(run: &AnsibleRun, baseline: &Baseline) -> Judgement {
    let mut judged = judge(run, &baseline.apply_failed, "second run");
    if judged.verdict != Verdict::Passed {
        return judged;
    }
    let changed: Vec<&str> = run
        .events
        .tasks
        .iter()
        .filter(|t| t.changed && !baseline.always_changed.contains(&t.key))
        .map(|t| t.name.as_str())
        .collect();
    if !changed.is_empty() {
        judged.verdict = Verdict::Refused(format!(
            "not idempotent, changed again on a second run: {}",
            list(&changed)
        ));
    }
    judged
}

/// The tasks that changed something in `apply` and were not predicted to by `check`.
pub fn agreement(check: &AnsibleRun, apply: &AnsibleRun, baseline: &Baseline) -> Vec<String> {
    let predicted: BTreeSet<&str> = check
        .events
        .tasks
        .iter()
        .filter(|t| t.changed)
        .map(|t| t.key.as_str())
        .collect();
    apply
        .events
        .tasks
        .iter()
        .filter(|t| t.changed)
        .filter(|t| !predicted.contains(t.key.as_str()))
        .filter(|t| !baseline.always_changed.contains(&t.key))
        .map(|t| t.name.clone())
        .collect()
}

fn judge(run: &AnsibleRun, standing: &BTreeSet<String>, what: &str) -> Judgement {
    let mut notes = Vec::new();
    let verdict = match refusal(run, standing, &mut notes) {
        Some(why) => Verdict::Refused(format!("{what}: {why}")),
        None => Verdict::Passed,
    };
    Judgement { verdict, notes }
}

fn refusal(
    run: &AnsibleRun,
    standing: &BTreeSet<String>,
    notes: &mut Vec<String>,
) -> Option<String> {
    if run.survived {
        return Some(
            "something that it started could not be ended and may still be at work".to_owned(),
        );
    }
    let Some(exit) = run.exit else {
        return Some(run.ended.clone());
    };
    if run.events.strange > 0 {
        return Some(format!(
            "{} events are not the plugin's own",
            run.events.strange
        ));
    }
    let failed: Vec<&TaskRun> = run.events.tasks.iter().filter(|t| t.went_wrong()).collect();
    if let Some(new) = failed.iter().find(|t| !standing.contains(&t.key)) {
        let how = match new.status {
            Some(Status::Unreachable) => "found the host unreachable",
            _ => "failed",
        };
        // What a task says may hold what it has read: it is for the operator, and goes into no
        // prompt and no post.
        if !new.msg.is_empty() {
            notes.push(format!("\"{}\" said: {}", new.name, new.msg));
        }
        return Some(format!("\"{}\" {how}", new.name));
    }
    if run.events.stats.is_none() {
        return Some(format!(
            "it ended before its end (exit {exit}): {}",
            run.complaint()
        ));
    }
    let reached = run
        .events
        .stats
        .as_ref()
        .is_some_and(|hosts| hosts.contains_key("localhost"));
    if !reached {
        return Some("no task ran on localhost: no host matched".to_owned());
    }
    if run.events.count("unreachable") > 0 {
        return Some("the host was unreachable".to_owned());
    }
    if run.events.count("ok") == 0 {
        return Some("no task ended well".to_owned());
    }
    // Meta tasks steer the play and have no result of their own.
    let silent = |t: &&TaskRun| t.status.is_none() && module(t) != "meta";
    if let Some(silent) = run.events.tasks.iter().find(silent) {
        return Some(format!(
            "\"{}\" was started and gave no result",
            silent.name
        ));
    }
    if exit != 0 && run.events.count("failures") == 0 {
        return Some(format!(
            "exit {exit} without a task that failed it: {}",
            run.complaint()
        ));
    }
    if !failed.is_empty() {
        let names: Vec<&str> = failed.iter().map(|t| t.name.as_str()).collect();
        notes.push(format!(
            "fails as it did before any change: {}",
            list(&names)
        ));
    }
    None
}

fn is_command(task: &TaskRun) -> bool {
    matches!(module(task), "command" | "shell" | "raw" | "script")
}

/// The short name of its module.
fn module(task: &TaskRun) -> &str {
    task.action.rsplit('.').next().unwrap_or_default()
}

/// At most five names.
fn list(names: &[&str]) -> String {
    let mut text = names.iter().take(5).copied().collect::<Vec<_>>().join(", ");
    if names.len() > 5 {
        text.push_str(&format!(" and {} more", names.len() - 5));
    }
    text
}
