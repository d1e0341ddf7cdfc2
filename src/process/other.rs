//! Ending another run of secloop.

use std::time::Duration;

use super::family::end_marked;
use super::sys::{self, Signal};
use super::{Identity, Likeness, likeness};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);
/// How long KILL may take.
const KILLED: Duration = Duration::from_secs(5);

/// Ends another run of secloop, proven to be `who`: TERM, `grace`, KILL; then whoever still bears
/// its mark. Returns whether all that is gone; a process whose identity is not certain is never
/// signalled.
pub async fn terminate_tree(who: &Identity, grace: Duration) -> bool {
    terminate(who, grace).await && end_marked(grace, |marked| marked == who).await
}

async fn terminate(who: &Identity, grace: Duration) -> bool {
    for (signal, wait) in [(Signal::Term, grace), (Signal::Kill, KILLED)] {
        match likeness(who) {
            Likeness::Gone => return true,
            Likeness::Unknown => return false,
            Likeness::Same => {}
        }
        if let Some(row) = sys::row(who.pid).filter(|row| row.started == who.started) {
            sys::signal_row(&row, signal);
        }
        let until = tokio::time::Instant::now() + wait;
        while tokio::time::Instant::now() < until {
            if likeness(who) == Likeness::Gone {
                return true;
            }
            tokio::time::sleep(LOOK).await;
        }
    }
    likeness(who) == Likeness::Gone
}
