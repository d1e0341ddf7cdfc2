//! The model's route: plain HTTP inside, TLS outside. What the client gave for a credential is this
//! run's token and goes no further; the real one is put in here.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap,
    HeaderName, HeaderValue,
};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use super::body::Answer;
use super::credential::{Credential, Kind};
use super::journal::Decision;
use super::proxy::{Shared, unkept};
use super::reach::beyond;
use super::usage::{Along, Till};

/// Where the route begins.
pub(super) const ROUTE: &str = "/model";
/// What of the service is needed, and whether it costs money. All of it is `POST`.
const PATHS: [(&str, bool); 2] = [("/v1/messages", true), ("/v1/messages/count_tokens", false)];
/// What the service takes at most.
const MAX_REQUEST: usize = 32 << 20;
/// For a request's body.
const SENDING: Duration = Duration::from_mins(1);
/// For a connection to the service.
const CONNECTING: Duration = Duration::from_secs(30);
/// Headers of a client that are passed on, and beginnings of such.
const PASSED: [&str; 4] = ["accept", "content-type", "user-agent", "x-app"];
const PASSED_BEGINNINGS: [&str; 3] = ["anthropic-", "x-claude-", "x-stainless-"];
/// Headers of an answer that are not: about the connection, or a state between calls.
const KEPT_BACK: [&str; 7] = [
    "connection",
    "keep-alive",
    "transfer-encoding",
    "upgrade",
    "proxy-authenticate",
    "set-cookie",
    "alt-svc",
];
/// Pieces of an answer that wait for a slow reader.
const WAITING: usize = 16;

/// How the service is reached.
#[derive(Debug, Clone)]
pub struct Upstream {
    base: String,
    client: reqwest::Client,
    host: String,
    port: u16,
}

impl Upstream {
    /// The service at `base`: the operator's own word, so that it may be on a private network.
    /// `proxies`: for `https` and `http`, and who is reached without; `roots`: further certificates.
    ///
    /// # Errors
    /// What can't be used.
    pub fn new(base: &str, around: &Around) -> Result<Self, String> {
        let base = base.trim_end_matches('/').to_owned();
        let url = reqwest::Url::parse(&base).map_err(|e| format!("{base}: {e}"))?;
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECTING)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy();
        let without = reqwest::NoProxy::from_string(&around.no_proxy);
        for (scheme, proxy) in [("https", &around.https_proxy), ("http", &around.http_proxy)] {
            if proxy.is_empty() {
                continue;
            }
            let made = match scheme {
                "https" => reqwest::Proxy::https(proxy),
                _ => reqwest::Proxy::http(proxy),
            };
            // The address may hold a password.
            let made = made.map_err(|_| format!("{scheme}_proxy names no proxy"))?;
            builder = builder.proxy(made.no_proxy(without.clone()));
        }
        for pem in &around.roots {
            let read = reqwest::Certificate::from_pem_bundle(pem);
            for root in read.map_err(|e| format!("a certificate: {e}"))? {
                builder = builder.add_root_certificate(root);
            }
        }
        Ok(Self {
            client: builder.build().map_err(|e| e.to_string())?,
            host: url.host_str().unwrap_or_default().to_owned(),
            port: url.port_or_known_default().unwrap_or(443),
            base,
        })
    }
}

/// What stands between this machine and the service.
#[derive(Debug, Clone, Default)]
pub struct Around {
    /// A proxy for `https`; empty: none.
    pub https_proxy: String,
    /// One for `http`.
    pub http_proxy: String,
    /// Who is reached without.
    pub no_proxy: String,
    /// Certificates in PEM, besides those that everybody trusts.
    pub roots: Vec<Vec<u8>>,
}

/// The route of one run.
pub struct Model {
    upstream: Upstream,
    credential: Credential,
    till: Arc<dyn Till>,
    /// Tools of the service's own are let through.
    server_tools: bool,
    calls: AtomicU64,
}

impl Model {
    /// A route to `upstream` with a credential; `till` pays.
    pub fn new(
        upstream: Upstream,
        credential: Credential,
        till: Arc<dyn Till>,
        server_tools: bool,
    ) -> Self {
        Self {
            upstream,
            credential,
            till,
            server_tools,
            calls: AtomicU64::new(0),
        }
    }

