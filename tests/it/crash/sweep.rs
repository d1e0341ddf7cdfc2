//! Killed at every point of a turn at which it changes anything outside itself, and started again:
//! the machine is as before the turn or as after its commit, nothing is left over, nothing is said
//! twice, and the next turn lands. In between, the start that recovers is killed too.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use super::bench::Bench;
use crate::support::points::{Happens, Point};

/// Kills at the same time.
const BENCHES: usize = 2;
/// After every so many kills the next turn is done too: a turn takes longer than all the rest.
const GOES_ON: u32 = 4;

#[test]
fn a_kill_at_any_point_of_a_turn_leaves_the_machine_as_before_or_as_after() {
    let failures = Mutex::new(Vec::new());
    let open: Mutex<Option<Vec<Point>>> = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..BENCHES {
            scope.spawn(|| {
                let mut bench = Bench::new();
                open.lock()
                    .unwrap()
                    .get_or_insert_with(|| chosen(&bench.points));
                println!("{:?}", open.lock().unwrap().as_ref().map(Vec::len));
                while let Some(point) = open.lock().unwrap().as_mut().and_then(Vec::pop) {
                    let since = std::time::Instant::now();
                    let broken = catch_unwind(AssertUnwindSafe(|| kill_at(&mut bench, &point)));
                    println!("{:?} {point:?} {}", since.elapsed(), broken.is_ok());
                    if let Err(why) = broken {
                        let why = why
                            .downcast_ref::<String>()
                            .cloned()
                            .or_else(|| why.downcast_ref::<&str>().map(|s| (*s).to_owned()))
                            .unwrap_or_default();
                        failures.lock().unwrap().push(format!("{point:?}: {why}"));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn kill_at(bench: &mut Bench, point: &Point) {
    bench.put_back();
    let done = bench.turn(Happens::Kill(point.number));
    assert_eq!(done.code, None, "not killed: {}", done.err);
    let done = bench.recovery(Happens::Nothing);
    assert_eq!(done.code, Some(10), "{}", done.err);
    bench.assert_whole();
    if point.number % GOES_ON == 0 {
        bench.assert_goes_on();
    }
}

/// The points between which anything is different: of a row of calls on the same thing the first
/// and the last, of the ledger the beginning and the end of each transaction, and no start of a
/// program that only looks.
fn chosen(points: &[Point]) -> Vec<Point> {
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
    if let Some(step) = std::env::var("SECLOOP_TEST_KILLS")
        .ok()
        .and_then(|n| n.parse().ok())
    {
        chosen = points.iter().step_by(step).cloned().collect();
    }
    chosen.reverse();
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
    if point.call == "start" {
        let looks = LOOKS
            .iter()
            .any(|word| format!("{} ", point.on).contains(word));
        let confined = point.on.contains("bwrap");
        return if looks || confined { "look" } else { "start" };
    }
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
    THINGS
        .into_iter()
        .find(|thing| point.on.starts_with(thing))
        .unwrap_or("other")
}
