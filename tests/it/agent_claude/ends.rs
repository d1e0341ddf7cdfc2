//! Iterations that end short of a report, by the client's own account.

use secloop::gate::MicroUsd;
use secloop::turn::AgentOutcome;
use serde_json::json;

use super::{Bench, PLAYBOOK, edit, improvement, read, small_replies, variable};
use crate::support::model::Step;

#[tokio::test]
async fn uses_its_allowance_up() {
    let Some(mut bench) = Bench::new(|repo| {
        vec![
            read(&repo.join("playbook.yml")),
            edit(&repo.join("playbook.yml"), "[]", "[{ping: null}]").using(100, 100_000),
            Step::structured(improvement()),
        ]
    })
    .await
    else {
        return;
    };
    let it = bench.iterate().await;
    assert_eq!(it.outcome, AgentOutcome::Budget, "{it:#?}");
    // By the client's own limit, or by the supervisor's.
    assert!(
        it.why.contains("budget") || it.why.contains("allowance of $1.00 is used up"),
        "{}",
        it.why
    );
    // The call that crosses the line is paid for, its tool does not run.
    assert_eq!(it.cost, MicroUsd(800 + 100 * 4 + 100_000 * 20));
    assert!(it.report.is_none());
    assert_eq!(bench.model.requests().len(), 2);
    assert_eq!(bench.playbook(), PLAYBOOK);
}

#[tokio::test]
async fn runs_out_of_turns() {
    let Some(mut bench) = Bench::with(|_| vec![Step::bash("true")], |c| c.max_turns = 2).await
    else {
        return;
    };
    let it = bench.iterate().await;
    assert_eq!(it.outcome, AgentOutcome::Truncated, "{it:#?}");
    assert!(it.why.contains("max_turns"), "{}", it.why);
    assert_eq!(it.cost, small_replies(2));
}

#[tokio::test]
async fn a_usage_limit_keeps_its_reset() {
    let limit = Step::error(
        429,
        "rate_limit_error",
        "limit",
        &[
            ("anthropic-ratelimit-unified-status", "rejected"),
            ("anthropic-ratelimit-unified-reset", "1795223218"),
            (
                "anthropic-ratelimit-unified-representative-claim",
                "five_hour",
            ),
        ],
    );
    let Some(mut bench) = Bench::with(
        |_| vec![Step::bash("true"), limit],
        |c| c.credential = variable("CLAUDE_CODE_OAUTH_TOKEN"),
    )
    .await
    else {
        return;
    };
    let it = bench.iterate().await;
    let reset = chrono::DateTime::from_timestamp(1_795_223_218, 0);
    assert!(reset.is_some());
    assert_eq!(it.outcome, AgentOutcome::Limit { reset }, "{it:#?}");
    assert!(it.why.contains("5-hour limit"), "{}", it.why);
    assert_eq!(it.cost, small_replies(1));
    assert_eq!(bench.model.requests().len(), 2);
}

#[tokio::test]
async fn a_rate_limit_with_a_long_wait_ends_the_run() {
    let limit = Step::error(429, "rate_limit_error", "slow", &[("retry-after", "600")]);
    let Some(mut bench) = Bench::new(|_| vec![limit]).await else {
        return;
    };
    let it = bench.iterate().await;
    assert_eq!(it.outcome, AgentOutcome::Limit { reset: None }, "{it:#?}");
    assert_eq!(it.cost, MicroUsd::ZERO);
}

#[tokio::test]
async fn credit_that_is_used_up_is_a_limit() {
    let words = "Your credit balance is too low to access the Anthropic API.";
    let broke = Step::error(400, "invalid_request_error", words, &[]);
    let Some(mut bench) = Bench::new(|_| vec![broke]).await else {
        return;
    };
    let it = bench.iterate().await;
    assert_eq!(it.outcome, AgentOutcome::Limit { reset: None }, "{it:#?}");
    assert!(it.why.contains("Credit balance is too low"), "{}", it.why);
    assert_eq!(it.cost, MicroUsd::ZERO);
}

#[tokio::test]
async fn a_model_that_does_not_exist_is_named() {
    let none = Step::error(404, "not_found_error", "model: nonsense", &[]);
    let Some(mut bench) = Bench::with(|_| vec![none], |c| c.model = "nonsense".to_owned()).await
    else {
        return;
    };
    let it = bench.iterate().await;
    assert_eq!(it.outcome, AgentOutcome::Crashed, "{it:#?}");
    assert!(
        it.why.contains("404") && it.why.contains("nonsense"),
        "{}",
        it.why
    );
    assert_eq!(it.cost, MicroUsd::ZERO);
}

#[tokio::test]
async fn ends_without_a_report() {
    let Some(mut bench) = Bench::new(|_| vec![Step::text("All is well.")]).await else {
        return;
    };
    let it = bench.iterate().await;
    assert_eq!(it.outcome, AgentOutcome::Crashed, "{it:#?}");
    assert_eq!(it.why, "it ended without a report");
    assert!(it.report.is_none());
    // It was asked for the report once more.
    assert_eq!(it.cost, small_replies(2));
}

#[tokio::test]
async fn never_meets_the_schema() {
    let wrong = json!({"outcome": "splendid"});
    let Some(mut bench) = Bench::new(|_| vec![Step::structured(wrong)]).await else {
        return;
    };
    let it = bench.iterate().await;
    assert_eq!(it.outcome, AgentOutcome::Crashed, "{it:#?}");
    assert!(it.why.contains("structured output"), "{}", it.why);
    assert_eq!(it.cost, small_replies(5));
}

#[tokio::test]
async fn meets_the_schema_but_contradicts_itself() {
    let hollow = json!({"outcome": "improvement", "change": "much"});
    let Some(mut bench) = Bench::new(|_| vec![Step::structured(hollow)]).await else {
        return;
    };
    let it = bench.iterate().await;
    assert_eq!(it.outcome, AgentOutcome::Crashed, "{it:#?}");
    assert_eq!(it.why, "an improvement needs a finding");
    assert!(it.report.is_none());
    assert_eq!(it.cost, small_replies(1));
}

#[tokio::test]
async fn what_the_service_sends_is_no_message() {
    let garbage = Step::Status(200, Vec::new(), "<html>a portal</html>".to_owned());
    let Some(mut bench) = Bench::new(|_| vec![garbage]).await else {
        return;
    };
    let it = bench.iterate().await;
    assert_eq!(it.outcome, AgentOutcome::Offline, "{it:#?}");
    assert!(it.why.contains("JSON"), "{}", it.why);
    assert_eq!(it.cost, MicroUsd::ZERO);
    assert!(it.report.is_none());
}
