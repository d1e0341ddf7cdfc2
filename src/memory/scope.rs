//! To whom a memory belongs: a workstation, and a repository on it.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::config::Config;
use crate::turn::hex;

/// A workstation and a repository; what is remembered of one is never told about another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// This machine, and whose home on it.
    pub workstation: String,
    /// The repository, and the playbook in it.
    pub repo: String,
}

impl Scope {
    /// Of a configuration on this machine.
    pub fn here(config: &Config) -> Self {
        let resolved = |path: &Path| {
            let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
            path.display().to_string()
        };
        let playbook = config.playbook.file.display().to_string();
        Self {
            workstation: digest(&[&machine(), &resolved(&config.home)]),
            repo: digest(&[&resolved(&config.repo.path), &playbook]),
        }
    }
}

/// The machine's own id, where it has one; a name that changes makes a new workstation.
fn machine() -> String {
    std::fs::read_to_string("/etc/machine-id")
        .ok()
        .map(|id| id.trim().to_owned())
        .filter(|id| !id.is_empty())
        .unwrap_or_else(crate::pages::host)
}

fn digest(parts: &[&str]) -> String {
    hex(&Sha256::digest(parts.join("\n").as_bytes()))[..16].to_owned()
}
