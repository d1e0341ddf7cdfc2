//! Everybody whom a program started, also those who left its process group.
//!
//! A child of a child may take a session of its own (as Ansible's workers do) and outlive the one
//! who started it. On Linux secloop adopts such orphans (child subreaper), and each program has
//! [`MARK`] in its environment, which its descendants inherit. Whoever is neither marked nor a
//! descendant of somebody known is unknown, and unknown is never signalled.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::sys::{self, Row, Signal};
use super::{Identity, Likeness, boot_id, likeness, own_identity};

/// The variable that names the run to which a process belongs.
pub(super) const MARK: &str = "SECLOOP_RUN";
/// The first field of a mark: another version's number would be taken for a start that it is not.
const FORMAT: &str = "s2";
/// Between two looks at the process table.
const LOOK: Duration = Duration::from_millis(20);
/// How long KILL may take.
const KILLED: Duration = Duration::from_secs(5);

/// The children that [`super::run()`] waits for itself: their end is not for anybody else to take.
static CHILDREN: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// Held while a child is made, until it is noted.
pub(super) fn children() -> MutexGuard<'static, BTreeSet<u32>> {
    CHILDREN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A value of [`MARK`] that nobody else has: who the supervisor is, and which run of its.
pub(super) fn new_mark() -> String {
    static SUPERVISOR: OnceLock<Identity> = OnceLock::new();
    let me = SUPERVISOR.get_or_init(own_identity);
    mark_of(me, &uuid::Uuid::new_v4().to_string())
}

fn mark_of(who: &Identity, run: &str) -> String {
    format!(
        "{FORMAT}.{}.{}.{}.{run}",
        who.pid,
        who.started,
        sys::pid_namespace().unwrap_or(0)
    )
}

/// The supervisor that a mark names, where its pid means the same here.
fn supervisor(mark: &str) -> Option<Identity> {
    let mut fields = mark.split('.');
    fields.next().filter(|format| *format == FORMAT)?;
    let (pid, started) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    let namespace: u64 = fields.next()?.parse().ok()?;
    (fields.next().is_some() && Some(namespace) == sys::pid_namespace()).then(|| Identity {
        pid,
        started,
        boot: boot_id(),
    })
}

/// The processes of one run, or of dead ones.
#[derive(Debug, Default)]
pub(super) struct Family {
    /// Pid and start of everybody seen so far.
    members: BTreeSet<(u32, u64)>,
    /// Sessions that they made.
    sessions: BTreeSet<u32>,
}

impl Family {
    /// The family of a child that was just started.
    pub(super) fn of(child: u32) -> Self {
        let mut family = Self::default();
        family
            .members
            .extend(sys::row(child).map(|r| (r.pid, r.started)));
        family
    }

    /// Takes in whoever is new, and gives who lives.
    fn take_in(&mut self, table: &[Row], belongs: &dyn Fn(&Row) -> bool) -> Vec<Row> {
        let me = std::process::id();
        let mine = table.iter().find(|r| r.pid == me).map(|r| r.session);
        let (above, below) = (ancestors(me, table), descendants(me, table));
        let mut found: BTreeSet<u32> = table
            .iter()
            .filter(|r| !above.contains(&r.pid))
            .filter(|r| {
                self.members.contains(&(r.pid, r.started))
                    || (r.parent == me && self.sessions.contains(&r.session))
                    || (!r.zombie && belongs(r))
            })
            .map(|r| r.pid)
            .collect();
        loop {
            let more: Vec<u32> = table
                .iter()
                .filter(|r| found.contains(&r.parent) && !found.contains(&r.pid))
                .filter(|r| !above.contains(&r.pid))
                .map(|r| r.pid)
                .collect();
            if more.is_empty() {
                break;
            }
            found.extend(more);
        }
        let all = table.iter().filter(|r| found.contains(&r.pid));
        for row in all.clone() {
            self.members.insert((row.pid, row.started));
            if Some(row.session) != mine && below.contains(&row.pid) {
                self.sessions.insert(row.session);
            }
        }
        all.filter(|r| !r.zombie).cloned().collect()
    }

    /// Whoever lives of the run with this mark: below this process, where orphans come to it.
    pub(super) fn of_run(&mut self, mark: &str) -> Vec<Row> {
        let table = sys::table();
        let below = descendants(std::process::id(), &table);
        let marked = |r: &Row| {
            (below.contains(&r.pid) || !sys::ADOPTS) && sys::mark(r.pid).as_deref() == Some(mark)
        };
        let found = self.take_in(&table, &marked);
        reap(&table);
        found
    }

