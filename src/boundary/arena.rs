//! What attacks are tried on: a user's tree, files beside it, a home, listeners, a process. All of
//! it is made for one attack and goes with it.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Ground;
use crate::process::attack_process::{Victim, ended_within};
use crate::process::give;

/// What each file holds.
const ORDINARY: &str = "ordinary\n";
/// How long something that was told to end may take.
const ENDS: Duration = Duration::from_millis(300);
/// How long a survivor may take to go with its wrapper.
const GOES: Duration = Duration::from_secs(3);

/// The files below an arena that are there from the beginning.
const FILES: [&str; 15] = [
    "outside/victim",
    "outside/held",
    "parent/ws/README",
    "parent/ws/run.sh",
    "parent/ws/.git/HEAD",
    "parent/ws/.git/config",
    "parent/ws/.git/hooks/pre-commit",
    "parent/ws/sub/.git/config",
    "parent/ws/sub/.git/hooks/pre-commit",
    "parent/ws/.claude/settings.json",
    "parent/ws/.bashrc",
    "parent/ws/.mcp.json",
    "parent/ws/.vscode/settings.json",
    "parent/ws/new/file",
    "home/.bashrc",
];
/// Those that hold the secret.
const SECRETS: [&str; 4] = [
    "outside/secret",
    "home/.ssh/id_ed25519",
    "home/.aws/credentials",
    "home/.claude/.credentials.json",
];

/// What one attack is tried on.
pub struct Arena {
    dir: tempfile::TempDir,
    secret: String,
    tcp: TcpListener,
    udp: UdpSocket,
    path: UnixListener,
    run: UnixListener,
    abstracted: UnixListener,
    victim: Victim,
}

impl Arena {
    /// Makes one below `base`, which anybody has to be able to enter. It is `owner`'s, where that is
    /// not who makes it; only root can do so.
    ///
    /// # Errors
    /// When something of it can't be made.
    pub fn new(base: &Path, owner: Option<(u32, u32)>) -> io::Result<Self> {
        let dir = tempfile::Builder::new()
            .prefix("secloop-arena-")
            .permissions(Permissions::from_mode(0o755))
            .tempdir_in(base)?;
        let top = dir.path();
        let secret = format!("secret-{}", uuid::Uuid::new_v4().simple());
        let put = |name: &str, text: &str| {
            let path = top.join(name);
            fs::create_dir_all(path.parent().unwrap_or(top))?;
            fs::write(path, text)
        };
        for name in FILES {
            put(name, ORDINARY)?;
        }
        for name in SECRETS {
            put(name, &secret)?;
        }
        let ws = top.join("parent/ws");
        fs::set_permissions(ws.join("run.sh"), Permissions::from_mode(0o755))?;
        fs::set_permissions(top.join("outside/victim"), Permissions::from_mode(0o644))?;
        symlink(top.join("outside"), ws.join("way"))?;
        fs::hard_link(top.join("outside/victim"), ws.join("planted"))?;
        let word = word(top);
        let quiet = |listener: UnixListener| listener.set_nonblocking(true).map(|()| listener);
        let arena = Self {
            tcp: TcpListener::bind("127.0.0.1:0")?,
            udp: UdpSocket::bind("127.0.0.1:0")?,
            path: quiet(UnixListener::bind(top.join("outside/socket"))?)?,
            run: quiet(UnixListener::bind(run_socket(top))?)?,
            abstracted: quiet(UnixListener::bind_addr(&SocketAddr::from_abstract_name(
                word,
            )?)?)?,
            victim: Victim::start(&top.join("outside"), &secret, owner)?,
            secret,
            dir,
        };
        arena.tcp.set_nonblocking(true)?;
        arena.udp.set_nonblocking(true)?;
        if let Some((uid, gid)) = owner {
            let top = arena.dir.path();
            for path in [top, &run_socket(top)] {
                give(path, uid, gid).map_err(io::Error::other)?;
            }
        }
        Ok(arena)
    }

    /// The user's tree, where a confined program is started.
    pub fn tree(&self) -> PathBuf {
        self.at("parent/ws")
    }

    /// What nobody inside may learn. For the environment of whoever starts the confinement.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// A word that nothing else on the machine is called.
    pub fn word(&self) -> String {
        word(self.dir.path())
    }

    /// A file to hand on as an open descriptor.
    ///
    /// # Errors
    /// When it can't be opened.
    pub fn held(&self) -> io::Result<File> {
        OpenOptions::new()
            .append(true)
            .open(self.at("outside/held"))
    }

    pub(super) fn ground(&self) -> Ground {
        let port = |address: io::Result<std::net::SocketAddr>| address.map_or(0, |a| a.port());
        Ground {
            dir: self.dir.path().to_owned(),
            tcp: port(self.tcp.local_addr()),
            udp: port(self.udp.local_addr()),
            victim: self.victim.pid(),
        }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        fs::symlink_metadata(self.at(name)).is_ok()
    }

    /// Whether it is no longer as it was made.
    pub(super) fn changed(&self, name: &str) -> bool {
        fs::read_to_string(self.at(name)).is_ok_and(|text| text != ORDINARY)
    }

    /// Whether there is a file in that directory that bears the word; it goes.
    pub(super) fn took(&self, dir: &str) -> bool {
        fs::remove_file(Path::new(dir).join(self.word())).is_ok()
    }

    pub(super) fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.at(name)).map_or(0, |meta| meta.mode() & 0o777)
    }

    pub(super) fn victim_ended(&self) -> bool {
        ended_within(self.victim.pid(), ENDS)
    }

    pub(super) fn victim_nice(&self) -> i32 {
        self.victim.nice()
    }

    /// Whether somebody has called there.
    pub(super) fn heard(&self, whom: &str) -> bool {
        match whom {
            "tcp" => self.tcp.accept().is_ok(),
            "udp" => self.udp.recv(&mut [0; 64]).is_ok(),
            "path" => self.path.accept().is_ok(),
            "run" => self.run.accept().is_ok(),
            _ => self.abstracted.accept().is_ok(),
        }
    }

    /// Somebody whom an attack has left, and who does not go.
    pub fn survivor(&self) -> Option<i32> {
        survivors(&self.word())
            .into_iter()
            .find(|pid| !ended_within(*pid, GOES))
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        for pid in survivors(&self.word()) {
            crate::process::attack_process::kill(pid);
        }
        let _ = fs::remove_file(run_socket(self.dir.path()));
    }
}

/// Processes that bear the word, and are no attack under way.
fn survivors(word: &str) -> Vec<i32> {
    let wanted = format!("{}\0{word}\0", super::LINGER);
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid: &i32| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).ends_with(&wanted)
        })
        .collect()
}

pub(super) fn word(dir: &Path) -> String {
    let name = dir.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Where a daemon's socket is.
pub(super) fn run_socket(dir: &Path) -> PathBuf {
    Path::new("/var/tmp").join(format!("{}.sock", word(dir)))
}
