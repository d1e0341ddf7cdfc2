//! Ending a child and its whole tree: the one state machine.
//!
//! ```text
//!                 cut ─► Interrupt ─► Ask ─► Kill ─► Prove ─► nobody left, or somebody survived
//!                          INT         TERM   KILL     TERM, KILL for who left the group
//!   the child's own end ───────────────────────┘
//! ```
//!
//! Each step but the last ends early when the child does. Output is drained all the while: who is
//! asked to end may have much to say, and must not hang on a full pipe.

use std::time::Duration;

use tokio::time::Instant;

use super::output::{Line, Output};
use super::spec::{Ended, Spec};
use super::tree::Tree;

/// What is done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// INT to the program itself: it finishes its report and ends.
    Interrupt(Duration),
    /// TERM to everybody.
    Ask,
    /// KILL to the group of the child.
    Kill,
    /// Whoever left the group is ended, and it is looked whether nobody is left.
    Prove,
}

impl Step {
    /// Where it begins: `cut` is why the child has to end, `None` that it has ended by itself.
    fn first(cut: Option<Ended>, interrupt: Option<Duration>) -> Self {
        match (cut, interrupt) {
            (None, _) => Self::Kill,
            // Who floods its output would only go on.
            (Some(Ended::Flood | Ended::Full), _) | (_, None) => Self::Ask,
            (Some(_), Some(wait)) => Self::Interrupt(wait),
        }
    }

    /// What follows; `ended`: the child has ended.
    fn next(self, ended: bool) -> Self {
        match (self, ended) {
            (Self::Interrupt(_), false) => Self::Ask,
            (Self::Interrupt(_), true) | (Self::Ask, _) => Self::Kill,
            (Self::Kill | Self::Prove, _) => Self::Prove,
        }
    }
}

/// Ends the tree. Gives the child's own end, and whether somebody can't be ended.
pub(super) async fn terminate<F: FnMut(Line)>(
    tree: &mut Tree,
    cut: Option<Ended>,
    spec: &Spec,
    output: &mut Output<F>,
) -> std::io::Result<(Ended, bool)> {
    let mut step = Step::first(cut, spec.interrupt);
    if cut.is_some() {
        output.asked_to_end();
    }
    // Who left the group is asked later than the group, and killed when the group is.
    let mut grace = None;
    loop {
        let ended = match step {
            Step::Interrupt(wait) => {
                tree.interrupt() && ends_within(tree, output, Instant::now() + wait).await
            }
            Step::Ask => {
                tree.ask();
                let until = *grace.get_or_insert(Instant::now() + spec.grace);
                ends_within(tree, output, until).await
            }
            Step::Kill => {
                tree.kill_group();
                false
            }
            Step::Prove => {
                let status = tree.child.wait().await?;
                let until = grace.unwrap_or(Instant::now() + spec.grace);
                let all = tokio::select! {
                    all = tree.end(until.into_std()) => all,
                    never = output.drain() => match never {},
                };
                return Ok((own_end(status), !all));
            }
        };
        step = step.next(ended);
    }
}

/// Whether the child ends before `until`.
async fn ends_within<F: FnMut(Line)>(
    tree: &mut Tree,
    output: &mut Output<F>,
    until: Instant,
) -> bool {
    tokio::select! {
        biased;
        _ = tree.child.wait() => true,
        () = tokio::time::sleep_until(until) => false,
        never = output.drain() => match never {},
    }
}

fn own_end(status: std::process::ExitStatus) -> Ended {
    use std::os::unix::process::ExitStatusExt as _;
    status.code().map_or_else(
        || Ended::Signaled(status.signal().unwrap_or(0)),
        Ended::Exited,
    )
}

#[cfg(test)]
#[path = "terminate_tests.rs"]
mod tests;
