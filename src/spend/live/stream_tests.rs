//! Events as Claude Code 2.1.329 writes them.

use super::*;

fn now() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn piece(event: &Value) -> Value {
    json!({"type": "stream_event", "event": event, "session_id": "s", "parent_tool_use_id": null})
}

fn start(id: &str, input: u64) -> Value {
    piece(&json!({"type": "message_start", "message": {
        "id": id, "type": "message", "role": "assistant", "model": "claude-opus-5-5",
        "content": [], "stop_reason": null,
        "usage": {"input_tokens": input, "output_tokens": 1,
                  "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}}}))
}

fn letters(count: usize) -> Value {
    piece(&json!({"type": "content_block_delta", "index": 0,
                 "delta": {"type": "text_delta", "text": "ä".repeat(count)}}))
}

fn delta(stop: Option<&str>, output: u64) -> Value {
    piece(
        &json!({"type": "message_delta", "delta": {"stop_reason": stop},
                 "usage": {"output_tokens": output, "input_tokens": null}}),
    )
}

fn stop() -> Value {
    piece(&json!({"type": "message_stop"}))
}

/// Input and output.
type Tokens = (u64, u64);

/// Those of the last call that was told, and of those without an end.
fn after(events: &[Value]) -> (Option<Tokens>, Vec<Tokens>) {
    let mut stream = Stream::default();
    let mut last = None;
    for event in events {
        match stream.event(event, now()) {
            Some(Told::Call(call)) => {
                last = Some((call.usage.tokens.input, call.usage.tokens.output));
            }
            Some(Told::Unreadable(why)) => panic!("{why}"),
            Some(Told::More) | None => {}
        }
    }
    let unended = stream.unended().map(|call| call.usage.tokens);
    (last, unended.map(|t| (t.input, t.output)).collect())
}

#[test]
fn a_prompt_is_known_when_its_answer_begins_and_the_answer_when_it_ends() {
    let begun = after(&[start("m", 1_000)]);
    assert_eq!(begun, (Some((1_000, 1)), vec![(1_000, 1)]));
    let ended = after(&[
        start("m", 1_000),
        letters(9),
        delta(Some("end_turn"), 70),
        stop(),
    ]);
    assert_eq!(ended, (Some((1_000, 70)), vec![]));
}

#[test]
fn an_answer_without_an_end_is_estimated_by_its_letters() {
    let events = [start("m", 1_000), letters(100), letters(1)];
    assert_eq!(after(&events).1, [(1_000, 34)]);
    // The client closes what it was interrupted in, with the counts of the beginning.
    let mut cut = events.to_vec();
    cut.extend([delta(None, 1), stop()]);
    assert_eq!(after(&cut).1, [(1_000, 34)]);
    // Or the stream broke, and the next answer begins.
    let mut broken = events.to_vec();
    broken.extend([start("n", 5), delta(Some("end_turn"), 6), stop()]);
    assert_eq!(after(&broken), (Some((5, 6)), vec![(1_000, 34)]));
}

#[test]
fn answers_of_sub_agents_are_apart() {
    let mut theirs = start("n", 7);
    theirs["parent_tool_use_id"] = json!("toolu_1");
    let events = [
        start("m", 1_000),
        theirs,
        delta(Some("end_turn"), 3),
        stop(),
    ];
    assert_eq!(after(&events).1, [(7, 1)]);
}

#[test]
fn an_answer_that_did_not_come_as_a_stream_counts() {
    let whole = json!({"type": "assistant", "parent_tool_use_id": null, "message": {
        "id": "m", "model": "claude-opus-5-5", "content": [{"type": "text", "text": "hi"}],
        "usage": {"input_tokens": 5, "output_tokens": 6}}});
    assert_eq!(after(std::slice::from_ref(&whole)), (Some((5, 6)), vec![]));
    let mut error = whole;
    error["error"] = json!("billing_error");
    assert_eq!(after(&[error]), (None, vec![]));
}

#[test]
fn what_was_asked_for_is_open_until_something_of_its_answer_comes() {
    let asking = json!({"type": "system", "subtype": "status", "status": "requesting"});
    let mut stream = Stream::default();
    stream.event(&start("l", 1), now());
    assert_eq!(stream.asked(), None, "a client that does not tell");
    stream.event(&asking, now());
    assert_eq!(stream.asked(), Some(true));
    stream.event(&start("m", 1), now());
    assert_eq!(stream.asked(), Some(false));
}

#[test]
fn usage_that_can_not_be_is_said() {
    let mut stream = Stream::default();
    let mut absurd = start("m", 1);
    absurd["event"]["message"]["usage"]["input_tokens"] = json!(-5);
    let told = stream.event(&absurd, now());
    assert!(matches!(told, Some(Told::Unreadable(_))), "{told:?}");
}
