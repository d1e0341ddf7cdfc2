//! Which day a call belongs to.

use chrono_tz::Tz;
use serde_json::json;

use super::{ONE, cost};
use crate::support::transcripts::{Transcripts, day_at, day_in, lines, row};

#[test]
fn a_day_is_a_calendar_day_of_the_zone() {
    let zone = |name: &str| name.parse::<Tz>().unwrap();
    for (place, date, first, end) in [
        (
            "America/Toronto",
            "2026-11-20",
            "2026-11-20T05:00:00Z",
            "2026-11-21T05:00:00Z",
        ),
        // 25 hours, and 23.
        (
            "America/Toronto",
            "2026-11-01",
            "2026-11-01T04:00:00Z",
            "2026-11-02T05:00:00Z",
        ),
        (
            "America/Toronto",
            "2026-03-08",
            "2026-03-08T05:00:00Z",
            "2026-03-09T04:00:00Z",
        ),
        (
            "Europe/Vienna",
            "2026-10-25",
            "2026-10-24T22:00:00Z",
            "2026-10-25T23:00:00Z",
        ),
        // Half an hour of summer time.
        (
            "Australia/Lord_Howe",
            "2026-04-05",
            "2026-04-04T13:00:00Z",
            "2026-04-05T13:30:00Z",
        ),
        (
            "Asia/Kolkata",
            "2026-11-20",
            "2026-11-19T18:30:00Z",
            "2026-11-20T18:30:00Z",
        ),
        (
            "Pacific/Kiritimati",
            "2026-11-20",
            "2026-11-19T10:00:00Z",
            "2026-11-20T10:00:00Z",
        ),
        (
            "UTC",
            "2026-11-20",
            "2026-11-20T00:00:00Z",
            "2026-11-21T00:00:00Z",
        ),
        // Midnight was skipped: the day began at one o'clock.
        (
            "America/Sao_Paulo",
            "2018-11-04",
            "2018-11-04T03:00:00Z",
            "2018-11-05T02:00:00Z",
        ),
    ] {
        let milli = chrono::TimeDelta::milliseconds(1);
        let [first, end] = [first, end].map(crate::support::transcripts::instant);
        let times = [first - milli, first, end - milli, end];
        let at = Transcripts::new();
        let rows = times.map(|time| row(&time.to_rfc3339()).at(&time.to_rfc3339()));
        at.file("p/s1.jsonl", lines(&rows));
        let day = day_in(zone(place), date, "2026-12-31T12:00:00Z", &[], &[at.root()]);
        assert_eq!((day.calls, day.zone), (2, place), "{place} {date}");
    }
}

#[test]
fn a_call_belongs_to_the_day_it_ended_in_and_a_late_copy_does_not_move_it() {
    let started = row("a")
        .usage("output_tokens", 1)
        .at("2026-11-20T04:59:58Z");
    let ended = row("a").at("2026-11-20T05:00:03Z");
    let copied = row("a").session("fork").at("2026-11-22T17:00:00Z");
    let at = Transcripts::new();
    at.file("p/s1.jsonl", lines(&[started, ended]));
    at.file("p/fork.jsonl", lines(&[copied]));
    let total = |date| {
        day_at(date, "2026-12-31T12:00:00Z", &[], &[at.root()])
            .total
            .0
    };
    assert_eq!(
        ["2026-11-19", "2026-11-20", "2026-11-22"].map(total),
        [0, ONE, 0]
    );
}

#[test]
fn records_of_the_future_are_said_and_never_open_the_gate() {
    let at = Transcripts::new();
    let rows = [row("a"), row("b").at("2026-11-21T17:00:00Z")];
    at.file("p/s1.jsonl", lines(&rows));
    // The clock was set back by a day.
    let day = at.day();
    assert_eq!((day.total.0, day.at_most.0), (ONE, 2 * ONE));
    assert!(
        day.problems.iter().any(|p| p.contains("future")),
        "{:?}",
        day.problems
    );
    // Looking at a past day is no such case.
    let past = day_at("2026-11-20", "2026-11-22T12:00:00Z", &[], &[at.root()]);
    assert_eq!((past.total.0, past.at_most.0), (ONE, ONE));
    assert!(past.problems.is_empty());
}

#[test]
fn times_are_read_however_they_are_written() {
    for time in [
        json!("2026-11-20T17:00:00Z"),
        json!("2026-11-20T17:00:00.1Z"),
        json!("2026-11-20T17:00:00.123456Z"),
        json!("2026-11-20T17:00:00.123456789Z"),
        json!("2026-11-20T12:00:00-05:00"),
        json!("2026-11-20T12:00:00-0500"),
        json!("2026-11-20T17:00:00+0000"),
        json!("2026-11-21T04:00:00+11:00"),
        // Milliseconds.
        json!(1_795_194_000_000_u64),
        json!(1_795_194_000_000.0),
    ] {
        assert_eq!(
            cost(&[row("a").with("timestamp", time.clone())]),
            ONE,
            "{time}"
        );
    }
}

#[test]
fn a_time_that_can_t_be_known_is_reported_and_no_other_day() {
    for time in [
        json!("2026-11-20T17:00:00"),
        json!("2026-11-20"),
        json!("noon"),
        json!(""),
        json!(null),
        json!(true),
        json!(-1),
        // Seconds would be a day of 1970.
        json!(1_795_194_000),
        json!(1e300),
        json!(["2026-11-20T17:00:00Z"]),
    ] {
        let at = Transcripts::new();
        at.file(
            "p/s1.jsonl",
            lines(&[row("a").with("timestamp", time.clone())]),
        );
        let day = at.day();
        assert!(!day.complete, "{time}");
        assert!(
            day.problems[0].contains("its timestamp can't be read"),
            "{time}"
        );
    }
}
