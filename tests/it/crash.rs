//! The supervisor is killed as by a crash, and started again.

#[cfg(target_os = "linux")]
mod bench;
#[cfg(target_os = "linux")]
mod full_disk;
#[cfg(target_os = "linux")]
mod sweep;

use crate::support::discord::Discord;
use crate::support::station::Station;

const GAP: &str = "only its owner reads the log";

fn log_mode(station: &Station) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    let logs = station.home().join(".claude/logs");
    std::fs::metadata(logs).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_kill_in_mid_apply_is_taken_back_at_the_next_start_and_nothing_is_said_twice() {
    let discord = Discord::start([]);
    let station = Station::with_gaps(&[GAP]).posting_to(&discord);
    let mut running = station.start(&["run", "--once"]);
    running.wait_for("✓ apply");
    running.kill();
    assert_eq!(log_mode(&station), 0o700, "the change is on the machine");
    assert_eq!(station.turns().len(), 0, "and in no recorded turn");

    // A dry run: recovery alone may touch the machine.
    let done = station.run(&["run", "--once", "--dry-run"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert!(done.err.contains("turn 1 was interrupted"), "{}", done.err);
    assert_eq!(log_mode(&station), 0o755, "as before the turn");
    let turns = station.turns();
    assert_eq!(turns.len(), 2);
    assert_eq!(turns[0].outcome.word(), "failed");
    assert!(
        turns[0].outcome.detail().contains("interrupted"),
        "{:?}",
        turns[0].outcome
    );

    // And the same finding lands in the next run.
    let done = station.run(&["run"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert_eq!(log_mode(&station), 0o700, "{}", done.err);
    assert_eq!(station.page().matches("<a id=\"turn-").count(), 1);
    let posts = discord.messages();
    let about = |number: i64| {
        posts
            .iter()
            .filter(|p| p.contains(&format!("Turn {number}:")))
            .count()
    };
    assert_eq!((about(1), about(2), about(3)), (1, 1, 1), "{posts:#?}");
    assert!(
        !station
            .state()
            .join("snapshots")
            .read_dir()
            .is_ok_and(|mut d| d.next().is_some())
    );
}

#[test]
fn a_kill_right_after_the_commit_loses_nothing_and_repeats_nothing() {
    let discord = Discord::start([]);
    let station = Station::with_gaps(&[GAP]).posting_to(&discord);
    let mut running = station.start(&["run", "--once"]);
    running.wait_for("✓ commit");
    running.kill();

    let done = station.run(&["run"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert_eq!(log_mode(&station), 0o700);
    assert_eq!(
        station
            .git(["rev-list", "--count", "main..secloop/hardening"])
            .trim(),
        "1"
    );
    let turns = station.turns();
    assert_eq!(
        turns
            .iter()
            .filter(|t| t.outcome.word() == "committed")
            .count(),
        1
    );
    assert_eq!(turns[0].outcome.word(), "committed");
    assert_eq!(turns[0].finding.as_ref().unwrap().control, GAP);
    assert_eq!(station.page().matches("<a id=\"turn-").count(), 1);
    let posts = discord.messages();
    assert_eq!(
        posts
            .iter()
            .filter(|p| p.contains("Turn 1: committed"))
            .count(),
        1,
        "{posts:#?}"
    );
}

/// A change that could not be taken back is not forgotten: the next start tries again before it
/// does anything else, and goes no further while it can't.
#[test]
fn what_was_not_taken_back_is_taken_back_at_the_next_start_or_stops_it() {
    let station = Station::with_gaps(&[GAP]);
    let mut running = station.start(&["run", "--once"]);
    running.wait_for("✓ apply");
    running.kill();
    // As after a rollback that failed: the turn is over, and needs the operator.
    close_as_stuck(&station);
    let snapshots = station.state().join("snapshots");
    let away = station.state().join("away");
    let snapshot = std::fs::read_dir(&snapshots).unwrap().next();
    let snapshot = snapshot.unwrap().unwrap().path();
    std::fs::rename(&snapshot, &away).unwrap();
    std::fs::create_dir(&snapshot).unwrap();
    let done = station.run(&["run", "--once", "--dry-run"]);
    assert_eq!(done.code, Some(12), "{}", done.err);
    let place = snapshot.display().to_string();
    assert!(done.err.contains(&place), "{}", done.err);
    assert_eq!(log_mode(&station), 0o700);

    std::fs::remove_dir(&snapshot).unwrap();
    std::fs::rename(&away, &snapshot).unwrap();
    let done = station.run(&["run", "--once", "--dry-run"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert!(done.err.contains("is taken back"), "{}", done.err);
    assert_eq!(log_mode(&station), 0o755, "as before the turn");
    assert!(!snapshot.exists());
}

fn close_as_stuck(station: &Station) {
    use secloop::gate::MicroUsd;
    use secloop::ledger::Ledger;
    use secloop::turn::{Receipt, Turn, TurnOutcome};

    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let ledger = Ledger::open(&station.state()).await.unwrap();
        let open = ledger.open_turns().await.unwrap().remove(0);
        let turn = Turn {
            id: open.id,
            number: open.number,
            started: open.started,
            finished: open.started,
            outcome: TurnOutcome::NeedsOperator("not as before".to_owned()),
            agent: None,
            cost: MicroUsd::ZERO,
            finding: None,
            change: String::new(),
            question: None,
            receipt: Receipt::default(),
        };
        ledger.finish_turn(&turn, &[]).await.unwrap();
        ledger.close().await;
    });
}
