//! Whether the agent can still work: each way in which hooks can stop it is found, and none that
//! was there before is blamed on the change.

use std::os::unix::fs::PermissionsExt as _;

use secloop::prove::autonomy::{Answer, Report, Wanted, compare, in_time};
use secloop::turn::Verdict;

use super::machine::Machine;

/// Denies what it is told on the command line, as a guard does.
const GUARD: &str = "input=$(cat)\ncase $input in *'rm -rf'*) exit 2 ;; esac\nexit 0";

fn refused(before: &Report, after: &Report) -> String {
    match compare(before, after) {
        Verdict::Refused(why) => why,
        other => panic!("not refused: {other:?}\n{}", after.summary()),
    }
}

#[tokio::test]
async fn a_machine_without_hooks_lets_the_agent_work_and_this_is_said() {
    let machine = Machine::new().await;
    let report = machine.measure().await;
    assert_eq!((report.deployed, report.broken.as_deref()), (false, None));
    assert!(report.cycle.is_empty(), "{:?}", report.cycle);
    assert!(report.calls.values().all(|a| *a == Answer::Allowed));
    assert!(
        report.summary().starts_with("no hooks deployed; "),
        "{}",
        report.summary()
    );
    assert_eq!(compare(&Report::default(), &report), Verdict::Passed);
    assert_eq!(compare(&report, &report), Verdict::Passed);
}

/// One machine, changed in one way after the other; what was before is a guard that works.
#[tokio::test]
async fn each_way_to_stop_the_agent_is_found() {
    let machine = Machine::new().await;
    let bare = machine.measure().await;
    let hook = machine.hook("Bash", GUARD);
    let before = machine.measure().await;
    assert!(
        before.deployed && before.cycle.is_empty(),
        "{}",
        before.summary()
    );
    let denied = |report: &Report| {
        let of = report
            .calls
            .iter()
            .filter(|(c, _)| c.wanted == Wanted::Deny);
        of.filter(|(_, a)| **a == Answer::Denied).count()
    };
    assert!(denied(&before) >= 3, "{}", before.summary());
    // Against a machine without a guard it does not stand out either, but for what it denies
    // beyond the dangerous.
    assert!(refused(&bare, &before).starts_with("an ordinary call is blocked now: Bash"));

    for (what, body, why) in [
        (
            "an ordinary command is denied",
            "case $(cat) in *'git status'*|*'rm -rf'*) exit 2 ;; esac",
            "an ordinary call is blocked now: Bash git status",
        ),
        (
            "a decision in JSON denies",
            "cat > /dev/null; echo '{\"hookSpecificOutput\": {\"permissionDecision\": \"deny\"}}'",
            "an ordinary call is blocked now",
        ),
        (
            "the guard lets everything through",
            "exit 0",
            "a dangerous call is let through now",
        ),
        ("it fails", "echo broken >&2; exit 1", "a hook fails on"),
        (
            "a shell ends with 2 where it can't read it",
            "if then",
            "an ordinary call is blocked now",
        ),
        ("it is killed", "kill -9 $$", "a hook fails on"),
        ("it needs what is not there", "no-such-program", "exit 127"),
    ] {
        machine.hook("Bash", body);
        let found = refused(&before, &machine.measure().await);
        assert!(found.contains(why), "{what}: {found}");
    }

    machine.hook("Bash", GUARD);
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o644)).unwrap();
    let found = refused(&before, &machine.measure().await);
    assert!(found.contains("exit 126"), "not executable: {found}");
    std::fs::remove_file(&hook).unwrap();
    let found = refused(&before, &machine.measure().await);
    assert!(found.contains("exit 127"), "missing: {found}");

    // Taken back, nothing is left of it.
    machine.hook("Bash", GUARD);
    let after = machine.measure().await;
    assert_eq!(compare(&before, &after), Verdict::Passed);
}