    /// The program that was meant: the child, or below a child that is only a wrapper, whoever is
    /// another program than it. Who can't be told from the wrapper is not it.
    pub(super) fn program(&mut self, mark: &str, child: u32, wrapper: bool) -> Vec<Row> {
        let rows = self.of_run(mark);
        if !wrapper {
            return rows.into_iter().filter(|r| r.pid == child).collect();
        }
        let wraps = sys::executable(child);
        let other = |pid| wraps.is_some() && ![None, wraps].contains(&sys::executable(pid));
        topmost(child, &rows, &other)
    }

    /// Signals everybody of the run, but not `group`, which has its signal already.
    pub(super) fn signal(&mut self, mark: &str, group: u32, signal: Signal) {
        for row in self.of_run(mark).iter().filter(|r| r.group != group) {
            sys::signal_row(row, signal);
        }
    }

    /// Ends whoever is left of the run: TERM, KILL from `grace` on. Whether nobody is left.
    pub(super) async fn end(&mut self, mark: &str, grace: Instant) -> bool {
        self.end_all(grace, |family| family.of_run(mark)).await
    }

    async fn end_all(
        &mut self,
        grace: Instant,
        mut look: impl FnMut(&mut Self) -> Vec<Row>,
    ) -> bool {
        let mut asked = BTreeSet::new();
        let last = grace.max(Instant::now()) + KILLED;
        loop {
            let left = look(self);
            if left.is_empty() {
                return true;
            }
            let now = Instant::now();
            if now >= last {
                return false;
            }
            for row in &left {
                if now >= grace {
                    sys::signal_row(row, Signal::Kill);
                } else if asked.insert((row.pid, row.started)) {
                    sys::signal_row(row, Signal::Term);
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Ends what the programs of dead secloops of this user left running (of everybody, as root): TERM,
/// `grace`, KILL. Whether nobody of them is left.
///
/// They are known by the mark in their environment, whose supervisor is proven to be gone. One
/// whose environment can't be read is left alone.
pub async fn end_survivors(grace: Duration) -> bool {
    end_marked(grace, |who| likeness(who) == Likeness::Gone).await
}

/// Ends what `who`, dead or alive, has started with a mark: TERM, `grace`, KILL. Whether nobody of
/// them is left.
pub async fn end_tree_of(who: &Identity, grace: Duration) -> bool {
    end_marked(grace, |marked| marked == who).await
}

/// Ends what this supervisor started and is still there, at once. Whether nobody of it is left.
pub async fn end_own() -> bool {
    let me = own_identity();
    end_marked(Duration::ZERO, |who| *who == me).await
}

/// Ends what was started by a supervisor of whom `dead` is true.
pub(super) async fn end_marked(grace: Duration, dead: impl Fn(&Identity) -> bool) -> bool {
    let look = |family: &mut Family| {
        let table = sys::table();
        let belongs = |r: &Row| {
            sys::mark(r.pid)
                .and_then(|mark| supervisor(&mark))
                .is_some_and(|who| dead(&who))
        };
        let found = family.take_in(&table, &belongs);
        reap(&table);
        found
    };
    Family::default()
        .end_all(Instant::now() + grace, look)
        .await
}

/// Takes the end of adopted orphans. Children of this process's own have its group, or are noted.
fn reap(table: &[Row]) {
    let me = std::process::id();
    let Some(group) = table.iter().find(|r| r.pid == me).map(|r| r.group) else {
        return;
    };
    for row in table {
        if row.zombie && row.parent == me && row.group != group {
            let noted = children();
            if !noted.contains(&row.pid) {
                sys::reap(row.pid);
            }
        }
    }
}

/// The first below `of`, on each path, for whom `other` is true.
fn topmost(of: u32, table: &[Row], other: &dyn Fn(u32) -> bool) -> Vec<Row> {
    let mut found = Vec::new();
    let mut open = vec![of];
    while let Some(at) = open.pop() {
        for row in table.iter().filter(|r| r.parent == at && r.pid != at) {
            if other(row.pid) {
                found.push(row.clone());
            } else {
                open.push(row.pid);
            }
        }
    }
    found
}

/// A process and everybody above it.
fn ancestors(of: u32, table: &[Row]) -> BTreeSet<u32> {
    let mut found = BTreeSet::from([of]);
    let mut at = of;
    while let Some(row) = table.iter().find(|r| r.pid == at) {
        at = row.parent;
        if !found.insert(at) {
            break;
        }
    }
    found
}

/// Everybody below a process.
fn descendants(of: u32, table: &[Row]) -> BTreeSet<u32> {
    let mut found = BTreeSet::from([of]);
    loop {
        let before = found.len();
        found.extend(
            table
                .iter()
                .filter(|r| found.contains(&r.parent))
                .map(|r| r.pid)
                .collect::<Vec<_>>(),
        );
        if found.len() == before {
            found.remove(&of);
            return found;
        }
    }
}

#[cfg(test)]
#[path = "family_tests.rs"]
mod tests;
