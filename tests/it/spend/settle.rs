//! Own runs and Claude Code's own totals: of two accounts the higher, never the sum.

use secloop::gate::MicroUsd;
use secloop::spend::{By, OwnRun, json};

use super::ONE;
use crate::support::transcripts::{Row, Transcripts, cost_state, day_with, instant, lines, row};

const NOON: &str = "2026-11-20T12:00:00-05:00";

fn own(session: &str, finished: &str, micros: u64) -> OwnRun {
    OwnRun {
        session: (!session.is_empty()).then(|| session.to_owned()),
        finished: instant(finished),
        cost: MicroUsd(micros),
    }
}

#[test]
fn an_own_run_and_its_transcript_do_not_add_up_twice() {
    let at = Transcripts::new();
    at.file("p/s1.jsonl", lines(&[row("a"), row("b").session("s2")]));
    let total = |own: &[OwnRun]| day_with(own, &[at.root()]).total.0;
    for (case, runs, micros) in [
        ("the same", vec![own("s1", NOON, ONE)], 2 * ONE),
        (
            "the run's own account is higher",
            vec![own("s1", NOON, 9_000)],
            16_500,
        ),
        (
            "the transcript is higher",
            vec![own("s1", NOON, 1)],
            2 * ONE,
        ),
        (
            "a run without a transcript",
            vec![own("s9", NOON, 500)],
            2 * ONE + 500,
        ),
        (
            "a run without a session",
            vec![own("", NOON, 500)],
            2 * ONE + 500,
        ),
        (
            "a session that was resumed",
            vec![own("s1", NOON, 5_000), own("s1", NOON, 4_000)],
            16_500,
        ),
        (
            "a run of another day",
            vec![own("s9", "2026-11-19T12:00:00-05:00", 500)],
            2 * ONE,
        ),
    ] {
        assert_eq!(total(&runs), micros, "{case}");
    }
}

#[test]
fn a_run_across_midnight_is_split_by_its_calls() {
    let at = Transcripts::new();
    let rows = [
        row("a").at("2026-11-20T04:50:00Z"),
        row("b").at("2026-11-20T05:10:00Z"),
    ];
    at.file("p/s1.jsonl", lines(&rows));
    let late = "2026-11-20T00:11:00-05:00";
    let total = |runs: &[OwnRun]| day_with(runs, &[at.root()]).total.0;
    assert_eq!(total(&[own("s1", late, 2 * ONE)]), ONE);
    assert_eq!(total(&[own("s1", late, 2 * ONE + 300)]), ONE + 300);
    // The call of the evening belonged to a run that was settled then.
    let before = own("s1", "2026-11-19T23:55:00-05:00", ONE);
    assert_eq!(total(&[before, own("s1", late, ONE + 300)]), ONE + 300);
}

#[test]
fn an_own_run_that_ends_in_the_future_does_not_open_the_gate() {
    let at = Transcripts::new();
    at.file("p/s1.jsonl", lines(&[row("a")]));
    let day = day_with(&[own("s9", "2026-11-21T12:00:00-05:00", 500)], &[at.root()]);
    assert_eq!((day.total.0, day.at_most.0), (ONE, ONE + 500));
    assert!(day.problems[0].contains("future"), "{:?}", day.problems);
}

#[test]
fn a_session_s_own_total_counts_when_it_is_higher_and_of_today() {
    let first = |rows: &[Row]| {
        let at = Transcripts::new();
        at.file("p/s1.jsonl", lines(rows));
        at.day().total.0
    };
    let today = "2026-11-20T11:00:00-05:00";
    let yesterday = "2026-11-19T11:00:00-05:00";
    for (case, rows, micros) in [
        (
            "higher",
            vec![row("a"), cost_state("s1", 0.01, today)],
            10_000,
        ),
        ("lower", vec![row("a"), cost_state("s1", 0.001, today)], ONE),
        (
            "the last of several",
            vec![
                row("a"),
                cost_state("s1", 0.009, today),
                cost_state("s1", 0.01, today),
            ],
            10_000,
        ),
        (
            "a session without rows",
            vec![cost_state("s1", 0.01, today)],
            10_000,
        ),
        (
            "begun earlier",
            vec![row("a"), cost_state("s1", 0.01, yesterday)],
            ONE,
        ),
        (
            "rows of yesterday",
            vec![
                row("y").at("2026-11-19T17:00:00Z"),
                row("a"),
                cost_state("s1", 0.05, today),
            ],
            ONE,
        ),
    ] {
        assert_eq!(first(&rows), micros, "{case}");
    }
}

#[test]
fn a_fork_s_total_holds_what_it_was_forked_from() {
    let at = Transcripts::new();
    let began = "2026-11-20T11:00:00-05:00";
    at.file(
        "p/s1.jsonl",
        lines(&[row("a"), cost_state("s1", 0.008, began)]),
    );
    let copy = row("a").session("s2");
    let new = row("b").session("s2");
    at.file(
        "p/s2.jsonl",
        lines(&[copy, new, cost_state("s2", 0.0155, began)]),
    );
    // 0.0005 beyond the rows of s1; the total of s2 holds the same 0.0005 once more.
    assert_eq!(at.day().total.0, 2 * ONE + 500);
    // An own run of the same session knows of the same money.
    let run = own("s1", NOON, ONE + 400);
    assert_eq!(day_with(&[run], &[at.root()]).total.0, 2 * ONE + 500);
    let run = own("s1", NOON, ONE + 700);
    assert_eq!(day_with(&[run], &[at.root()]).total.0, 2 * ONE + 700);
}

#[test]
fn the_breakdowns_add_up_to_the_total() {
    let at = Transcripts::new();
    let rows = [
        row("a"),
        row("b")
            .model("claude-haiku-4-5")
            .session("s2")
            .with("cwd", "/home/u/q"),
        row("c").session("s2"),
    ];
    at.file("p/s1.jsonl", lines(&rows));
    let day = day_with(&[own("s9", NOON, 500)], &[at.root()]);
    assert_eq!(day.total.0, 2 * ONE + 1_500 + 500);
    for shares in [&day.by_model, &day.by_project, &day.by_session] {
        assert_eq!(shares.iter().map(|s| s.cost.0).sum::<u64>(), day.total.0);
        assert_eq!(shares.iter().map(|s| s.calls).sum::<u64>(), 3);
    }
    let sessions: Vec<(&str, u64)> = day
        .by_session
        .iter()
        .map(|s| (s.name.as_str(), s.cost.0))
        .collect();
    assert_eq!(sessions, [("s2", ONE + 1_500), ("s1", ONE), ("s9", 500)]);
    let document = json(&day, Some(By::Session));
    assert_eq!(document["shares"][0]["name"], "s2");
    assert_eq!(document["total_micro_usd"], day.total.0);
}
