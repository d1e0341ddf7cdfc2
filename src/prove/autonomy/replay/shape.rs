//! The shape of a call: what it does, without what differs each time. Kept narrow, since a hook may look
//! at any word: names of files, programs and options stay; numbers, ids, quoted sentences and the
//! contents of files go.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

/// Keys of an input that say nothing of what a call does.
const IDLE: [&str; 3] = ["description", "timeout", "run_in_background"];
/// Keys that hold the content of files, or words for people.
const CONTENT: [&str; 7] = [
    "content",
    "old_string",
    "new_string",
    "new_source",
    "edits",
    "prompt",
    "todos",
];

/// UUIDs, long hexadecimal words, numbers.
#[expect(
    clippy::expect_used,
    reason = "a constant expression, compiled by a test"
)]
static IDS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b|\b(?:[0-9]+[a-f]|[a-f]+[0-9])[0-9a-f]{5,}\b|[0-9]+")
        .expect("constant expression")
});

/// A quoted sentence: words with spaces and nothing that a shell would look at.
#[expect(
    clippy::expect_used,
    reason = "a constant expression, compiled by a test"
)]
static SENTENCE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#""[A-Za-z][A-Za-z0-9,.:;!?()' -]* [A-Za-z0-9,.:;!?()' -]*"|'[A-Za-z][A-Za-z0-9,.:;!?() -]* [A-Za-z0-9,.:;!?() -]*'"#)
        .expect("constant expression")
});

/// The shape as a text.
pub(super) fn shape(tool: &str, input: &Value) -> String {
    format!("{tool} {}", of(&without(input, &CONTENT)))
}

/// The call as a text, without what says nothing of it.
pub(super) fn exact(tool: &str, input: &Value) -> String {
    format!("{tool} {}", without(input, &[]))
}

fn of(input: &Value) -> Value {
    match input {
        Value::String(text) => {
            let text = SENTENCE.replace_all(text, "\"…\"");
            Value::String(IDS.replace_all(&text, "0").into_owned())
        }
        Value::Number(_) => Value::from(0),
        Value::Array(all) => all.iter().map(of).collect(),
        Value::Object(map) => map.iter().map(|(k, v)| (k.clone(), of(v))).collect(),
        other => other.clone(),
    }
}

fn without(input: &Value, also: &[&str]) -> Value {
    let mut input = input.clone();
    if let Some(map) = input.as_object_mut() {
        map.retain(|key, _| !IDLE.contains(&key.as_str()) && !also.contains(&key.as_str()));
    }
    input
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_hook_may_look_at_stays() {
        let bash =
            |command: &str| shape("Bash", &json!({ "command": command, "description": "x" }));
        for (one, other, same) in [
            (
                "git commit -m \"Fix the parser\"",
                "git commit -m \"Add a test\"",
                true,
            ),
            ("sleep 5", "sleep 30", true),
            ("git show 1a2b3c4d5e", "git show 9f8e7d6c5b", true),
            (
                "cat /tmp/x-550e8400-e29b-41d4-a716-446655440000",
                "cat /tmp/x-650e8400-e29b-41d4-a716-446655440000",
                true,
            ),
            ("source exports.sh", "source env.sh", false),
            ("git push", "git push --force", false),
            ("cat a.txt", "cat .env", false),
            ("echo \"$(rm -rf x)\"", "echo \"hello there\"", false),
            ("cat deadbeef", "cat facade", false),
        ] {
            assert_eq!(bash(one) == bash(other), same, "{one} / {other}");
        }
        let write =
            |path: &str, text: &str| shape("Write", &json!({ "file_path": path, "content": text }));
        assert_eq!(write("/a/b.rs", "x"), write("/a/b.rs", "y"));
        assert_ne!(write("/a/b.rs", "x"), write("/a/.env", "x"));
    }
}
