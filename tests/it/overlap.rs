//! Two runs at once, and stopping one.

use rustix::process::Signal;

use crate::support::station::Station;

/// Acceptance: a new invocation finds an active run and skips this cycle.
#[test]
fn a_second_run_skips_while_the_first_sleeps_and_the_first_ends_when_asked() {
    let station = Station::with_gaps(&[]);
    let mut first = station.start(&["run", "--interval", "1h"]);
    first.wait_for("sleep");
    let second = station.run(&["run"]);
    assert_eq!(second.code, Some(11), "{}", second.err);
    for fact in [
        "another run is active",
        "pid: ",
        "last sign of life",
        "skip: it is healthy and sleeps",
    ] {
        assert!(
            second.err.contains(fact),
            "{fact} is missing:\n{}",
            second.err
        );
    }
    let status = station.run(&["status"]).out;
    assert!(
        status.contains("running   pid") && status.contains("stage sleep"),
        "{status}"
    );

    let asked = station.run(&["stop"]);
    assert!(asked.out.contains("Asked the loop"), "{}", asked.out);
    let (code, said) = first.finish();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("an operator asked for it"), "{said}");
}

/// A lock left by a killed run blocks nobody; Ctrl-C ends a run with 130.
#[test]
fn a_dead_run_blocks_nobody_and_an_interrupt_ends_with_130() {
    let station = Station::with_gaps(&[]);
    let mut first = station.start(&["run", "--interval", "1h"]);
    first.wait_for("sleep");
    first.kill();
    assert!(station.state().join("holder.json").exists(), "left behind");
    let mut second = station.start(&["run", "--interval", "1h"]);
    second.wait_for("sleep");
    second.signal(Signal::INT);
    let (code, said) = second.finish();
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("interrupted by a signal"), "{said}");
    assert!(!station.state().join("holder.json").exists());
}

/// A stop in the middle of a change takes the change back first.
#[test]
fn an_interrupt_in_mid_apply_leaves_the_machine_as_it_was() {
    let station = Station::with_gaps(&["rm in any spelling"]);
    let mut running = station.start(&["run"]);
    running.wait_for("✓ apply");
    running.signal(Signal::TERM);
    let (code, said) = running.finish();
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("rollback"), "{said}");
    let hook = std::fs::read(station.home().join(".claude/hooks/block-destructive.sh")).unwrap();
    let was = std::fs::read(
        station
            .repo()
            .join("ansible-hooks/roles/agent_hooks/files/block-destructive.sh"),
    );
    assert_eq!(hook, was.unwrap());
    let turns = station.turns();
    assert_eq!(turns[0].outcome.word(), "failed");
    assert!(
        turns[0].outcome.detail().contains("stopped"),
        "{:?}",
        turns[0].outcome
    );
}
