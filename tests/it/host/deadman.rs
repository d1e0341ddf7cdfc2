//! The dead-man timer: it puts the machine back without secloop.

use super::machine::{GAP, RUN, differences, seen, station};
use crate::support::bed::{self, sh};
use crate::support::station::Station;

/// Behind the hardening: a task that never ends, and says that it has begun.
const ENDLESS: &str = "    - name: endless\n      when: hooks.stat.mode == \"0700\"\n      \
                       ansible.builtin.shell: touch /srv/bed/endless; sleep 600\n";

/// Waits until a file appears.
fn until(path: &str) {
    sh(&format!(
        "timeout 300 sh -c 'until [ -e {path} ]; do sleep 0.1; done'"
    ));
}

#[test]
fn a_machine_is_put_back_without_a_secloop_that_was_killed_in_mid_apply() {
    if !bed::is_inside(
        "host::deadman::a_machine_is_put_back_without_a_secloop_that_was_killed_in_mid_apply",
    ) {
        return;
    }
    let station = station(ENDLESS, "deadman = \"4m\"");
    let before = seen();
    let running = station.start(&RUN);
    until("/srv/bed/endless");
    running.kill();
    assert_ne!(differences(&before, &seen()).len(), 0);
    let snapshots = station.state().join("snapshots");
    let snapshot = snapshots
        .read_dir()
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let fired = snapshot.join("fired.json");
    sh(&format!(
        "timeout 300 sh -c 'until grep -qs \\\"finished\\\":true {}; do sleep 0.2; done'",
        fired.display()
    ));
    let told = std::fs::read_to_string(&fired).unwrap();
    let found = differences(&before, &seen());
    assert_eq!(found, Vec::<String>::new(), "{told}");
    // Nobody of its tree is left, and the timer has ended.
    until_gone("secloop deadman");
    // The next start notes it, and goes on.
    let done = station.run(&["run", "--once", "--dry-run"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    let turns = station.turns();
    let outcome = turns[0].outcome.detail();
    assert!(outcome.contains("the dead-man timer fired"), "{outcome}");
    assert!(outcome.contains("rolled back"), "{outcome}");
}

fn until_gone(program: &str) {
    // The brackets keep the search from finding itself.
    let (first, rest) = program.split_at(1);
    sh(&format!(
        "timeout 60 sh -c 'while pgrep -f \"[{first}]{rest}\" >/dev/null; do sleep 0.1; done'"
    ));
}

#[test]
fn a_proof_that_never_comes_is_not_waited_for() {
    if !bed::is_inside("host::deadman::a_proof_that_never_comes_is_not_waited_for") {
        return;
    }
    let station = station(ENDLESS, "deadman = \"12s\"");
    let before = seen();
    let done = station.run(&RUN);
    let turns = station.turns();
    assert_eq!(turns[0].outcome.word(), "rejected", "{}", done.err);
    let why = turns[0].outcome.detail();
    assert!(why.contains("no proof came within 12s"), "{why}");
    let found = differences(&before, &seen());
    assert_eq!(found, Vec::<String>::new(), "{}", done.err);
}

/// Also where the machine has no systemd of its own to hold the timer.
#[test]
fn a_proven_change_stays_and_its_timer_ends() {
    let station = Station::with_gaps(&[GAP]).with_key("deadman = \"20m\"");
    let mut running = station.start(&RUN);
    running.wait_for("✓ apply");
    let snapshot = station.state().join("snapshots").read_dir().unwrap().next();
    let dir = snapshot.unwrap().unwrap().path();
    assert!(dir.join("armed").exists());
    let (code, said) = running.finish();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(station.turns()[0].outcome.word(), "committed", "{said}");
    assert!(!dir.exists());
    while timers_over(&dir) > 0 {
        std::thread::yield_now();
    }
}

/// How many processes have this directory on their command line.
fn timers_over(dir: &std::path::Path) -> usize {
    let wanted = dir.display().to_string();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|e| std::fs::read(e.path().join("cmdline")).ok())
        .filter(|line| {
            let words: Vec<&[u8]> = line.split(|b| *b == 0).collect();
            words.contains(&b"deadman".as_slice()) && words.contains(&wanted.as_bytes())
        })
        .count()
}
