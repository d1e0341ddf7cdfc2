//! Asking a machine, and changing it back.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::{Command, Undo};
use crate::process::{self, Finished, Spec, find_on_path};
use crate::text::one_line;

/// How long one question may take.
const DEADLINE: Duration = Duration::from_secs(30);
/// How long a command that changes something back may take; stopping a unit takes up to 90 s.
const UNDO: Duration = Duration::from_mins(3);
/// Output of a question, in bytes.
const KEEP: usize = 8 << 20;

/// The machine that is asked: what must be known to do so from another process too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Whether it is a Mac.
    pub macos: bool,
    /// Who asks.
    pub uid: u32,
    /// The system's own states, and not only those of the caller.
    pub system: bool,
    /// The home directory of the workstation.
    pub home: PathBuf,
    /// Where programs are looked for.
    pub path: String,
    /// Domains of preferences that are read (macOS).
    pub domains: Vec<String>,
}

impl Machine {
    /// The one that this process runs on. `system`: a play becomes root on it.
    pub fn here(home: PathBuf, path: &std::ffi::OsStr, system: bool) -> Self {
        let mut dirs = path.to_string_lossy().into_owned();
        // A person's PATH on Debian has no place for administrators' programs.
        for dir in ["/usr/sbin", "/sbin", "/usr/bin", "/bin"] {
            if !dirs.split(':').any(|d| d == dir) {
                dirs.push(':');
                dirs.push_str(dir);
            }
        }
        Self {
            macos: std::env::consts::OS == "macos",
            uid: process::effective_uid(),
            system: system || process::effective_uid() == 0,
            home,
            path: dirs,
            domains: super::defaults::watched(),
        }
    }

    fn spec(&self, argv: &[String], deadline: Duration) -> Option<Spec> {
        let (program, args) = argv.split_first()?;
        let program = if program.starts_with('/') {
            Some(PathBuf::from(program)).filter(|p| process::is_executable(p))?
        } else {
            find_on_path(program, &OsString::from(&self.path))?
        };
        let mut spec = Spec::new(program, "/", deadline)
            .args(args.iter().cloned())
            .env("PATH", &self.path)
            .env("HOME", &self.home)
            .env("LC_ALL", "C")
            .env("SYSTEMD_PAGER", "")
            .env("DEBIAN_FRONTEND", "noninteractive");
        if self.uid != 0 {
            // How the user's own service manager is reached.
            spec = spec.env("XDG_RUNTIME_DIR", format!("/run/user/{}", self.uid));
        }
        spec.keep = KEEP;
        Some(spec)
    }
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ask {
    /// A command's output. One of these exit codes is a good one besides 0.
    Run { argv: Vec<String>, also: Vec<i32> },
    /// A file's content.
    File(&'static str),
    /// Every file below a directory that its owner may write, as `name = content` lines.
    Values(&'static str),
}

/// A question by a command that ends with 0.
pub(super) fn run<S: Into<String>>(argv: impl IntoIterator<Item = S>) -> Ask {
    Ask::Run {
        argv: argv.into_iter().map(Into::into).collect(),
        also: Vec::new(),
    }
}

/// What was answered; `None`: there is no such program or file here.
pub(super) type Answer = Option<String>;

pub(super) async fn answer(ask: &Ask, machine: &Machine) -> Result<Answer, String> {
    match ask {
        Ask::File(path) => match std::fs::read_to_string(path) {
            Ok(text) => Ok(Some(text)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(format!("{path}: {e}")),
        },
        Ask::Values(dir) if !Path::new(dir).is_dir() => Ok(None),
        Ask::Values(dir) => Ok(Some(super::sysctl::values(Path::new(dir)))),
        Ask::Run { argv, also } => {
            let Some(spec) = machine.spec(argv, DEADLINE) else {
                return Ok(None);
            };
            let done = process::run(&spec, &CancellationToken::new(), |_| ())
                .await
                .map_err(|e| format!("{} can't be started: {e}", argv.join(" ")))?;
            let well = done.ok() || done.code().is_some_and(|code| also.contains(&code));
            if !well || done.truncated {
                return Err(format!("{}: {}", argv.join(" "), said(&done)));
            }
            Ok(Some(done.out()))
        }
    }
}

impl Machine {
    /// Does what puts something back, and notes it.
    pub(super) async fn undo(&self, undo: &Undo, done: &mut Vec<String>) {
        match undo {
            Undo::Left(_) => {}
            Undo::Run(commands) => self.perform(commands, done).await,
            Undo::Proven { check, run } => {
                if self.perform_one(check, done).await {
                    self.perform_one(run, done).await;
                }
            }
        }
    }

    /// Runs commands one after another, and notes them; one that fails keeps no other from running.
    pub(in crate::playbook) async fn perform(&self, commands: &[Command], done: &mut Vec<String>) {
        for command in commands {
            self.perform_one(command, done).await;
        }
    }

    async fn perform_one(&self, command: &Command, done: &mut Vec<String>) -> bool {
        let as_root = self.system && self.uid != 0;
        let mut argv = command.argv.clone();
        let mut input = command.input.clone();
        // A kernel value is a file; no program is needed for it, but to become root.
        if let [word, path, value] = command.argv.as_slice()
            && word == super::sysctl::WRITE
        {
            if as_root {
                input = format!("{value}\n");
                argv = vec!["tee".to_owned(), path.clone()];
            } else {
                return write_value(path, value, done);
            }
        }
        let shown = one_line(&command.argv.join(" "), 200);
        if as_root {
            // As the play did it; where that takes a password, it fails and is told.
            argv.splice(0..0, ["sudo".to_owned(), "-n".to_owned()]);
        }
        let Some(mut spec) = self.spec(&argv, UNDO) else {
            done.push(format!("{shown}: there is no such program"));
            return false;
        };
        spec.stdin = input.into_bytes();
        let (well, said) = match process::run(&spec, &CancellationToken::new(), |_| ()).await {
            Ok(ended) if ended.ok() => (true, None),
            Ok(ended) => (false, Some(said(&ended))),
            Err(e) => (false, Some(e.to_string())),
        };
        done.push(said.map_or_else(|| shown.clone(), |said| format!("{shown}: {said}")));
        well
    }
}

fn write_value(path: &str, value: &str, done: &mut Vec<String>) -> bool {
    let written = std::fs::write(path, format!("{value}\n"));
    done.push(match &written {
        Ok(()) => format!("{path} = {value}"),
        Err(e) => format!("{path} = {value}: {e}"),
    });
    written.is_ok()
}

fn said(done: &Finished) -> String {
    let text = format!("{} {}", done.err().trim(), done.out().trim());
    let text = one_line(&crate::text::redact(text.trim()), 200);
    match done.code() {
        Some(code) => format!("exit {code}: {text}"),
        None => format!("{:?}: {text}", done.ended),
    }
}