/// Of two hooks the second one is never asked about what the first denies, also later.
#[tokio::test]
async fn what_the_first_of_two_hooks_denies_stays_denied() {
    let machine = Machine::new().await;
    machine.hook("Bash", GUARD);
    let guard = machine.home().join(".claude/hooks/guard.sh");
    let hooks = [guard.display().to_string(), "cat >/dev/null".to_owned()]
        .map(|command| serde_json::json!({ "type": "command", "command": command }));
    let settings = serde_json::json!({ "hooks": { "PreToolUse": [
        { "matcher": "Bash", "hooks": hooks },
    ] } });
    machine.settings(&settings.to_string());
    let before = machine.measure().await;
    let denied = before.calls.values().filter(|a| **a == Answer::Denied);
    assert!(denied.count() >= 3, "{}", before.summary());
    for _ in 0..9 {
        assert_eq!(machine.measure().await.calls, before.calls);
    }
}

/// One that fails before the other denies is asked each time, and the call is denied each time.
#[tokio::test]
async fn a_hook_that_fails_before_another_denies_changes_no_answer_later() {
    let machine = Machine::new().await;
    machine.hook("Bash", GUARD);
    let guard = machine.home().join(".claude/hooks/guard.sh");
    let fails = "case $(cat) in *'rm -rf'*) exit 1 ;; esac";
    for commands in [
        [fails.to_owned(), guard.display().to_string()],
        [guard.display().to_string(), fails.to_owned()],
    ] {
        let hooks = commands.map(|c| serde_json::json!({ "type": "command", "command": c }));
        let settings = serde_json::json!({ "hooks": { "PreToolUse": [
            { "matcher": "Bash", "hooks": hooks },
        ] } });
        machine.settings(&settings.to_string());
        let before = machine.measure().await;
        for _ in 0..9 {
            assert_eq!(machine.measure().await.calls, before.calls);
        }
    }
}

/// What is asked again of a hook that is the same shows that it answers otherwise, whatever it is by
/// which it does.
#[tokio::test]
async fn a_hook_that_is_the_same_and_answers_otherwise_is_found() {
    let machine = Machine::new().await;
    let stop = "cat >/dev/null; part=cla; [ ! -e \"$HOME/.${part}ude/stop\" ] || exit 2";
    machine.hook("Bash", stop);
    let before = machine.measure().await;
    assert!(before.cycle.is_empty(), "{}", before.summary());
    assert_eq!(machine.measure().await.calls, before.calls);
    std::fs::write(machine.home().join(".claude/stop"), "").unwrap();
    let after = machine.measure().await;
    let found = refused(&before, &after);
    assert!(
        found.starts_with("an ordinary call is blocked now"),
        "{found}"
    );
    let of_bash = after
        .calls
        .iter()
        .filter(|(call, _)| call.shown().starts_with("Bash"));
    for (call, answer) in of_bash {
        assert_eq!(*answer, Answer::Denied, "{}", call.shown());
    }
}

#[tokio::test]
async fn a_hook_after_the_call_counts_too() {
    let machine = Machine::new().await;
    machine.register("PostToolUse", "*", "cat > /dev/null");
    let before = machine.measure().await;
    assert!(before.cycle.is_empty(), "{:?}", before.cycle);
    for (command, why) in [
        ("cat >/dev/null; exit 2", "PostToolUse hook denies it"),
        ("/nonexistent/audit.sh", "PostToolUse hook fails"),
    ] {
        machine.register("PostToolUse", "*", command);
        let found = refused(&before, &machine.measure().await);
        assert!(
            found.contains("does not work any more") && found.contains(why),
            "{found}"
        );
    }
    // A log is written to, into a directory of the moment.
    std::fs::create_dir(machine.home().join(".claude/logs")).unwrap();
    machine.register(
        "PostToolUse",
        "*",
        "cat >> \"$HOME/.claude/logs/audit.jsonl\"",
    );
    let after = machine.measure().await;
    assert_eq!(
        compare(&before, &after),
        Verdict::Passed,
        "{:?}",
        after.cycle
    );
    let logs = std::fs::read_dir(machine.home().join(".claude/logs")).unwrap();
    assert_eq!(logs.count(), 0, "measuring leaves no trace in the log");
}

