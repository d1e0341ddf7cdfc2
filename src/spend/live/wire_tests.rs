use chrono_tz::Tz;
use serde_json::json;

use super::*;
use crate::clock::Clock;
use crate::gate::MicroUsd;
use crate::spend::live::meter::Limits;

const USD: u64 = 1_000_000;

fn meter(allowance: u64) -> Meter {
    let clock = Clock::manual("2026-11-20T12:00:00Z".parse().unwrap(), Tz::UTC);
    let limits = Limits {
        allowance: MicroUsd(allowance),
        unanswered: MicroUsd(USD),
    };
    Meter::new(clock, limits, CancellationToken::new())
}

/// $4 a million tokens of prompt, $20 of output.
fn start(id: &str, input: u64) -> Value {
    json!({"type": "message_start", "message": {
        "id": id, "model": "claude-opus-5-5",
        "usage": {"input_tokens": input, "output_tokens": 1}}})
}

fn end(output: u64) -> Value {
    json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"},
           "usage": {"output_tokens": output}})
}

/// The same event as the client's output repeats it.
fn told(meter: &Meter, event: &Value) {
    let line = json!({"type": "stream_event", "event": event, "parent_tool_use_id": null});
    meter.line(&line.to_string());
}

#[test]
fn a_call_that_both_tell_of_counts_once() {
    let meter = meter(USD);
    for event in [start("a", 1_000), end(100)] {
        meter.event(1, &event);
        told(&meter, &event);
    }
    assert_eq!(meter.so_far().0, MicroUsd(1_000 * 4 + 100 * 20));
    // The wire knows more of it than the output did.
    meter.event(2, &start("b", 10));
    meter.event(2, &end(10));
    told(&meter, &start("b", 10));
    assert_eq!(meter.so_far().0, MicroUsd(1_010 * 4 + 110 * 20));
}

#[test]
fn a_call_that_the_output_is_silent_about_ends_the_run() {
    let meter = meter(USD);
    assert!(meter.open().is_ok());
    meter.event(1, &start("a", 1_000_000));
    assert!(Meter::ended(&meter).is_cancelled());
    let why = meter.open().unwrap_err();
    assert!(
        why.starts_with("the allowance of $1.00 is used up"),
        "{why}"
    );
}

#[test]
fn an_answer_that_did_not_come_as_a_stream_counts() {
    let meter = meter(USD);
    meter.asked(1);
    let message = json!({"id": "a", "model": "claude-opus-5-5",
                         "usage": {"input_tokens": 5, "output_tokens": 6}});
    meter.event(1, &json!({"type": "message", "message": message}));
    assert_eq!(meter.booked().unwrap().all, MicroUsd(5 * 4 + 6 * 20));
}

#[test]
fn every_call_without_any_answer_is_booked_and_none_that_was_refused() {
    let meter = meter(USD);
    for call in 1..=3 {
        meter.asked(call);
    }
    meter.refused(1);
    assert_eq!(meter.booked().unwrap().all, MicroUsd(2 * USD));
    meter.event(2, &start("a", 10));
    meter.event(2, &end(1));
    let booked = meter.booked().unwrap();
    assert_eq!(booked.all, MicroUsd(USD + 10 * 4 + 20));
    assert!(booked.estimated);
}

#[test]
fn an_answer_that_was_cut_is_estimated_once() {
    let meter = meter(USD);
    let more = json!({"type": "content_block_delta",
                      "delta": {"type": "text_delta", "text": "x".repeat(300)}});
    meter.asked(1);
    for event in [start("a", 1_000), more] {
        meter.event(1, &event);
        told(&meter, &event);
    }
    assert_eq!(meter.booked().unwrap().all, MicroUsd(1_000 * 4 + 100 * 20));
    // By the wire it ended before the client told so.
    meter.event(1, &end(7));
    assert_eq!(meter.booked().unwrap().all, MicroUsd(1_000 * 4 + 7 * 20));
}
