//! Confinement: a [`Policy`] becomes the argument vector of the operating system's own means.
//!
//! The transformations are pure and compiled on every platform, so that each can be tested on
//! every platform; [`Sandbox::detect`] and [`Policy::look`] are what looks at the machine. What can't be
//! confined is an error, never a silent downgrade.

pub mod boundary;
pub mod bwrap;
pub mod container;
mod copy;
pub mod inside;
pub mod outside;
mod places;
mod policy;
mod scope;
pub mod seatbelt;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

pub use bwrap::Bwrap;
pub use copy::copy;
pub use places::CREDENTIALS;
pub use policy::{Cover, LIMITS, Network, Policy, ROOM, User, View, Work};
pub use scope::Scope;

use crate::config::{Level, SandboxConfig};
use crate::process::{self, Finished, Limits, Spec, find_on_path, is_executable, landlock_version};

/// Where programs are found inside.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin:/opt/homebrew/bin";

/// What every confined program's environment begins with. Nothing of anybody's own is in it.
pub fn environment(home: &Path, temporary: &Path) -> [(&'static str, OsString); 4] {
    [
        ("PATH", PATH.into()),
        ("LANG", "C.UTF-8".into()),
        ("HOME", home.into()),
        ("TMPDIR", temporary.into()),
    ]
}

/// A means of confinement that was found to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sandbox {
    /// None, by explicit choice.
    Off,
    /// bubblewrap, with secloop's own inner stage.
    Bwrap(Bwrap),
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
        if landlock_version() == 0 {
            return Err(
                "the kernel has no Landlock, or it is off: start it with `landlock` in the \
                 list of `lsm=`, or set `sandbox.level = \"none\"` to run unconfined, which every \
                 report will say"
                    .to_owned(),
            );
        }
        let version = bwrap::version(&program).await.map_err(|why| broken(&why))?;
        if version < bwrap::OLDEST {
            let [(old, older), (at, least)] = [version, bwrap::OLDEST];
            return Err(format!(
                "{} is bubblewrap {old}.{older}: at least {at}.{least} is needed",
                program.display()
            ));
        }
        let found = Self::Bwrap(Bwrap {
            program,
            version,
            secloop: process::own_program().map_err(|e| format!("this program's own path: {e}"))?,
            scope: Scope::find().await,
        });
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
        Err(broken(&why))
    }

    /// In words, for receipts and reports.
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Off => "none: agent and checks run with your rights",
            Self::Bwrap(_) => "native (bubblewrap)",
            Self::Seatbelt(_) => "native (Seatbelt)",
        }
    }

    /// The same, with what the machine has for it.
    pub fn found(&self) -> String {
        let what = self.describe();
        match self {
            Self::Bwrap(Bwrap {
                version: (major, minor),
                scope,
                ..
            }) => {
                let group = match scope {
                    Ok(scope) => scope.describe(),
                    Err(why) => format!(
                        "no control group ({why}): memory is limited for each process, not for all \
                         together"
                    ),
                };
                format!(
                    "{what}: bubblewrap {major}.{minor}, user namespaces, Landlock version {}; {group}",
                    landlock_version()
                )
            }
            Self::Off | Self::Seatbelt(_) => what.to_owned(),
        }
    }

    /// Whether anything is confined at all.
    pub fn confines(&self) -> bool {
        *self != Self::Off
    }

    /// Whether something else can stand in for a file inside.
    pub fn can_cover(&self) -> bool {
        matches!(self, Self::Bwrap(_))
    }

    /// Whether `done` is the end of the confinement itself, which could not be set up, and not of
    /// the program inside. A program that says the same is taken for it, to its own loss.
    pub fn failed(&self, done: &Finished) -> bool {
        let names: Vec<&str> = match self {
            Self::Off => return false,
            Self::Bwrap(bwrap) => {
                let scope = scope::SAYS.iter().filter(|_| bwrap.scope.is_ok());
                let own = ["bwrap: ", inside::SAYS];
                own.into_iter().chain(scope.copied()).collect()
            }
            Self::Seatbelt(_) => vec!["sandbox-exec: "],
        };
        let says = |name: &&str| done.stderr.starts_with(name.as_bytes());
        !done.ok() && names.iter().any(says)
    }

    /// Turns `spec` into one that runs the same program under `policy`.
    #[must_use]
    pub fn wrap(&self, spec: Spec, policy: &Policy) -> Spec {
        match self {
            Self::Off => spec,
            Self::Bwrap(bwrap) => {
                bwrap.wrap(spec, policy, &uuid::Uuid::new_v4().simple().to_string())
            }
            Self::Seatbelt(program) => seatbelt::wrap(program, spec, policy),
        }
    }
}

fn broken(why: &str) -> String {
    format!(
        "bwrap does not work here ({why}): allow unprivileged user namespaces (Ubuntu 24.04: an \
         AppArmor profile for bwrap; containers: a seccomp profile that permits them), or set \
         `sandbox.level = \"none\"` to run unconfined, which every report will say"
    )
}

/// Does the work of a stage of confinement where the process was started as one; gives the exit
/// code. None: it was started as something else.
pub fn stage(arguments: &[OsString]) -> Option<u8> {
    let [_, word, rest @ ..] = arguments else {
        return None;
    };
    match word.to_str()? {
        inside::WORD => Some(inside::enter(rest)),
        inside::FORWARD => match rest {
            [socket] => Some(crate::egress::bridge::forward(Path::new(socket))),
            _ => Some(inside::MISSING),
        },
        outside::WORD => Some(outside::enter(rest)),
        _ => None,
    }
}

impl SandboxConfig {
    /// What an agent may, before anything is said about its places.
    pub(crate) fn policy(&self) -> Policy {
        let mib = |n: u32| u64::from(n) << 20;
        let limits = self.limits;
        Policy {
            limits: Limits {
                processes: limits.processes.into(),
                memory: mib(limits.memory_mib),
                file: mib(limits.file_mib),
                files: limits.files.into(),
            },
            room: mib(limits.disk_mib),
            ..Policy::agent(Vec::new(), Vec::new())
        }
    }
}
