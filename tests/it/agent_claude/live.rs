//! The live call with the settings and hooks that are deployed on the machine.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use secloop::agent::claude::LiveCall;
use secloop::gate::MicroUsd;
use secloop::turn::Verdict;
use serde_json::{Value, json};

use super::{ALLOWANCE, Bench, read, small_replies};
use crate::support::meter::meter;
use crate::support::model::Step;

const LOGS: &str = "#!/bin/sh\ncat >> \"$HOME/.claude/logs/calls\"; exit 0\n";
const DENIES: &str = "#!/bin/sh\necho 'not today' >&2; exit 2\n";
const FAILS: &str = "#!/bin/sh\nexit 1\n";

/// What the model does when it does as it is told.
pub(super) fn obeys(repo: &Path) -> Vec<Step> {
    let work = repo.parent().unwrap().join("run/work");
    vec![
        Step::bash(&format!("cat {}", work.join("first.txt").display())),
        read(&work.join("second.txt")),
        Step::text("done"),
    ]
}

/// Settings that send each tool call through the hook.
fn guarded() -> Value {
    let hook = json!({"type": "command", "command": "$HOME/.claude/hooks/guard"});
    json!({"hooks": {"PreToolUse": [{"matcher": "*", "hooks": [hook]}]}})
}

async fn call(bench: &Bench, settings: &str, hook: &str) -> LiveCall {
    let home = bench.root.join("home");
    for dir in ["hooks", "logs"] {
        std::fs::create_dir_all(home.join(".claude").join(dir)).unwrap();
    }
    std::fs::create_dir(home.join(".ssh")).unwrap();
    std::fs::write(home.join(".ssh/id"), "a private key").unwrap();
    std::fs::write(home.join(".claude/settings.json"), settings).unwrap();
    let guard = home.join(".claude/hooks/guard");
    std::fs::write(&guard, hook).unwrap();
    std::fs::set_permissions(&guard, std::fs::Permissions::from_mode(0o755)).unwrap();
    let dir = bench.root.join("run");
    let session = uuid::Uuid::new_v4().to_string();
    bench
        .claude
        .live_call(&home, &dir, &session, &meter(ALLOWANCE))
        .await
}

fn refused(call: &LiveCall) -> &str {
    match &call.verdict {
        Verdict::Refused(why) => why,
        other => panic!("{other:?}"),
    }
}

fn held(call: &LiveCall) -> &str {
    match &call.verdict {
        Verdict::Held(why) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn passes_with_hooks_that_let_it_work() {
    let Some(bench) = Bench::new(obeys).await else {
        return;
    };
    let called = call(&bench, &guarded().to_string(), LOGS).await;
    assert_eq!(called.verdict, Verdict::Passed, "{}", bench.told());
    assert_eq!(called.cost, small_replies(3));
    let calls = std::fs::read_to_string(bench.root.join("home/.claude/logs/calls")).unwrap();
    for tool in ["Bash", "Read"] {
        assert!(
            calls.contains(&format!("\"tool_name\":\"{tool}\"")),
            "{calls}"
        );
    }
}

#[tokio::test]
async fn passes_without_any_settings_and_sees_no_credentials() {
    let Some(bench) = Bench::new(|repo| {
        let mut steps = obeys(repo);
        let home = repo.parent().unwrap().join("home");
        steps.insert(
            2,
            Step::bash(&format!("ls -A {}/.ssh; echo listed", home.display())),
        );
        steps
    })
    .await
    else {
        return;
    };
    let home = bench.root.join("home");
    std::fs::create_dir_all(home.join(".ssh")).unwrap();
    std::fs::write(home.join(".ssh/id"), "a private key").unwrap();
    let dir = bench.root.join("run");
    let session = uuid::Uuid::new_v4().to_string();
    let called = bench
        .claude
        .live_call(&home, &dir, &session, &meter(ALLOWANCE))
        .await;
    assert_eq!(called.verdict, Verdict::Passed, "{}", bench.told());
    assert!(bench.told().ends_with("listed") && !bench.told().contains("id\n"));
}

#[tokio::test]
async fn is_refused_when_a_hook_denies_everything() {
    let Some(bench) = Bench::new(obeys).await else {
        return;
    };
    let called = call(&bench, &guarded().to_string(), DENIES).await;
    let why = refused(&called);
    assert!(
        why.contains("Bash does not work") && why.contains("not today"),
        "{why}"
    );
    assert_eq!(called.cost, small_replies(3));
}

/// The client goes on without a hook that fails: the guard is gone, and nobody notices.
#[tokio::test]
async fn is_held_when_a_hook_fails_open() {
    let Some(bench) = Bench::new(obeys).await else {
        return;
    };
    let called = call(&bench, &guarded().to_string(), FAILS).await;
    let why = held(&called);
    assert!(
        why.contains("before Bash gave no verdict") && why.contains("exit code 1"),
        "{why}"
    );
}

/// The client works without its hooks when it can't read the settings.
#[tokio::test]
async fn is_refused_when_the_settings_are_broken() {
    let wrong = json!({"hooks": {"PreToolUse": {"matcher": "Bash"}}}).to_string();
    for settings in ["{\"hooks\": {", "[]", "", &wrong] {
        let Some(bench) = Bench::new(obeys).await else {
            return;
        };
        let called = call(&bench, settings, LOGS).await;
        let why = refused(&called);
        assert!(why.contains("settings.json"), "{settings}: {why}");
        assert_eq!(called.cost, MicroUsd::ZERO);
        assert!(bench.model.requests().is_empty());
    }
}

#[tokio::test]
async fn is_refused_when_the_settings_switch_their_own_hooks_off() {
    not_run("disableAllHooks", json!(true)).await;
}

/// One malformed part makes the client forget all of them.
#[tokio::test]
async fn is_refused_when_the_hooks_go_with_another_part_of_the_settings() {
    not_run("permissions", json!("x")).await;
}

async fn not_run(name: &str, value: Value) {
    let Some(bench) = Bench::new(obeys).await else {
        return;
    };
    let mut settings = guarded();
    settings[name] = value;
    let called = call(&bench, &settings.to_string(), LOGS).await;
    let why = refused(&called);
    assert!(why.contains("did not run before Bash"), "{why}");
    assert_eq!(called.cost, small_replies(3));
}

#[tokio::test]
async fn is_held_when_the_model_only_says_that_it_worked() {
    let Some(bench) = Bench::new(|_| vec![Step::text("done")]).await else {
        return;
    };
    let called = call(&bench, &guarded().to_string(), LOGS).await;
    let why = held(&called);
    assert!(why.contains("did not prove that Bash works"), "{why}");
}

#[tokio::test]
async fn is_held_when_the_service_refuses() {
    let refused = Step::error(403, "permission_error", "not yours", &[]);
    let Some(bench) = Bench::new(|_| vec![refused]).await else {
        return;
    };
    let called = call(&bench, &guarded().to_string(), LOGS).await;
    assert!(held(&called).contains("ended auth"), "{called:?}");
    assert_eq!(called.cost, MicroUsd::ZERO);
}
