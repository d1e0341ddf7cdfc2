//! What has to work in spite of all.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;

use super::Open::Anyone;
use super::Probe;
use super::Seen::Said;
use super::files::{done, write};
use crate::process::{Attempt, attack_process, attempt};

pub(super) const ALL: &[Probe] = &[
    Probe::new(
        "ws_normal",
        "to write and read in the working copy",
        Said,
        Anyone,
        |g| {
            write(&g.ws("ordinary"))?;
            fs::read_to_string(g.ws("README"))
        },
    ),
    Probe::new(
        "ws_same",
        "the working copy holds what the tree holds",
        Said,
        Anyone,
        |g| {
            let link = fs::read_link(g.ws("way"))?;
            let script =
                std::os::unix::fs::MetadataExt::mode(&fs::metadata(g.ws("run.sh"))?) & 0o777;
            if link != g.dir.join("outside") || script != 0o755 {
                return Err(io::Error::other(format!("{} {script:o}", link.display())));
            }
            done(Ok(()))
        },
    ),
    Probe::new("unix_pair", "a pair of sockets", Said, Anyone, |_| {
        let (mut one, mut other) = UnixStream::pair()?;
        one.write_all(b"x")?;
        done(other.read_exact(&mut [0]))
    }),
    Probe::new(
        "bind_listen",
        "a server of its own on the loopback",
        Said,
        Anyone,
        |_| {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            let mut client = TcpStream::connect(listener.local_addr()?)?;
            let (mut server, _) = listener.accept()?;
            client.write_all(b"x")?;
            done(server.read_exact(&mut [0]))
        },
    ),
    Probe::new(
        "ptrace_child",
        "to trace a child of its own",
        Said,
        Anyone,
        |_| done(attempt(Attempt::TraceChild)),
    ),
    Probe::new("threads", "a hundred threads", Said, Anyone, |_| {
        let all: Vec<_> = (0..100)
            .map(|_| std::thread::Builder::new().spawn(|| ()))
            .collect::<Result<_, _>>()?;
        for one in all {
            one.join().map_err(|_| io::Error::other("one panicked"))?;
        }
        done(Ok(()))
    }),
    Probe::new("memory", "700 MiB of memory", Said, Anyone, |_| {
        let mut all: Vec<u8> = Vec::new();
        done(all.try_reserve_exact(700 << 20).map_err(io::Error::other))
    }),
    Probe::new("terminal", "a terminal of its own", Said, Anyone, |_| {
        done(attack_process::open_terminal())
    }),
    Probe::new("shm", "shared memory", Said, Anyone, |g| {
        write(&std::path::Path::new("/dev/shm").join(super::arena::word(&g.dir)))
    }),
];
