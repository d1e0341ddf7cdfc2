//! Two runs at once, and stopping one.

use rustix::process::Signal;

use secloop::lock::{Acquired, Holder, acquire};
use secloop::process::own_identity;

use crate::support::discord::Discord;
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
    // The wake that came to nothing is an entry, and no post.
    let skipped = station.turns().pop().unwrap();
    assert_eq!(skipped.outcome.word(), "skipped");
    assert!(skipped.outcome.detail().contains("healthy and sleeps"));
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

/// Somebody holds the lock who may be a run of another machine, or from before a reboot: this one
/// ends without a signal, says what to do, and is an entry. People are told once.
#[test]
fn a_lock_whose_holder_is_not_known_is_left_alone_and_told_once() {
    let discord = Discord::start([]);
    let station = Station::with_gaps(&[])
        .section(
            "coordinate",
            "wait = \"1s\"\noverdue = \"1s\"\nsilent = \"1s\"",
        )
        .posting_to(&discord);
    let mut me = Holder::new(
        uuid::Uuid::now_v7(),
        own_identity(),
        chrono::DateTime::UNIX_EPOCH,
        "/log".into(),
    );
    me.identity.boot = "another boot".to_owned();
    let Acquired::Held(lock) = acquire(&station.state(), me).unwrap() else {
        panic!("the lock is taken");
    };
    for _ in 0..2 {
        let second = station.run(&["run"]);
        assert_eq!(second.code, Some(11), "{}", second.err);
        for fact in [
            "process: unknown: it is of another boot",
            "not certain",
            "lsof",
        ] {
            assert!(
                second.err.contains(fact),
                "{fact} is missing:\n{}",
                second.err
            );
        }
        let turn = station.turns().pop().unwrap();
        assert_eq!(turn.outcome.word(), "skipped");
        assert!(turn.outcome.detail().contains("lsof"), "{:?}", turn.outcome);
    }
    let status = station.run(&["status"]).out;
    assert!(status.contains("running   pid"), "{status}");
    // Once it is free, the next run delivers what waited.
    lock.release();
    let done = station.run(&["run", "--once", "--dry-run"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    let posts = discord.messages();
    let about: Vec<&String> = posts.iter().filter(|p| p.contains("not certain")).collect();
    assert_eq!(about.len(), 1, "{posts:#?}");
    assert!(
        about[0].contains("skipped") && about[0].contains("lsof"),
        "{about:?}"
    );
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
