//! What is to be run within which bounds, and how it ended.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::room::Room;

/// What to run and within which bounds. The environment is exactly `env` and a mark of
/// the run (`SECLOOP_RUN`); nothing is inherited.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Absolute path of the program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Its whole environment.
    pub env: BTreeMap<OsString, OsString>,
    /// Its working directory.
    pub cwd: PathBuf,
    /// Standard input; empty means `/dev/null`.
    pub stdin: Vec<u8>,
    /// Limit for the whole run. Here and below, time that the machine sleeps does not count.
    pub deadline: Duration,
    /// Limit for the time before the first output.
    pub first_output: Option<Duration>,
    /// Limit for the time between two pieces of output.
    pub silence: Option<Duration>,
    /// A directory whose files grow while the child works: what is written there breaks the silence
    /// as output does.
    pub traces: Option<PathBuf>,
    /// How the child says that it is done, where it may forget to exit.
    pub done: Option<Done>,
    /// Between INT, which asks the program itself to finish and report, and TERM, which ends
    /// everybody; `None`: without INT.
    pub interrupt: Option<Duration>,
    /// `program` only starts the real one, which runs below it (bubblewrap).
    pub wrapper: bool,
    /// Between TERM and KILL.
    pub grace: Duration,
    /// Bytes kept of each stream; more is counted but dropped. Four times as much ends the child.
    pub keep: usize,
    /// What it may write to the disk.
    pub room: Option<Room>,
    /// Pass on what comes on this process's own standard streams, both ways, instead of keeping it.
    pub relay: bool,
    /// Run as this user and group (only possible for root).
    pub user: Option<(u32, u32)>,
}

impl Spec {
    /// A spec with an empty environment, no input, 10 s grace and 1 MiB of kept output.
    pub fn new(program: impl Into<PathBuf>, cwd: impl Into<PathBuf>, deadline: Duration) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: BTreeMap::new(),
            cwd: cwd.into(),
            stdin: Vec::new(),
            deadline,
            first_output: None,
            silence: None,
            traces: None,
            done: None,
            interrupt: None,
            wrapper: false,
            grace: Duration::from_secs(10),
            keep: 1 << 20,
            room: None,
            relay: false,
            user: None,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: Into<OsString>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets one environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Sets several environment variables.
    #[must_use]
    pub fn envs<K: Into<OsString>, V: Into<OsString>>(
        mut self,
        vars: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.env
            .extend(vars.into_iter().map(|(k, v)| (k.into(), v.into())));
        self
    }

    /// The command as a person would read it; arguments longer than 200 characters are cut.
    pub fn shown(&self) -> String {
        let mut words = vec![self.program.display().to_string()];
        words.extend(self.args.iter().map(|a| {
            let a = a.to_string_lossy();
            if a.chars().count() > 200 {
                format!("{}…", a.chars().take(200).collect::<String>())
            } else {
                a.into_owned()
            }
        }));
        words.join(" ")
    }
}

/// The line by which a child says that it is done.
#[derive(Debug, Clone, Copy)]
pub struct Done {
    /// Whether a line of standard output is that one.
    pub says: fn(&str) -> bool,
    /// How long the child may then go on without a further line.
    pub grace: Duration,
}

/// How a child came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this code.
    Exited(i32),
    /// By a signal that was not ours.
    Signaled(i32),
    /// The wall-clock limit was reached and the group was ended.
    Deadline,
    /// It gave no output for too long and the group was ended.
    Silent,
    /// It said that it was done, did not exit, and the group was ended.
    Lingered,
    /// It gave too much output and the group was ended.
    Flood,
    /// It wrote more than there is room for and the group was ended.
    Full,
    /// The supervisor cancelled it and the group was ended.
    Cancelled,
}

/// What a child left behind.
#[derive(Debug, Clone)]
pub struct Finished {
    /// How it ended.
    pub ended: Ended,
    /// Its standard output, at most `keep` bytes.
    pub stdout: Vec<u8>,
    /// Its standard error, at most `keep` bytes.
    pub stderr: Vec<u8>,
    /// Whether output was dropped.
    pub truncated: bool,
    /// How long it ran.
    pub elapsed: Duration,
    /// Somebody whom it started can't be ended.
    pub survived: bool,
}

impl Finished {
    /// Whether it ended by itself with code 0.
    pub fn ok(&self) -> bool {
        self.ended == Ended::Exited(0)
    }

    /// The exit code, where it ended by itself.
    pub fn code(&self) -> Option<i32> {
        match self.ended {
            Ended::Exited(code) => Some(code),
            _ => None,
        }
    }

    /// Standard output as text.
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text.
    pub fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}
