//! Which files are read.

use std::os::unix::fs::symlink;
use std::time::{Duration, SystemTime};

use super::ONE;
use crate::support::transcripts::{Transcripts, day_with, file_in, lines, row};

#[test]
fn files_at_any_depth_and_of_any_age_are_read() {
    let at = Transcripts::new();
    let old = at.file(
        "p/s1.jsonl",
        lines(&[row("old").at("2026-11-02T17:00:00Z"), row("today")]),
    );
    at.file("p/s1/subagents/agent-x.jsonl", lines(&[row("b")]));
    at.file("p/s1/subagents/deep/er/agent-y.jsonl", lines(&[row("c")]));
    at.file("p/agent-z.jsonl", lines(&[row("d")]));
    at.file("p/notes.txt", lines(&[row("e")]));
    at.file("p/empty.jsonl", "");
    let past = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    std::fs::File::options()
        .append(true)
        .open(old)
        .unwrap()
        .set_modified(past)
        .unwrap();
    let day = at.day();
    assert_eq!((day.total.0, day.calls), (4 * ONE, 4));
}

#[test]
fn a_file_that_is_reached_twice_counts_once() {
    let at = Transcripts::new();
    let mut anonymous = row("x");
    anonymous.0["message"]["id"] = serde_json::Value::Null;
    let rows = lines(&[row("a"), anonymous]);
    let file = at.file("p/s1.jsonl", &rows);
    let elsewhere = at.dir().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::write(elsewhere.join("s2.jsonl"), lines(&[row("b")])).unwrap();
    let projects = at.root().join("projects");
    symlink(&elsewhere, projects.join("linked")).unwrap();
    symlink(&projects, projects.join("p/loop")).unwrap();
    symlink(&file, projects.join("p/again.jsonl")).unwrap();
    std::fs::hard_link(&file, projects.join("p/hard.jsonl")).unwrap();
    let second = at.dir().join("second");
    symlink(at.root(), &second).unwrap();
    let day = day_with(&[], &[at.root(), second, at.root()]);
    assert_eq!((day.total.0, day.complete), (3 * ONE, true));
}

#[test]
fn the_roots_add_up() {
    let at = Transcripts::new();
    let home = at.dir().join("home");
    file_in(&home.join(".claude"), "p/a.jsonl", lines(&[row("a")]));
    file_in(
        &home.join(".config/claude"),
        "p/b.jsonl",
        lines(&[row("b")]),
    );
    file_in(&home.join("work"), "p/c.jsonl", lines(&[row("c")]));
    // The same call in two roots is one call.
    file_in(
        &home.join("more"),
        "p/d.jsonl",
        lines(&[row("d"), row("a")]),
    );
    let roots = secloop::spend::roots("~/work", &home, &[home.join("more")]);
    assert_eq!(day_with(&[], &roots).total.0, 4 * ONE);
}

#[test]
fn a_missing_root_is_a_note_and_an_unreadable_one_closes_the_gate() {
    let at = Transcripts::new();
    let missing = at.day();
    assert_eq!((missing.total.0, missing.complete), (0, true));
    assert!(
        missing.notes[0].contains("claude/projects is not there"),
        "{:?}",
        missing.notes
    );

    at.file("p/s1.jsonl", lines(&[row("a")]));
    let broken = at.dir().join("broken");
    std::fs::create_dir(&broken).unwrap();
    // A link to itself can't be read by anyone, root included.
    symlink(broken.join("projects"), broken.join("projects")).unwrap();
    let day = day_with(&[], &[at.root(), broken.clone()]);
    assert_eq!((day.total.0, day.complete), (ONE, false));
    assert!(
        day.problems[0].contains("broken/projects can't be read"),
        "{:?}",
        day.problems
    );

    let plain = at.dir().join("plain");
    std::fs::write(&plain, "").unwrap();
    assert!(!day_with(&[], &[plain]).complete, "a root that is a file");

    let file = at.root().join("projects/p/self.jsonl");
    symlink(&file, &file).unwrap();
    let day = at.day();
    assert!(!day.complete);
    assert!(
        day.problems[0].contains("self.jsonl can't be read"),
        "{:?}",
        day.problems
    );
}

#[test]
fn what_vanishes_or_is_no_file_does_not_matter() {
    let at = Transcripts::new();
    at.file("p/s1.jsonl", lines(&[row("a")]));
    let folder = at.root().join("projects/p");
    symlink(folder.join("gone"), folder.join("dangling.jsonl")).unwrap();
    std::fs::create_dir(folder.join("dir.jsonl")).unwrap();
    let socket = std::os::unix::net::UnixListener::bind(folder.join("socket.jsonl")).unwrap();
    let day = at.day();
    drop(socket);
    assert_eq!(
        (day.total.0, day.complete),
        (ONE, true),
        "{:?}",
        day.problems
    );
}
