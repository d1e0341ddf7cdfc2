//! What `secloop spend` shows.

use secloop::spend::By;

use super::{table, table_by};
use crate::support::transcripts::{Row, Transcripts, day_at, day_with, instant, lines, row};

/// Two calls at home, one of them of an unknown model, and many small ones in a deep directory.
fn busy() -> Vec<Row> {
    let deep = "/home/u/work/customers/example/repositories/infrastructure/roles";
    let mut rows = vec![
        row("a").tokens(1_000_000, 100_000, 0, 0),
        row("b").model("gpt-9").with("cwd", "/home/u"),
        row("c")
            .session("s2")
            .with("cwd", "/srv/build")
            .model("claude-haiku-5-5"),
    ];
    rows.extend((0..1_200).map(|n| {
        row(&format!("m{n}"))
            .session("s3")
            .with("cwd", deep)
            .model("claude-sonnet-5")
    }));
    rows
}

#[test]
fn a_breakdown_is_a_table() {
    let at = Transcripts::new();
    at.file("p/s1.jsonl", lines(&busy()));
    let day = at.day();
    insta::assert_snapshot!(table_by(&day, Some(By::Project)), @"
    Claude Code on 2026-11-20 (America/Toronto): $11.11, 1,203 calls

    project                                      calls    cost  share
    ~/p                                              1   $7.50   68 %
    …/example/repositories/infrastructure/roles  1,200   $3.60   32 %
    ~                                                1   $0.01   <1 %
    /srv/build                                       1  <$0.01   <1 %

    estimate: gpt-9 has no known price; its 1 call is taken as $0.01
    the cap is held against $11.12
    list prices of 2026-11-20, 1 day old; on a subscription this is what the use would have cost
    ");
    insta::assert_snapshot!(table_by(&day, Some(By::Model)), @"
    Claude Code on 2026-11-20 (America/Toronto): $11.11, 1,203 calls

    model             calls    cost  share
    claude-opus-5         1   $7.50   68 %
    claude-sonnet-5   1,200   $3.60   32 %
    gpt-9                 1   $0.01   <1 %
    claude-haiku-5-5      1  <$0.01   <1 %

    estimate: gpt-9 has no known price; its 1 call is taken as $0.01
    the cap is held against $11.12
    list prices of 2026-11-20, 1 day old; on a subscription this is what the use would have cost
    ");
    let document = secloop::spend::json(&day, Some(By::Project));
    let name = document["shares"][1]["name"].as_str().unwrap();
    assert!(
        name.starts_with("/home/u/work/") || name.starts_with("/home/u/p"),
        "{name}"
    );
}

#[test]
fn one_call_is_said_in_the_singular() {
    let at = Transcripts::new();
    at.file("p/s1.jsonl", lines(&[row("a").model("gpt-9")]));
    insta::assert_snapshot!(table(&at.day()), @"
    Claude Code on 2026-11-20 (America/Toronto): $0.01, 1 call
    estimate: gpt-9 has no known price; its 1 call is taken as $0.01
    the cap is held against $0.02
    list prices of 2026-11-20, 1 day old; on a subscription this is what the use would have cost
    ");
}

#[test]
fn what_is_missing_is_said_with_its_cure() {
    let at = Transcripts::new();
    at.file(
        "p/s1.jsonl",
        lines(&[row("a"), row("b").usage("output_tokens", -5)]),
    );
    let text = table(&at.day()).replace(at.dir().to_str().unwrap(), "");
    insta::assert_snapshot!(text, @"
    Claude Code on 2026-11-20 (America/Toronto): at least $0.01, 1 call
    problem: 1 row can't be counted, beside 1 call of the day (/claude/projects/p/s1.jsonl line 2: output_tokens is -5); move the damaged files away, or update secloop if the format has changed
    not everything could be read: no iteration starts until this is mended
    list prices of 2026-11-20, 1 day old; on a subscription this is what the use would have cost
    ");
}

#[test]
fn what_has_no_row_and_what_is_not_there_is_said() {
    let at = Transcripts::new();
    at.file("p/s1.jsonl", lines(&[row("a")]));
    let run = secloop::spend::OwnRun {
        session: None,
        finished: instant("2026-11-20T12:00:00-05:00"),
        cost: secloop::gate::MicroUsd(22_500),
    };
    let day = day_with(&[run], &[at.root(), at.dir().join("none")]);
    let text = table_by(&day, Some(By::Model)).replace(at.dir().to_str().unwrap(), "");
    insta::assert_snapshot!(text, @"
    Claude Code on 2026-11-20 (America/Toronto): $0.03, 1 call

    model           calls   cost  share
    (not itemised)      0  $0.02   75 %
    claude-opus-5       1  $0.01   25 %

    note: /none/projects is not there
    list prices of 2026-11-20, 1 day old; on a subscription this is what the use would have cost
    ");
}

#[test]
fn the_smallest_of_many_are_one_line() {
    let at = Transcripts::new();
    let rows: Vec<Row> = (0..40)
        .map(|n| row(&format!("m{n}")).session(&format!("s{n}")))
        .collect();
    at.file("p/s1.jsonl", lines(&rows));
    let day = at.day();
    let text = table_by(&day, Some(By::Session));
    assert!(text.contains("\n10 more     10  $0.08   25 %\n"), "{text}");
    let document = secloop::spend::json(&day, Some(By::Session));
    assert_eq!(document["shares"].as_array().unwrap().len(), 40);
}

#[test]
fn names_from_transcripts_can_t_write_to_the_terminal() {
    let at = Transcripts::new();
    at.file(
        "p/s1.jsonl",
        lines(&[row("a").model("x\u{1b}[2J\ny").with("cwd", "/\u{1b}]0;t")]),
    );
    let day = at.day();
    for by in [By::Model, By::Project, By::Session] {
        assert!(!table_by(&day, Some(by)).contains('\u{1b}'));
    }
    assert_eq!(day.unpriced[0].name, "x\\u{1b}[2J\\ny");
    let other = day_at("2026-11-19", "2026-11-20T12:00:00-05:00", &[], &[at.root()]);
    assert_eq!(other.calls, 0);
}
