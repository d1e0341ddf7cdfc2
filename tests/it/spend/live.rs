//! What everybody else spends while a run is on: a look at what may have grown comes to the same as
//! a look at everything.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use secloop::gate::MicroUsd;
use secloop::spend::{Others, Reading};

use super::ONE;
use crate::support::transcripts::{Row, Transcripts, file_in, instant, lines, row, today};

const NOW: &str = "2026-11-20T23:00:00-05:00";
/// The session of the run.
const OWN: &str = "own";

struct Watched {
    at: Transcripts,
    state: tempfile::TempDir,
    roots: Vec<PathBuf>,
    others: Option<Others>,
}

impl Watched {
    fn new() -> Self {
        let at = Transcripts::new();
        Self {
            state: tempfile::tempdir().unwrap(),
            roots: vec![at.root(), at.dir().join("not-there")],
            others: None,
            at,
        }
    }

    fn look(&mut self) -> u64 {
        let reading = Reading {
            dir: self.state.path(),
            early: false,
            progress: &|_| {},
        };
        let others = Others::look(&today(&self.roots), reading, OWN).unwrap();
        assert!(others.spend().complete, "{:?}", others.spend().problems);
        let spent = others.spend().spent;
        self.others = Some(others);
        spent.0
    }

    fn tick(&mut self) -> u64 {
        let others = self.others.as_mut().unwrap();
        others.tick(instant(NOW));
        others.spend().spent.0
    }

    /// A quick look, which has to come to what a thorough one comes to.
    fn both(&mut self) -> u64 {
        let quick = self.tick();
        assert_eq!(quick, self.look());
        quick
    }
}

fn append(path: &Path, rows: &[Row]) {
    let mut file = File::options().append(true).open(path).unwrap();
    file.write_all(lines(rows).as_bytes()).unwrap();
}

#[test]
fn what_others_write_is_seen_wherever_they_write_it() {
    let mut watched = Watched::new();
    let known = watched.at.file("p/s1.jsonl", lines(&[row("a")]));
    assert_eq!(watched.look(), ONE);
    assert_eq!(watched.tick(), ONE);

    append(&known, &[row("b")]);
    assert_eq!(watched.both(), 2 * ONE, "a file that grew");
    watched.at.file("p/s2.jsonl", lines(&[row("c")]));
    assert_eq!(watched.both(), 3 * ONE, "a new file");
    watched.at.file("q/s3.jsonl", lines(&[row("d")]));
    assert_eq!(watched.both(), 4 * ONE, "a new project");
    watched
        .at
        .file("q/s3/subagents/agent-1.jsonl", lines(&[row("e")]));
    assert_eq!(watched.both(), 5 * ONE, "a sub-agent");
    file_in(&watched.roots[1], "r/s4.jsonl", lines(&[row("f")]));
    assert_eq!(watched.both(), 6 * ONE, "a root that was not there");
    watched
        .at
        .file("p/fork.jsonl", lines(&[row("a"), row("g")]));
    assert_eq!(watched.both(), 7 * ONE, "a fork, with a copy");
}

#[test]
fn a_call_that_grows_counts_with_its_increase_and_a_torn_row_once() {
    let mut watched = Watched::new();
    let small = row("a").tokens(1_000, 1, 0, 0);
    let file = watched.at.file("p/s1.jsonl", lines(&[small]));
    let first = watched.look();
    append(&file, &[row("a")]);
    assert_eq!(watched.both(), ONE);
    assert!(first < ONE);
    let whole = lines(&[row("b")]);
    let (head, tail) = whole.split_at(whole.len() / 2);
    for (text, sum) in [(head, ONE), (tail, 2 * ONE)] {
        let mut file = File::options().append(true).open(&file).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        assert_eq!(watched.tick(), sum);
    }
    std::fs::remove_file(file).unwrap();
    assert_eq!(watched.tick(), 2 * ONE, "what was counted stays counted");
}

#[test]
fn the_run_itself_and_other_days_are_left_out() {
    let mut watched = Watched::new();
    let file = watched.at.file(
        "p/s1.jsonl",
        lines(&[
            row("a"),
            row("b").session(OWN),
            row("c").at("2026-11-19T12:00:00Z"),
        ]),
    );
    assert_eq!(watched.look(), ONE);
    append(
        &file,
        &[
            row("d").session(OWN),
            row("e").at("2026-11-19T12:00:00Z"),
            // A clock that was set back: it may belong to today.
            row("f").at("2026-11-25T12:00:00Z"),
        ],
    );
    assert_eq!(watched.tick(), 2 * ONE);
}

#[test]
fn an_old_session_that_is_resumed_is_seen_by_the_next_thorough_look() {
    let mut watched = Watched::new();
    let file = watched.at.file("p/s1.jsonl", lines(&[row("a")]));
    let old = std::time::SystemTime::from(instant(NOW) - TimeDelta::hours(30));
    let set = |path: &Path| File::open(path).unwrap().set_modified(old).unwrap();
    set(&file);
    set(file.parent().unwrap());
    assert_eq!(watched.look(), ONE);
    append(&file, &[row("b")]);
    assert_eq!(watched.tick(), ONE);
    assert_eq!(watched.look(), 2 * ONE);
    append(&file, &[row("c")]);
    assert_eq!(watched.both(), 3 * ONE, "and from then on at once");
}

#[test]
fn a_root_that_can_t_be_read_is_no_answer() {
    let mut watched = Watched::new();
    watched.at.file("p/s1.jsonl", lines(&[row("a")]));
    std::fs::create_dir_all(&watched.roots[1]).unwrap();
    std::fs::write(watched.roots[1].join("projects"), "no directory").unwrap();
    // As root nothing is unreadable; a loop of links is.
    let root = watched.at.dir().join("loop");
    std::fs::create_dir(&root).unwrap();
    std::os::unix::fs::symlink("projects", root.join("projects")).unwrap();
    watched.roots.push(root);
    let reading = Reading {
        dir: watched.state.path(),
        early: false,
        progress: &|_| {},
    };
    let others = Others::look(&today(&watched.roots), reading, OWN).unwrap();
    assert!(!others.spend().complete);
    assert_eq!(others.spend().spent, MicroUsd(ONE));
    assert!(!others.spend().problems.is_empty());
}
