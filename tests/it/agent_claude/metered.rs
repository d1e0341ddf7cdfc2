//! Iterations that are ended by what they cost, while they run.

use secloop::gate::MicroUsd;
use secloop::turn::AgentOutcome;
use tokio_util::sync::CancellationToken;

use super::{Bench, small_replies};
use crate::support::model::Step;

/// Words of an answer that never ends, and what it is booked at: a token for three letters.
const WORDS: &str = "it goes on and on and on, and it will not end ";
const PROMPT: u64 = 250_000;

fn cut_answer() -> MicroUsd {
    let output = (WORDS.len() as u64).div_ceil(3);
    MicroUsd(PROMPT * 4 + output * 20)
}

/// The prompt of one call alone is more than the allowance: its answer is not waited for, and the
/// client's own limit, which looks at calls that have ended, would never see it.
#[tokio::test]
async fn an_expensive_run_is_cut_within_one_call_of_the_line() {
    let Some(mut bench) = Bench::new(|_| {
        vec![
            Step::bash("true"),
            Step::stall(WORDS).using(PROMPT, 9),
            Step::bash("echo never > playbook.yml"),
        ]
    })
    .await
    else {
        return;
    };
    let it = bench.iterate().await;
    assert_eq!(it.outcome, AgentOutcome::Budget, "{it:#?}");
    assert!(
        it.why
            .starts_with("the allowance of $1.00 is used up: $1.00"),
        "{}",
        it.why
    );
    let all = MicroUsd(small_replies(1).0 + cut_answer().0);
    // Where it is cut before any of its words are seen, only its prompt is booked.
    let prompt = MicroUsd(small_replies(1).0 + PROMPT * 4);
    assert!((prompt..=all).contains(&it.cost), "{it:#?}");
    assert_eq!(bench.model.requests().len(), 2, "it went on");
    assert_eq!(bench.changed().await, "");
}

/// What was streamed of an answer is booked when the run is ended in the middle of it.
#[tokio::test]
async fn an_answer_that_was_cut_is_booked_at_an_estimate() {
    let cancel = CancellationToken::new();
    let Some(bench) =
        Bench::new(|_| vec![Step::bash("true"), Step::stall(WORDS).using(1_000, 9)]).await
    else {
        return;
    };
    // Ended at the second answer's first sign.
    let asked = cancel.clone();
    let mut answers = 0;
    let meter = crate::support::meter::metered(bench.brief.allowance, &cancel);
    let it = secloop::agent::Agent::iterate(&bench.claude, &bench.brief, &meter, &mut |line| {
        answers += u32::from(line == "the model answers");
        if answers == 2 {
            asked.cancel();
        }
    })
    .await;
    assert_eq!(it.outcome, AgentOutcome::Cancelled, "{it:#?}");
    let least = small_replies(1).0 + 1_000 * 4;
    let most = least + (WORDS.len() as u64).div_ceil(3) * 20;
    assert!((least..=most).contains(&it.cost.0), "{it:#?}");
    bench.assert_untouched_outside().await;
}
