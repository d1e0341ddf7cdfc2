//! A scripted stand-in for the model's service: the Messages API on loopback, with streaming.
//!
//! Each request that offers tools takes the next step of the script; the last step repeats. It
//! runs on a thread of its own, so that a test may block.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the model does at one request.
pub(crate) enum Step {
    /// Says something and ends its turn.
    Text(String, Usage),
    /// Calls a tool.
    Tool(String, Value, Usage),
    /// Answers with this status, these headers and this body.
    Status(u16, Vec<(String, String)>, String),
    /// Takes the request and never answers.
    Hang,
    /// Decides by the request.
    From(Box<dyn Fn(&Value) -> Step + Send + Sync>),
}

/// The tokens of one reply.
#[derive(Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) input: u64,
    pub(crate) output: u64,
}

const SMALL: Usage = Usage {
    input: 100,
    output: 20,
};

impl Step {
    pub(crate) fn text(words: &str) -> Self {
        Self::Text(words.to_owned(), SMALL)
    }

    pub(crate) fn tool(name: &str, input: Value) -> Self {
        Self::Tool(name.to_owned(), input, SMALL)
    }

    pub(crate) fn bash(command: &str) -> Self {
        Self::tool("Bash", json!({ "command": command }))
    }

    /// The tool by which the command line takes the answer to `--json-schema`.
    pub(crate) fn structured(answer: Value) -> Self {
        Self::tool("StructuredOutput", answer)
    }

    /// An error as the service words it.
    pub(crate) fn error(code: u16, kind: &str, message: &str, headers: &[(&str, &str)]) -> Self {
        let body = json!({"type": "error", "error": {"type": kind, "message": message}});
        let headers = headers
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        Self::Status(code, headers, body.to_string())
    }

    pub(crate) fn from(decide: impl Fn(&Value) -> Self + Send + Sync + 'static) -> Self {
        Self::From(Box::new(decide))
    }

    /// The same reply with other token counts.
    pub(crate) fn using(self, input: u64, output: u64) -> Self {
        let usage = Usage { input, output };
        match self {
            Self::Text(words, _) => Self::Text(words, usage),
            Self::Tool(name, arguments, _) => Self::Tool(name, arguments, usage),
            other => other,
        }
    }
}

struct Shared {
    script: Vec<Step>,
    taken: Mutex<usize>,
    requests: Mutex<Vec<Value>>,
}

/// A running server; gone when dropped.
pub(crate) struct Model {
    /// Where it listens.
    pub(crate) base_url: String,
    shared: Arc<Shared>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
}

impl Drop for Model {
    fn drop(&mut self) {
        self.stop.take();
    }
}

impl Model {
    pub(crate) fn start(script: Vec<Step>) -> Self {
        assert!(!script.is_empty(), "a model without a script");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            script,
            taken: Mutex::new(0),
            requests: Mutex::new(Vec::new()),
        });
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    _ = stopped => (),
                    () = serve(listener, serving) => (),
                }
            });
        });
        Self {
            base_url,
            shared,
            stop: Some(stop),
        }
    }

    /// The bodies of all requests for a message, oldest first.
    pub(crate) fn requests(&self) -> Vec<Value> {
        self.shared.requests.lock().unwrap().clone()
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        if let Ok((connection, _)) = listener.accept().await {
            // A client that goes away in mid-answer is its own business.
            tokio::spawn(answer(connection, Arc::clone(&shared)));
        }
    }
}

async fn answer(mut connection: TcpStream, shared: Arc<Shared>) -> std::io::Result<()> {
    let (path, body) = read_request(&mut connection).await?;
    if path.contains("/count_tokens") {
        return reply(
            &mut connection,
            200,
            &[],
            "application/json",
            "{\"input_tokens\":100}",
        )
        .await;
    }
    if !path.contains("/v1/messages") {
        return reply(&mut connection, 200, &[], "application/json", "{}").await;
    }
    let request: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    shared.requests.lock().unwrap().push(request.clone());
    let main_loop = request["tools"].as_array().is_some_and(|t| !t.is_empty());
    let aside = Step::text("ok");
    let mut step = &aside;
    if main_loop {
        let mut taken = shared.taken.lock().unwrap();
        step = &shared.script[(*taken).min(shared.script.len() - 1)];
        *taken += 1;
    }
    let decided;
    if let Step::From(decide) = step {
        decided = decide(&request);
        step = &decided;
    }
    let (message, text) = match step {
        Step::Text(words, usage) => (message(&request, "end_turn", *usage), Ok(words)),
        Step::Tool(name, input, usage) => {
            (message(&request, "tool_use", *usage), Err((name, input)))
        }
        Step::Status(code, headers, body) => {
            return reply(&mut connection, *code, headers, "application/json", body).await;
        }
        Step::Hang => return std::future::pending().await,
        Step::From(_) => panic!("a decision must not decide again"),
    };
    let block = match text {
        Ok(words) => json!({"type": "text", "text": words}),
        Err((name, input)) => json!({
            "type": "tool_use", "name": name, "input": input,
            "id": format!("toolu_{}", uuid::Uuid::new_v4().simple()),
        }),
    };
    if request["stream"] == true {
        let events = events(&message, &block);
        reply(&mut connection, 200, &[], "text/event-stream", &events).await
    } else {
        let mut whole = message;
        whole["content"] = json!([block]);
        reply(
            &mut connection,
            200,
            &[],
            "application/json",
            &whole.to_string(),
        )
        .await
    }
}

fn message(request: &Value, stop: &str, usage: Usage) -> Value {
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
fn events(message: &Value, block: &Value) -> String {
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

async fn reply(
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

/// The path and the body of one request.
async fn read_request(connection: &mut TcpStream) -> std::io::Result<(String, Vec<u8>)> {
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
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.trim().parse::<usize>().unwrap());
    let mut body = bytes.split_off(end);
    while body.len() < length {
        if connection.read_buf(&mut body).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok((path, body))
}

/// The real command line, or a loud line and `None`; with `SECLOOP_REQUIRE_CLAUDE=1` a failure.
pub(crate) fn real_claude() -> Option<std::path::PathBuf> {
    let platform = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("macos", "aarch64") => "darwin-arm64",
        ("macos", _) => "darwin-x64",
        (_, "aarch64") => "linux-arm64",
        _ => "linux-x64",
    };
    let installed = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("target/claude/node_modules/@anthropic-ai")
        .join(format!("claude-code-{platform}"))
        .join("claude");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::var_os("SECLOOP_TEST_CLAUDE")
        .map(std::path::PathBuf::from)
        .or_else(|| secloop::process::find_on_path("claude", &path))
        .unwrap_or(installed);
    if secloop::process::is_executable(&found) {
        return Some(found);
    }
    assert_ne!(
        std::env::var("SECLOOP_REQUIRE_CLAUDE").as_deref(),
        Ok("1"),
        "SECLOOP_REQUIRE_CLAUDE=1, but no real Claude Code CLI at {}; run .ci/install-claude",
        found.display()
    );
    eprintln!(
        "SKIPPED: real Claude Code CLI not found at {}",
        found.display()
    );
    None
}

/// The command line of every process on this machine.
#[cfg(target_os = "linux")]
pub(crate) fn command_lines() -> Vec<String> {
    std::fs::read_dir("/proc")
        .unwrap()
        // Processes come and go while the list is read.
        .filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .collect()
}
