//! A scripted stand-in for the model's service: the Messages API on loopback, with streaming.
//!
//! Each request that offers tools takes the next step of the script; the last step repeats. It
//! runs on a thread of its own, so that a test may block.

mod wire;

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use self::wire::{events, message, read_request, reply, stall};

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
    /// Begins to say something, and never ends.
    Stall(String, Usage),
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

    /// Begins an answer and never ends it.
    pub(crate) fn stall(words: &str) -> Self {
        Self::Stall(words.to_owned(), SMALL)
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
            Self::Stall(words, _) => Self::Stall(words, usage),
            other => other,
        }
    }
}

struct Shared {
    script: Vec<Step>,
    taken: Mutex<usize>,
    requests: Mutex<Vec<Value>>,
    keys: Mutex<Vec<String>>,
    came: std::sync::Condvar,
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
            keys: Mutex::default(),
            came: std::sync::Condvar::new(),
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

    /// What requests gave for a credential.
    #[cfg(target_os = "linux")]
    pub(crate) fn keys(&self) -> Vec<String> {
        self.shared.keys.lock().unwrap().clone()
    }

    /// Waits until a request has come.
    pub(crate) fn wait_for_request(&self) {
        let requests = self.shared.requests.lock().unwrap();
        let came = &self.shared.came;
        let limit = std::time::Duration::from_mins(2);
        let (requests, _) = came
            .wait_timeout_while(requests, limit, |r| r.is_empty())
            .unwrap();
        assert!(!requests.is_empty(), "nobody asked the model");
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
    let (path, keys, body) = read_request(&mut connection).await?;
    shared.keys.lock().unwrap().extend(keys);
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
    shared.came.notify_all();
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
        Step::Stall(words, usage) => {
            let block = json!({"type": "text", "text": words});
            let events = events(&message(&request, "end_turn", *usage), &block);
            return stall(&mut connection, &events).await;
        }
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