    /// Answers a request.
    pub(super) async fn answer(
        &self,
        request: Request<Incoming>,
        shared: &Shared,
    ) -> Response<Answer> {
        let judged = self.judge(&request, shared);
        let decision = |allowed, rule: &str| Decision {
            host: self.upstream.host.clone(),
            port: self.upstream.port,
            allowed,
            rule: rule.to_owned(),
        };
        let (path, paid, query) = match judged {
            Ok(judged) => judged,
            Err(no) => return no.noted(shared, decision(false, no.rule)).await,
        };
        let (parts, body) = request.into_parts();
        let body = tokio::time::timeout(SENDING, Limited::new(body, MAX_REQUEST).collect()).await;
        let Ok(Ok(body)) = body else {
            let why = "the request is too long, or did not come in time";
            return refusal(StatusCode::PAYLOAD_TOO_LARGE, "request_too_large", why);
        };
        let body = match self.body(&body.to_bytes()) {
            Ok(body) => body,
            Err(no) => return no.noted(shared, decision(false, no.rule)).await,
        };
        if shared.journal.note(decision(true, "model")).await.is_err() {
            return unkept();
        }
        let url = format!("{}{path}{query}", self.upstream.base);
        let headers = self.headers(&parts.headers);
        let ask = self.upstream.client.post(url).headers(headers).body(body);
        self.ask(ask, paid).await
    }

    /// What of the service is asked for, whether it costs money, and the query.
    fn judge(
        &self,
        request: &Request<Incoming>,
        shared: &Shared,
    ) -> Result<(&'static str, bool, String), No> {
        if !knows(request.headers(), shared) {
            let why = "without this run's token";
            return Err(No::new(401, "authentication_error", why, why));
        }
        let given = request.uri().path().strip_prefix(ROUTE);
        let found = PATHS.iter().find(|(path, _)| Some(*path) == given);
        let Some((path, paid)) = found.filter(|_| request.method() == Method::POST) else {
            let why = "this part of the service is not let through";
            return Err(No::new(
                403,
                "permission_error",
                "not a path of egress",
                why,
            ));
        };
        let query = match request.uri().query() {
            None => String::new(),
            Some(query) if is_plain(query) => format!("?{query}"),
            Some(_) => {
                let why = "a query has letters, digits, = and & only";
                return Err(No::new(400, "invalid_request_error", "odd query", why));
            }
        };
        if !shared.left.request() {
            let rule = "egress.per_minute is used up";
            return Err(No::new(429, "rate_limit_error", rule, rule));
        }
        if *paid && let Err(why) = self.till.open() {
            return Err(No::new(402, "billing_error", "no money left", &why));
        }
        Ok((path, *paid, query))
    }

    /// The request as it was read, so that nobody reads another one out of it.
    fn body(&self, given: &[u8]) -> Result<Vec<u8>, No> {
        let kind = "invalid_request_error";
        let read = serde_json::from_slice::<Value>(given).ok();
        let Some(request) = read.filter(Value::is_object) else {
            let why = "the request is no JSON object";
            return Err(No::new(400, kind, "no JSON", why));
        };
        if !self.server_tools
            && let Some(what) = beyond(&request)
        {
            let why = format!(
                "{what} would let the model's service reach the internet for the agent; \
                 egress.server_tools = true lets it through"
            );
            return Err(No::new(400, kind, "reaches beyond the model", &why));
        }
        Ok(request.to_string().into_bytes())
    }

