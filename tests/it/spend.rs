//! A day's spend, from transcripts as Claude Code writes them to the figure that the gate sees.

mod calendar;
mod counting;
mod files;
mod generated;
mod index;
mod live;
mod numbers;
mod parsing;
mod pricing;
mod random;
mod settle;
mod unknown;
mod view;

use std::path::Path;

use secloop::spend::{By, DaySpend, Screen};

use crate::support::transcripts::{Row, Transcripts, lines};

/// The price of [`row`](crate::support::transcripts::row), in micro-dollars: 1,000 input tokens at
/// 5 dollars a million, and 100 output tokens at 25.
const ONE: u64 = 7_500;

/// What the rows cost together when they stand in one file.
fn cost(rows: &[Row]) -> u64 {
    cost_of(lines(rows))
}

/// What a file costs, of which everything can be read.
fn cost_of(content: impl AsRef<[u8]>) -> u64 {
    let at = Transcripts::new();
    at.file("p/s1.jsonl", content);
    let day = at.day();
    assert!(day.complete, "{:?}", day.problems);
    day.total.0
}

/// The day as lines, as they are read on the next day.
fn table_by(day: &DaySpend, by: Option<By>) -> String {
    let screen = Screen {
        today: "2026-11-21".parse().unwrap(),
        home: Path::new("/home/u"),
    };
    secloop::spend::table(day, by, screen)
}

fn table(day: &DaySpend) -> String {
    table_by(day, None)
}
