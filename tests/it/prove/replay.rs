//! This workstation's past through hooks before and after a change.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use secloop::prove::autonomy::replay::{Answered, Blocked, Past, ask, blocked, past};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::machine::Machine;
use crate::support::past::PastCalls;

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn now() -> DateTime<Utc> {
    NOW + TimeDelta::days(20_000)
}

fn read(machine: &Machine, calls: &PastCalls) -> Past {
    let root = machine.home().join(".claude");
    calls.write(&root);
    past(&[root], now() - TimeDelta::days(90))
}

async fn asked(machine: &Machine, past: &Past, within: u64) -> Answered {
    let within = Duration::from_secs(within);
    let state = machine.home().join("state");
    std::fs::create_dir_all(&state).unwrap();
    let context = machine.context();
    let cancel = CancellationToken::new();
    ask(past, &context, Some(&state), within, &cancel)
        .await
        .unwrap()
}

#[test]
fn calls_that_succeeded_are_taken_and_made_distinct_by_shape() {
    let machine = Machine::off();
    let mut calls = PastCalls::default();
    for n in 0..212 {
        calls.bash(
            now() - TimeDelta::minutes(n),
            "source exports.sh && git push",
        );
    }
    calls.bash(
        now() - TimeDelta::days(3),
        "git commit -m \"Fix the parser\"",
    );
    calls.bash(
        now() - TimeDelta::days(2),
        "git commit -m \"Add a test of it\"",
    );
    calls.bash(now() - TimeDelta::days(91), "too old");
    calls.call(now(), "Bash", &json!({"command": "refused"}), true);
    calls.call(now(), "Read", &json!({"file_path": "/a/b.rs"}), false);
    let past = read(&machine, &calls);
    assert_eq!((past.calls, past.failed, past.shapes.len()), (215, 1, 3));
    assert_eq!(past.shapes[0].times, 212);
    assert_eq!(past.shapes[0].shown(), "source exports.sh && git push");
    assert_eq!(past.shapes[0].last, now());
    assert!(past.problems.is_empty(), "{:?}", past.problems);
}

/// The predecessor's first regression: the agent could not push any more, and nobody noticed for days.
#[tokio::test]
async fn what_is_newly_blocked_is_found_with_its_price() {
    let machine = Machine::new().await;
    let mut calls = PastCalls::default();
    for n in 0..212 {
        calls.bash(now() - TimeDelta::minutes(n), "source exports.sh");
    }
    let secret = format!("ghp_{}", "a1B2".repeat(9));
    calls.bash(
        now() - TimeDelta::days(5),
        &format!("curl -H 'x: {secret}' https://a.example"),
    );
    calls.bash(now() - TimeDelta::days(1), "ls -la");
    calls.call(
        now() - TimeDelta::days(4),
        "Edit",
        &json!({"file_path": "/a/notes.md"}),
        false,
    );
    let past = read(&machine, &calls);
    machine.hook("Bash", "case $(cat) in *'ls -la'*) exit 2 ;; esac");
    let before = asked(&machine, &past, 300).await;
    machine.hook(
        "Bash|Edit",
        "case $(cat) in *'ls -la'*|*exports.sh*|*curl*|*notes.md*) exit 2 ;; esac",
    );
    let after = asked(&machine, &past, 300).await;
    let (found, coverage) = blocked(&past, &after, Some(&before));
    let prices: Vec<String> = found.iter().map(|b| b.describe(now())).collect();
    assert_eq!(
        prices,
        [
            "blocks `source exports.sh`, used 212 times, last today",
            "blocks `Edit /a/notes.md`, used 1 time, last 4 days ago",
            "blocks `curl -H 'x: [redacted]' https://a.example`, used 1 time, last 5 days ago",
        ]
    );
    assert_eq!(
        (coverage.calls, coverage.distinct, coverage.run),
        (215, 4, 4)
    );
    assert!(coverage.not_run().is_empty());
    // What was blocked before is no change's doing; it shows where nothing is compared.
    let (all, _) = blocked(&past, &after, None);
    assert!(all.iter().any(|b: &Blocked| b.call == "ls -la"));
    let never = |b: &Blocked| !b.call.contains(&secret);
    assert!(all.iter().all(never));
}

