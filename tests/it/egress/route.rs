//! The model's route, before a service that shows what it was asked.

use std::sync::{Arc, Mutex};

use secloop::config::Secret;
use secloop::egress::{Around, Credential, Kind, Model, Till, Upstream};
use secloop::gate::MicroUsd;
use secloop::spend::Meter;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::{Bench, LIMITS, Net, head, status};
use crate::support::meter::meter;

const CANARY: &str = "sk-ant-canary-of-a-test";
const BODY: &str = "{\"model\":\"claude-opus-5-5\",\"messages\":[]}";

/// A service that keeps the requests it gets, as they came, and answers each with this text. After
/// `stalls` bytes it stops, and never ends.
struct Service {
    url: String,
    got: Arc<Mutex<Vec<String>>>,
}

impl Service {
    async fn new(answer: &str, stalls: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/gateway", listener.local_addr().unwrap());
        let got = Arc::new(Mutex::new(Vec::new()));
        let (answer, kept) = (answer.to_owned(), Arc::clone(&got));
        tokio::spawn(async move {
            loop {
                let (mut connection, _) = listener.accept().await.unwrap();
                let (answer, kept) = (answer.clone(), Arc::clone(&kept));
                tokio::spawn(async move {
                    let request = whole(&mut connection).await;
                    kept.lock().unwrap().push(request);
                    let _ = connection.write_all(answer.as_bytes()).await;
                    if stalls {
                        std::future::pending::<()>().await;
                    }
                });
            }
        });
        Self { url, got }
    }

    fn got(&self) -> Vec<String> {
        self.got.lock().unwrap().clone()
    }

    async fn behind(&self, kind: Kind, till: Meter) -> Bench {
        let upstream = Upstream::new(&self.url, &Around::default()).unwrap();
        let credential = Credential {
            kind,
            value: Secret::new(CANARY),
        };
        let model = Model::new(upstream, credential, Arc::new(till), false);
        Bench::with(&[], LIMITS, Some(model), Net::default()).await
    }
}

async fn whole(connection: &mut TcpStream) -> String {
    let mut request = head(connection).await;
    let length = request
        .lines()
        .find_map(|l| {
            l.to_ascii_lowercase()
                .strip_prefix("content-length: ")?
                .parse()
                .ok()
        })
        .unwrap_or(0);
    let mut body = vec![0; length];
    connection.read_exact(&mut body).await.unwrap();
    request.push_str(std::str::from_utf8(&body).unwrap());
    request
}

fn answer(code: u16, kind: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {code} X\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nset-cookie: a=b\r\n\r\n{body}"
    )
}

fn events(events: &[Value]) -> String {
    events
        .iter()
        .map(|e| format!("event: {}\ndata: {e}\n\n", e["type"]))
        .collect()
}

/// An answer of so many tokens at $4 and $20 a million.
fn message(id: &str, input: u64, output: u64) -> String {
    events(&[
        json!({"type": "message_start", "message": {"id": id, "model": "claude-opus-5-5",
               "usage": {"input_tokens": input, "output_tokens": 1}}}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"},
               "usage": {"output_tokens": output}}),
        json!({"type": "message_stop"}),
    ])
}

