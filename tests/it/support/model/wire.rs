//! Requests and replies as they go over the wire.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Usage;

pub(super) fn message(request: &Value, stop: &str, usage: Usage) -> Value {
    json!({
        "id": format!("msg_{}", uuid::Uuid::new_v4().simple()),
        "type": "message", "role": "assistant", "model": request["model"], "content": [],
        "stop_reason": stop, "stop_sequence": null,
        "usage": {
            "input_tokens": usage.input, "output_tokens": usage.output,
            "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
        },
    })
}

/// The message as a stream of events.
pub(super) fn events(message: &Value, block: &Value) -> String {
    let mut start = message.clone();
    start["stop_reason"] = Value::Null;
    start["usage"]["output_tokens"] = json!(1);
    let (empty, delta) = if block["type"] == "text" {
        (
            json!({"type": "text", "text": ""}),
            json!({"type": "text_delta", "text": block["text"]}),
        )
    } else {
        let mut empty = block.clone();
        empty["input"] = json!({});
        let input = block["input"].to_string();
        (
            empty,
            json!({"type": "input_json_delta", "partial_json": input}),
        )
    };
    [
        json!({"type": "message_start", "message": start}),
        json!({"type": "content_block_start", "index": 0, "content_block": empty}),
        json!({"type": "content_block_delta", "index": 0, "delta": delta}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "usage": message["usage"],
               "delta": {"stop_reason": message["stop_reason"], "stop_sequence": null}}),
        json!({"type": "message_stop"}),
    ]
    .iter()
    .map(|event| {
        format!(
            "event: {}\ndata: {event}\n\n",
            event["type"].as_str().unwrap()
        )
    })
    .collect()
}

pub(super) async fn reply(
    connection: &mut TcpStream,
    code: u16,
    headers: &[(String, String)],
    kind: &str,
    body: &str,
) -> std::io::Result<()> {
    use std::fmt::Write as _;
    let mut head = format!("HTTP/1.1 {code} Scripted\r\ncontent-type: {kind}\r\n");
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    write!(
        head,
        "content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    )
    .unwrap();
    connection.write_all(head.as_bytes()).await?;
    connection.write_all(body.as_bytes()).await?;
    connection.shutdown().await
}

/// Sends the events up to where the answer's block would end, and keeps the connection.
pub(super) async fn stall(connection: &mut TcpStream, events: &str) -> std::io::Result<()> {
    let head = "HTTP/1.1 200 Scripted\r\ncontent-type: text/event-stream\r\n\
                connection: close\r\n\r\n";
    let begun = events.split("event: content_block_stop").next().unwrap();
    connection.write_all(head.as_bytes()).await?;
    connection.write_all(begun.as_bytes()).await?;
    connection.flush().await?;
    std::future::pending().await
}

/// The path, the credentials and the body of one request.
pub(super) async fn read_request(
    connection: &mut TcpStream,
) -> std::io::Result<(String, Vec<String>, Vec<u8>)> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = memchr::memmem::find(&bytes, b"\r\n\r\n") {
            break at + 4;
        }
        if connection.read_buf(&mut bytes).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let headers = || head.lines().filter_map(|line| line.split_once(':'));
    let is_key = |name: &str| {
        ["x-api-key", "authorization"]
            .iter()
            .any(|key| name.eq_ignore_ascii_case(key))
    };
    let keys = headers()
        .filter(|(name, _)| is_key(name))
        .map(|(_, value)| value.trim().to_owned())
        .collect();
    let length = headers()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.trim().parse::<usize>().unwrap());
    let mut body = bytes.split_off(end);
    while body.len() < length {
        if connection.read_buf(&mut body).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok((path, keys, body))
}
