//! Counting, pricing, the day, parsing: each case is one or two files and what they cost.

use serde_json::json;

use crate::support::transcripts::{Row, Transcripts, day_at, lines, row};

/// The price of [`row`], in micro-dollars.
const ONE: u64 = 7_500;

/// What the rows cost together when they stand in one file.
fn cost(rows: &[Row]) -> u64 {
    cost_of(lines(rows))
}

fn cost_of(content: impl AsRef<[u8]>) -> u64 {
    let at = Transcripts::new();
    at.file("p/s1.jsonl", content);
    let day = at.day();
    assert!(day.complete, "{:?}", day.problems);
    day.total.0
}

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
        ("an API error", synthetic),
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
fn a_call_is_priced_by_claude_code_s_own_rule() {
    let search = json!({"web_search_requests": 3});
    let advisor = json!([
        {"type": "message", "input_tokens": 1000, "output_tokens": 100, "model": null},
        {"type": "advisor_message", "model": "claude-haiku-4-5", "input_tokens": 1000,
         "output_tokens": 100, "cache_creation": null},
        null
    ]);
    let rounds = json!([
        {"type": "message", "input_tokens": 60_000, "output_tokens": 100},
        {"type": "message", "input_tokens": 60_000, "output_tokens": 100}
    ]);
    let long = || {
        row("a")
            .model("claude-haiku-5-5")
            .tokens(60_000, 100, 30_000, 10_001)
    };
    for (case, row, micros) in [
        (
            "5-minute writes by the flat count",
            row("a").tokens(0, 0, 1000, 0),
            6_250,
        ),
        (
            "a split of zero",
            row("a").tokens(0, 0, 1000, 0).split(0, 0),
            6_250,
        ),
        (
            "1-hour writes",
            row("a").tokens(0, 0, 1000, 0).split(1000, 0),
            10_000,
        ),
        (
            "both",
            row("a").tokens(0, 0, 1000, 0).split(400, 600),
            7_750,
        ),
        (
            "what the split leaves over",
            row("a").tokens(0, 0, 1000, 0).split(400, 0),
            7_750,
        ),
        (
            "a split above the flat count",
            row("a").tokens(0, 0, 1000, 0).split(9000, 0),
            10_000,
        ),
        ("cache reads", row("a").tokens(0, 0, 0, 1000), 500),
        (
            "a web search",
            row("a").usage("server_tool_use", search.clone()),
            ONE + 30_000,
        ),
        ("fast", row("a").usage("speed", "fast"), 15_000),
        (
            "fast has its own table",
            row("a").model("claude-opus-4-6").usage("speed", "fast"),
            45_000,
        ),
        (
            "within the US",
            row("a").usage("inference_geo", "us"),
            8_250,
        ),
        (
            "the surcharge is not on searches",
            row("a")
                .usage("inference_geo", "us")
                .usage("server_tool_use", search),
            38_250,
        ),
        (
            "elsewhere",
            row("a").usage("inference_geo", "not_available"),
            ONE,
        ),
        (
            "a service tier",
            row("a").usage("service_tier", "priority"),
            ONE,
        ),
        (
            "an adviser",
            row("a").usage("iterations", advisor),
            ONE + 1_500,
        ),
        (
            "nulls among the rounds",
            row("a").usage("iterations", json!([null, {"type": null}])),
            ONE,
        ),
        ("no rounds", row("a").usage("iterations", json!(null)), ONE),
        ("newest", row("a").model("claude-opus-5-5"), 6_000),
        ("1M context", row("a").model("claude-sonnet-4-6[1m]"), 4_500),
        (
            "Bedrock",
            row("a").model("us.anthropic.claude-haiku-4-5-20251001-v1:0"),
            1_500,
        ),
        ("Vertex", row("a").model("claude-opus-4-1@20250805"), 22_500),
        (
            "old names",
            row("a").model("claude-3-5-haiku-20241022"),
            1_200,
        ),
        (
            "a long prompt, as a whole",
            long(),
            30_000 + 18_750 + 501 + 250,
        ),
        (
            "at the line",
            long().usage("cache_read_input_tokens", 10_000),
            6_000 + 3_750 + 100 + 50,
        ),
        (
            "rounds each alone",
            row("a")
                .model("claude-haiku-5-5")
                .tokens(120_000, 200, 0, 0)
                .usage("iterations", rounds),
            12_100,
        ),
        (
            "no other surcharge",
            row("a").model("claude-sonnet-4-5").tokens(900_000, 0, 0, 0),
            2_700_000,
        ),
        (
            "a price that the row states",
            row("a").with("costUSD", 0.0123),
            12_300,
        ),
        (
            "less than a micro-dollar",
            row("a").model("claude-haiku-5-5").tokens(1, 0, 0, 0),
            1,
        ),
    ] {
        assert_eq!(cost(&[row]), micros, "{case}");
    }
}

