//! `CONNECT`: a tunnel to one host, where the rules let it through.
//!
//! The order of the checks: token, rate, syntax of the host, deny list, allow list, port; then the
//! name is resolved once, what is not on the open internet is dropped, and exactly what is left is
//! dialled.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::sync::OwnedSemaphorePermit;

use super::address::refused;
use super::body::Answer;
use super::host::{Host, Target};
use super::journal::Decision;
use super::outside::Connection;
use super::proxy::{Shared, text, unkept};
use super::tunnel::tunnel;

/// So many of a name's addresses are tried.
const TRIED: usize = 3;

/// Why there is no tunnel.
struct Refused {
    status: StatusCode,
    rule: String,
}

impl Refused {
    fn by(rule: impl Into<String>) -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            rule: rule.into(),
        }
    }

    fn with(status: StatusCode, rule: &str) -> Self {
        Self {
            status,
            rule: rule.to_owned(),
        }
    }
}

/// Answers a request for a tunnel, and opens it.
pub(super) async fn connect(
    request: Request<Incoming>,
    shared: Arc<Shared>,
    place: Arc<OwnedSemaphorePermit>,
) -> Response<Answer> {
    let target = request
        .uri()
        .authority()
        .map_or(Err("there is none"), |named| Target::parse(named.as_str()));
    let judged = judge(&request, &target, &shared).await;
    let (host, port) = match &target {
        Ok(target) => (target.host.to_string(), target.port),
        Err(_) => ("?".to_owned(), 0),
    };
    let decision = |allowed: bool, rule: &str| Decision {
        host: host.clone(),
        port,
        allowed,
        rule: rule.to_owned(),
    };
    let (rule, addresses) = match judged {
        Ok(found) => found,
        Err(Refused { status, rule }) => {
            return match shared.journal.note(decision(false, &rule)).await {
                Ok(()) => refusal(status, &format!("{host}:{port} is refused: {rule}")),
                Err(_) => unkept(),
            };
        }
    };
    if shared.journal.note(decision(true, &rule)).await.is_err() {
        return unkept();
    }
    match dial(&shared, &addresses, port).await {
        Some(outside) => {
            tokio::spawn(open(request, outside, shared, place));
            Response::new(Answer::Whole(None))
        }
        None => text(
            StatusCode::BAD_GATEWAY,
            &format!("{host}:{port} does not answer"),
        ),
    }
}

/// The rule that lets a target through, and its addresses.
async fn judge(
    request: &Request<Incoming>,
    target: &Result<Target, &'static str>,
    shared: &Shared,
) -> Result<(String, Vec<IpAddr>), Refused> {
    let given = request.headers().get(PROXY_AUTHORIZATION);
    if !given.is_some_and(|given| shared.token.is_in(given.as_bytes())) {
        let status = StatusCode::PROXY_AUTHENTICATION_REQUIRED;
        return Err(Refused::with(status, "without this run's token"));
    }
    if !shared.left.request() {
        let rule = "egress.per_minute is used up";
        return Err(Refused::with(StatusCode::TOO_MANY_REQUESTS, rule));
    }
    if !shared.left.any_bytes() {
        let rule = "egress.megabytes is used up";
        return Err(Refused::with(StatusCode::TOO_MANY_REQUESTS, rule));
    }
    let target = target
        .as_ref()
        .map_err(|why| Refused::with(StatusCode::BAD_REQUEST, &format!("no host: {why}")))?;
    let rule = shared.rules.judge(target).map_err(Refused::by)?;
    let addresses = addresses(&target.host, shared).await?;
    Ok((rule, addresses))
}

/// Those addresses of a host that may be reached.
async fn addresses(host: &Host, shared: &Shared) -> Result<Vec<IpAddr>, Refused> {
    let found = match host {
        Host::Address(address) => vec![*address],
        Host::Name(name) => shared.outside.resolve(name).await.unwrap_or_default(),
    };
    let Some(first) = found.first().copied() else {
        return Err(Refused::with(
            StatusCode::BAD_GATEWAY,
            "its name is not known",
        ));
    };
    let why = |address: IpAddr| {
        let own = || shared.outside.is_own(address).then_some("this machine");
        refused(address).or_else(own)
    };
    let good: Vec<IpAddr> = found
        .iter()
        .copied()
        .filter(|a| why(*a).is_none())
        .collect();
    if good.is_empty() {
        let what = why(first).unwrap_or_default();
        return Err(Refused::by(format!(
            "its address is not on the open internet: {what}"
        )));
    }
    Ok(good)
}

async fn dial(shared: &Shared, addresses: &[IpAddr], port: u16) -> Option<Box<dyn Connection>> {
    for address in addresses.iter().take(TRIED) {
        let to = SocketAddr::new(*address, port);
        if let Ok(connection) = shared.outside.dial(to).await {
            return Some(connection);
        }
    }
    None
}

async fn open(
    request: Request<Incoming>,
    outside: Box<dyn Connection>,
    shared: Arc<Shared>,
    _place: Arc<OwnedSemaphorePermit>,
) {
    let Ok(inside) = hyper::upgrade::on(request).await else {
        return;
    };
    tokio::select! {
        () = shared.end.cancelled() => (),
        // However it ends, there is nobody to tell.
        _ = tunnel(TokioIo::new(inside), outside, &shared.left, shared.idle) => (),
    }
}

fn refusal(status: StatusCode, why: &str) -> Response<Answer> {
    let mut response = text(status, why);
    if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
        let ask = HeaderValue::from_static("Basic realm=\"secloop\"");
        response.headers_mut().insert(PROXY_AUTHENTICATE, ask);
    }
    response
}
