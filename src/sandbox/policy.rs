//! What a confined program may see and do.

use std::path::{Path, PathBuf};

use super::places;
use crate::process::account_home;

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
    /// Paths hidden behind an empty directory, even below a readable one.
    pub hide: Vec<PathBuf>,
    /// Files whose content is not shown, and sockets that nobody answers.
    pub cover: Vec<Cover>,
    /// The network.
    pub network: Network,
}

impl Policy {
    /// Reads everything, writes nothing but a private `/tmp`, has no network, nor the sockets of
    /// daemons, as far as they are found in `/var` and the account's home.
    pub fn look() -> Self {
        let look = Self {
            view: View::WholeReadOnly,
            read: Vec::new(),
            write: Vec::new(),
            hide: Vec::new(),
            cover: Vec::new(),
            network: Network::None,
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
            hide: Vec::new(),
            cover: Vec::new(),
            network: Network::Host,
        }
    }
}
