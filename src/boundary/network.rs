//! Listeners outside.

use std::io::{self, Write as _};
use std::net::{TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::time::Duration;

use super::Open::{Anyone, Depends, Root};
use super::Probe;
use super::Seen::{Outside, Said};
use super::files::done;
use crate::process::{Attempt, attempt};

pub(super) const ALL: &[Probe] = &[
    Probe::new(
        "unix_path",
        "a socket beside the working copy",
        Outside(|a| a.heard("path")),
        Anyone,
        |g| greet(UnixStream::connect(g.outside("socket"))),
    ),
    Probe::new(
        "unix_run",
        "a socket of a daemon's",
        Outside(|a| a.heard("run")),
        Anyone,
        |g| greet(UnixStream::connect(super::arena::run_socket(&g.dir))),
    ),
    Probe::new(
        "unix_abstract",
        "a socket that is no file",
        Outside(|a| a.heard("abstract")),
        Anyone,
        |g| {
            let name = super::arena::word(&g.dir);
            greet(UnixStream::connect_addr(&SocketAddr::from_abstract_name(
                name,
            )?))
        },
    ),
    Probe::new(
        "tcp_loopback",
        "a server on the host's loopback",
        Outside(|a| a.heard("tcp")),
        Anyone,
        |g| {
            let mut stream = TcpStream::connect_timeout(
                &([127, 0, 0, 1], g.tcp).into(),
                Duration::from_secs(5),
            )?;
            done(stream.write_all(b"taken\n"))
        },
    ),
    Probe::new(
        "udp_dns",
        "a datagram to the host",
        Outside(|a| a.heard("udp")),
        Anyone,
        |g| {
            let socket = UdpSocket::bind("127.0.0.1:0")?;
            done(socket.send_to(b"taken", ("127.0.0.1", g.udp)).map(drop))
        },
    ),
    Probe::new("raw", "packets of its own making", Said, Root, |_| {
        socket(&[(2, 3, 1), (17, 3, 0x300)])
    }),
    Probe::new(
        "odd_families",
        "seldom used kinds of sockets",
        Said,
        Depends,
        |_| {
            // Crypto, virtual machines, packet filter, buses, Bluetooth, clusters, phones, keys.
            socket(&[
                (38, 5, 0),
                (40, 1, 0),
                (16, 3, 12),
                (29, 3, 1),
                (31, 3, 1),
                (30, 1, 0),
                (21, 5, 0),
                (15, 3, 2),
            ])
        },
    ),
];

fn greet(stream: io::Result<UnixStream>) -> io::Result<String> {
    done(stream?.write_all(b"taken\n"))
}

/// Whether any of them can be made.
fn socket(kinds: &[(i32, i32, i32)]) -> io::Result<String> {
    let made: Vec<String> = kinds
        .iter()
        .filter(|(family, kind, protocol)| {
            attempt(Attempt::Socket(*family, *kind, *protocol)).is_ok()
        })
        .map(|(family, ..)| family.to_string())
        .collect();
    if made.is_empty() {
        return Err(io::Error::other("none can be made"));
    }
    Ok(format!("families {}", made.join(", ")))
}
