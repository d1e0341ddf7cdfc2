//! A started child and all whom it starts.

use std::process::Stdio;
use std::time::Instant;

use super::family::{Family, MARK, children, new_mark};
use super::spec::Spec;
use super::sys::{self, Signal};

/// A started child and all whom it starts. When it is dropped before the end, they are killed.
pub(super) struct Tree {
    pub(super) child: tokio::process::Child,
    /// The child's pid, and its group.
    pid: u32,
    mark: String,
    family: Family,
    wrapper: bool,
    ended: bool,
}

impl Tree {
    pub(super) fn start(spec: &Spec) -> std::io::Result<Self> {
        let mark = new_mark();
        let mut noted = children();
        let child = spawn(spec, &mark)?;
        let pid = child.id().ok_or(std::io::ErrorKind::NotFound)?;
        noted.insert(pid);
        drop(noted);
        Ok(Self {
            child,
            pid,
            family: Family::of(pid),
            mark,
            wrapper: spec.wrapper,
            ended: false,
        })
    }

    /// Asks the program itself to finish and report; the wrapper around it would end everybody at
    /// once. Whether it is there.
    pub(super) fn interrupt(&mut self) -> bool {
        let asked = self.family.program(&self.mark, self.pid, self.wrapper);
        for row in &asked {
            sys::signal_row(row, Signal::Int);
        }
        !asked.is_empty()
    }

    /// Asks everybody to end.
    pub(super) fn ask(&mut self) {
        // Before the group: who ties the others to the child may end at once.
        self.family.signal(&self.mark, self.pid, Signal::Term);
        self.signal_group(Signal::Term);
    }

    /// Kills the group, also after the child's own end.
    pub(super) fn kill_group(&mut self) {
        // Takes note of who is there, before those who tie them to the child go.
        self.family.of_run(&self.mark);
        self.signal_group(Signal::Kill);
    }

    /// The group's number is its own while anybody is in it, or the child was not waited for. A
    /// process of that number after the child's end is somebody else, and so is its group.
    fn signal_group(&self, signal: Signal) {
        if self.child.id().is_some() || sys::row(self.pid).is_none() {
            sys::signal_group(Some(self.pid), signal);
        }
    }

    /// Ends whoever is left; the child has ended. Whether nobody is left.
    pub(super) async fn end(&mut self, grace: Instant) -> bool {
        children().remove(&self.pid);
        let all = self.family.end(&self.mark, grace).await;
        self.ended = true;
        all
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        if !self.ended {
            self.family.signal(&self.mark, 0, Signal::Kill);
            self.signal_group(Signal::Kill);
            children().remove(&self.pid);
        }
    }
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
        .stdin(if spec.stdin.is_empty() && !spec.relay {
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
