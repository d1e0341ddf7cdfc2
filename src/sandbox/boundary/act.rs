//! The attempts themselves, made by a process of secloop's own inside the boundary, or outside of it
//! to see that they would succeed there.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::table::Act;
use crate::process::{self, Spec, find_on_path};

/// What an attempt adds to a file, and what a file is called that it makes.
pub const MARK: &str = "secloop-boundary";
/// What whoever connects to the proxy is told.
pub const GREETING: &[u8; 7] = b"secloop";

/// How long a connection, a program, may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where programs are looked for.
const PATH: &str = "/usr/bin:/bin:/usr/sbin:/sbin";

/// One thing to try.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Task {
    /// Its name.
    pub name: String,
    /// What.
    pub act: Act,
    /// On what: a path, an address, a process, a command.
    pub place: String,
    /// The working copy, as it is named there.
    pub work: String,
}

/// What came of it, by the word of whoever tried.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// Its name.
    pub name: String,
    /// Whether it was done; `None`: it could not be tried.
    pub did: Option<bool>,
    /// Why not, or what was seen.
    pub says: String,
}

/// Tries everything, in order.
pub async fn attempt(tasks: Vec<Task>) -> Vec<Report> {
    let mut all = Vec::new();
    for task in tasks {
        let done = match task.act {
            Act::Run => run(&task.place).await,
            _ => match tried(&task) {
                Err(e) if e.kind() == std::io::ErrorKind::Unsupported => Ok(None),
                done => done.map(Some).map_err(|e| e.to_string()),
            },
        };
        let (did, says) = match done {
            Ok(Some(says)) => (Some(true), says),
            Ok(None) => (None, "can't be tried here".to_owned()),
            Err(why) => (Some(false), why),
        };
        all.push(Report {
            name: task.name,
            did,
            says,
        });
    }
    all
}

fn tried(task: &Task) -> std::io::Result<String> {
    let path = Path::new(&task.place);
    let in_work = |name: &str| Path::new(&task.work).join(format!("{name}-{}", task.name));
    match task.act {
        Act::Read => read(path),
        // What the kernel shows as a file is not changed, if it can be.
        Act::Write if path.starts_with("/proc") || path.starts_with("/dev") => open(path).map(drop),
        Act::Write => append(path),
        Act::Create => std::fs::write(path, MARK),
        Act::Truncate => std::fs::File::create(path).map(drop),
        Act::Delete => std::fs::remove_file(path),
        Act::Move => std::fs::rename(path, path.with_extension(MARK)),
        Act::Chmod => std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666)),
        Act::Symlink => {
            let link = in_work("link");
            std::os::unix::fs::symlink(path, &link)?;
            let done = append(&link);
            std::fs::remove_file(&link).and(done)
        }
        Act::Dotdot => {
            let up = "/..".repeat(Path::new(&task.work).components().count());
            append(Path::new(&format!("{}{up}{}", task.work, task.place)))
        }
        Act::Hardlink => {
            let link = in_work("second");
            std::fs::hard_link(path, &link)?;
            let done = append(&link);
            std::fs::remove_file(&link).and(done)
        }
        Act::Connect => return connect(&task.place),
        Act::Send => UdpSocket::bind("127.0.0.1:0")?
            .send_to(MARK.as_bytes(), &task.place)
            .map(drop),
        Act::Listen => {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            TcpStream::connect_timeout(&listener.local_addr()?, PATIENCE).map(drop)
        }
        Act::Environment => return environment(&task.place),
        Act::Descriptor => append(Path::new(&format!("/dev/fd/{}", task.place))),
        Act::Signal => {
            let pid = task
                .place
                .parse()
                .ok()
                .and_then(rustix::process::Pid::from_raw);
            let pid = pid.ok_or(std::io::ErrorKind::InvalidInput)?;
            rustix::process::test_kill_process(pid).map_err(Into::into)
        }
        Act::Unfiltered => return unfiltered(),
        Act::Unbounded => return unbounded(),
        Act::Remain => {
            let hold = [super::WORD, "--hold", &task.place].map(std::ffi::OsString::from);
            process::spawn_detached(&process::own_program()?, &hold)?;
            held(path)
        }
        Act::Lookup | Act::Figure | Act::Run => return Err(std::io::ErrorKind::Unsupported.into()),
    }
    .map(|()| String::new())
}

/// The first bytes of a file, or the first name in a directory.
fn read(path: &Path) -> std::io::Result<()> {
    if path.is_dir() {
        return std::fs::read_dir(path)?.next().transpose().map(drop);
    }
    let mut file = std::fs::File::open(path)?;
    file.read(&mut [0; 16]).map(drop)
}

/// Opens a file to write to it, and writes nothing.
fn open(path: &Path) -> std::io::Result<std::fs::File> {
    std::fs::OpenOptions::new().append(true).open(path)
}

fn append(path: &Path) -> std::io::Result<()> {
    open(path)?.write_all(MARK.as_bytes())
}