#[test]
fn an_unknown_model_is_a_named_estimate_and_never_free() {
    for (model, micros, at_most) in [
        ("claude-opus-9", 7_500, 22_500),
        ("claude-sonnet-7-2", 4_500, 7_500),
        ("gpt-9", 7_500, 22_500),
        ("", 7_500, 22_500),
    ] {
        let at = Transcripts::new();
        at.file("p/s1.jsonl", lines(&[row("a").model(model)]));
        let day = at.day();
        assert_eq!((day.total.0, day.at_most.0), (micros, at_most), "{model}");
        assert_eq!(day.figures().total.0, at_most, "the gate takes the dearest");
        let shown = if model.is_empty() { "(no name)" } else { model };
        let names: Vec<&str> = day.unpriced.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(names, [shown]);
        assert_eq!(secloop::spend::json(&day, None)["unpriced"], json!([shown]));
        assert!(secloop::spend::table(&day, None).contains(shown));
    }
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
fn a_day_is_a_local_calendar_day() {
    let on = |date: &str, times: &[&str]| {
        let at = Transcripts::new();
        let rows: Vec<Row> = times
            .iter()
            .enumerate()
            .map(|(n, time)| row(&format!("m{n}")).at(time))
            .collect();
        at.file("p/s1.jsonl", lines(&rows));
        day_at(date, "2026-12-31T12:00:00Z", &[], &[at.root()]).calls
    };
    let edges = [
        "2026-11-20T04:59:59.999Z",
        "2026-11-20T05:00:00.000Z",
        "2026-11-21T04:59:59.999Z",
        "2026-11-21T05:00:00.000Z",
    ];
    assert_eq!(on("2026-11-19", &edges), 1);
    assert_eq!(on("2026-11-20", &edges), 2);
    assert_eq!(on("2026-11-21", &edges), 1);
    // 25 hours, and 23.
    let autumn = [
        "2026-11-01T04:00:00Z",
        "2026-11-02T04:59:59Z",
        "2026-11-02T05:00:00Z",
    ];
    assert_eq!(on("2026-11-01", &autumn), 2);
    let spring = [
        "2026-03-08T05:00:00Z",
        "2026-03-09T03:59:59Z",
        "2026-03-09T04:00:00Z",
    ];
    assert_eq!(on("2026-03-08", &spring), 2);
}

#[test]
fn a_call_belongs_to_the_day_it_ended_in_and_a_late_copy_does_not_move_it() {
    let started = row("a")
        .usage("output_tokens", 1)
        .at("2026-11-20T04:59:58Z");
    let ended = row("a").at("2026-11-20T05:00:03Z");
    let copied = row("a").session("fork").at("2026-11-22T17:00:00Z");
    let at = Transcripts::new();
    at.file("p/s1.jsonl", lines(&[started, ended]));
    at.file("p/fork.jsonl", lines(&[copied]));
    let total = |date| {
        day_at(date, "2026-12-31T12:00:00Z", &[], &[at.root()])
            .total
            .0
    };
    assert_eq!(
        ["2026-11-19", "2026-11-20", "2026-11-22"].map(total),
        [0, ONE, 0]
    );
}

#[test]
fn records_of_the_future_are_said_and_never_open_the_gate() {
    let at = Transcripts::new();
    let rows = [row("a"), row("b").at("2026-11-21T17:00:00Z")];
    at.file("p/s1.jsonl", lines(&rows));
    // The clock was set back by a day.
    let day = at.day();
    assert_eq!((day.total.0, day.at_most.0), (ONE, 2 * ONE));
    assert!(
        day.problems.iter().any(|p| p.contains("future")),
        "{:?}",
        day.problems
    );
    // Looking at a past day is no such case.
    let past = day_at("2026-11-20", "2026-11-22T12:00:00Z", &[], &[at.root()]);
    assert_eq!((past.total.0, past.at_most.0), (ONE, ONE));
    assert!(past.problems.is_empty());
}

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
    let nulls = row("a")
        .with("cwd", json!(null))
        .with(
            "toolUseResult",
            json!({"id": null, "cwd": null, "model": null}),
        )
        .text();
    let twice = plain.replacen('{', "{\"type\":\"user\",", 1);
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
        ("nothing", Vec::new(), 0),
    ] {
        assert_eq!(cost_of(content), calls * ONE, "{case}");
    }
}

#[test]
fn times_are_read_however_they_are_written() {
    for time in [
        "2026-11-20T17:00:00Z",
        "2026-11-20T17:00:00.123456Z",
        "2026-11-20T12:00:00-05:00",
        "2026-11-21T04:00:00+11:00",
    ] {
        assert_eq!(cost(&[row("a").at(time)]), ONE, "{time}");
    }
}

#[test]
fn numbers_that_can_t_be_are_reported_and_not_added() {
    for absurd in [
        json!(u64::MAX),
        json!(-5),
        json!(1e30),
        json!(0.5),
        json!("many"),
        json!([1]),
    ] {
        let at = Transcripts::new();
        let mut rows: Vec<Row> = (0..200).map(|n| row(&format!("m{n}"))).collect();
        rows.push(row("absurd").usage("output_tokens", absurd.clone()));
        at.file("p/s1.jsonl", lines(&rows));
        let day = at.day();
        assert_eq!(day.total.0, 200 * ONE, "{absurd}");
        assert!(day.complete, "one in two hundred");
        let problem = day.problems.join("\n");
        assert!(
            problem.contains("s1.jsonl line 201") && problem.contains("output_tokens"),
            "{absurd}: {problem}"
        );
    }
    // A fraction of zero is only a way of writing.
    assert_eq!(cost(&[row("a").usage("output_tokens", 100.0)]), ONE);
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
