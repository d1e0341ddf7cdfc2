//! A local server that speaks the one call of Discord's REST API that secloop makes: create a
//! message in a channel. It drops a repeated nonce as the real one does.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

use serde_json::{Value, json};

/// What the server says next; when the script is over, [`Answer::Accept`].
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// 200 with a message.
    Accept,
    /// 200, but the connection breaks before the answer: the message was made.
    AcceptAndBreak,
    /// 429 with the wait in the body, in seconds.
    LimitedBody(f64),
    /// 429 with the wait in the header alone, in seconds.
    LimitedHeader(u32),
    /// A status with a JSON message.
    Status(u16, &'static str),
    /// Reads the request and never answers.
    Silence,
}

/// One request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) line: String,
    pub(crate) authorization: String,
    pub(crate) body: Value,
}

/// The server; gone when dropped.
#[derive(Debug)]
pub(crate) struct Discord {
    pub(crate) base_url: String,
    state: Arc<Mutex<State>>,
    came: Arc<Condvar>,
}

#[derive(Debug, Default)]
struct State {
    script: std::collections::VecDeque<Answer>,
    requests: Vec<Request>,
    messages: Vec<String>,
    nonces: BTreeMap<String, usize>,
    open: Vec<TcpStream>,
}

impl Discord {
    pub(crate) fn start(script: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            script: script.into_iter().collect(),
            ..State::default()
        }));
        let came = Arc::new(Condvar::new());
        let (shared, tell) = (Arc::clone(&state), Arc::clone(&came));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (shared, tell) = (Arc::clone(&shared), Arc::clone(&tell));
                std::thread::spawn(move || serve(stream, &shared, &tell));
            }
        });
        Self {
            base_url,
            state,
            came,
        }
    }

    /// Waits until people in the channel see a message with these words.
    pub(crate) fn wait_for(&self, words: &str) {
        let state = self.state.lock().unwrap();
        let limit = std::time::Duration::from_mins(2);
        let missing = |state: &mut State| !state.messages.iter().any(|m| m.contains(words));
        let (state, waited) = self.came.wait_timeout_while(state, limit, missing).unwrap();
        assert!(!waited.timed_out(), "{words}: {:#?}", state.messages);
    }

    /// Every request, in order.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.state.lock().unwrap().requests.clone()
    }

    /// As if nothing had ever been posted.
    #[cfg(target_os = "linux")]
    pub(crate) fn forget(&self) {
        let mut state = self.state.lock().unwrap();
        state.messages.clear();
        state.nonces.clear();
    }

    /// What people in the channel see, in order.
    pub(crate) fn messages(&self) -> Vec<String> {
        self.state.lock().unwrap().messages.clone()
    }
}

fn serve(stream: TcpStream, state: &Mutex<State>, came: &Condvar) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut to = stream;
    while let Some(request) = read(&mut reader) {
        let mut state = state.lock().unwrap();
        let answer = state.script.pop_front().unwrap_or(Answer::Accept);
        state.requests.push(request.clone());
        let (status, header, body) = match answer {
            Answer::Accept => (200, String::new(), accept(&mut state, &request)),
            Answer::AcceptAndBreak => {
                accept(&mut state, &request);
                return;
            }
            Answer::LimitedBody(seconds) => (
                429,
                "Retry-After: 99\r\n".to_owned(),
                json!({ "message": "You are being rate limited.", "retry_after": seconds, "global": false }),
            ),
            Answer::LimitedHeader(seconds) => {
                (429, format!("Retry-After: {seconds}\r\n"), Value::Null)
            }
            Answer::Status(status, message) => (
                status,
                String::new(),
                json!({ "message": message, "code": 0 }),
            ),
            Answer::Silence => {
                state.open.push(to);
                return;
            }
        };
        came.notify_all();
        let body = body.to_string();
        let text = format!(
            "HTTP/1.1 {status} Status\r\nContent-Type: application/json\r\n{header}Content-Length: \
             {}\r\n\r\n{body}",
            body.len()
        );
        if to.write_all(text.as_bytes()).is_err() {
            return;
        }
    }
}

fn accept(state: &mut State, request: &Request) -> Value {
    let nonce = request.body["nonce"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let known = state.nonces.get(&nonce).copied();
    let index = match known {
        Some(index) if request.body["enforce_nonce"] == true => index,
        _ => {
            state.messages.push(
                request.body["content"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
            );
            state.messages.len() - 1
        }
    };
    state.nonces.insert(nonce, index);
    json!({ "id": format!("{}", 9_000 + index), "content": state.messages[index] })
}

fn read(from: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    from.read_line(&mut line).ok().filter(|n| *n > 0)?;
    let (mut length, mut authorization) = (0, String::new());
    loop {
        let mut header = String::new();
        from.read_line(&mut header).ok().filter(|n| *n > 0)?;
        let header = header.trim();
        if header.is_empty() {
            break;
        }
        let (name, value) = header.split_once(':')?;
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "authorization" => value.trim().clone_into(&mut authorization),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).ok()?;
    Some(Request {
        line: line.trim().to_owned(),
        authorization,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    })
}
