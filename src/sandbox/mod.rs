//! Confinement: a [`Policy`] becomes the argument vector of the operating system's own means.
//!
//! The transformations are pure and compiled on every platform, so that each can be tested on
//! every platform; [`Sandbox::detect`] and [`Policy::look`] are what looks at the machine. What can't be
//! confined is an error, never a silent downgrade.

pub mod boundary;
pub mod bwrap;
pub mod container;
mod places;
mod policy;
pub mod seatbelt;

use std::ffi::OsStr;
use std::path::PathBuf;

use tokio_util::sync::CancellationToken;

pub use places::CREDENTIALS;
pub use policy::{Cover, Network, Policy, View};

use crate::config::Level;
use crate::process::{self, Finished, Spec, find_on_path, is_executable};

/// A means of confinement that was found to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sandbox {
    /// None, by explicit choice.
    Off,
    /// bubblewrap at this path.
    Bwrap(PathBuf),
    /// `sandbox-exec` at this path.
    Seatbelt(PathBuf),
}

impl Sandbox {
    /// Finds the means for `level`; `path` is the value of `PATH`.
    ///
    /// # Errors
    /// When the level can't be had, with the cure.
    pub async fn detect(level: Level, path: &OsStr) -> Result<Self, String> {
        // Checks and probes look at the machine itself, also where the agent is in a container.
        if level == Level::None {
            return Ok(Self::Off);
        }
        if std::env::consts::OS == "macos" {
            let exec = PathBuf::from("/usr/bin/sandbox-exec");
            return if is_executable(&exec) {
                Ok(Self::Seatbelt(exec))
            } else {
                Err("/usr/bin/sandbox-exec is missing; it is part of macOS".to_owned())
            };
        }
        let program = find_on_path("bwrap", path).ok_or_else(|| {
            "bwrap is not on PATH: install it (Debian, Ubuntu: `apt install bubblewrap`), or set \
             `sandbox.level = \"none\"` to run unconfined, which every report will say"
                .to_owned()
        })?;
        let found = Self::Bwrap(program);
        found.try_out().await.map(|()| found)
    }

    /// Whether it confines at all on this machine: kernels and containers may forbid it.
    async fn try_out(&self) -> Result<(), String> {
        let spec = Spec::new("/bin/true", "/", std::time::Duration::from_secs(20));
        let spec = self.wrap(spec, &Policy::look());
        let why = match process::run(&spec, &CancellationToken::new(), |_| ()).await {
            Ok(done) if done.ok() => return Ok(()),
            Ok(done) => crate::text::one_line(&done.err(), 200),
            Err(e) => e.to_string(),
        };
        Err(format!(
            "bwrap does not work here ({why}): allow unprivileged user namespaces (Ubuntu 24.04: \
             an AppArmor profile for bwrap; containers: a seccomp profile that permits them), or \
             set `sandbox.level = \"none\"` to run unconfined, which every report will say"
        ))
    }

    /// In words, for receipts and reports.
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Off => "none: agent and checks run with your rights",
            Self::Bwrap(_) => "native (bubblewrap)",
            Self::Seatbelt(_) => "native (Seatbelt)",
        }
    }

    /// Whether anything is confined at all.
    pub fn confines(&self) -> bool {
        *self != Self::Off
    }

    /// Whether `done` is the end of the confinement itself, which could not be set up, and not of
    /// the program inside. A program that says the same is taken for it, to its own loss.
    pub fn failed(&self, done: &Finished) -> bool {
        let name: &[u8] = match self {
            Self::Off => return false,
            Self::Bwrap(_) => b"bwrap: ",
            Self::Seatbelt(_) => b"sandbox-exec: ",
        };
        !done.ok() && done.stderr.starts_with(name)
    }

    /// Turns `spec` into one that runs the same program under `policy`.
    #[must_use]
    pub fn wrap(&self, spec: Spec, policy: &Policy) -> Spec {
        match self {
            Self::Off => spec,
            Self::Bwrap(program) => bwrap::wrap(program, spec, policy),
            Self::Seatbelt(program) => seatbelt::wrap(program, spec, policy),
        }
    }
}
