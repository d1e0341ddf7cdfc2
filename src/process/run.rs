//! Running one child to its end.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::family::{Family, MARK, children, new_mark};
use super::output::{Kept, Line, Stream, pump};
use super::sys;

/// How long output is still read after the child has ended.
const DRAIN: Duration = Duration::from_secs(2);

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
    /// Wall-clock limit.
    pub deadline: Duration,
    /// Limit for the time between two pieces of output (and before the first).
    pub silence: Option<Duration>,
    /// Between TERM and KILL.
    pub grace: Duration,
    /// Bytes kept of each stream; more is counted but dropped. Four times as much ends the child.
    pub keep: usize,
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
            silence: None,
            grace: Duration::from_secs(10),
            keep: 1 << 20,
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
    /// It gave too much output and the group was ended.
    Flood,
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

/// Runs a child to its end. `on_line` sees each line as it comes; it must not block.
///
/// # Errors
/// Only when the child can't be started; every end of a started child is a [`Finished`].
pub async fn run(
    spec: &Spec,
    cancel: &CancellationToken,
    mut on_line: impl FnMut(Line),
) -> std::io::Result<Finished> {
    let started = Instant::now();
    let (mut child, mut family) = Relatives::start(spec)?;
    let group = Some(family.child);
    let (lines_in, mut lines) = mpsc::channel::<(Stream, Vec<u8>)>(64);
    if let Some(out) = child.stdout.take() {
        tokio::spawn(pump(out, Stream::Out, lines_in.clone()));
    }
    if let Some(err) = child.stderr.take() {
        tokio::spawn(pump(err, Stream::Err, lines_in.clone()));
    }
    drop(lines_in);
    if let Some(mut stdin) = child.stdin.take() {
        let input = spec.stdin.clone();
        tokio::spawn(async move {
            let _ = stdin.write_all(&input).await;
        });
    }

    let mut kept = Kept::new(spec.keep);
    let deadline = started + spec.deadline;
    let mut quiet_until = spec.silence.map(|s| started + s);
    let mut open = true;
    let cut = loop {
        let quiet = quiet_until.unwrap_or(deadline).min(deadline);
        tokio::select! {
            biased;
            () = cancel.cancelled() => break Some(Ended::Cancelled),
            piece = lines.recv(), if open => match piece {
                Some((stream, bytes)) => {
                    quiet_until = spec.silence.map(|s| Instant::now() + s);
                    kept.take(stream, &bytes, &mut on_line);
                    if kept.flooded() {
                        break Some(Ended::Flood);
                    }
                }
                None => open = false,
            },
            _ = child.wait() => break None,
            () = tokio::time::sleep_until(quiet) => {
                break Some(if quiet < deadline { Ended::Silent } else { Ended::Deadline });
            }
        }
    };
    let ends = std::time::Instant::now() + spec.grace;
    if cut.is_some() {
        // Before the group: who ties the others to the child may end at once.
        family.ask();
        sys::signal_group(group, sys::Signal::Term);
        let grace = Instant::now() + spec.grace;
        loop {
            tokio::select! {
                biased;
                piece = lines.recv(), if open => match piece {
                    Some((stream, bytes)) => kept.take(stream, &bytes, &mut on_line),
                    None => open = false,
                },
                _ = child.wait() => break,
                () = tokio::time::sleep_until(grace) => break,
            }
        }
    }
    // Whatever is left of the group goes, also after a normal end; then who left the group.
    family.look();
    sys::signal_group(group, sys::Signal::Kill);
    let status = child.wait().await?;
    let survived = !family.end(ends).await;
    let drained = Instant::now() + DRAIN;
    while open {
        tokio::select! {
            piece = lines.recv() => match piece {
                Some((stream, bytes)) => kept.take(stream, &bytes, &mut on_line),
                None => open = false,
            },
            () = tokio::time::sleep_until(drained) => break,
        }
    }
    kept.finish(&mut on_line);
    Ok(Finished {
        ended: cut.unwrap_or_else(|| own_end(status)),
        truncated: kept.dropped > 0,
        stdout: kept.out.bytes,
        stderr: kept.err.bytes,
        elapsed: started.elapsed(),
        survived,
    })
}

/// A started child and all whom it starts. When it is dropped before the end, they are killed.
struct Relatives {
    child: u32,
    mark: String,
    family: Family,
    ended: bool,
}

impl Relatives {
    fn start(spec: &Spec) -> std::io::Result<(tokio::process::Child, Self)> {
        let mark = new_mark();
        let mut noted = children();
        let child = spawn(spec, &mark)?;
        let id = child.id().ok_or(std::io::ErrorKind::NotFound)?;
        noted.insert(id);
        drop(noted);
        let relatives = Self {
            child: id,
            family: Family::of(id),
            mark,
            ended: false,
        };
        Ok((child, relatives))
    }

    /// Takes note of who is there, before those who tie them to the child go.
    fn look(&mut self) {
        self.family.of_run(&self.mark);
    }

    /// Asks whoever left the group to end.
    fn ask(&mut self) {
        self.family
            .signal(&self.mark, self.child, sys::Signal::Term);
    }

    /// Ends whoever is left; the child has ended. Whether nobody is left.
    async fn end(&mut self, grace: std::time::Instant) -> bool {
        children().remove(&self.child);
        let all = self.family.end(&self.mark, grace).await;
        self.ended = true;
        all
    }
}

impl Drop for Relatives {
    fn drop(&mut self) {
        if !self.ended {
            self.family.signal(&self.mark, 0, sys::Signal::Kill);
            sys::signal_group(Some(self.child), sys::Signal::Kill);
            children().remove(&self.child);
        }
    }
}

fn own_end(status: std::process::ExitStatus) -> Ended {
    use std::os::unix::process::ExitStatusExt;
    status.code().map_or_else(
        || Ended::Signaled(status.signal().unwrap_or(0)),
        Ended::Exited,
    )
}

#[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
fn spawn(spec: &Spec, mark: &str) -> std::io::Result<tokio::process::Child> {
    let mut command = tokio::process::Command::new(&spec.program);
    command
        .args(&spec.args)
        .env_clear()
        .envs(&spec.env)
        .env(MARK, mark)
        .current_dir(&spec.cwd)
        .stdin(if spec.stdin.is_empty() {
            Stdio::null()
        } else {
            Stdio::piped()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    if let Some((uid, gid)) = spec.user {
        command.gid(gid).uid(uid);
    }
    sys::prepare(&mut command);
    command.spawn()
}