/// To an address, to a socket, or by `!` to an address that greets.
fn connect(place: &str) -> std::io::Result<String> {
    let odd = || std::io::Error::from(std::io::ErrorKind::InvalidInput);
    let address = |text: &str| text.parse::<SocketAddr>().map_err(|_| odd());
    if let Some(place) = place.strip_prefix('!') {
        let mut stream = TcpStream::connect_timeout(&address(place)?, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut greeting = [0; GREETING.len()];
        stream.read_exact(&mut greeting)?;
        return if greeting == *GREETING {
            Ok(String::new())
        } else {
            Err(odd())
        };
    }
    if place.starts_with('/') {
        return UnixStream::connect(place).map(|_| String::new());
    }
    TcpStream::connect_timeout(&address(place)?, PATIENCE).map(|_| String::new())
}

/// Looks for the mark in every environment that can be read.
fn environment(pid: &str) -> std::io::Result<String> {
    let found = |bytes: &[u8]| bytes.windows(MARK.len()).any(|w| w == MARK.as_bytes());
    if std::env::vars_os().any(|(_, value)| found(value.as_encoded_bytes())) {
        return Ok("in its own".to_owned());
    }
    let bytes = std::fs::read(format!("/proc/{pid}/environ"))?;
    if found(&bytes) {
        return Ok("in the supervisor's".to_owned());
    }
    Err(std::io::ErrorKind::NotFound.into())
}

/// Which of the bounds of Linux is missing.
fn unfiltered() -> std::io::Result<String> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let value = |name: &str| {
        let line = status.lines().find_map(|l| l.strip_prefix(name));
        line.map(|rest| rest.trim_start_matches(':').trim().to_owned())
            .unwrap_or_default()
    };
    for (name, wanted) in [
        ("NoNewPrivs", "1"),
        ("Seccomp", "2"),
        ("CapEff", "0000000000000000"),
        ("CapPrm", "0000000000000000"),
        ("CapBnd", "0000000000000000"),
    ] {
        if value(name) != wanted {
            return Ok(format!("{name} is {}", value(name)));
        }
    }
    Err(std::io::ErrorKind::PermissionDenied.into())
}

/// Which resource has no bound.
fn unbounded() -> std::io::Result<String> {
    use rustix::process::{Resource, getrlimit};
    for (name, resource) in [
        ("processes", Resource::Nproc),
        ("files' size", Resource::Fsize),
    ] {
        if getrlimit(resource).maximum.is_none() {
            return Ok(format!("no bound on {name}"));
        }
    }
    Err(std::io::ErrorKind::PermissionDenied.into())
}

/// Runs a command; done where it ends with 0.
async fn run(command: &str) -> Result<Option<String>, String> {
    let words = shlex::split(command).unwrap_or_default();
    let Some((name, args)) = words.split_first() else {
        return Ok(None);
    };
    let Some(program) = find_on_path(name, PATH.as_ref()) else {
        return Ok(None);
    };
    let spec = Spec::new(program, "/", PATIENCE * 4)
        .args(args)
        .env("PATH", PATH);
    let done = process::run(&spec, &CancellationToken::new(), |_| ())
        .await
        .map_err(|e| e.to_string())?;
    if done.ok() {
        return Ok(Some(String::new()));
    }
    Err(crate::text::one_line(&done.err(), 100))
}

/// Whether somebody holds the lock of a file, within a while.
fn held(path: &Path) -> std::io::Result<()> {
    let wait = UdpSocket::bind("127.0.0.1:0")?;
    wait.set_read_timeout(Some(Duration::from_millis(20)))?;
    for _ in 0..250 {
        if is_held(path)? {
            return Ok(());
        }
        let _ = wait.recv(&mut [0]);
    }
    Err(std::io::ErrorKind::TimedOut.into())
}

/// Whether somebody holds the lock of a file.
pub(super) fn is_held(path: &Path) -> std::io::Result<bool> {
    use rustix::fs::{FlockOperation, flock};
    let file = std::fs::File::create(path)?;
    Ok(flock(&file, FlockOperation::NonBlockingLockExclusive).is_err())
}

/// Writes its id into a file and stays for a while, so that somebody is there to be signalled.
///
/// # Errors
/// When the file can't be written.
pub fn stay(path: &Path) -> std::io::Result<()> {
    std::fs::write(path, std::process::id().to_string())?;
    let wait = UdpSocket::bind("127.0.0.1:0")?;
    wait.set_read_timeout(Some(Duration::from_mins(10)))?;
    let _ = wait.recv(&mut [0]);
    Ok(())
}

/// Holds the lock of a file in a session of its own, for at most a minute.
///
/// # Errors
/// When it can't be locked.
pub fn hold(path: &Path) -> std::io::Result<()> {
    process::leave_session()?;
    let file = std::fs::File::create(path)?;
    rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive)?;
    let wait = UdpSocket::bind("127.0.0.1:0")?;
    wait.set_read_timeout(Some(Duration::from_mins(1)))?;
    let _ = wait.recv(&mut [0]);
    Ok(())
}
