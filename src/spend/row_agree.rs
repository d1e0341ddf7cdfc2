//! Two readers of a row: what the quick one takes, the thorough one takes for the same.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Row, quick, thorough};

/// Some of what stands in rows, usual and not.
fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!("")),
        Just(json!("fast")),
        Just(json!("us")),
        Just(json!("a \"quoted\" \\ text\n")),
        Just(json!("päper")),
        Just(json!(true)),
        Just(json!(-1)),
        Just(json!(1.5)),
        Just(json!(100.0)),
        Just(json!([])),
        Just(json!([{"type": "message", "input_tokens": 3, "usage": {"output_tokens": 9}}])),
        Just(json!({"usage": {"input_tokens": 7}, "id": "inner", "type": "assistant"})),
        Just(json!("2026-11-20T17:00:00.000Z")),
        Just(json!("assistant")),
        Just(json!("<synthetic>")),
        (0..2_000_000_000_u64).prop_map(|n| json!(n)),
    ]
}

fn keys() -> impl Strategy<Value = (&'static str, Value)> {
    let names = prop::sample::select(vec![
        "/type",
        "/timestamp",
        "/sessionId",
        "/cwd",
        "/uuid",
        "/isApiErrorMessage",
        "/costUSD",
        "/message",
        "/message/id",
        "/message/model",
        "/message/usage",
        "/message/content",
        "/message/usage/input_tokens",
        "/message/usage/output_tokens",
        "/message/usage/cache_read_input_tokens",
        "/message/usage/cache_creation_input_tokens",
        "/message/usage/cache_creation",
        "/message/usage/cache_creation/ephemeral_1h_input_tokens",
        "/message/usage/server_tool_use",
        "/message/usage/server_tool_use/web_search_requests",
        "/message/usage/speed",
        "/message/usage/inference_geo",
        "/message/usage/iterations",
        "/message/usage/input_tokens_details",
    ]);
    (names, value())
}

fn usual() -> Value {
    json!({
        "parentUuid": null,
        "isSidechain": false,
        "message": {
            "model": "claude-opus-5", "id": "msg_1", "type": "message", "role": "assistant",
            "content": [{"type": "text", "text": "say \"hi\"\n", "n": [1, -2.5e3, true, null, {}]}],
            "usage": {
                "input_tokens": 1000, "cache_creation_input_tokens": 7,
                "cache_read_input_tokens": 0, "output_tokens": 100,
                "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0},
                "service_tier": "standard",
                "cache_creation": {"ephemeral_1h_input_tokens": 3, "ephemeral_5m_input_tokens": 4},
                "inference_geo": "us", "iterations": [], "speed": "fast"
            }
        },
        "requestId": "req_1", "type": "assistant", "uuid": "u-1",
        "timestamp": "2026-11-20T17:00:00.123Z", "cwd": "/home/u/p", "sessionId": "s1"
    })
}

/// Sets what a path names, if its parent is an object.
fn set(row: &mut Value, path: &str, value: Value) {
    let (parent, key) = path.rsplit_once('/').unwrap();
    if let Some(Value::Object(parent)) = row.pointer_mut(parent) {
        parent.insert(key.to_owned(), value);
    }
}

fn same(text: &[u8]) -> Result<(), TestCaseError> {
    if let Some(quick) = quick::read(text) {
        match thorough(text) {
            Some(Row::Call(row)) => prop_assert_eq!(quick, row),
            other => prop_assert!(false, "{:?} instead of {:?}", other, quick),
        }
    }
    Ok(())
}

#[test]
fn the_usual_row_is_read_quickly() {
    let text = usual().to_string();
    let row = quick::read(text.as_bytes()).unwrap();
    assert_eq!(row.usage.tokens.output, 100);
    assert!(row.usage.fast && row.usage.us);
    same(text.as_bytes()).unwrap();
    let spaced = serde_json::to_string_pretty(&usual()).unwrap();
    assert!(quick::read(spaced.as_bytes()).is_some());
    same(spaced.as_bytes()).unwrap();
}

#[test]
fn a_number_is_one_to_both_readers_or_to_none() {
    let usual = usual().to_string();
    for (number, valid) in [
        ("0", true),
        ("-0", true),
        ("0.50", true),
        ("10e+09", true),
        ("-02.5e3", false),
        ("00", false),
        ("-", false),
        ("1.", false),
        ("1e", false),
    ] {
        let text = usual.replace("-2500.0", number);
        assert_ne!(text, usual);
        assert_eq!(quick::read(text.as_bytes()).is_some(), valid, "{number}");
        assert_eq!(thorough(text.as_bytes()).is_some(), valid, "{number}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_fields_hold_both_readers_agree(changes in prop::collection::vec(keys(), 0..4)) {
        let mut row = usual();
        for (path, value) in changes {
            set(&mut row, path, value);
        }
        same(row.to_string().as_bytes())?;
    }

    #[test]
    fn a_damaged_row_is_no_call_to_the_quick_reader(
        place in any::<prop::sample::Index>(), byte: u8, cut in any::<bool>(), insert in any::<bool>()
    ) {
        let mut text = usual().to_string().into_bytes();
        let at = place.index(text.len());
        if cut {
            text.truncate(at);
        } else if insert {
            text.insert(at, byte);
        } else {
            text[at] = byte;
        }
        same(&text)?;
    }
}
