//! The egress proxy, spoken to as programs do and as nobody should.

mod route;
mod tunnels;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use secloop::egress::{
    Connection, Journal, Later, Limits, Model, Outside, Pattern, Place, Proxy, Rules, Setup,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// An address on the open internet, as far as the proxy can tell.
const PUBLIC: &str = "93.184.216.34";

/// A network in which every name has the addresses that were given, one list for each time it is
/// asked for, and every address leads to one server.
#[derive(Default)]
struct Net {
    names: Mutex<BTreeMap<String, VecDeque<Vec<IpAddr>>>>,
    asked: Mutex<Vec<String>>,
    dialled: Mutex<Vec<SocketAddr>>,
    own: Vec<IpAddr>,
    server: Option<SocketAddr>,
}

impl Outside for Net {
    fn resolve<'a>(&'a self, name: &'a str) -> Later<'a, Vec<IpAddr>> {
        self.asked.lock().unwrap().push(name.to_owned());
        let mut names = self.names.lock().unwrap();
        let answer = names.get_mut(name).and_then(VecDeque::pop_front);
        Box::pin(async move { answer.ok_or_else(|| io::ErrorKind::NotFound.into()) })
    }

    fn dial(&self, to: SocketAddr) -> Later<'_, Box<dyn Connection>> {
        self.dialled.lock().unwrap().push(to);
        let server = self.server;
        Box::pin(async move {
            let server = server.ok_or(io::ErrorKind::ConnectionRefused)?;
            Ok(Box::new(TcpStream::connect(server).await?) as Box<dyn Connection>)
        })
    }

    fn is_own(&self, address: IpAddr) -> bool {
        self.own.contains(&address)
    }
}

impl Net {
    fn knows(&self, name: &str, answers: &[&[&str]]) {
        let read = |list: &&[&str]| list.iter().map(|a| a.parse().unwrap()).collect();
        let answers = answers.iter().map(read).collect();
        self.names.lock().unwrap().insert(name.to_owned(), answers);
    }

    fn dialled(&self) -> Vec<String> {
        let dialled = self.dialled.lock().unwrap();
        dialled.iter().map(ToString::to_string).collect()
    }
}

/// A server that sends back what it gets.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let (mut from, mut to) = connection.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    address
}

const LIMITS: Limits = Limits {
    connections: 8,
    per_minute: 1_000,
    bytes: 1 << 20,
    idle: Duration::from_mins(1),
};

/// A proxy on a port, and the network behind it.
struct Bench {
    proxy: Proxy,
    port: u16,
    net: Arc<Net>,
}

impl Bench {
    async fn new(allow: &[&str]) -> Self {
        Self::with(allow, LIMITS, None, Net::default()).await
    }

    async fn with(allow: &[&str], limits: Limits, model: Option<Model>, net: Net) -> Self {
        let server = echo().await;
        let net = Arc::new(Net {
            server: Some(server),
            ..net
        });
        let setup = Setup {
            rules: Rules {
                deny: vec![Pattern::parse("bad.example.org").unwrap()],
                allow: allow.iter().map(|a| Pattern::parse(a).unwrap()).collect(),
                ports: vec![443],
            },
            limits,
            model,
            outside: Arc::clone(&net) as Arc<dyn Outside>,
            journal: Journal::new(None),
        };
        let proxy = Proxy::on_port(setup).await.unwrap();
        let Place::Port(port) = *proxy.place() else {
            panic!("no port");
        };
        Self { proxy, port, net }
    }

    /// Sends bytes; gives the connection and the head of the answer.
    async fn send(&self, request: &[u8]) -> (TcpStream, String) {
        let mut connection = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        // Whoever is refused early may be cut in the middle.
        let _ = connection.write_all(request).await;
        let head = head(&mut connection).await;
        (connection, head)
    }

    /// Asks for a tunnel with this run's token.
    async fn connect(&self, target: &str) -> (TcpStream, String) {
        let user = format!("secloop:{}", self.proxy.token());
        let basic = base64::engine::general_purpose::STANDARD.encode(user);
        let request = format!(
            "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nProxy-Authorization: Basic {basic}\r\n\r\n"
        );
        self.send(request.as_bytes()).await
    }

    /// The status of the answer to [`Self::connect`].
    async fn status(&self, target: &str) -> u16 {
        status(&self.connect(target).await.1)
    }

    /// `allowed host:port rule xN`, a line for each kind of decision.
    async fn decisions(&self) -> Vec<String> {
        let rows = self.proxy.journal().rows().await;
        let shown = rows.iter().map(|(d, times)| {
            let word = if d.allowed { "yes" } else { "no" };
            format!("{word} {}:{} {} x{times}", d.host, d.port, d.rule)
        });
        shown.collect()
    }
}

/// Everything up to the empty line, or to the end of what comes.
async fn head(connection: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match connection.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}

fn status(head: &str) -> u16 {
    head.split(' ')
        .nth(1)
        .map_or(0, |code| code.parse().unwrap())
}
