//! INT before TERM: the program itself is asked to finish, not the wrapper around it.

use std::time::Duration;

use secloop::process::{Ended, Spec};
use secloop::sandbox::Policy;

use super::{cancelled_when_up, script};

const LONG: Option<Duration> = Some(Duration::from_mins(10));
const SHORT: Option<Duration> = Some(Duration::from_millis(200));
/// Waits in a way that a trap interrupts.
const WAITS: &str = "echo up; while :; do sleep 600 & wait $!; done";

async fn confined(spec: Spec) -> Spec {
    let sandbox = crate::support::native().await;
    sandbox.wrap(spec, &Policy::look())
}

/// The wait for INT's effect is longer than any test may last: TERM does not end it.
#[tokio::test]
async fn a_confined_program_finishes_its_report() {
    let mut spec = script(&format!(
        "trap 'echo finishing; sleep 0.2; echo finished; exit 0' INT; {WAITS}"
    ));
    spec.interrupt = LONG;
    let done = cancelled_when_up(&confined(spec).await).await;
    assert_eq!(
        (done.ended, done.survived),
        (Ended::Cancelled, false),
        "{}",
        done.err()
    );
    assert_eq!(done.out(), "up\nfinishing\nfinished\n");
}

#[tokio::test]
async fn a_program_without_a_wrapper_is_asked_itself() {
    let mut spec = script(&format!("trap 'echo finished; exit 0' INT; {WAITS}"));
    spec.interrupt = LONG;
    let done = cancelled_when_up(&spec).await;
    assert_eq!((done.ended, done.survived), (Ended::Cancelled, false));
    assert_eq!(done.out(), "up\nfinished\n");
}

#[tokio::test]
async fn who_does_not_heed_int_gets_term() {
    let mut spec = script(&format!(
        "trap '' INT; trap 'echo asked; exit 0' TERM; {WAITS}"
    ));
    spec.interrupt = SHORT;
    spec.grace = Duration::from_mins(10);
    let done = cancelled_when_up(&spec).await;
    assert_eq!((done.ended, done.survived), (Ended::Cancelled, false));
    assert_eq!(done.out(), "up\nasked\n");
}

#[tokio::test]
async fn who_heeds_nothing_is_killed() {
    for wrapped in [false, true] {
        let mut spec = script(&format!("trap '' INT TERM; {WAITS}"));
        spec.interrupt = SHORT;
        if wrapped {
            spec = confined(spec).await;
        }
        let done = cancelled_when_up(&spec).await;
        assert_eq!((done.ended, done.survived), (Ended::Cancelled, false));
        assert_eq!(done.out(), "up\n");
    }
}

/// Without a wait for it nobody gets INT.
#[tokio::test]
async fn nobody_is_interrupted_unless_it_is_asked_for() {
    let spec = script(&format!(
        "trap 'echo interrupted; exit 0' INT; trap 'echo asked; exit 0' TERM; {WAITS}"
    ));
    let done = cancelled_when_up(&spec).await;
    assert_eq!(done.out(), "up\nasked\n");
}

/// Who has more to say at its end than a pipe holds gets rid of it.
#[tokio::test]
async fn output_is_drained_while_it_finishes() {
    let lines = 40_000;
    let mut spec = script(&format!(
        "trap 'seq {lines}; echo finished; exit 0' INT; {WAITS}"
    ));
    spec.interrupt = LONG;
    let done = cancelled_when_up(&spec).await;
    assert_eq!(done.out().lines().count(), lines + 2);
    assert!(done.out().ends_with("finished\n"));
}
