//! What a call costs, by Claude Code's own rule.

use serde_json::json;

use super::{ONE, cost};
use crate::support::transcripts::{Transcripts, lines, row};

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
        (
            "a split without the flat count",
            row("a")
                .tokens(0, 0, 0, 0)
                .usage("cache_creation_input_tokens", json!(null))
                .split(400, 600),
            4_000 + 3_750,
        ),
        (
            "a split beside a flat count of zero",
            row("a").split(400, 600),
            ONE,
        ),
        (
            "a split of nulls",
            row("a").tokens(0, 0, 1000, 0).usage(
                "cache_creation",
                json!({"ephemeral_1h_input_tokens": null, "ephemeral_5m_input_tokens": null}),
            ),
            6_250,
        ),
        (
            "no split",
            row("a")
                .tokens(0, 0, 1000, 0)
                .usage("cache_creation", json!(null)),
            6_250,
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
            "fast within the US",
            row("a").usage("speed", "fast").usage("inference_geo", "us"),
            16_500,
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
            "a fast adviser within the US",
            row("a").usage(
                "iterations",
                json!([{"type": "advisor_message", "model": "claude-opus-5", "speed": "fast",
                        "inference_geo": "us", "input_tokens": 1000, "output_tokens": 100}]),
            ),
            ONE + 16_500,
        ),
        (
            "two advisers",
            row("a").usage(
                "iterations",
                json!([{"type": "advisor_message", "model": "claude-haiku-4-5", "input_tokens": 10},
                       {"type": "advisor_message", "model": "claude-opus-5", "input_tokens": 10}]),
            ),
            ONE + 10 + 50,
        ),
        (
            "rounds that do not sum up to the call",
            row("a").usage(
                "iterations",
                json!([{"type": "message", "input_tokens": 1, "output_tokens": 1}]),
            ),
            ONE,
        ),
        (
            "rounds of nulls",
            row("a").usage(
                "iterations",
                json!([{"type": "message", "input_tokens": null, "cache_creation": null,
                        "speed": null}]),
            ),
            ONE,
        ),
        (
            "rounds of a kind that is not known",
            row("a").usage(
                "iterations",
                json!([{"type": "compaction", "input_tokens": 999}]),
            ),
            ONE,
        ),
        (
            "rounds that are no list",
            row("a").usage("iterations", json!({"type": "message"})),
            ONE,
        ),
        (
            "nulls among the rounds",
            row("a").usage("iterations", json!([null, {"type": null}])),
            ONE,
        ),
        ("no rounds", row("a").usage("iterations", json!(null)), ONE),
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
        ("a stated price of zero", row("a").with("costUSD", 0), ONE),
        (
            "a stated price of null",
            row("a").with("costUSD", json!(null)),
            ONE,
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
fn every_model_has_its_own_rates() {
    // A thousand each of input, output, 5-minute writes, 1-hour writes and reads, so that the
    // dollars per million are the micro-dollars in thousands.
    for (models, micros, fast) in [
        (
            &["opus-5-5"][..],
            4_000 + 20_000 + 5_000 + 8_000 + 200,
            Some(8_000 + 40_000 + 10_000 + 16_000 + 400),
        ),
        (
            &["opus-5", "opus-4-8"],
            5_000 + 25_000 + 6_250 + 10_000 + 500,
            Some(10_000 + 50_000 + 12_500 + 20_000 + 1_000),
        ),
        (
            &["opus-4-7", "opus-4-6"],
            5_000 + 25_000 + 6_250 + 10_000 + 500,
            Some(30_000 + 150_000 + 37_500 + 60_000 + 3_000),
        ),
        (&["opus-4-5"], 5_000 + 25_000 + 6_250 + 10_000 + 500, None),
        (
            &["opus-4-1", "opus-4-0", "opus-4"],
            15_000 + 75_000 + 18_750 + 30_000 + 1_500,
            None,
        ),
        (&["sonnet-5-5"], 2_000 + 10_000 + 2_500 + 4_000 + 100, None),
        (&["sonnet-5"], 2_000 + 10_000 + 2_500 + 4_000 + 200, None),
        (
            &[
                "sonnet-4-6",
                "sonnet-4-5",
                "sonnet-4",
                "3-7-sonnet",
                "3-5-sonnet",
            ],
            3_000 + 15_000 + 3_750 + 6_000 + 300,
            None,
        ),
        (&["haiku-5-5"], 100 + 500 + 125 + 200 + 10, None),
        (&["haiku-4-5"], 1_000 + 5_000 + 1_250 + 2_000 + 100, None),
        (&["3-5-haiku"], 800 + 4_000 + 1_000 + 1_600 + 80, None),
        (
            &["fable-5", "mythos-5"],
            10_000 + 50_000 + 12_500 + 20_000 + 1_000,
            None,
        ),
        (
            &["fable-5-1", "mythos-5-1"],
            10_000 + 50_000 + 12_500 + 20_000 + 250,
            None,
        ),
        (
            &["fable-5-2", "mythos-5-2"],
            8_000 + 40_000 + 10_000 + 16_000 + 200,
            Some(16_000 + 80_000 + 20_000 + 32_000 + 400),
        ),
    ] {
        for name in models {
            let row = row("a")
                .model(&format!("claude-{name}"))
                .tokens(1000, 1000, 2000, 1000)
                .split(1000, 1000);
            assert_eq!(cost(std::slice::from_ref(&row)), micros, "{name}");
            if let Some(fast) = fast {
                assert_eq!(cost(&[row.usage("speed", "fast")]), fast, "fast {name}");
            }
        }
    }
}

#[test]
fn every_spelling_of_a_model_has_its_price() {
    for (spelling, micros) in [
        ("claude-sonnet-4-6[1m]", 4_500),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", 1_500),
        ("global.anthropic.claude-sonnet-4-5-20250929-v1:0", 4_500),
        ("eu.anthropic.claude-opus-4-6-v1", ONE),
        ("anthropic.claude-3-5-haiku-20241022-v1:0", 1_200),
        ("us.anthropic.claude-opus-4-6-v1:0[1m]", ONE),
        (
            "arn:aws:bedrock:us-east-1:12:inference-profile/us.anthropic.claude-opus-4-6-v1:0",
            ONE,
        ),
        ("claude-opus-4-1@20250805", 22_500),
        ("vertex_ai/claude-opus-4@20250514", 22_500),
        ("claude-opus-4-20250514", 22_500),
        ("anthropic/claude-opus-4.1", 22_500),
        ("claude-3-5-haiku-20241022", 1_200),
        ("claude-3-7-sonnet-latest", 4_500),
        ("Claude-Opus-5", ONE),
        ("claude-opus-5-0", ONE),
    ] {
        let at = Transcripts::new();
        at.file("p/s1.jsonl", lines(&[row("a").model(spelling)]));
        let day = at.day();
        assert_eq!((day.total.0, day.at_most.0), (micros, micros), "{spelling}");
        assert!(day.unpriced.is_empty(), "{spelling}");
    }
}
