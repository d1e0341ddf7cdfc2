//! What a confined program may see and do.

use std::path::{Path, PathBuf};

use super::places;
use crate::process::{Limits, account_home};

/// How much of the file system is visible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum View {
    /// Everything, read-only: for dry runs and probes, which must see the machine as it is.
    WholeReadOnly,
    /// Only the system's programs and libraries, plus `read` and `write`.
    Minimal,
}

/// The network as the program sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Network {
    /// None but a loopback of its own.
    None,
    /// The same, and what a proxy lets through.
    Proxy {
        /// The proxy's socket, canonical and absolute. Whoever the program is inside has to be
        /// allowed to write to it.
        socket: PathBuf,
        /// The port on the program's loopback that leads there.
        port: u16,
    },
    /// The host's. Needed by an agent that calls its model directly.
    Host,
}

/// A file that something else stands in for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cover {
    /// The file, canonical and absolute.
    pub path: PathBuf,
    /// What is there instead.
    pub with: PathBuf,
}

/// What a confined program may see and do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The base view.
    pub view: View,
    /// Further paths to read, canonical and absolute.
    pub read: Vec<PathBuf>,
    /// Paths to write, canonical and absolute. They must exist.
    pub write: Vec<PathBuf>,
    /// The working copy, where it is not written back.
    pub work: Option<Work>,
    /// Places to write, whose content is nobody's afterwards: empty directories, which must exist.
    pub scratch: Vec<PathBuf>,
    /// Paths hidden behind an empty directory, even below a readable one.
    pub hide: Vec<PathBuf>,
    /// Files whose content is not shown, and sockets that nobody answers.
    pub cover: Vec<Cover>,
    /// The network.
    pub network: Network,
    /// Who the program is, where secloop is root.
    pub user: User,
    /// Bounds on what it may use up.
    pub limits: Limits,
    /// Bytes that it may write to each of its temporary places.
    pub room: u64,
    /// Whether there are bounds for all its processes together too, where the machine can have them.
    pub together: bool,
}

/// A working copy whose changes nobody takes over: it is copied once more, into memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// A private directory.
    pub from: PathBuf,
    /// Where it is found inside.
    pub at: PathBuf,
    /// What it takes.
    pub bytes: u64,
}

/// Who a confined program is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User {
    /// Who secloop is.
    Same,
    /// Another user and group, who owns what it may write. Only root can do that.
    Other(u32, u32),
    /// Root, by another number: it reads what only root may read. Nothing of root's rights is left,
    /// but to files and limits it is root.
    Called(u32, u32),
}

/// Bounds where nothing else is configured. A real agent needs more than 640 MiB of memory.
pub const LIMITS: Limits = Limits {
    processes: 512,
    memory: 4 << 30,
    file: ROOM,
    files: 4096,
};
/// Bytes for each temporary place where nothing else is configured.
pub const ROOM: u64 = 256 << 20;

impl Policy {
    /// Reads everything, writes nothing but a private `/tmp`, has no network, nor the sockets of
    /// daemons, as far as they are found in `/var` and the account's home.
    pub fn look() -> Self {
        let look = Self {
            view: View::WholeReadOnly,
            read: Vec::new(),
            write: Vec::new(),
            work: None,
            scratch: Vec::new(),
            hide: Vec::new(),
            cover: Vec::new(),
            network: Network::None,
            user: User::Same,
            limits: LIMITS,
            room: ROOM,
            together: false,
        };
        let look = look.covered(places::system_sockets());
        match account_home() {
            Some(home) => look.without_sockets(&home),
            None => look,
        }
    }

    /// Without the sockets below a home directory that the program sees.
    #[must_use]
    pub fn without_sockets(self, home: &Path) -> Self {
        self.covered(places::home_sockets(home))
    }

    /// Without the content of the credentials in a home directory. `blank` gives an empty file of a
    /// mode, which stands in for one that has that mode.
    #[must_use]
    pub fn without_credentials(
        mut self,
        home: &Path,
        mut blank: impl FnMut(u32) -> PathBuf,
    ) -> Self {
        let places::Credentials { files, dirs } = places::credentials(home);
        self.hide.extend(dirs);
        for (path, mode) in files {
            let with = blank(mode);
            self.cover.push(Cover { path, with });
        }
        self
    }

    fn covered(mut self, sockets: Vec<PathBuf>) -> Self {
        for path in sockets {
            if self.cover.iter().all(|c| c.path != path) {
                let with = "/dev/null".into();
                self.cover.push(Cover { path, with });
            }
        }
        self
    }

    /// What is to be covered: what is not hidden already, nor in a place that it may write.
    pub(super) fn covers(&self) -> impl Iterator<Item = &Cover> {
        let gone = |c: &&Cover| {
            self.hide
                .iter()
                .chain(&self.write)
                .all(|p| !c.path.starts_with(p))
        };
        self.cover.iter().filter(gone)
    }

    /// Sees the system's programs, writes only `write`, and has the host's network.
    pub fn agent(read: Vec<PathBuf>, write: Vec<PathBuf>) -> Self {
        Self {
            view: View::Minimal,
            read,
            write,
            work: None,
            scratch: Vec::new(),
            hide: Vec::new(),
            cover: Vec::new(),
            network: Network::Host,
            user: User::Same,
            limits: LIMITS,
            room: ROOM,
            together: true,
        }
    }
}
