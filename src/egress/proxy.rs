//! The proxy of one run: it listens, knows its callers by their token, and hands requests to the
//! tunnel or to the model's route.

use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::body::Answer;
use super::connect::connect;
use super::journal::{Decision, Journal};
use super::limits::{Left, Limits};
use super::model::{Model, ROUTE, refusal};
use super::outside::{Connection, Outside};
use super::rules::Rules;
use super::token::Token;

/// For the head of a request, and between two of them on a connection.
const HEAD: Duration = Duration::from_mins(2);
/// After an error that others' going may mend.
const PAUSE: Duration = Duration::from_millis(20);
/// Bytes of a request's head.
const MAX_HEAD: usize = 64 << 10;
/// What the socket is named in its directory.
const SOCKET: &str = "egress";

/// What a run may do with the network.
pub struct Setup {
    /// Hosts and ports for tools.
    pub rules: Rules,
    /// How much.
    pub limits: Limits,
    /// The model's service.
    pub model: Option<Model>,
    /// The network.
    pub outside: Arc<dyn Outside>,
    /// Where decisions go.
    pub journal: Journal,
}

/// Where a proxy listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A unix socket.
    Socket(PathBuf),
    /// A port of the machine's loopback.
    Port(u16),
}

/// A running proxy. Dropped, it is gone with all its connections.
pub struct Proxy {
    place: Place,
    shared: Arc<Shared>,
    /// The socket's directory, which nobody else can enter.
    _dir: Option<tempfile::TempDir>,
    _end: DropGuard,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let place = &self.place;
        f.debug_struct("Proxy")
            .field("place", place)
            .finish_non_exhaustive()
    }
}

/// What all its connections share.
pub(super) struct Shared {
    pub(super) rules: Rules,
    pub(super) idle: Duration,
    pub(super) model: Option<Model>,
    pub(super) outside: Arc<dyn Outside>,
    pub(super) journal: Journal,
    pub(super) token: Token,
    pub(super) left: Left,
    pub(super) end: CancellationToken,
}

impl Proxy {
    /// Listens on a unix socket in a new directory below `parent`, which nobody else can enter.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn on_socket(parent: &Path, setup: Setup) -> io::Result<Self> {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::Builder::new()
            .prefix("egress-")
            .tempdir_in(parent)?;
        let path = dir.path().join(SOCKET);
        let listener = UnixListener::bind(&path)?;
        // Whoever it is shown to is another user where secloop is root.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666))?;
        let limit = setup.limits.connections;
        let proxy = Self::new(Place::Socket(path), Some(dir), setup);
        let shared = Arc::clone(&proxy.shared);
        tokio::spawn(serve(limit, shared, Listener::Unix(listener)));
        Ok(proxy)
    }

    /// Listens on a port of the machine's loopback, where the token alone tells who asks.
    ///
    /// # Errors
    /// When it can't be had.
    pub async fn on_port(setup: Setup) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let limit = setup.limits.connections;
        let proxy = Self::new(Place::Port(listener.local_addr()?.port()), None, setup);
        let shared = Arc::clone(&proxy.shared);
        tokio::spawn(serve(limit, shared, Listener::Tcp(listener)));
        Ok(proxy)
    }

    fn new(place: Place, dir: Option<tempfile::TempDir>, setup: Setup) -> Self {
        let end = CancellationToken::new();
        let shared = Shared {
            rules: setup.rules,
            idle: setup.limits.idle,
            model: setup.model,
            outside: setup.outside,
            journal: setup.journal,
            token: Token::new(),
            left: Left::of(&setup.limits),
            end: end.clone(),
        };
        Self {
            place,
            shared: Arc::new(shared),
            _dir: dir,
            _end: end.drop_guard(),
        }
    }

    /// Where it listens.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What a client gives in the place of a credential.
    pub fn token(&self) -> &str {
        self.shared.token.expose()
    }

    /// The model's base URL for a client that reaches the proxy at this port of its loopback.
    pub fn base_url(&self, port: u16) -> String {
        format!("http://127.0.0.1:{port}{ROUTE}")
    }

    /// The variables by which tools find the proxy at this port of their loopback.
    pub fn environment(&self, port: u16) -> Vec<(&'static str, String)> {
        let url = self.shared.token.url(port);
        let mut all: Vec<_> = ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"]
            .map(|name| (name, url.clone()))
            .to_vec();
        // What listens inside is reached without it.
        let own = "127.0.0.1,localhost,::1";
        all.extend(["NO_PROXY", "no_proxy"].map(|name| (name, own.to_owned())));
        all
    }

    /// The decisions.
    pub fn journal(&self) -> &Journal {
        &self.shared.journal
    }
}

