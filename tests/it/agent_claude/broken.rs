//! A client that is broken in itself: a script in its place.

use std::os::unix::fs::PermissionsExt as _;

use secloop::gate::MicroUsd;
use secloop::turn::{AgentOutcome, Iteration};

use super::{ALLOWANCE, Bench, KEY};
use crate::support::model::Step;

async fn iterate(script: &str) -> Iteration {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("claude");
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut bench = Bench::of(program, |_| vec![Step::Hang], |_| ()).await;
    let it = bench.iterate().await;
    assert!(bench.model.requests().is_empty());
    it
}

#[tokio::test]
async fn ends_before_it_begins() {
    let it = iterate("echo \"no such option, $ANTHROPIC_API_KEY\" >&2; exit 3").await;
    assert_eq!(it.outcome, AgentOutcome::Crashed, "{it:#?}");
    assert_eq!(
        it.why,
        "exit code 3 without a result: stderr: no such option, [redacted]"
    );
    assert_eq!(it.cost, MicroUsd::ZERO);
    assert!(!it.tail.join(" ").contains(KEY));
}

#[tokio::test]
async fn says_what_is_no_event() {
    let it = iterate("echo '{\"type\":\"result\"'; echo null; echo 'done!'").await;
    assert_eq!(it.outcome, AgentOutcome::Crashed, "{it:#?}");
    assert!(
        it.why.starts_with("exit code 0 without a result: "),
        "{}",
        it.why
    );
    assert_eq!(it.tail.len(), 3, "{it:#?}");
}

#[tokio::test]
async fn dies_in_mid_work() {
    let it = iterate("echo '{\"type\":\"system\",\"subtype\":\"init\"}'; kill -9 $$").await;
    assert_eq!(it.outcome, AgentOutcome::Crashed, "{it:#?}");
    // It said nothing of its cost, and nobody has asked the model anything.
    assert_eq!(it.cost, MicroUsd::ZERO);
}

#[tokio::test]
async fn claims_a_good_end_but_a_price_that_cannot_be() {
    let it = iterate(
        r#"echo '{"type":"result","subtype":"success","is_error":false,"total_cost_usd":-3,"terminal_reason":"completed","structured_output":{"outcome":"nothing_material"}}'"#,
    )
    .await;
    assert_eq!(it.outcome, AgentOutcome::NoOp, "{it:#?}");
    assert_eq!(it.cost, ALLOWANCE);
    assert!(it.why.contains("not credible"), "{}", it.why);
}
