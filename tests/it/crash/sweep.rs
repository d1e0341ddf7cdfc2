//! Killed at every point of a turn at which it changes anything outside itself, and started again:
//! the machine is as before the turn or as after its commit, nothing is left over, nothing is said
//! twice, and the next turn lands. The start that recovers is killed in the same way.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use super::bench::{Bench, PRISTINE};
use crate::support::points::{Happens, Point};

/// Stations that are killed at the same time: making one costs as much as a dozen kills.
fn benches() -> usize {
    if std::env::var_os("SECLOOP_TEST_KILLS").is_some() {
        2
    } else {
        1
    }
}

/// After every so many kills the next turn is done too: it takes longer than all the rest.
const GOES_ON: usize = 12;
/// Of the points that are chosen an ordinary run of the tests takes each so many-th.
const SAMPLE: usize = 20;

#[test]
fn a_kill_at_any_point_of_a_turn_leaves_the_machine_as_before_or_as_after() {
    sweep(
        |bench| chosen(&bench.points),
        |bench, point| {
            bench.put_back(PRISTINE);
            let done = bench.turn(Happens::Kill(point.number));
            assert_eq!(done.code, None, "not killed: {}", done.err);
            let done = bench.recovery(Happens::Nothing);
            assert_eq!(done.code, Some(10), "{}", done.err);
        },
    );
}

/// With the change on the machine and not proven yet.
#[test]
fn a_kill_at_any_point_of_the_recovery_is_recovered_from_too() {
    const KILLED: &str = "killed";
    sweep(
        |bench| {
            bench.put_back(PRISTINE);
            let applies = |p: &&Point| p.call == "start" && p.on.contains("--force-handlers");
            let second_run = bench.points.iter().filter(applies).nth(1).unwrap().number;
            let done = bench.turn(Happens::Kill(second_run));
            assert_eq!(done.code, None, "not killed: {}", done.err);
            bench.keep(KILLED);
            let done = bench.recovery(Happens::Nothing);
            assert_eq!(done.code, Some(10), "{}", done.err);
            chosen(&bench.station.points())
        },
        |bench, point| {
            bench.put_back(KILLED);
            let done = bench.recovery(Happens::Kill(point.number));
            assert_eq!(done.code, None, "not killed: {}", done.err);
            let done = bench.recovery(Happens::Nothing);
            assert_eq!(done.code, Some(10), "{}", done.err);
        },
    );
}

/// Takes the points one after another, on several stations at the same time; all that fail are told.
fn sweep(
    points: impl Fn(&mut Bench) -> Vec<Point> + Sync,
    kill: impl Fn(&mut Bench, &Point) + Sync,
) {
    let failures = Mutex::new(Vec::new());
    let left: Mutex<Option<Vec<(usize, Point)>>> = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..benches() {
            scope.spawn(|| {
                let mut bench = Bench::new();
                let own = points(&mut bench).into_iter().enumerate().collect();
                left.lock().unwrap().get_or_insert(own);
                loop {
                    let next = left.lock().unwrap().as_mut().and_then(Vec::pop);
                    let Some((index, point)) = next else { break };
                    let tried = catch_unwind(AssertUnwindSafe(|| {
                        kill(&mut bench, &point);
                        bench.assert_whole();
                        if index % GOES_ON == 0 {
                            bench.assert_goes_on();
                        }
                    }));
                    eprintln!("{} {point:?}", if tried.is_ok() { "ok" } else { "FAILED" });
                    if let Err(why) = tried {
                        let why = why.downcast_ref::<String>().cloned().unwrap_or_default();
                        failures.lock().unwrap().push(format!("{point:?}: {why}"));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The points between which anything is different: of a row of calls on the same thing the first
/// and the last, of the ledger the beginning and the end of each transaction, and no start of a
/// program that only looks.
pub(super) fn chosen(points: &[Point]) -> Vec<Point> {
    let mut rows: Vec<(&str, Vec<&Point>)> = Vec::new();
    for point in points {
        let thing = thing(point);
        match rows.last_mut() {
            Some((last, row)) if *last == thing && !ends(row) => row.push(point),
            _ => rows.push((thing, vec![point])),
        }
    }
    let mut chosen: Vec<Point> = rows
        .into_iter()
        .filter(|(thing, _)| *thing != "look")
        .flat_map(|(_, row)| {
            let count = if row.len() > 1 { 2 } else { 1 };
            [row[0], row[row.len() - 1]]
                .into_iter()
                .take(count)
                .cloned()
        })
        .collect();
    // Each takes ten seconds of a processor.
    match std::env::var("SECLOOP_TEST_KILLS").as_deref() {
        Ok("chosen") => {}
        Ok("all") => chosen = points.to_vec(),
        // A part of all of them, such as 1-100: hours can be taken in parts.
        Ok(part) => {
            let ends = part.split_once('-').map(|(a, b)| (a.parse(), b.parse()));
            let Some((Ok(first), Ok(last))) = ends else {
                panic!("SECLOOP_TEST_KILLS is \"{part}\", not \"chosen\", \"all\" or \"1-100\"");
            };
            let within: std::ops::RangeInclusive<u32> = first..=last;
            chosen = points.to_vec();
            chosen.retain(|point| within.contains(&point.number));
        }
        Err(_) => chosen = chosen.into_iter().step_by(SAMPLE).collect(),
    }
    chosen
}

/// A transaction of the ledger ends with this.
fn ends(row: &[&Point]) -> bool {
    row.last()
        .is_some_and(|p| p.on.ends_with("ledger.sqlite-wal") && p.call == "fsync")
}

/// What a call is about.
fn thing(point: &Point) -> &'static str {
    const LOOKS: [&str; 9] = [
        " rev-parse ",
        " ls-tree ",
        " cat-file ",
        " log ",
        " status ",
        " merge-base ",
        " check-ignore ",
        " rev-list ",
        " --version",
    ];
    const THINGS: [&str; 9] = [
        "state/ledger",
        "state/work/",
        "state/ansible",
        "state/snapshots",
        "state/wiki",
        "state/spend-index",
        "state/worktree",
        "repo/.git",
        "home/",
    ];
    if point.call == "start" {
        let looks = LOOKS
            .iter()
            .any(|word| format!("{} ", point.on).contains(word));
        let confined = point.on.contains("bwrap");
        return if looks || confined { "look" } else { "start" };
    }
    THINGS
        .into_iter()
        .find(|thing| point.on.starts_with(thing))
        .unwrap_or("other")
}
