//! Calls whose fate is known. The lists hold one a line: a command, with ⏎ for a line end, or a
//! whole call in JSON; `@HOME@` is the home directory.

use std::ffi::OsStr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use secloop::agent::catalog::entries;
use serde_json::{Value, json};

use super::{Guard, on_path};

const ORDINARY: &str = include_str!("ordinary_allow.txt");
const NEAR: &str = include_str!("near_allow.txt");
const DESTRUCTIVE: &str = include_str!("destructive_deny.txt");
const SENSITIVE: &str = include_str!("sensitive_deny.txt");
const HOOKS: [&str; 2] = ["block-destructive.sh", "protect-sensitive.sh"];

fn calls(text: &str, guard: &Guard) -> Vec<Value> {
    let home = guard.home().display().to_string();
    text.lines()
        .map(|line| line.replace("@HOME@", &home))
        .map(|line| {
            let mut call = if line.starts_with("{\"") {
                serde_json::from_str(&line).unwrap()
            } else {
                json!({ "tool_name": "Bash", "tool_input": { "command": line.replace('⏎', "\n") } })
            };
            call["hook_event_name"] = json!("PreToolUse");
            if call.get("cwd").is_none() {
                call["cwd"] = json!("/srv/app");
            }
            call
        })
        .collect()
}

/// The calls whose fate is not the wanted one.
fn wrong(guard: &Guard, shell: &str, calls: &[Value], denied: bool) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(call) = calls.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let said = guard.denies(OsStr::new(shell), call);
                    if said.is_some() != denied {
                        let line = format!("{} {}", call["tool_input"], said.unwrap_or_default());
                        wrong.lock().unwrap().push(line);
                    }
                }
            });
        }
    });
    wrong.into_inner().unwrap()
}

fn nothing_wrong(guard: &Guard, shell: &str, calls: &[Value], denied: bool) {
    let wrong = wrong(guard, shell, calls, denied);
    let what = if denied { "let through" } else { "denied" };
    assert!(wrong.is_empty(), "{what} by {shell}:\n{}", wrong.join("\n"));
}

/// Every `n`th.
fn some(calls: Vec<Value>, n: usize) -> Vec<Value> {
    calls.into_iter().step_by(n).collect()
}

#[test]
fn the_lists_are_long_and_have_no_line_twice() {
    for (text, least) in [
        (ORDINARY, 150),
        (NEAR, 60),
        (DESTRUCTIVE, 200),
        (SENSITIVE, 150),
    ] {
        let lines: Vec<_> = text.lines().collect();
        let distinct: std::collections::BTreeSet<_> = lines.iter().collect();
        assert_eq!(distinct.len(), lines.len());
        assert!(lines.len() >= least, "{}", lines.len());
    }
}

#[test]
fn ordinary_work_passes_before_and_after_hardening() {
    let guard = Guard::starter();
    nothing_wrong(&guard, "sh", &calls(ORDINARY, &guard), false);
    let guard = Guard::hardened();
    nothing_wrong(&guard, "sh", &calls(ORDINARY, &guard), false);
}

/// A gap is closed one entry at a time: on the way, nothing ordinary is denied either.
#[test]
fn ordinary_work_passes_on_the_way() {
    let guard = Guard::starter();
    for (at, entry) in entries().iter().enumerate() {
        assert!(entry.apply(&guard.role()).unwrap());
        guard.install();
        let near: Vec<Value> = calls(NEAR, &guard)
            .into_iter()
            .chain(calls(ORDINARY, &guard))
            .collect();
        let part: Vec<Value> = near.into_iter().skip(at).step_by(12).collect();
        nothing_wrong(&guard, "sh", &part, false);
    }
}

#[test]
fn what_only_looks_dangerous_passes_the_hardened_hooks() {
    let guard = Guard::hardened();
    nothing_wrong(&guard, "sh", &calls(NEAR, &guard), false);
}

#[test]
fn destruction_is_denied_in_every_spelling() {
    let guard = Guard::hardened();
    nothing_wrong(&guard, "sh", &calls(DESTRUCTIVE, &guard), true);
}

#[test]
fn credentials_and_the_guard_itself_are_out_of_reach() {
    let guard = Guard::hardened();
    nothing_wrong(&guard, "sh", &calls(SENSITIVE, &guard), true);
}