/// Answers are known for the same hook and the same call; another hook is asked anew, also where only
/// what it reads is another.
#[tokio::test]
async fn no_hook_is_asked_twice_and_a_changed_one_is_asked_again() {
    let machine = Machine::off();
    let mut calls = PastCalls::default();
    for n in 0..7 {
        calls.bash(
            now(),
            &format!("make target-{}", "abcdefg".chars().nth(n).unwrap()),
        );
    }
    let past = read(&machine, &calls);
    let list = machine.home().join("deny.txt");
    std::fs::write(&list, "nothing\n").unwrap();
    machine.hook(
        "Bash",
        "echo x >> \"$HOME/asked.log\"\nif cat | grep -q -f ~/deny.txt; then exit 2; fi\nexit 0",
    );
    let count = || {
        let text = std::fs::read_to_string(machine.home().join("asked.log")).unwrap();
        text.lines().count()
    };
    let first = asked(&machine, &past, 300).await;
    assert_eq!(count(), 7);
    let second = asked(&machine, &past, 300).await;
    assert_eq!(count(), 7, "known");
    let (found, coverage) = blocked(&past, &second, Some(&first));
    assert_eq!((found.len(), coverage.run, coverage.reused), (0, 7, 7));
    std::fs::write(&list, "target-c\n").unwrap();
    let third = asked(&machine, &past, 300).await;
    assert_eq!(count(), 14, "another hook");
    let (found, _) = blocked(&past, &third, Some(&second));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].call, "make target-c");
}

/// What could not be run is never taken for let through.
#[tokio::test]
async fn what_is_not_run_is_shown_and_not_passed() {
    let machine = Machine::off();
    let mut calls = PastCalls::default();
    calls.bash(now(), "ls");
    calls.bash(now(), "make");
    let past = read(&machine, &calls);
    machine.hook("Bash", "exit 2");
    let none = asked(&machine, &past, 0).await;
    let (found, coverage) = blocked(&past, &none, None);
    assert_eq!(
        (found.len(), coverage.run, coverage.shapes_not_run),
        (0, 0, 2)
    );
    assert!(coverage.not_run()[0].contains("2 of 2 distinct past calls were not run"));
    // Neither is what is not known of the time before.
    let all = asked(&machine, &past, 300).await;
    let (found, coverage) = blocked(&past, &all, Some(&none));
    assert_eq!((found.len(), coverage.run), (0, 0));
}

/// A hook that ends whatever it can is found, and the calls after it are asked all the same.
#[tokio::test]
async fn a_hook_that_ends_its_surroundings_loses_only_its_own_call() {
    let machine = Machine::new().await;
    let mut calls = PastCalls::default();
    for word in ["one", "two", "three"] {
        calls.bash(now(), &format!("echo {word}"));
    }
    let past = read(&machine, &calls);
    machine.hook(
        "Bash",
        "case $(cat) in *two*) kill -9 -1 ;; *three*) exit 2 ;; esac",
    );
    let answers = asked(&machine, &past, 300).await;
    let (found, coverage) = blocked(&past, &answers, None);
    assert_eq!(coverage.run, 3, "{coverage:?}");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].call, "echo three");
}

/// secloop's own guard, deployed as a hook, is asked in this process, and says the same.
#[tokio::test]
async fn the_own_guard_is_asked_without_a_process() {
    let machine = Machine::new().await;
    let mut calls = PastCalls::default();
    calls.bash(now(), "ls -la");
    calls.bash(now(), "rm -rf /");
    calls.call(
        now(),
        "Read",
        &json!({"file_path": "/home/a/project/.env"}),
        false,
    );
    let past = read(&machine, &calls);
    let program = env!("CARGO_BIN_EXE_secloop");
    machine.register("PreToolUse", "*", &format!("{program} guard"));
    let own = asked(&machine, &past, 300).await;
    let (found, coverage) = blocked(&past, &own, None);
    let mut shown: Vec<&str> = found.iter().map(|b| b.call.as_str()).collect();
    shown.sort_unstable();
    assert_eq!(shown, ["Read /home/a/project/.env", "rm -rf /"]);
    assert_eq!((coverage.run, coverage.reused), (3, 3));
    // As a process, through a shell of its own.
    machine.register("PreToolUse", "*", &format!("exec {program} guard"));
    let process = asked(&machine, &past, 300).await;
    let (again, coverage) = blocked(&past, &process, None);
    assert_eq!((again, coverage.reused), (found, 0));
}
