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

#[tokio::test]
async fn memory_counts_tries_and_gives_the_newest_outcome() {
    let (_dir, ledger) = ledger().await;
    for outcome in [
        TurnOutcome::Rejected("no".into()),
        TurnOutcome::Committed("abc".into()),
    ] {
        let open = ledger.begin_turn(at(0)).await.unwrap();
        ledger
            .finish_turn(&finished(&open, outcome), &[])
            .await
            .unwrap();
    }
    let memory = ledger.memory(10).await.unwrap();
    assert_eq!(memory.len(), 1);
    let first = memory.first().unwrap();
    assert_eq!((first.outcome.as_str(), first.tries), ("committed", 2));
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
