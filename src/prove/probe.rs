//! Running one probe: confined, read-only, without network and without credentials.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::process::{self, Ended, Finished, Spec};
use crate::sandbox::{Policy, Sandbox};
use crate::text::{clamp, redact};
use crate::turn::{Colour, Expect, Probe, ProbeRun};

/// How long a probe may take.
const DEADLINE: Duration = Duration::from_secs(20);
/// Output kept in a receipt, in characters.
const OUTPUT: usize = 2_000;
/// Output read, in bytes.
const KEEP: usize = 64 * 1024;

/// The machine as a probe sees it.
#[derive(Debug, Clone)]
pub struct ProbeContext {
    sandbox: Sandbox,
    home: PathBuf,
    path: OsString,
    scratch: PathBuf,
    program: PathBuf,
    blanks: Arc<OnceLock<Option<tempfile::TempDir>>>,
}

/// What a probe gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeResult {
    /// Red, green, or an error that tells nothing.
    pub colour: Colour,
    /// Its exit code, if it ended by itself.
    pub exit: Option<i32>,
    /// Its output, bounded and redacted.
    pub output: String,
    /// How long it took, in milliseconds.
    pub millis: u64,
}

impl ProbeContext {
    /// The workstation whose home directory is `home`; `path` is the value of `PATH`.
    pub fn new(sandbox: Sandbox, home: PathBuf, path: OsString) -> Self {
        Self {
            sandbox,
            home,
            path,
            scratch: std::env::temp_dir(),
            program: crate::process::own_program().unwrap_or_else(|_| "secloop".into()),
            blanks: Arc::default(),
        }
    }

    /// With a place of its own for what it needs for a moment, instead of the system's: there a run
    /// that is killed leaves nothing.
    #[must_use]
    pub fn with_scratch(self, scratch: PathBuf) -> Self {
        Self { scratch, ..self }
    }

    /// The program that gives calls to hooks.
    pub(super) fn program(&self) -> &std::path::Path {
        &self.program
    }

    /// The workstation's home directory.
    pub(super) fn home(&self) -> &std::path::Path {
        &self.home
    }

    /// A program that sees the machine and changes nothing, not yet confined.
    pub(super) fn spec(&self, program: &str, deadline: Duration) -> Spec {
        let mut spec = Spec::new(program, &self.home, deadline)
            .env("HOME", &self.home)
            .env("PATH", &self.path)
            .env("LANG", "C.UTF-8")
            .env("LC_ALL", "C.UTF-8");
        spec.keep = KEEP;
        spec.grace = Duration::from_secs(1);
        spec
    }

    /// Confines a program to looking; `hide` are directories that it may fill as it likes.
    pub(super) fn confined(&self, spec: Spec, hide: Vec<PathBuf>) -> Spec {
        if !self.sandbox.confines() {
            return spec;
        }
        // A home, or a program of ours, below /tmp would be hidden by the private one.
        let ours = Some(self.program.clone()).filter(|program| spec.program == *program);
        let policy = Policy {
            read: std::iter::once(self.home.clone()).chain(ours).collect(),
            hide,
            ..Policy::look()
        };
        let policy = policy
            .without_sockets(&self.home)
            .without_credentials(&self.home, |mode| self.blank(mode));
        self.sandbox.wrap(spec, &policy)
    }

    fn make_scratch(&self) -> Option<tempfile::TempDir> {
        crate::world::make_private(&self.scratch).ok()?;
        tempfile::tempdir_in(&self.scratch).ok()
    }

    /// An empty file of this mode, which lives as long as the context.
    fn blank(&self, mode: u32) -> PathBuf {
        let make = || -> Option<PathBuf> {
            let dir = self.blanks.get_or_init(|| self.make_scratch());
            let path = dir.as_ref()?.path().join(format!("{mode:o}"));
            if !path.exists() {
                let file = tempfile::NamedTempFile::new_in(path.parent()?).ok()?;
                let mode = std::fs::Permissions::from_mode(mode);
                file.as_file().set_permissions(mode).ok()?;
                file.persist(&path).ok()?;
            }
            Some(path)
        };
        make().unwrap_or_else(|| "/dev/null".into())
    }
}

/// Runs a probe. What can't be run to its end is [`Colour::Error`]: not started or not confined, killed,
/// past its deadline, or an exit code above 125 (a shell's "not found" and "ended by a signal"). So is
/// what is not red for the stated reason.
pub async fn run(probe: &Probe, context: &ProbeContext, cancel: &CancellationToken) -> ProbeResult {
    let error = |why: String| ProbeResult {
        colour: Colour::Error,
        exit: None,
        output: clamp(&redact(&why), OUTPUT),
        millis: 0,
    };
    let spec = match &probe.run {
        ProbeRun::Script(script) => context
            .spec("/bin/sh", DEADLINE)
            .args(["-c", script.as_str()]),
        ProbeRun::Argv(argv) => {
            let Some((program, args)) = argv.split_first() else {
                return error("an empty argument vector".to_owned());
            };
            // Through env, so that a program is found on the probe's own PATH.
            context
                .spec("/usr/bin/env", DEADLINE)
                .args(["--", program])
                .args(args)
        }
    };
    let done = match process::run(&context.confined(spec, Vec::new()), cancel, |_| ()).await {
        Ok(done) => done,
        Err(e) => return error(format!("can't be started: {e}")),
    };
    let colour = match done.ended {
        _ if context.sandbox.failed(&done) => Colour::Error,
        Ended::Exited(code) => colour(probe, code, &done),
        _ => Colour::Error,
    };
    let output = format!("{}{}", done.out(), done.err());
    let ended = match done.ended {
        Ended::Exited(code) if colour == Colour::Error => format!("error, exit {code}: "),
        Ended::Exited(_) => String::new(),
        other => format!("ended: {other:?} "),
    };
    ProbeResult {
        colour,
        exit: done.code(),
        output: clamp(&redact(&format!("{ended}{}", output.trim())), OUTPUT),
        millis: u64::try_from(done.elapsed.as_millis()).unwrap_or(u64::MAX),
    }
}

/// The colour of a probe that ended by itself. Where the report says what it gives while the hole is
/// open, nothing else is red. Otherwise one that failed with nothing but an error message is not red:
/// that is how a missing file, a typing error or a refused right look.
fn colour(probe: &Probe, code: i32, done: &Finished) -> Colour {
    let out = done.out();
    let gives = |wanted: &Expect| {
        let same = |text: &String| text.trim() == out.trim() && !done.truncated;
        code == wanted.exit && wanted.stdout.as_ref().is_none_or(same)
    };
    if code <= 125 && gives(&probe.expect) {
        return Colour::Green;
    }
    let stated = match &probe.red {
        Some(red) => gives(red),
        None => !out.trim().is_empty() || done.err().trim().is_empty(),
    };
    if code <= 125 && stated {
        Colour::Red
    } else {
        Colour::Error
    }
}
