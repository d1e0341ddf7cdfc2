use chrono_tz::Tz;
use serde_json::json;

use super::*;

const USD: u64 = 1_000_000;

fn clock() -> Clock {
    Clock::manual("2026-11-20T12:00:00Z".parse().unwrap(), Tz::UTC)
}

fn meter(clock: &Clock, allowance: u64) -> Meter {
    let limits = Limits {
        allowance: MicroUsd(allowance),
        unanswered: MicroUsd(USD),
    };
    Meter::new(clock.clone(), limits, CancellationToken::new())
}

fn piece(event: &Value) -> Value {
    json!({"type": "stream_event", "event": event, "parent_tool_use_id": null})
}

/// An answer of Opus 5.5 begins: $4 a million for its prompt.
fn start(id: &str, input: u64) -> Value {
    piece(&json!({"type": "message_start", "message": {
        "id": id, "model": "claude-opus-5-5",
        "usage": {"input_tokens": input, "output_tokens": 0}}}))
}

/// It ends: $20 a million for its output.
fn end(output: u64) -> Value {
    piece(
        &json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"},
                  "usage": {"output_tokens": output}}),
    )
}

fn day(cap: u64, others: u64) -> Day {
    Day {
        window: Window::of("2026-11-20".parse().unwrap(), Tz::UTC).unwrap(),
        cap: MicroUsd(cap),
        others: MicroUsd(others),
    }
}

#[test]
fn a_run_ends_at_its_allowance_as_soon_as_that_is_known() {
    let meter = meter(&clock(), USD);
    meter.event(&start("a", 100_000));
    meter.event(&end(10_000));
    assert_eq!(meter.so_far(), (MicroUsd(600_000), None));
    assert_eq!(meter.reached(), None);
    // The prompt alone crosses the line: its answer is not waited for.
    meter.event(&start("b", 100_000));
    let allowance = MicroUsd(USD);
    assert_eq!(
        meter.reached(),
        Some(Reached::Allowance {
            spent: MicroUsd(USD),
            allowance
        })
    );
    assert!(meter.ended().is_cancelled());
}

#[test]
fn a_long_answer_is_ended_while_it_is_written() {
    let meter = meter(&clock(), 100_000);
    meter.event(&start("a", 1_000));
    let text = "x".repeat(300);
    let more = piece(&json!({"type": "content_block_delta",
                             "delta": {"type": "text_delta", "text": text}}));
    let pieces = (0..1_000)
        .take_while(|_| {
            meter.event(&more);
            meter.reached().is_none()
        })
        .count();
    // 96,000 micro-dollars are left for it: 4,800 tokens, so 48 pieces, looked at every 40.
    assert_eq!(pieces, 79);
}

#[test]
fn the_day_s_cap_ends_a_run_whoever_spends() {
    let meter = meter(&clock(), 5 * USD);
    meter.event(&start("a", 100_000));
    meter.day(day(150 * USD, 149 * USD));
    assert_eq!(meter.reached(), None);
    assert_eq!(meter.so_far().1, Some(MicroUsd(149_400_000)));
    meter.day(day(150 * USD, 149_600_000));
    let Some(Reached::DayCap { spent, own, cap }) = meter.reached() else {
        panic!("{:?}", meter.reached());
    };
    assert_eq!((spent.0, own.0, cap.0), (150 * USD, 400_000, 150 * USD));
    assert!(meter.ended().is_cancelled());
    // The first reason stays.
    meter.event(&start("b", 5_000_000));
    assert!(matches!(meter.reached(), Some(Reached::DayCap { .. })));
}

#[test]
fn what_a_run_spent_before_midnight_is_no_part_of_the_new_day() {
    let clock = clock();
    let meter = meter(&clock, 5 * USD);
    meter.event(&start("a", 100_000));
    meter.event(&end(0));
    clock.advance(chrono::TimeDelta::hours(13));
    meter.event(&start("b", 50_000));
    let mut tomorrow = day(USD, 700_000);
    tomorrow.window = Window::of("2026-11-21".parse().unwrap(), Tz::UTC).unwrap();
    meter.day(tomorrow);
    assert_eq!(meter.reached(), None);
    assert_eq!(meter.so_far(), (MicroUsd(600_000), Some(MicroUsd(900_000))));
}

#[test]
fn an_unknown_ends_a_run_and_its_cost() {
    let absurd = meter(&clock(), USD);
    let mut event = start("a", 1);
    event["event"]["message"]["usage"]["input_tokens"] = json!("many");
    absurd.event(&event);
    assert!(matches!(absurd.reached(), Some(Reached::Unknown(_))));
    assert!(absurd.ended().is_cancelled() && absurd.booked().is_err());
    let lost = meter(&clock(), USD);
    lost.unknown("a root can't be read".to_owned());
    assert!(lost.ended().is_cancelled());
}

#[test]
fn calls_without_an_end_are_booked_at_an_estimate() {
    let meter = meter(&clock(), 5 * USD);
    assert_eq!(meter.booked(), Ok(Booked::default()));
    let asking = json!({"type": "system", "subtype": "status", "status": "requesting"});
    meter.event(&asking);
    meter.event(&start("a", 100_000));
    meter.event(&end(10_000));
    let ended = MicroUsd(600_000);
    let known = Booked {
        ended,
        all: ended,
        estimated: false,
        whole: false,
    };
    assert_eq!(meter.booked(), Ok(known));
    meter.event(&start("b", 100_000));
    meter.event(&piece(&json!({"type": "content_block_delta",
        "delta": {"type": "input_json_delta", "partial_json": "x".repeat(300)}})));
    let cut = meter.booked().unwrap();
    // Its prompt is known, its output is 100 tokens by its letters.
    assert_eq!(cut.ended, MicroUsd(1_000_000));
    assert_eq!(cut.all, MicroUsd(1_000_000 + 2_000));
    assert!(cut.estimated);
    meter.event(&end(50));
    meter.event(&asking);
    let asked = meter.booked().unwrap();
    assert_eq!(asked.ended, MicroUsd(1_001_000));
    assert_eq!(asked.all, MicroUsd(1_001_000 + USD));
}

#[test]
fn a_client_that_does_not_tell_of_requests_may_have_one_under_way() {
    let meter = meter(&clock(), 5 * USD);
    meter.event(&start("a", 100_000));
    meter.event(&end(10_000));
    let booked = meter.booked().unwrap();
    assert_eq!(booked.ended, MicroUsd(600_000));
    assert_eq!(booked.all, MicroUsd(600_000 + USD));
    assert!(booked.estimated);
}

#[test]
fn transcripts_add_what_the_output_is_silent_about_and_nothing_twice() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("projects/p/s/subagents/agent-1.jsonl");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let row = |id: &str, output: u64| {
        let usage = json!({"input_tokens": 100_000, "output_tokens": output});
        json!({"type": "assistant", "timestamp": "2026-11-20T12:00:00Z", "sessionId": "s",
               "message": {"id": id, "model": "claude-opus-5-5", "usage": usage}})
        .to_string()
            + "\n"
    };
    let meter = meter(&clock(), 5 * USD);
    meter.transcripts(dir.path());
    meter.event(&start("a", 100_000));
    meter.event(&end(10_000));
    std::fs::write(&file, row("a", 10_000) + &row("b", 20_000)).unwrap();
    meter.look();
    assert_eq!(meter.so_far().0, MicroUsd(600_000 + 800_000));
    meter.look();
    assert_eq!(meter.booked().unwrap().ended, MicroUsd(1_400_000));
}
