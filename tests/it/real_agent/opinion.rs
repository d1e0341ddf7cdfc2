//! A second opinion of the real client: it objects once, and finds nothing the next time.

use std::sync::atomic::{AtomicUsize, Ordering};

use secloop::turn::{Colour, Gate, Verdict};
use serde_json::{Value, json};

use super::{Mac, improvement, model, nothing, pattern, verdict, words};
use crate::support::discord::Discord;
use crate::support::model::Step;

#[test]
fn an_objection_takes_the_change_back_and_no_objection_lets_the_other_gates_decide() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let model = model(|n, words| {
        if words.contains("You are the attacker") {
            if n == 0 {
                return Step::bash("cat ~/.env; ls ~/.claude/hooks");
            }
            let through = ASKED.fetch_add(1, Ordering::Relaxed) == 0;
            return Step::structured(json!({
                "verdict": if through { "bypassed" } else { "holds" }, "how": "quote it",
                "attempts": [{"tried": "r'm' -fr /", "got_through": through}],
            }));
        }
        if ASKED.load(Ordering::Relaxed) == 2 {
            return nothing();
        }
        match n {
            0 => pattern("*\"rm -fr /\"*"),
            1 => improvement("rm -fr is let through", "rm -fr /"),
            _ => Step::text("done"),
        }
    });
    let discord = Discord::start([]);
    let Some(mac) = Mac::new(9, &model, &discord) else {
        return;
    };
    mac.set("# second_opinion = false", "second_opinion = true");
    let done = mac.run(&["run"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    let mut turns = mac.station.turns();
    turns.retain(|t| t.outcome.word() != "skipped");
    let outcomes: Vec<&str> = turns.iter().map(|t| t.outcome.word()).collect();
    assert_eq!(
        outcomes,
        ["rejected", "committed", "idle", "idle"],
        "{}",
        done.err
    );

    let refused = verdict(&turns[0], Gate::SecondOpinion);
    assert_eq!(
        refused,
        Some(&Verdict::Refused(
            "it got round the change: quote it".to_owned()
        ))
    );
    assert_eq!(verdict(&turns[0], Gate::Rollback), Some(&Verdict::Passed));
    assert_eq!(turns[0].receipt.probes[0].rolled_back, Some(Colour::Red));
    assert_eq!(
        verdict(&turns[1], Gate::SecondOpinion),
        Some(&Verdict::Passed)
    );
    assert_eq!(mac.commits(), "1");

    // It is asked about the change, and told nothing of what the first run said of it.
    let asked: Vec<String> = model.requests().iter().map(words).collect();
    let about: Vec<&String> = asked
        .iter()
        .filter(|w| w.contains("You are the attacker"))
        .collect();
    assert!(about.iter().any(|w| w.contains("rm -fr /")) && !about.is_empty());
    assert!(about.iter().all(|w| !w.contains("The hook denies it.")));
    let answers = model
        .requests()
        .iter()
        .map(ToString::to_string)
        .collect::<String>();
    assert!(answers.contains("API_TOKEN=decoy-"), "the decoys are there");
    // What it cost is booked, once.
    let spend = mac.run(&["spend", "--json"]);
    let spend: Value = serde_json::from_str(&spend.out).unwrap();
    let cost: u64 = turns.iter().map(|t| t.cost.0).sum();
    assert_eq!(spend["total_micro_usd"], json!(cost), "{spend:#}");
}