/// Asks the route; gives the status and everything that came.
async fn ask(bench: &Bench, line: &str, headers: &str, body: &str) -> (u16, String) {
    let token = bench.proxy.token();
    let request = format!(
        "{line} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nx-api-key: {token}\r\n\
         {headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let (mut connection, mut text) = bench.send(request.as_bytes()).await;
    let status = status(&text);
    let mut rest = Vec::new();
    let _ = connection.read_to_end(&mut rest).await;
    text.push_str(&String::from_utf8_lossy(&rest));
    (status, text)
}

const MESSAGES: &str = "POST /model/v1/messages?beta=true";

#[tokio::test]
async fn the_credential_is_put_in_and_what_the_client_sent_is_not_passed_on() {
    let service = Service::new(&answer(200, "application/json", "{}"), false).await;
    for (kind, header) in [
        (Kind::ApiKey, format!("x-api-key: {CANARY}\r\n")),
        (Kind::Oauth, format!("authorization: Bearer {CANARY}\r\n")),
        (Kind::Bearer, format!("authorization: Bearer {CANARY}\r\n")),
    ] {
        let bench = service.behind(kind, meter(MicroUsd(1_000_000))).await;
        let sent = "Authorization: Bearer mine\r\nCookie: mine=1\r\nProxy-Authorization: mine\r\n\
                    X-Forwarded-For: mine\r\nX-Mine: mine\r\nAccept-Encoding: gzip\r\n\
                    anthropic-beta: oauth-2025-04-20\r\nanthropic-version: 2023-06-01\r\n\
                    User-Agent: claude-cli\r\nContent-Type: application/json\r\n";
        let (status, text) = ask(&bench, MESSAGES, sent, BODY).await;
        assert_eq!(status, 200, "{text}");
        assert!(!text.to_ascii_lowercase().contains("set-cookie"), "{text}");
        assert!(!text.contains(CANARY));
        let got = service.got().pop().unwrap();
        assert!(
            got.starts_with("POST /gateway/v1/messages?beta=true HTTP/1.1\r\n"),
            "{got}"
        );
        assert!(got.contains(&header) && got.ends_with(BODY), "{got}");
        for gone in ["mine", bench.proxy.token(), "gzip"] {
            assert!(!got.contains(gone), "{gone}: {got}");
        }
        for kept in [
            "anthropic-beta: oauth-2025-04-20",
            "anthropic-version",
            "claude-cli",
        ] {
            assert!(got.contains(kept), "{kept}: {got}");
        }
        let keys = ["x-api-key:", "authorization:"].map(|name| got.matches(name).count());
        assert_eq!(keys.iter().sum::<usize>(), 1, "{got}");
        let host = service
            .url
            .strip_prefix("http://")
            .unwrap()
            .replace("/gateway", "");
        assert_eq!(bench.decisions().await, [format!("yes {host} model x1")]);
    }
}

#[tokio::test]
async fn only_what_is_needed_of_the_service_is_there() {
    let service = Service::new(&answer(200, "application/json", "{}"), false).await;
    let bench = service
        .behind(Kind::ApiKey, meter(MicroUsd(1_000_000)))
        .await;
    for line in [
        "GET /model/v1/messages",
        "DELETE /model/v1/messages",
        "HEAD /model/api/hello",
        "POST /model/v1/files",
        "POST /model/v1/messages/batches",
        "POST /model/v1/messages/",
        "POST /model//v1/messages",
        "POST /model/v1/messages/../files",
        "POST /model/v1/messages/%2e%2e/files",
        "POST /model/v1/organizations/me",
        "POST /model/api/oauth/claude_cli/create_api_key",
        "POST /model/v1/messages?x=http://evil.net",
        "POST /models/v1/messages",
    ] {
        let (status, text) = ask(&bench, line, "", BODY).await;
        assert!([400, 403, 404].contains(&status), "{line}: {text}");
    }
    for body in [
        "",
        "[]",
        "{",
        "{\"mcp_servers\":[{\"url\":\"https://evil.net\"}]}",
        "{\"tools\":[{\"type\":\"web_fetch_20250910\"}]}",
    ] {
        let (status, text) = ask(&bench, MESSAGES, "", body).await;
        assert_eq!(status, 400, "{body}: {text}");
        assert!(text.contains("\"invalid_request_error\""), "{text}");
    }
    assert!(service.got().is_empty());
    let (status, _) = ask(&bench, "POST /model/v1/messages/count_tokens", "", BODY).await;
    assert_eq!((status, service.got().len()), (200, 1));
    // What two readers could read differently goes on in one reading only.
    let twice = "{\"mcp_servers\":[{\"url\":\"https://evil.net\"}],\"mcp_servers\":[]}";
    let (status, _) = ask(&bench, MESSAGES, "", twice).await;
    assert_eq!(status, 200);
    assert!(
        service
            .got()
            .pop()
            .unwrap()
            .ends_with("{\"mcp_servers\":[]}")
    );
}

#[tokio::test]
async fn whoever_does_not_know_the_token_can_not_use_the_credential() {
    let service = Service::new(&answer(200, "application/json", "{}"), false).await;
    let bench = service
        .behind(Kind::ApiKey, meter(MicroUsd(1_000_000)))
        .await;
    for headers in [
        "",
        "x-api-key: run-0\r\n",
        "authorization: Bearer run-0\r\n",
    ] {
        let request = format!(
            "{MESSAGES} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {}\r\n\r\n{BODY}",
            BODY.len()
        );
        let (_, text) = bench.send(request.as_bytes()).await;
        assert_eq!(status(&text), 401, "{text}");
    }
    assert!(service.got().is_empty());
}

/// What comes is passed on as it comes: the first event is there while the service never ends.
#[tokio::test]
async fn an_answer_is_not_held_back() {
    let start = events(&[json!({"type": "message_start", "message": {"id": "m",
        "model": "claude-opus-5-5", "usage": {"input_tokens": 10, "output_tokens": 1}}})]);
    let begun = format!("HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\n\r\n{start}");
    let service = Service::new(&begun, true).await;
    let till = meter(MicroUsd(1_000_000));
    let bench = service.behind(Kind::ApiKey, till.clone()).await;
    let request = format!(
        "{MESSAGES} HTTP/1.1\r\nHost: x\r\nx-api-key: {}\r\nContent-Length: {}\r\n\r\n{BODY}",
        bench.proxy.token(),
        BODY.len()
    );
    let (mut connection, text) = bench.send(request.as_bytes()).await;
    assert_eq!(status(&text), 200);
    let mut came = String::new();
    while !came.contains("message_start") {
        let byte = connection.read_u8().await.unwrap();
        came.push(char::from(byte));
    }
    assert_eq!(till.so_far().0, MicroUsd(10 * 4 + 20));
    // The run is ended: the answer is broken off, not ended as if it were whole.
    Meter::ended(&till).cancel();
    let mut rest = Vec::new();
    let _ = connection.read_to_end(&mut rest).await;
    assert!(
        !rest.ends_with(b"0\r\n\r\n"),
        "{}",
        String::from_utf8_lossy(&rest)
    );
}

#[tokio::test]
async fn what_calls_cost_is_read_along_and_nothing_is_asked_beyond_the_allowance() {
    let body = message("m", 100_000, 10_000);
    let service = Service::new(&answer(200, "text/event-stream", &body), false).await;
    let till = meter(MicroUsd(900_000));
    let bench = service.behind(Kind::ApiKey, till.clone()).await;
    let (status, text) = ask(&bench, MESSAGES, "", BODY).await;
    assert_eq!(status, 200);
    assert!(text.contains("message_stop"), "{text}");
    assert_eq!(till.so_far().0, MicroUsd(600_000));
    // The same message again is no further cost, and a question about tokens none at all.
    ask(&bench, MESSAGES, "", BODY).await;
    ask(&bench, "POST /model/v1/messages/count_tokens", "", BODY).await;
    assert_eq!(till.so_far().0, MicroUsd(600_000));
    Till::event(
        &till,
        9,
        &json!({"type": "message_start", "message": {"id": "n",
        "model": "claude-opus-5-5", "usage": {"input_tokens": 100_000, "output_tokens": 1}}}),
    );
    assert!(till.reached().is_some());
    let asked = service.got().len();
    let (status, text) = ask(&bench, MESSAGES, "", BODY).await;
    assert_eq!(status, 402, "{text}");
    let error: Value = serde_json::from_str(text.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(error["type"], "error");
    assert_eq!(error["error"]["type"], "billing_error");
    let why = error["error"]["message"].as_str().unwrap();
    assert!(why.contains("the allowance of $0.90 is used up"), "{why}");
    assert_eq!(service.got().len(), asked);
}

#[tokio::test]
async fn an_answer_that_is_one_document_counts() {
    let whole = json!({"id": "m", "type": "message", "model": "claude-opus-5-5", "content": [],
                       "usage": {"input_tokens": 7, "output_tokens": 9}});
    let service = Service::new(&answer(200, "application/json", &whole.to_string()), false).await;
    let till = meter(MicroUsd(1_000_000));
    let bench = service.behind(Kind::ApiKey, till.clone()).await;
    let (_, text) = ask(&bench, MESSAGES, "", BODY).await;
    assert!(text.ends_with(&whole.to_string()), "{text}");
    assert_eq!(till.booked().unwrap().all, MicroUsd(7 * 4 + 9 * 20));
}

#[tokio::test]
async fn errors_of_the_service_go_through_and_cost_nothing() {
    let error = "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}";
    let service = Service::new(&answer(529, "application/json", error), false).await;
    let till = meter(MicroUsd(1_000_000));
    let bench = service.behind(Kind::ApiKey, till.clone()).await;
    let (status, text) = ask(&bench, MESSAGES, "", BODY).await;
    assert_eq!(status, 529);
    assert!(text.ends_with(error), "{text}");
    assert_eq!(till.booked().unwrap().all, MicroUsd::ZERO);
}

/// A service that is away, leads elsewhere or packs its answers.
#[tokio::test]
async fn what_can_not_be_used_is_said_in_the_services_own_form() {
    let moved = "HTTP/1.1 302 X\r\nlocation: http://evil.net/\r\ncontent-length: 0\r\n\r\n";
    let packed = "HTTP/1.1 200 X\r\ncontent-encoding: br\r\ncontent-length: 1\r\n\r\nx";
    for text in [moved, packed, ""] {
        let service = Service::new(text, false).await;
        let bench = service
            .behind(Kind::ApiKey, meter(MicroUsd(1_000_000)))
            .await;
        let (status, text) = ask(&bench, MESSAGES, "", BODY).await;
        assert_eq!(status, 502, "{text}");
        assert!(
            text.contains("\"api_error\"") && !text.contains("evil.net"),
            "{text}"
        );
    }
    let gone = Service {
        url: "http://127.0.0.1:9".to_owned(),
        got: Arc::default(),
    };
    let till = meter(MicroUsd(1_000_000));
    let bench = gone.behind(Kind::ApiKey, till.clone()).await;
    let (status, text) = ask(&bench, MESSAGES, "", BODY).await;
    assert_eq!(status, 502, "{text}");
    assert_eq!(
        till.booked().unwrap().all,
        MicroUsd::ZERO,
        "nobody was asked"
    );
}
