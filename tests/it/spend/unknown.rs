//! Models without a known price: never free, named, and decided with at the dearest known rates.

use serde_json::json;

use super::table;
use crate::support::transcripts::{Row, Transcripts, lines, row};

fn total_and_most(rows: &[Row]) -> (u64, u64) {
    let at = Transcripts::new();
    at.file("p/s1.jsonl", lines(rows));
    let day = at.day();
    assert_eq!(day.unpriced.len(), 1);
    assert!(day.complete, "a guess is no damage");
    (day.total.0, day.at_most.0)
}

#[test]
fn an_unknown_model_is_a_named_estimate_and_never_free() {
    for (model, micros, at_most) in [
        ("claude-opus-9", 7_500, 22_500),
        ("claude-sonnet-7-2", 4_500, 7_500),
        ("claude-haiku-9", 1_500, 7_500),
        ("claude-fable-9", 15_000, 15_000),
        ("my-sonnet-proxy", 4_500, 7_500),
        // The name says more than the table knows.
        ("claude-haiku-4-5-preview", 1_500, 7_500),
        ("claude-3-opus-20240229", 7_500, 22_500),
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
        assert!(table(&day).contains(shown));
    }
}

#[test]
fn fast_mode_without_a_known_price_is_a_guess() {
    for (model, micros, at_most) in [
        // The dearest fast Opus: 30 and 150 dollars a million.
        ("claude-opus-4-5", 7_500, 30_000 + 15_000),
        // No fast price in the family: its dearest, and at least the rate for unknown models.
        ("claude-sonnet-5", 3_000, 7_500),
        ("claude-fable-5", 15_000, 16_000 + 8_000),
        ("claude-opus-9", 7_500, 30_000 + 15_000),
    ] {
        let fast = row("a").model(model).usage("speed", "fast");
        assert_eq!(total_and_most(&[fast]), (micros, at_most), "{model}");
    }
}

#[test]
fn a_guess_has_all_surcharges_in_both_figures() {
    let rich = row("a")
        .model("claude-opus-9")
        .usage("inference_geo", "us")
        .usage("server_tool_use", json!({"web_search_requests": 1}));
    assert_eq!(total_and_most(&[rich]), (8_250 + 10_000, 24_750 + 10_000));
    let adviser = row("a").usage(
        "iterations",
        json!([{"type": "advisor_message", "model": null, "input_tokens": 1000,
                "output_tokens": 100}]),
    );
    assert_eq!(total_and_most(&[adviser]), (2 * 7_500, 7_500 + 22_500));
}

#[test]
fn an_unknown_model_that_used_nothing_is_no_guess() {
    let at = Transcripts::new();
    let nothing = row("a").model("gpt-9").tokens(0, 0, 0, 0);
    at.file("p/s1.jsonl", lines(&[nothing]));
    assert!(at.day().unpriced.is_empty());
}

#[test]
fn an_unknown_adviser_is_named_and_not_the_model_that_asked_it() {
    let advice = json!([{
        "type": "advisor_message", "model": "gpt-9", "input_tokens": 10, "output_tokens": 10
    }]);
    let at = Transcripts::new();
    at.file("p/s1.jsonl", lines(&[row("a").usage("iterations", advice)]));
    let names: Vec<String> = at.day().unpriced.into_iter().map(|s| s.name).collect();
    assert_eq!(names, ["gpt-9"]);
}