/// The starter's gaps are real: most of the spellings pass it.
#[test]
fn the_starter_lets_most_of_it_through() {
    let guard = Guard::starter();
    for text in [DESTRUCTIVE, SENSITIVE] {
        let calls = some(calls(text, &guard), 3);
        let through = wrong(&guard, "sh", &calls, true).len();
        assert!(through * 2 > calls.len(), "{through} of {}", calls.len());
    }
}

#[test]
fn it_is_the_same_in_another_shell() {
    let Some(bash) = on_path("bash") else { return };
    let guard = Guard::hardened();
    for (text, denied) in [
        (ORDINARY, false),
        (NEAR, false),
        (DESTRUCTIVE, true),
        (SENSITIVE, true),
    ] {
        let part = some(calls(text, &guard), 7);
        nothing_wrong(&guard, bash.to_str().unwrap(), &part, denied);
    }
}

const MALFORMED: [&str; 20] = [
    "",
    " ",
    "{",
    "[]",
    "null",
    "\"rm -rf /\"",
    "{\"tool_input\":",
    "{\"tool_name\":\"Bash\"}",
    "{\"tool_name\":\"Bash\",\"tool_input\":null}",
    "{\"tool_name\":\"Bash\",\"tool_input\":\"rm -rf /\"}",
    "{\"tool_name\":\"Bash\",\"tool_input\":[]}",
    "{\"tool_name\":\"Bash\",\"tool_input\":{\"command\":\"ls\"}} trailing",
    "{\"tool_name\":\"Bash\",\"tool_input\":{\"command\":\"ls\"}}{}",
    "{\"tool_name\":\"Bash\",\"tool_input\":{\"command\":\"ls\"}} \"",
    "{\"tool_name\":\"Bash\",\"tool_input\":{\"command\":\"ls\"",
    "{\"tool_name\":\"Bash\",\"tool_input\":{\"command\":\"ls}}",
    "{\"tool_name\":\"Bash\" \"tool_input\":{\"command\":\"ls\"}}",
    "{\"tool_name\":\"Bash\",\"tool_input\":{\"command\":\"ls\"]}",
    "{\"tool_name\":\"Bash\",\"tool_input\":{\"command\":ls}}",
    "[{\"tool_name\":\"Bash\",\"tool_input\":{\"command\":\"ls\"}}]",
];
/// A Bash call whose command is no text.
const NO_TEXT: [&str; 3] = [
    "{\"tool_name\":\"Bash\",\"tool_input\":{}}",
    "{\"tool_name\":\"Bash\",\"tool_input\":{\"command\":[\"rm\",\"-rf\",\"/\"]}}",
    "{\"tool_name\":\"Bash\",\"tool_input\":{\"command\":null}}",
];

#[test]
fn what_can_not_be_read_is_denied() {
    let guard = Guard::hardened();
    for hook in HOOKS {
        for input in MALFORMED.iter().chain(&NO_TEXT) {
            let done = guard.run(OsStr::new("sh"), hook, input);
            assert_eq!(done.status.code(), Some(2), "{hook}: {input}");
        }
    }
}

/// Nothing can be read then.
#[test]
fn without_awk_everything_is_denied() {
    let guard = Guard::hardened();
    std::fs::remove_file(std::path::Path::new(&guard.path).join("awk")).unwrap();
    let call = json!({ "tool_name": "Bash", "tool_input": { "command": "ls" } });
    assert!(guard.denies(OsStr::new("sh"), &call).is_some());
}

/// Length and depth slow a hook down, but hide nothing.
#[test]
fn a_long_or_deep_command_is_judged_to_its_end() {
    let guard = Guard::hardened();
    let bash =
        |command: String| json!({ "tool_name": "Bash", "tool_input": { "command": command } });
    let mut heredoc = "cat > big.txt <<'EOF'\n".to_owned();
    heredoc.push_str(&"it's a line of text, with rm -rf / in it\n".repeat(2_000));
    heredoc.push_str("EOF\n");
    nothing_wrong(&guard, "sh", &[bash(heredoc.clone())], false);
    let deny = [
        bash(heredoc + "rm -rf /"),
        bash("true; ".repeat(3_000) + "rm -rf /"),
        bash(format!("echo {}; rm -rf /", "a".repeat(20_000))),
        bash("$(".repeat(100) + "rm -rf /" + &")".repeat(100)),
        bash("echo ".to_owned() + &"$(".repeat(24) + "rm -rf /"),
        bash("rm -rf / 'x".to_owned()),
    ];
    nothing_wrong(&guard, "sh", &deny, true);
}