/// Hooks are judged as they are, but what they do to the machine does not happen.
#[tokio::test]
async fn a_hook_is_confined_while_it_is_measured() {
    let machine = Machine::new().await;
    machine.hook(
        "Glob",
        "cat > /dev/null; touch \"$HOME/was-here\" /etc/was-here; exit 0",
    );
    let report = machine.measure().await;
    assert!(!report.calls.values().any(|a| *a == Answer::Denied));
    assert!(!machine.home().join("was-here").exists());
    assert!(!std::path::Path::new("/etc/was-here").exists());
}

/// A hook that hangs on every call must not hold up the measure once for each call.
#[tokio::test]
async fn a_hook_that_hangs_is_found_and_not_asked_again_and_again() {
    let machine = Machine::off();
    machine.hook("Edit", "cat > /dev/null");
    let before = machine.measure().await;
    machine.hook(
        "Edit|Write|NotebookEdit|Grep|Glob",
        "echo asked >> \"$HOME/asked\"; exec sleep 600",
    );
    let after = machine.measure().await;
    let found = refused(&before, &after);
    assert!(found.contains("no answer in 10 s"), "{found}");
    let broken = after
        .calls
        .values()
        .filter(|a| matches!(a, Answer::Broken(_)))
        .count();
    let asked = std::fs::read_to_string(machine.home().join("asked")).unwrap();
    assert!(broken >= 9, "{broken}");
    assert!(
        asked.lines().count() <= 8,
        "no more than at the same time: {asked}"
    );
    assert!(
        after.times.values().any(|t| *t >= 10_000),
        "{:?}",
        after.times
    );
    assert_eq!(compare(&after, &after), Verdict::Passed, "a standing flaw");
}

#[tokio::test]
async fn a_flaw_that_was_there_before_is_not_blamed_on_the_change() {
    let machine = Machine::new().await;
    // Denies an ordinary command, fails on another in words that differ each time, lets
    // something dangerous through.
    machine.hook(
        "Bash",
        "case $(cat) in *'git status'*) exit 2 ;; *'ls -la'*) cat /proc/sys/kernel/random/uuid >&2; \
         exit 1 ;; esac",
    );
    let before = machine.measure().await;
    assert!(before.calls.values().any(|a| *a == Answer::Denied));
    assert!(
        before
            .calls
            .values()
            .any(|a| matches!(a, Answer::Broken(_)))
    );
    let after = machine.measure().await;
    assert_ne!(before.calls, after.calls, "the words differ");
    assert_eq!(compare(&before, &after), Verdict::Passed);
    // One more is.
    machine.hook(
        "Bash",
        "case $(cat) in *'git status'*|*'git commit'*) exit 2 ;; esac",
    );
    assert!(refused(&before, &machine.measure().await).contains("git commit"));
}

/// Every tool call waits for a hook: one that got slower than its budget is found, one that was so
/// before is not the change's doing.
#[tokio::test]
async fn a_hook_that_is_slower_than_its_budget_is_found() {
    let machine = Machine::off();
    machine.hook("Grep|Glob", "cat > /dev/null");
    let before = machine.measure().await;
    machine.hook("Grep|Glob", "cat > /dev/null; sleep 3");
    let after = machine.measure().await;
    let budget = std::time::Duration::from_millis(2_500);
    match in_time(&before, &after, budget) {
        Verdict::Refused(why) => {
            for piece in ["guard.sh", "its budget (prove.hook_budget) is 2500 ms"] {
                assert!(why.contains(piece), "{why}");
            }
        }
        other => panic!("{other:?}: {:?}", after.times),
    }
    assert_eq!(in_time(&after, &after, budget), Verdict::Passed);
    assert_eq!(in_time(&after, &before, budget), Verdict::Passed);
}
