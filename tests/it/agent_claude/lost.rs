//! Iterations without a model to talk to, and those that are ended from outside.

use std::time::{Duration, Instant};

use secloop::gate::MicroUsd;
use secloop::turn::AgentOutcome;
use tokio_util::sync::CancellationToken;

use super::{Bench, CREDENTIALS, improvement, small_replies, variable};
use crate::support::meter::UNANSWERED;
use crate::support::model::Step;

#[tokio::test]
async fn a_refused_credential_ends_the_run_soon() {
    for credential in CREDENTIALS {
        let refused = Step::error(401, "authentication_error", "invalid x-api-key", &[]);
        let Some(mut bench) =
            Bench::with(|_| vec![refused], |c| c.credential = variable(credential)).await
        else {
            return;
        };
        let started = Instant::now();
        let it = bench.iterate().await;
        assert_eq!(it.outcome, AgentOutcome::Auth, "{credential}: {it:#?}");
        assert!(it.why.contains("401"), "{credential}: {}", it.why);
        assert_eq!(it.cost, MicroUsd::ZERO, "{credential}");
        assert!(bench.model.requests().len() <= 4, "{credential}");
        assert!(started.elapsed() < Duration::from_secs(15), "{credential}");
    }
}

#[tokio::test]
async fn a_forbidden_credential_is_refused_at_once() {
    let refused = Step::error(403, "permission_error", "not yours", &[]);
    let Some(mut bench) = Bench::new(|_| vec![refused]).await else {
        return;
    };
    let it = bench.iterate().await;
    assert_eq!(it.outcome, AgentOutcome::Auth, "{it:#?}");
    assert!(it.why.contains("403"), "{}", it.why);
    assert_eq!(it.cost, MicroUsd::ZERO);
}

#[tokio::test]
async fn an_overloaded_service_is_given_up() {
    let overloaded = Step::error(529, "overloaded_error", "Overloaded", &[]);
    let Some(mut bench) = Bench::new(|_| vec![overloaded]).await else {
        return;
    };
    let it = bench.iterate().await;
    assert_eq!(it.outcome, AgentOutcome::Offline, "{it:#?}");
    assert!(it.why.contains("529"), "{}", it.why);
    assert_eq!(it.cost, MicroUsd::ZERO);
}

/// One that recovers costs a retry and nothing else.
#[tokio::test]
async fn a_failing_service_that_recovers_is_forgiven() {
    let Some(mut bench) = Bench::new(|_| {
        vec![
            Step::error(500, "api_error", "once", &[]),
            Step::structured(improvement()),
        ]
    })
    .await
    else {
        return;
    };
    let it = bench.iterate().await;
    assert_eq!(it.outcome, AgentOutcome::Done, "{it:#?}");
    assert_eq!(it.cost, small_replies(1));
    let beats = &bench.beats;
    assert!(
        beats.iter().any(|b| b.starts_with("attempt 1 ")),
        "{beats:#?}"
    );
}

#[tokio::test]
async fn a_failing_service_is_left_at_the_deadline() {
    let failing = Step::error(500, "api_error", "again", &[]);
    let Some(mut bench) =
        Bench::with(|_| vec![failing], |c| c.deadline = Duration::from_secs(7)).await
    else {
        return;
    };
    let it = bench.iterate().await;
    assert_eq!(it.outcome, AgentOutcome::Offline, "{it:#?}");
    assert!(
        it.why.starts_with("it did not end in time; last: attempt "),
        "{}",
        it.why
    );
    // Each attempt was seen to be refused. One may have been under way: nobody said what it cost.
    assert!([MicroUsd::ZERO, UNANSWERED].contains(&it.cost), "{it:#?}");
}

#[tokio::test]
async fn nothing_listens_where_the_service_should_be() {
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let Some(mut bench) = Bench::with(
        |_| vec![Step::Hang],
        |c| {
            c.base_url = closed;
            c.deadline = Duration::from_secs(7);
        },
    )
    .await
    else {
        return;
    };
    let it = bench.iterate().await;
    assert_eq!(it.outcome, AgentOutcome::Offline, "{it:#?}");
    assert!(bench.model.requests().is_empty());
}

#[tokio::test]
async fn is_cancelled() {
    let cancel = CancellationToken::new();
    let asked = cancel.clone();
    let Some(mut bench) = Bench::new(|_| {
        vec![
            Step::bash("echo half > playbook.yml"),
            Step::from(move |_| {
                asked.cancel();
                Step::Hang
            }),
        ]
    })
    .await
    else {
        return;
    };
    let it = bench.iterate_until(&cancel).await;
    assert_eq!(it.outcome, AgentOutcome::Cancelled, "{it:#?}");
    assert!(it.why.starts_with("stopped; "), "{}", it.why);
    assert_eq!(it.cost, MicroUsd(small_replies(1).0 + UNANSWERED.0));
    // What it left half done is the supervisor's to throw away.
    assert_eq!(bench.playbook(), "half\n");
}

/// It is asked to finish before it is ended, inside of its confinement.
#[tokio::test]
async fn what_is_cancelled_while_a_tool_runs_still_gives_its_result() {
    let Some(mut bench) = Bench::new(|_| vec![Step::bash("echo up > README.md; sleep 3600")]).await
    else {
        return;
    };
    let cancel = CancellationToken::new();
    let (asked, readme) = (cancel.clone(), bench.repo("README.md"));
    std::thread::spawn(move || {
        while std::fs::read_to_string(&readme).unwrap() != "up\n" {
            std::thread::yield_now();
        }
        asked.cancel();
    });
    let it = bench.iterate_until(&cancel).await;
    assert_eq!(it.outcome, AgentOutcome::Cancelled, "{it:#?}");
    assert_eq!(
        it.tail.last().map(String::as_str),
        Some("result: error_during_execution"),
        "{it:#?}"
    );
}

#[tokio::test]
async fn is_cancelled_before_it_begins() {
    let Some(mut bench) = Bench::new(|_| vec![Step::structured(improvement())]).await else {
        return;
    };
    let cancel = CancellationToken::new();
    cancel.cancel();
    let it = bench.iterate_until(&cancel).await;
    assert_eq!(it.outcome, AgentOutcome::Cancelled, "{it:#?}");
    assert!(it.report.is_none());
    assert_eq!(bench.changed().await, "");
}
