//! The ledger against a real file.

use chrono::{TimeDelta, TimeZone as _, Utc};

use super::*;
use crate::gate::MicroUsd;
use crate::turn::{Finding, Receipt, Severity, Turn, TurnOutcome};

fn at(minute: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 20, 12, 0, 0).unwrap() + TimeDelta::minutes(minute)
}

async fn ledger() -> (tempfile::TempDir, Ledger) {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(dir.path()).await.unwrap();
    (dir, ledger)
}

fn finished(open: &OpenTurn, outcome: TurnOutcome) -> Turn {
    Turn {
        id: open.id,
        number: open.number,
        started: open.started,
        finished: at(1),
        outcome,
        agent: None,
        cost: MicroUsd(5),
        finding: Some(Finding {
            title: "t".into(),
            detail: "d".into(),
            severity: Severity::P1,
            target: "x".into(),
            control: "y".into(),
        }),
        change: String::new(),
        question: None,
        receipt: Receipt::default(),
    }
}

#[tokio::test]
async fn a_turn_is_open_until_it_is_finished_and_survives_a_reopen() {
    let (dir, ledger) = ledger().await;
    let open = ledger.begin_turn(at(0)).await.unwrap();
    assert_eq!(open.number, 1);
    assert_eq!(ledger.open_turns().await.unwrap().len(), 1);
    let turn = finished(&open, TurnOutcome::Committed("abc".into()));
    ledger
        .finish_turn(&turn, &[("turn/1".into(), "text".into())])
        .await
        .unwrap();
    ledger.close().await;

    let again = Ledger::open(dir.path()).await.unwrap();
    assert!(again.open_turns().await.unwrap().is_empty());
    assert_eq!(again.turns(10).await.unwrap(), vec![turn]);
    assert_eq!(again.begin_turn(at(2)).await.unwrap().number, 2);
    assert_eq!(again.waiting_posts().await.unwrap(), 1);
}

#[tokio::test]
async fn a_post_is_queued_once_and_keeps_its_order() {
    let (_dir, ledger) = ledger().await;
    ledger.queue_post("a", "first", at(0)).await.unwrap();
    ledger.queue_post("b", "second", at(0)).await.unwrap();
    ledger.queue_post("a", "again", at(0)).await.unwrap();
    let first = ledger.next_post(at(0)).await.unwrap().unwrap();
    assert_eq!((first.key.as_str(), first.body.as_str()), ("a", "first"));
    ledger.post_later(first.seq, at(5)).await.unwrap();
    assert_eq!(
        ledger.next_post(at(1)).await.unwrap(),
        None,
        "b must not overtake a"
    );
    let first = ledger.next_post(at(5)).await.unwrap().unwrap();
    assert_eq!(first.attempts, 1);
    ledger.post_delivered(first.seq, "m1", at(5)).await.unwrap();
    assert_eq!(ledger.next_post(at(5)).await.unwrap().unwrap().key, "b");
}

#[tokio::test]
async fn an_unsettled_run_is_booked_at_its_reservation() {
    let (_dir, ledger) = ledger().await;
    let open = ledger.begin_turn(at(0)).await.unwrap();
    ledger
        .reserve(open.id, "session", MicroUsd(7), at(0))
        .await
        .unwrap();
    assert_eq!(ledger.reserved().await.unwrap(), MicroUsd(7));
    assert!(ledger.own_runs(at(0)).await.unwrap().is_empty());
    ledger.settle_at_reservation(open.id, at(1)).await.unwrap();
    assert_eq!(ledger.reserved().await.unwrap(), MicroUsd(0));
    assert_eq!(
        ledger.own_runs(at(0)).await.unwrap().first().unwrap().cost,
        MicroUsd(7)
    );
}

fn scope(workstation: &str, repo: &str) -> crate::memory::Scope {
    crate::memory::Scope {
        workstation: workstation.to_owned(),
        repo: repo.to_owned(),
    }
}

