//! The deadlines of a run. They are measured on a clock that stands still while the machine sleeps;
//! what happened to the child's connections meanwhile is not its fault, so silence begins anew then.

use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use super::spec::{Done, Ended, Spec};

/// So long after the last output the traces are measured: then nothing of it is under way any more.
const SETTLED: Duration = Duration::from_secs(1);
/// Most entries of the traces that are measured.
const MAX_ENTRIES: usize = 10_000;

/// What is looked at when a deadline may have come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Signs {
    /// How long the machine has slept.
    pub(super) asleep: Option<Duration>,
    /// How much there is of traces.
    pub(super) traces: u64,
}

impl Signs {
    /// As they are now.
    pub(super) fn of(spec: &Spec) -> Self {
        Self {
            asleep: super::asleep(),
            traces: spec.traces.as_deref().map_or(0, size),
        }
    }
}

/// The deadlines, and what they depend on.
#[derive(Debug)]
pub(super) struct Watch {
    deadline: Instant,
    first: Option<Duration>,
    silence: Option<Duration>,
    done: Option<Done>,
    /// Since when nothing was heard.
    quiet: Instant,
    heard: bool,
    said_done: bool,
    /// What there was at the beginning of this silence.
    before: Option<Signs>,
}

impl Watch {
    pub(super) fn new(spec: &Spec, now: Instant) -> Self {
        Self {
            deadline: now + spec.deadline,
            first: spec.first_output.or(spec.silence),
            silence: spec.silence,
            done: spec.done,
            quiet: now,
            heard: false,
            said_done: false,
            before: None,
        }
    }

    /// There was output; `done`: by now the child has said that it is done.
    pub(super) fn heard(&mut self, now: Instant, done: bool) {
        self.heard = true;
        self.said_done = done;
        self.quiet = now;
        self.before = None;
    }

    /// How long the child may be silent now, and what it comes to then.
    fn limit(&self) -> Option<(Duration, Ended)> {
        match self.done {
            Some(done) if self.said_done => Some((done.grace, Ended::Lingered)),
            _ if self.heard => Some((self.silence?, Ended::Silent)),
            _ => Some((self.first?, Ended::Silent)),
        }
    }

    /// When to look next.
    pub(super) fn next(&self) -> Instant {
        let Some((limit, _)) = self.limit() else {
            return self.deadline;
        };
        let wait = match self.before {
            None => SETTLED.min(limit / 2),
            Some(_) => limit,
        };
        self.deadline.min(self.quiet + wait)
    }

    /// Why the child has to end now, if it has to.
    pub(super) fn look(&mut self, now: Instant, signs: Signs) -> Option<Ended> {
        if now >= self.deadline {
            return Some(match self.limit() {
                Some((_, Ended::Lingered)) => Ended::Lingered,
                _ => Ended::Deadline,
            });
        }
        let (limit, ended) = self.limit()?;
        match self.before {
            None => self.before = Some(signs),
            Some(before) if now >= self.quiet + limit => {
                if before == signs {
                    return Some(ended);
                }
                self.quiet = now;
                self.before = Some(signs);
            }
            Some(_) => (),
        }
        None
    }
}

/// How many bytes there are below a directory.
fn size(dir: &Path) -> u64 {
    let mut open = vec![dir.to_owned()];
    let (mut bytes, mut entries) = (0, 0);
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            entries += 1;
            if entries > MAX_ENTRIES {
                return bytes;
            }
            match entry.metadata() {
                Ok(meta) if meta.is_dir() => open.push(entry.path()),
                Ok(meta) => bytes += meta.len(),
                Err(_) => (),
            }
        }
    }
    bytes
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
