//! Rows in any state.

use serde_json::json;

use super::{ONE, cost_of};
use crate::support::transcripts::{Transcripts, lines, row};

#[test]
fn rows_are_read_however_they_are_written() {
    let plain = row("a").text();
    let spaced = serde_json::to_string_pretty(&row("a").0)
        .unwrap()
        .replace('\n', " ");
    let mut invalid = row("a").with("gitBranch", "@").text().into_bytes();
    let at = invalid.iter().position(|b| *b == b'@').unwrap();
    invalid[at] = 0xff;
    let huge = row("a").with("toolUseResult", "x".repeat(12 << 20)).text();
    let mut nulls = row("a").with("cwd", json!(null)).with(
        "toolUseResult",
        json!({"id": null, "cwd": null, "model": null}),
    );
    nulls.0["message"]["content"] = json!([null, {"type": "tool_use", "input": {
        "id": null, "cwd": null, "model": null, "usage": null, "message": null, "requestId": null
    }}]);
    let nulls = nulls.text();
    let twice = plain.replacen('{', "{\"type\":\"user\",", 1);
    let nested = format!("{}\"@\"{}", "[".repeat(5000), "]".repeat(5000));
    let deep = plain.replacen("\"so\"", &nested, 1);
    let deep_cwd = plain.replacen("\"/home/u/p\"", &nested, 1);
    let after = |line: &str| format!("{line}\n{}\n", row("b").text());
    for (case, content, calls) in [
        ("no newline at the end", plain.clone().into_bytes(), 1),
        (
            "a torn last line",
            format!("{plain}\n{}", &plain[..300]).into_bytes(),
            1,
        ),
        (
            "CRLF",
            format!("{plain}\r\n\r\n{plain}\r\n").into_bytes(),
            1,
        ),
        ("spaces", after(&spaced).into_bytes(), 2),
        ("bad UTF-8", [&invalid[..], b"\n"].concat(), 1),
        (
            "NULs before a row",
            [b"\0\0\0", plain.as_bytes(), b"\n"].concat(),
            1,
        ),
        ("only NULs", [plain.as_bytes(), b"\n\0\0\0\n"].concat(), 1),
        (
            "no objects",
            after("[1]\n\"assistant\"\nnull\n7\n")
                .replace("[1]", &plain)
                .into_bytes(),
            2,
        ),
        ("a line of 12 MB", after(&huge).into_bytes(), 2),
        ("nulls in odd places", after(&nulls).into_bytes(), 2),
        ("a key given twice", after(&twice).into_bytes(), 2),
        (
            "a byte order mark",
            format!("\u{feff}{}", after(&plain)).into_bytes(),
            2,
        ),
        (
            "keys in any order",
            after(&reversed(&row("a").0).to_string()).into_bytes(),
            2,
        ),
        (
            "a number given twice, the last one holds",
            plain
                .replacen(
                    "\"output_tokens\":",
                    "\"output_tokens\":7,\"output_tokens\":",
                    1,
                )
                .into_bytes(),
            1,
        ),
        (
            "half of a surrogate pair",
            plain.replacen("\"so\"", r#""\ud83d""#, 1).into_bytes(),
            1,
        ),
        (
            "escaped keys",
            plain
                .replacen("\"usage\"", r#""us\u0061ge""#, 1)
                .into_bytes(),
            1,
        ),
        (
            "numbers elsewhere that no machine holds",
            plain.replacen("\"so\"", "[1e999,-1e999]", 1).into_bytes(),
            1,
        ),
        ("deep nesting", after(&deep).into_bytes(), 2),
        (
            "deep nesting and bad UTF-8",
            [deep.as_bytes(), b"\n"]
                .concat()
                .iter()
                .map(|b| if *b == b'@' { 0xff } else { *b })
                .collect(),
            1,
        ),
        (
            "nesting where a text should be",
            after(&deep_cwd).into_bytes(),
            2,
        ),
        (
            "control characters in a text",
            plain.replacen("\"so\"", "\"s\u{1}\to\"", 1).into_bytes(),
            1,
        ),
        (
            "spaces around a row",
            format!("  {plain} \t \n").into_bytes(),
            1,
        ),
        ("nothing", Vec::new(), 0),
    ] {
        assert_eq!(cost_of(content), calls * ONE, "{case}");
    }
}

#[test]
fn too_many_rows_that_no_longer_parse_close_the_gate() {
    let renamed = |n: usize| {
        let mut row = row(&format!("new{n}"));
        let usage = row.0["message"]["usage"].take();
        let message = row.0["message"].as_object_mut().unwrap();
        message.shift_remove("usage");
        message.insert("tokens".to_owned(), usage);
        row
    };
    let day = |good: usize, bad: Vec<String>| {
        let at = Transcripts::new();
        let mut content: String = (0..good)
            .map(|n| row(&format!("m{n}")).text() + "\n")
            .collect();
        content.extend(bad.iter().map(|line| format!("{line}\n")));
        at.file("p/s1.jsonl", content);
        at.day()
    };
    let damaged = row("x").text().replace("\"uuid\":", "\"uuid\"");
    let undated = row("x").without("timestamp").text();
    assert!(day(1, vec![]).complete);
    for bad in [renamed(0).text(), damaged.clone(), undated] {
        assert!(!day(1, vec![bad.clone()]).complete, "{bad}");
        assert!(day(150, vec![bad.clone()]).complete, "{bad}");
    }
    let changed = day(10, (0..5).map(|n| renamed(n).text()).collect());
    assert!(!changed.complete);
    assert!(
        changed
            .problems
            .join("")
            .contains("5 rows can't be counted, beside 10 calls"),
        "{:?}",
        changed.problems
    );
    // Damage of another day says nothing about this one.
    let old = damaged.replace("2026-11-20T17", "2026-11-18T17");
    assert!(day(1, vec![old]).problems.is_empty());
}

/// The same value with the keys of every object turned round.
fn reversed(value: &serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Object(map) => map
            .iter()
            .rev()
            .map(|(key, value)| (key.clone(), reversed(value)))
            .collect(),
        other => other.clone(),
    }
}

#[test]
fn a_null_costs_only_what_it_stands_for() {
    let keys = |pointer: &str| -> Vec<String> {
        let object = row("a").0.pointer(pointer).cloned().unwrap();
        let object = object.as_object().unwrap();
        object.keys().map(|k| format!("{pointer}/{k}")).collect()
    };
    let all = [keys(""), keys("/message"), keys("/message/usage")].concat();
    assert!(all.len() > 20);
    for pointer in all {
        let mut row = row("a");
        *row.0.pointer_mut(&pointer).unwrap() = json!(null);
        let at = Transcripts::new();
        at.file("p/s1.jsonl", lines(&[row]));
        let day = at.day();
        let known = (day.total.0, day.complete, day.unpriced.len());
        let expected = match pointer.as_str() {
            // No row of an assistant.
            "/type" => (0, true, 0),
            "/timestamp" | "/message" | "/message/usage" => (0, false, 0),
            "/message/model" => (ONE, true, 1),
            "/message/usage/input_tokens" => (2_500, true, 0),
            "/message/usage/output_tokens" => (5_000, true, 0),
            _ => (ONE, true, 0),
        };
        assert_eq!(known, expected, "{pointer}");
    }
}

#[test]
fn a_file_that_was_written_further_counts_the_line_that_was_torn() {
    let whole = lines(&[row("a"), row("b")]);
    for cut in (0..=whole.len()).step_by(61) {
        let at = Transcripts::new();
        at.file("p/s1.jsonl", &whole[..cut]);
        let torn = at.day();
        assert!(torn.complete, "{cut}: {:?}", torn.problems);
        at.file("p/s1.jsonl", &whole);
        let day = at.day();
        assert_eq!((day.total.0, day.complete), (2 * ONE, true), "{cut}");
        assert!(torn.total.0 <= day.total.0, "{cut}");
    }
}
