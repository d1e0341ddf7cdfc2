//! What counts as a call, and once.

use serde_json::json;

use super::{ONE, cost};
use crate::support::transcripts::{Row, Transcripts, lines, row};

#[test]
fn one_call_is_counted_once() {
    let placeholder = row("a").usage("output_tokens", 1);
    let copy = row("a").session("fork").with("uuid", "other");
    for (case, rows, micros) in [
        ("one row", vec![row("a")], ONE),
        (
            "a row for each block",
            vec![row("a"), row("a"), row("a")],
            ONE,
        ),
        (
            "output that grows",
            vec![placeholder.clone(), row("a")],
            ONE,
        ),
        (
            "a stale copy that is read later",
            vec![row("a"), placeholder.clone()],
            ONE,
        ),
        (
            "field by field the largest",
            vec![
                row("a").tokens(1000, 1, 0, 0),
                row("a").tokens(10, 100, 0, 0),
            ],
            ONE,
        ),
        (
            "what only its first row tells",
            vec![
                row("a").usage("inference_geo", "us").usage("speed", "fast"),
                row("a").usage("inference_geo", json!(null)),
            ],
            16_500,
        ),
        (
            "what only its last row tells",
            vec![
                row("a"),
                row("a").usage("inference_geo", "us").usage("speed", "fast"),
            ],
            16_500,
        ),
        (
            "without request ids",
            vec![
                row("a").without("requestId"),
                row("a").without("requestId").at("2026-11-20T18:00:00Z"),
            ],
            ONE,
        ),
        (
            "replayed with another request id",
            vec![row("a"), row("a").with("requestId", "req_other")],
            ONE,
        ),
        ("a fork's copy", vec![row("a"), copy, row("b")], 2 * ONE),
        (
            "a call that was cut still had its prompt",
            vec![placeholder],
            5_025,
        ),
        (
            "side chains in the main file",
            vec![row("a"), row("b").with("isSidechain", true)],
            2 * ONE,
        ),
    ] {
        assert_eq!(cost(&rows), micros, "{case}");
    }
}

#[test]
fn what_only_looks_like_a_call_is_not_counted() {
    let inner = row("x").text();
    let mut synthetic = row("e")
        .model("<synthetic>")
        .with("isApiErrorMessage", true);
    synthetic = synthetic.tokens(0, 0, 0, 0);
    for (case, other) in [
        ("an API error", synthetic.clone()),
        ("an API error with numbers", synthetic.tokens(9, 9, 9, 9)),
        (
            "an API error without usage",
            row("e")
                .with("isApiErrorMessage", true)
                .with("message", json!({"model": "claude-opus-5"})),
        ),
        (
            "an API error of a real model",
            row("e").with("isApiErrorMessage", true).tokens(0, 0, 0, 0),
        ),
        (
            "the request of a call that was not answered",
            Row(json!({
                "type": "api-request", "timestamp": "2026-11-20T17:00:00Z", "id": "r1",
                "params": {"model": "claude-opus-5", "role": "\"assistant\""}
            })),
        ),
        (
            "a tool that read a transcript",
            Row(json!({
                "type": "user", "timestamp": "2026-11-20T17:00:00Z",
                "message": {"role": "user", "content": [{"type": "tool_result", "content": inner}]},
                "toolUseResult": {"stdout": inner}
            })),
        ),
        (
            "a sub-agent's summary",
            Row(json!({
                "type": "user", "timestamp": "2026-11-20T17:00:00Z", "note": "\"assistant\"",
                "toolUseResult": {"usage": {"input_tokens": 7, "output_tokens": 1200}}
            })),
        ),
        (
            "an old progress row",
            Row(json!({
                "type": "progress", "timestamp": "2026-11-20T17:00:00Z",
                "data": {"message": {"type": "assistant", "message": row("p").0["message"]}}
            })),
        ),
        (
            "usage in a tool's input",
            row("a").with("toolInput", json!({"usage": {"input_tokens": 9}})),
        ),
    ] {
        let at = Transcripts::new();
        at.file("p/s1.jsonl", lines(&[row("a"), other]));
        let day = at.day();
        assert_eq!(
            (day.total.0, day.calls, day.complete),
            (ONE, 1, true),
            "{case}"
        );
        assert!(day.unpriced.is_empty(), "{case}");
    }
}

