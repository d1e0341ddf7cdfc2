//! The network as the proxy uses it: names become addresses once, and exactly those are dialled.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// How long a name may take to be resolved.
const RESOLVING: Duration = Duration::from_secs(10);
/// How long a connection may take to be there.
const DIALLING: Duration = Duration::from_secs(15);

/// What is not done at once.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send + 'a>>;

/// A connection.
pub trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// What gives addresses and connections.
pub trait Outside: Send + Sync {
    /// The addresses of a name.
    fn resolve<'a>(&'a self, name: &'a str) -> Later<'a, Vec<IpAddr>>;
    /// A connection to an address.
    fn dial(&self, to: SocketAddr) -> Later<'_, Box<dyn Connection>>;
    /// Whether an address is this machine's own.
    fn is_own(&self, address: IpAddr) -> bool {
        super::address::is_own(address)
    }
}

/// The machine's own network.
#[derive(Debug, Clone, Copy)]
pub struct Host;

impl Outside for Host {
    fn resolve<'a>(&'a self, name: &'a str) -> Later<'a, Vec<IpAddr>> {
        Box::pin(async move {
            // With its dot at the end a name is whole: no search list makes another one of it.
            let whole = format!("{name}.");
            let found = tokio::time::timeout(RESOLVING, tokio::net::lookup_host((whole, 0)));
            Ok(found.await??.map(|address| address.ip()).collect())
        })
    }

    fn dial(&self, to: SocketAddr) -> Later<'_, Box<dyn Connection>> {
        Box::pin(async move {
            let stream = tokio::time::timeout(DIALLING, TcpStream::connect(to)).await??;
            Ok(Box::new(stream) as Box<dyn Connection>)
        })
    }
}
