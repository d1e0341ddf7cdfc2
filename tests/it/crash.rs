//! The supervisor is killed as by a crash, and started again.

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