    fn headers(&self, given: &HeaderMap) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            let word = name.as_str();
            let known = PASSED.contains(&word)
                || PASSED_BEGINNINGS
                    .iter()
                    .any(|start| word.starts_with(start));
            if known {
                headers.append(name.clone(), value.clone());
            }
        }
        // What is packed can't be read along.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let (name, value) = match self.credential.kind {
            Kind::ApiKey => (
                HeaderName::from_static("x-api-key"),
                self.credential.value.expose().to_owned(),
            ),
            Kind::Bearer | Kind::Oauth => (
                AUTHORIZATION,
                format!("Bearer {}", self.credential.value.expose()),
            ),
        };
        // Credentials were checked to be such a value.
        if let Ok(mut value) = HeaderValue::from_str(&value) {
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        headers
    }

    async fn ask(&self, ask: reqwest::RequestBuilder, paid: bool) -> Response<Answer> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        if paid {
            self.till.asked(call);
        }
        let ended = self.till.ended();
        let response = tokio::select! {
            biased;
            () = ended.cancelled() => {
                return refusal(StatusCode::PAYMENT_REQUIRED, "billing_error", "the run has ended");
            }
            response = ask.send() => response,
        };
        let response = match response {
            Ok(response) => response,
            Err(e) => {
                if paid && e.is_connect() {
                    self.till.refused(call);
                }
                let why = format!("the model's service can't be reached: {}", cause(&e));
                return refusal(StatusCode::BAD_GATEWAY, "api_error", &why);
            }
        };
        let status = response.status();
        if paid && !status.is_success() {
            self.till.refused(call);
        }
        if status.is_redirection() || response.headers().contains_key(CONTENT_ENCODING) {
            let why = "the model's service answers with a redirection, or packed";
            return refusal(StatusCode::BAD_GATEWAY, "api_error", why);
        }
        let mut answer = Response::new(Answer::Whole(None));
        *answer.status_mut() = status;
        for (name, value) in response.headers() {
            if !KEPT_BACK.contains(&name.as_str()) {
                answer.headers_mut().append(name.clone(), value.clone());
            }
        }
        let is_events = response
            .headers()
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
        if is_events {
            answer.headers_mut().remove(CONTENT_LENGTH);
        }
        let along = (paid && status.is_success()).then_some((call, is_events));
        let (to, pieces) = tokio::sync::mpsc::channel(WAITING);
        tokio::spawn(pass(response, Arc::clone(&self.till), along, to));
        *answer.body_mut() = Answer::Pieces(pieces);
        answer
    }
}

/// Passes an answer on as it comes, and reads along what it costs.
async fn pass(
    mut response: reqwest::Response,
    till: Arc<dyn Till>,
    along: Option<(u64, bool)>,
    to: tokio::sync::mpsc::Sender<std::io::Result<Bytes>>,
) {
    let mut along = along.map(|(call, events)| Along::new(&*till, call, events));
    let ended = till.ended();
    loop {
        let piece = tokio::select! {
            biased;
            // Nobody reads it any more, or it must not cost more: the service is told by our going.
            () = to.closed() => return,
            () = ended.cancelled() => {
                let _ = to.send(Err(std::io::ErrorKind::ConnectionAborted.into())).await;
                return;
            }
            piece = response.chunk() => piece,
        };
        match piece {
            Ok(Some(piece)) => {
                if let Some(along) = &mut along {
                    along.piece(&piece);
                }
                if to.send(Ok(piece)).await.is_err() {
                    return;
                }
            }
            Ok(None) => {
                if let Some(along) = along {
                    along.end();
                }
                return;
            }
            Err(_) => {
                let _ = to
                    .send(Err(std::io::ErrorKind::ConnectionReset.into()))
                    .await;
                return;
            }
        }
    }
}

/// Whether a request carries the run's token where a credential would be.
fn knows(headers: &HeaderMap, shared: &Shared) -> bool {
    let key = headers.get("x-api-key").map(HeaderValue::as_bytes);
    let bearer = headers.get(AUTHORIZATION).and_then(|given| {
        let (scheme, token) = given.as_bytes().split_at_checked(7)?;
        scheme.eq_ignore_ascii_case(b"bearer ").then_some(token)
    });
    [key, bearer]
        .into_iter()
        .flatten()
        .any(|given| shared.token.is(given))
}

fn is_plain(query: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"=&_-".contains(&b);
    query.len() <= 200 && query.bytes().all(plain)
}

/// The innermost cause, which has no address in it.
fn cause(error: &reqwest::Error) -> String {
    let mut last: &dyn std::error::Error = error;
    while let Some(next) = last.source() {
        last = next;
    }
    crate::text::one_line(&last.to_string(), 200)
}

/// An answer that is no.
struct No {
    status: u16,
    kind: &'static str,
    rule: &'static str,
    why: String,
}

impl No {
    fn new(status: u16, kind: &'static str, rule: &'static str, why: &str) -> Self {
        Self {
            status,
            kind,
            rule,
            why: why.to_owned(),
        }
    }

    async fn noted(&self, shared: &Shared, decision: Decision) -> Response<Answer> {
        match shared.journal.note(decision).await {
            Ok(()) => {
                let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::FORBIDDEN);
                refusal(status, self.kind, &self.why)
            }
            Err(_) => unkept(),
        }
    }
}

/// An error in the service's own form.
pub(super) fn refusal(status: StatusCode, kind: &str, why: &str) -> Response<Answer> {
    let error = json!({"type": kind, "message": format!("secloop: {why}")});
    let body = json!({"type": "error", "error": error}).to_string();
    let mut response = Response::new(Answer::text(body));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}