enum Listener {
    Unix(UnixListener),
    Tcp(TcpListener),
}

impl Listener {
    async fn accept(&self) -> io::Result<Box<dyn Connection>> {
        Ok(match self {
            Self::Unix(listener) => Box::new(listener.accept().await?.0),
            Self::Tcp(listener) => Box::new(listener.accept().await?.0),
        })
    }
}

/// Takes connections until the proxy ends, so many at a time.
async fn serve(limit: usize, shared: Arc<Shared>, listener: Listener) {
    let places = Arc::new(Semaphore::new(limit));
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let connection = tokio::select! {
            () = shared.end.cancelled() => return,
            connection = listener.accept() => connection,
        };
        match connection {
            Ok(connection) => {
                connections.spawn(converse(connection, Arc::clone(&shared), place));
            }
            // Out of descriptors, or somebody who went away at once.
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

/// Answers on one connection. Its place is free when nothing of it is left, a tunnel included.
async fn converse(
    connection: Box<dyn Connection>,
    shared: Arc<Shared>,
    place: OwnedSemaphorePermit,
) {
    let place = Arc::new(place);
    let answering = service_fn(|request| {
        let (shared, place) = (Arc::clone(&shared), Arc::clone(&place));
        async move { Ok::<_, Infallible>(answer(request, shared, place).await) }
    });
    let talk = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(MAX_HEAD)
        .half_close(true)
        .serve_connection(TokioIo::new(connection), answering)
        .with_upgrades();
    tokio::select! {
        () = shared.end.cancelled() => (),
        // Whoever talks nonsense, or goes away, is not answered.
        _ = talk => (),
    }
}

async fn answer(
    request: Request<Incoming>,
    shared: Arc<Shared>,
    place: Arc<OwnedSemaphorePermit>,
) -> Response<Answer> {
    let lengths = request.headers().get_all(CONTENT_LENGTH).iter().count();
    if request.headers().contains_key(TRANSFER_ENCODING) || lengths > 1 {
        // Two readers could see two different ends of it.
        return text(
            StatusCode::BAD_REQUEST,
            "a request's length is given once, in bytes",
        );
    }
    if request.method() == Method::CONNECT {
        return connect(request, shared, place).await;
    }
    if request.uri().authority().is_some() {
        let why = "only TLS goes through: http:// is not proxied";
        let decision = Decision {
            host: "?".to_owned(),
            port: 0,
            allowed: false,
            rule: "plain HTTP".to_owned(),
        };
        return match shared.journal.note(decision).await {
            Ok(()) => text(StatusCode::FORBIDDEN, why),
            Err(_) => unkept(),
        };
    }
    match &shared.model {
        Some(model) if request.uri().path().starts_with(ROUTE) => {
            model.answer(request, &shared).await
        }
        _ => refusal(
            StatusCode::NOT_FOUND,
            "not_found_error",
            "there is nothing here",
        ),
    }
}

/// A short answer for people.
pub(super) fn text(status: StatusCode, why: &str) -> Response<Answer> {
    let mut response = Response::new(Answer::text(format!("secloop: {why}\n")));
    *response.status_mut() = status;
    response
}

/// What is said where a decision can't be written down.
pub(super) fn unkept() -> Response<Answer> {
    text(
        StatusCode::SERVICE_UNAVAILABLE,
        "the decision can't be written down",
    )
}