#[test]
fn rows_without_an_id_count_once_by_their_own_id() {
    let mut anonymous = row("a");
    anonymous.0["message"]["id"] = json!(null);
    let mut nameless = anonymous.clone().without("uuid");
    nameless.0["message"]
        .as_object_mut()
        .unwrap()
        .shift_remove("id");
    assert_eq!(cost(&[anonymous.clone(), anonymous.clone()]), ONE);
    assert_eq!(
        cost(&[anonymous.clone(), anonymous.with("uuid", "u2")]),
        2 * ONE
    );
    assert_eq!(cost(&[nameless.clone(), nameless]), 2 * ONE);
}

#[test]
fn sums_do_not_lose_what_is_below_a_micro_dollar() {
    // Ten times 0.1 micro-dollar.
    let rows: Vec<Row> = (0..10)
        .map(|n| {
            row(&format!("m{n}"))
                .model("claude-haiku-5-5")
                .tokens(1, 0, 0, 0)
        })
        .collect();
    assert_eq!(cost(&rows), 1);
}

#[test]
fn one_call_is_counted_once_in_several_files() {
    let placeholder = || row("a").usage("output_tokens", 1);
    let progress = || {
        Row(json!({
            "type": "progress", "timestamp": "2026-11-20T17:00:00Z",
            "data": {"message": {"type": "assistant", "message": row("a").0["message"]}}
        }))
    };
    let main = "p/s1.jsonl";
    let agent = "p/s1/subagents/agent-1.jsonl";
    for (case, files, micros) in [
        (
            "a sub-agent's progress in the main file",
            [(main, vec![progress()]), (agent, vec![row("a")])],
            ONE,
        ),
        (
            "a fork, and what it did by itself",
            [
                (main, vec![row("a")]),
                (
                    "p/s2.jsonl",
                    vec![row("a").session("s2"), row("b").session("s2")],
                ),
            ],
            2 * ONE,
        ),
        (
            "a fork with another request id",
            [
                (main, vec![row("a")]),
                (
                    "p/s2.jsonl",
                    vec![row("a").session("s2").with("requestId", "other")],
                ),
            ],
            ONE,
        ),
        (
            "the head of a resumed session",
            [
                (main, vec![row("a"), row("b")]),
                ("p/s1/resume-head.jsonl", vec![row("a")]),
            ],
            2 * ONE,
        ),
        (
            "a stale copy in a file that is read first",
            [("p/s0.jsonl", vec![placeholder()]), (main, vec![row("a")])],
            ONE,
        ),
        (
            "a stale copy in a file that is read last",
            [(main, vec![row("a")]), ("p/s9.jsonl", vec![placeholder()])],
            ONE,
        ),
        (
            "each copy knows more of another field",
            [
                (main, vec![row("a").tokens(1000, 1, 0, 0)]),
                ("q/s2.jsonl", vec![row("a").tokens(0, 100, 0, 0)]),
            ],
            ONE,
        ),
        (
            "a side chain's copy in the main file",
            [
                (main, vec![row("a").with("isSidechain", true)]),
                (agent, vec![row("a").with("isSidechain", true)]),
            ],
            ONE,
        ),
        (
            "rows without an id are told apart by their file",
            [
                (main, vec![anonymous("a"), anonymous("a")]),
                ("p/s2.jsonl", vec![anonymous("b")]),
            ],
            2 * ONE,
        ),
    ] {
        let at = Transcripts::new();
        for (name, rows) in files {
            at.file(name, lines(&rows));
        }
        let day = at.day();
        assert_eq!((day.total.0, day.complete), (micros, true), "{case}");
    }
}

fn anonymous(uuid: &str) -> Row {
    let mut row = row(uuid);
    row.0["message"]["id"] = json!(null);
    row
}

#[test]
fn an_id_of_another_kind_is_no_id() {
    for id in [json!(""), json!(7), json!([]), json!({"id": "a"})] {
        let mut first = row("a");
        first.0["message"]["id"] = id.clone();
        let second = first.clone().with("uuid", "other");
        assert_eq!(cost(&[first.clone(), first, second]), 2 * ONE, "{id}");
    }
}
