//! What a confined program may see and do.

use std::path::PathBuf;

/// How much of the file system is visible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum View {
    /// Everything, read-only: for dry runs and probes, which must see the machine as it is.
    WholeReadOnly,
    /// Only the system's programs and libraries, plus `read` and `write`.
    Minimal,
}

/// The network as the program sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// None.
    None,
    /// The host's. Needed by an agent that calls its model directly.
    Host,
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
    /// The network.
    pub network: Network,
}

impl Policy {
    /// Reads everything, writes nothing but a private `/tmp`, has no network.
    pub fn look() -> Self {
        Self {
            view: View::WholeReadOnly,
            read: Vec::new(),
            write: Vec::new(),
            hide: Vec::new(),
            network: Network::None,
        }
    }

    /// Sees the system's programs, writes only `write`, and has the host's network.
    pub fn agent(read: Vec<PathBuf>, write: Vec<PathBuf>) -> Self {
        Self {
            view: View::Minimal,
            read,
            write,
            hide: Vec::new(),
            network: Network::Host,
        }
    }
}