#[tokio::test]
async fn memory_counts_tries_and_keeps_what_came_between() {
    let (_dir, ledger) = ledger().await;
    for outcome in [
        TurnOutcome::Rejected("no".into()),
        TurnOutcome::Rejected("again".into()),
        TurnOutcome::Committed("abc".into()),
        TurnOutcome::Failed("x".into()),
        TurnOutcome::Rejected("later".into()),
    ] {
        let open = ledger.begin_turn(at(0)).await.unwrap();
        ledger
            .finish_turn(&finished(&open, outcome), &[])
            .await
            .unwrap();
    }
    let memory = ledger.memory().await.unwrap();
    let short: Vec<(&str, u32, i64)> = memory
        .iter()
        .map(|m| (m.outcome.as_str(), m.tries, m.turn))
        .collect();
    assert_eq!(
        short,
        [("rejected", 1, 5), ("committed", 1, 3), ("rejected", 2, 2)]
    );
}

#[tokio::test]
async fn what_is_known_of_one_place_is_not_known_of_another() {
    let (_dir, ledger) = ledger().await;
    let here = ledger.clone().about(scope("here", "repo"));
    let open = here.begin_turn(at(0)).await.unwrap();
    here.finish_turn(&finished(&open, TurnOutcome::Committed("abc".into())), &[])
        .await
        .unwrap();
    assert_eq!(here.memory().await.unwrap().len(), 1);
    assert_eq!(here.turns_here(9).await.unwrap().len(), 1);
    for other in [scope("here", "other"), scope("there", "repo")] {
        let other = ledger.clone().about(other);
        assert!(other.memory().await.unwrap().is_empty());
        assert!(other.turns_here(9).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_file_that_is_no_ledger_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        Ledger::path(dir.path()),
        "this is not a database, certainly not one",
    )
    .unwrap();
    let error = Ledger::open(dir.path()).await.unwrap_err().to_string();
    assert!(error.contains("ledger.sqlite"), "{error}");
}

fn fact(key: &str, kind: crate::memory::Kind, day: i64, lasts: i64) -> crate::memory::Fact {
    let at = at(day * 24 * 60);
    crate::memory::Fact {
        key: key.to_owned(),
        kind,
        severity: Some(Severity::P1),
        text: format!("{key} of day {day}"),
        confidence: kind.confidence(),
        turn: day,
        at,
        expires: at + TimeDelta::days(lasts),
    }
}

#[tokio::test]
async fn facts_belong_to_one_place_give_way_to_newer_ones_and_end_in_the_archive() {
    use crate::memory::Kind;
    let (_dir, ledger) = ledger().await;
    let here = ledger.clone().about(scope("here", "repo"));
    let there = ledger.clone().about(scope("there", "repo"));
    let first = [
        fact("a", Kind::Held, 0, 90),
        fact("b-refused", Kind::Refused, 0, 30),
        fact("c", Kind::Said, 0, 14),
    ];
    here.learn(&first, at(0)).await.unwrap();
    assert_eq!(here.facts().await.unwrap(), first);
    assert!(there.facts().await.unwrap().is_empty());
    there.learn(&first[..1], at(0)).await.unwrap();

    // The same again changes nothing; what landed ends what was refused.
    here.learn(&first[..1], at(0)).await.unwrap();
    assert_eq!(here.count_facts().await.unwrap(), (3, 0));
    let next = [
        fact("a", Kind::Landed, 1, 180),
        fact("b", Kind::Landed, 1, 180),
    ];
    here.learn(&next, at(1)).await.unwrap();
    assert_eq!(here.count_facts().await.unwrap(), (3, 2));

    // Two weeks later what was said is out of date, and the other place is as it was.
    assert_eq!(here.archive_facts(at(14 * 24 * 60)).await.unwrap(), 1);
    let left: Vec<String> = here
        .facts()
        .await
        .unwrap()
        .into_iter()
        .map(|f| f.key)
        .collect();
    assert_eq!(left, ["a", "b"]);
    assert_eq!(here.count_facts().await.unwrap(), (2, 3));
    assert_eq!(there.count_facts().await.unwrap(), (1, 0));
}

#[tokio::test]
async fn no_more_than_the_newest_facts_of_a_place_are_kept() {
    use crate::memory::Kind;
    let (_dir, ledger) = ledger().await;
    let many: Vec<_> = (0..520)
        .map(|n| fact(&format!("k{n}"), Kind::Refused, n, 2_000))
        .collect();
    ledger.learn(&many, at(0)).await.unwrap();
    assert_eq!(ledger.archive_facts(at(0)).await.unwrap(), 20);
    let facts = ledger.facts().await.unwrap();
    assert_eq!((facts.len(), facts.last().unwrap().turn), (500, 20));
}
