//! A run whose agent hangs, found by another run.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{Mac, model, nothing};
use crate::support::discord::Discord;
use crate::support::model::{Model, Step};
use crate::support::station::Running;

/// A model that never answers the first iteration, and that decides about it as it is told.
fn hanging(decision: fn() -> Step) -> Model {
    let first = AtomicBool::new(true);
    model(move |_, words| {
        if words.contains("Another run of a security supervisor") {
            return decision();
        }
        if first.swap(false, Ordering::Relaxed) {
            Step::Hang
        } else {
            nothing()
        }
    })
}

/// Starts a run and waits until its agent hangs.
fn hung(mac: &Mac, model: &Model) -> Running {
    let mut first = Running::of(mac.command(&["run"]));
    first.wait_for("looks for one improvement");
    model.wait_for_request();
    first
}

/// Whether a process with this word in its environment is alive.
#[cfg(target_os = "linux")]
fn alive(word: &str) -> bool {
    std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        let read = |name: &str| std::fs::read(entry.path().join(name)).unwrap_or_default();
        memchr::memmem::find(&read("environ"), word.as_bytes()).is_some()
            && memchr::memmem::find(&read("cmdline"), b"--session-id").is_some()
    })
}

/// Acceptance: a hung iteration is killed and taken over; none of its processes is left, and the
/// facts are shown.
#[cfg(target_os = "linux")]
#[test]
fn a_hung_iteration_is_killed_and_taken_over() {
    let model = hanging(nothing);
    let discord = Discord::start([]);
    let Some(mac) = Mac::new(7, &model, &discord) else {
        return;
    };
    let mine = format!("CLAUDE_CONFIG_DIR={}", mac.station.state().display());
    let first = hung(&mac, &model);
    assert!(alive(&mine), "its agent is not there");
    mac.set("# overdue = \"1h\"", "overdue = \"1s\"");
    mac.set("# wait = \"1m\"", "wait = \"1s\"");
    let second = mac.run(&["run"]);
    assert_eq!(second.code, Some(0), "{}", second.err);
    for fact in ["another run is active", "stage: iterate", "kill:"] {
        assert!(second.err.contains(fact), "{fact}\n{}", second.err);
    }
    assert!(!alive(&mine));
    let (code, _) = first.finish();
    assert_ne!(code, Some(0));
    let outcomes: Vec<String> = mac
        .station
        .turns()
        .iter()
        .map(|t| t.outcome.word().to_owned())
        .collect();
    assert_eq!(outcomes, ["failed", "idle", "idle"], "{}", second.err);
}

/// The decider "agent": one short model call chooses within the bounds of the table.
#[test]
fn a_model_may_decide_about_an_active_run() {
    let model = hanging(|| {
        Step::structured(serde_json::json!({"choice": "skip", "reason": "it may be thinking"}))
    });
    let discord = Discord::start([]);
    let Some(mac) = Mac::new(7, &model, &discord) else {
        return;
    };
    mac.set("# decider = \"rules\"", "decider = \"agent\"");
    let first = hung(&mac, &model);
    let second = mac.run(&["run"]);
    assert_eq!(second.code, Some(11), "{}", second.err);
    assert!(
        second.err.contains("skip: the decider chose it"),
        "{}",
        second.err
    );
    drop(first);
}

/// Where the model fails, the table decides.
#[test]
fn where_the_model_fails_the_table_decides() {
    let model = hanging(|| Step::text("whatever you like"));
    let discord = Discord::start([]);
    let Some(mac) = Mac::new(7, &model, &discord) else {
        return;
    };
    mac.set("# decider = \"rules\"", "decider = \"agent\"");
    let first = hung(&mac, &model);
    mac.set("# wait = \"1m\"", "wait = \"1s\"");
    let second = mac.run(&["run"]);
    // Waited once, then skipped.
    assert_eq!(second.code, Some(11), "{}", second.err);
    assert!(second.err.contains("wait:"), "{}", second.err);
    assert!(
        !second.err.contains("the decider chose it"),
        "{}",
        second.err
    );
    drop(first);
}
