//! How the hooks read a call: as a JSON library does, or not at all.

use std::ffi::OsStr;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use serde_json::{Map, Value, json};

use super::{Guard, command, on_path};

const FIELDS: [&str; 6] = [
    "tool_name",
    "cwd",
    "file_path",
    "notebook_path",
    "path",
    "command",
];

/// What the reader of a hook makes of an input.
fn read(guard: &Guard, input: &str) -> String {
    let hook = std::fs::read_to_string(guard.hook("protect-sensitive.sh")).unwrap();
    let start = hook.find("fields=$(").unwrap();
    let end = start + hook[start..].find("\nseparator=").unwrap();
    let script = format!("{}\nprintf %s \"$fields\"", &hook[start..end]);
    let mut shell = command(OsStr::new("/bin/sh"));
    shell.args(["-c", &script]);
    let done = guard.feed(shell, input);
    assert_eq!(String::from_utf8_lossy(&done.stderr), "", "{input}");
    String::from_utf8(done.stdout).unwrap()
}

/// The same by a JSON library.
fn wanted(call: &Value) -> String {
    let Some(input) = call.get("tool_input").and_then(Value::as_object) else {
        return String::new();
    };
    if call["tool_name"] == "Bash" && !input.get("command").is_some_and(Value::is_string) {
        return String::new();
    }
    let fields = FIELDS.map(|name| {
        let at = if ["tool_name", "cwd"].contains(&name) {
            call.get(name)
        } else {
            input.get(name)
        };
        let text = at.and_then(Value::as_str).unwrap_or_default();
        format!("\u{1e}{name}={text}")
    });
    // As $( ) gives it.
    fields.concat().trim_end_matches('\n').to_owned()
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ab \"\\\\\n\t/{}\\[\\]:,x'$\r\u{1}é]{0,12}",
        Just("rm -rf /".to_owned()),
        Just("\\\"".to_owned()),
        Just("command".to_owned()),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => text().prop_map(Value::String),
        1 => prop_oneof![Just(json!(null)), Just(json!(true)), Just(json!(-2.5e10)), Just(json!(0))],
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let name = prop_oneof![
            Just("command".to_owned()),
            Just("tool_input".to_owned()),
            Just("path".to_owned()),
            text()
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((name, inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn object(names: &'static [&'static str]) -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::vec((prop::sample::select(names), value()), 0..7)
        .prop_map(|pairs| pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
}

fn call() -> impl Strategy<Value = Value> {
    const OUTER: &[&str] = &["session_id", "cwd", "tool_name", "command", "x"];
    const INNER: &[&str] = &[
        "command",
        "file_path",
        "path",
        "edits",
        "notebook_path",
        "tool_input",
    ];
    (object(OUTER), object(INNER), any::<bool>(), value()).prop_map(|(outer, inner, bash, odd)| {
        let mut call = outer;
        if bash {
            call.insert("tool_name".to_owned(), json!("Bash"));
        }
        let odd = if odd.is_array() {
            odd
        } else {
            Value::Object(inner)
        };
        call.insert("tool_input".to_owned(), odd);
        Value::Object(call)
    })
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(7),
        ..Config::default()
    })
}

#[test]
fn a_call_is_read_as_a_json_library_reads_it() {
    let guard = Guard::starter();
    let strategy = (call(), any::<bool>());
    runner(250)
        .run(&strategy, |(call, pretty)| {
            let input = if pretty {
                serde_json::to_string_pretty(&call).unwrap()
            } else {
                call.to_string()
            };
            prop_assert_eq!(read(&guard, &input), wanted(&call), "{}", input);
            Ok(())
        })
        .unwrap();
}

/// That of macOS, which Debian has as original-awk, is not the one of Linux: it also takes line ends for
/// separators.
#[test]
fn every_awk_at_hand_reads_alike() {
    // The system's own is always there.
    for awk in ["awk", "mawk", "gawk", "original-awk"]
        .iter()
        .filter_map(|name| on_path(name))
    {
        let guard = Guard::starter();
        let link = std::path::Path::new(&guard.path).join("awk");
        std::fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(&awk, link).unwrap();
        runner(60)
            .run(&(call(), any::<bool>()), |(call, pretty)| {
                let input = if pretty {
                    serde_json::to_string_pretty(&call).unwrap() + "\n"
                } else {
                    call.to_string() + "\n"
                };
                let made = read(&guard, &input);
                prop_assert_eq!(made, wanted(&call), "{} {}", awk.display(), input);
                prop_assert_eq!(read(&guard, input.trim_end().trim_end_matches('}')), "");
                Ok(())
            })
            .unwrap();
        let deny = json!({ "tool_name": "Read", "tool_input": { "file_path": "/x/.env" } });
        assert!(
            guard.denies(OsStr::new("sh"), &deny).is_some(),
            "{}",
            awk.display()
        );
    }
}

#[test]
fn a_call_that_is_cut_or_followed_is_none() {
    let guard = Guard::starter();
    let more = prop::sample::select(&["x", "\"", "\"\\\"", "}", ",", "{}", "1", "\"a\""][..]);
    let strategy = (call(), any::<prop::sample::Index>(), more);
    runner(250)
        .run(&strategy, |(call, at, more)| {
            let text = call.to_string();
            let mut cut = at.index(text.len());
            while !text.is_char_boundary(cut) {
                cut -= 1;
            }
            prop_assert_eq!(read(&guard, &text[..cut]), "", "{}", &text[..cut]);
            prop_assert_eq!(read(&guard, &format!("{text}{more}")), "");
            Ok(())
        })
        .unwrap();
}

#[test]
fn escapes_and_repeated_names_hide_nothing() {
    let guard = Guard::starter();
    for (input, command) in [
        (
            r#"{"tool_input":{"command":"r\u006d -rf \u002F"}}"#,
            "rm -rf /",
        ),
        (r#"{"tool_input":{"\u0063ommand":"rm"}}"#, "rm"),
        (r#"{"tool_input":{"command":"ls","command":"rm"}}"#, "rm"),
        (
            r#"{"tool_input":{"command":"ls"},"tool_input":{"command":"rm"}}"#,
            "rm",
        ),
        (
            r#"{"tool_input":{"command":"a\u00e9\ud83d\ude00\u001eb"}}"#,
            "a____b",
        ),
        (
            r#"{"tool_input":{"a":[{"command":"ls"}],"command":"rm"},"command":"ls"}"#,
            "rm",
        ),
    ] {
        let read = read(&guard, input);
        assert!(
            read.ends_with(&format!("\u{1e}command={command}")),
            "{input}: {read:?}"
        );
    }
}

/// Each is deployed as one file, so that both have it.
#[test]
fn both_guards_have_the_same_reader() {
    let guard = Guard::starter();
    let [one, other] = ["block-destructive.sh", "protect-sensitive.sh"].map(|name| {
        let text = std::fs::read_to_string(guard.hook(name)).unwrap();
        let start = text.find("fields=$(").unwrap();
        let end = text.find("[ -n \"$fields\" ]").unwrap();
        text[start..end].to_owned()
    });
    assert_eq!(one, other);
}

/// What an Edit or Write carries is not looked at, however long.
#[test]
fn a_long_content_is_passed_over() {
    let guard = Guard::starter();
    let content = "a \"quoted\" line\\n\n".repeat(40_000);
    let call = json!({ "tool_name": "Write", "tool_input": { "content": content, "file_path": "/x/.env" } });
    assert_eq!(read(&guard, &call.to_string()), wanted(&call));
    assert!(guard.denies(OsStr::new("sh"), &call).is_some());
}
