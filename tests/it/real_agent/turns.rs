//! Whole turns: improved, taken back, refused.

use std::sync::atomic::{AtomicUsize, Ordering};

use secloop::turn::{Colour, Gate, TurnOutcome, Verdict};
use serde_json::{Value, json};

use super::{Mac, improvement, model, nothing, pattern, verdict, words};
use crate::support::discord::Discord;
use crate::support::foreign;
use crate::support::model::Step;
use crate::support::past::{PastCalls, now};

/// Acceptance: an existing playbook works from `init` on, with the real agent and the live call;
/// the loop ends by itself when the agent finds nothing more, confirmed by a second iteration.
#[test]
fn an_existing_playbook_is_adopted_improved_and_done() {
    let model = model(|n, words| {
        if words.contains("rm -fr is let through") {
            return nothing();
        }
        match n {
            0 => pattern("*\"rm -fr /\"*"),
            1 => improvement("rm -fr is let through", "rm -fr /"),
            _ => Step::text("done"),
        }
    });
    let discord = Discord::start([]);
    let Some(mac) = Mac::new(20, &model, &discord) else {
        return;
    };
    let done = mac.run(&["run"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert!(done.err.contains("1 standing failure"), "{}", done.err);

    let mut turns = mac.station.turns();
    // A wake comes while a turn runs that takes longer than the interval.
    turns.retain(|t| t.outcome.word() != "skipped");
    let outcomes: Vec<&str> = turns.iter().map(|t| t.outcome.word()).collect();
    assert_eq!(outcomes, ["committed", "idle", "idle"], "{}", done.err);
    assert_eq!(
        verdict(&turns[0], Gate::LiveCall),
        Some(&Verdict::Passed),
        "{}",
        done.err
    );
    assert!(
        turns[0]
            .receipt
            .probes
            .iter()
            .all(|p| (p.before, p.after) == (Some(Colour::Red), Some(Colour::Green)))
    );
    assert!(turns.iter().all(|t| t.cost.0 > 0), "every iteration cost");
    assert!(mac.hook().contains("rm -fr /"));
    assert_eq!(mac.commits(), "1");
    assert_eq!(mac.station.page().matches("<a id=\"turn-").count(), 1);
    let mut posts = discord.messages();
    posts.retain(|post| !post.contains(": skipped**"));
    assert_eq!(posts.len(), 4, "{posts:#?}");
    // What it cost is part of the day's figure, once.
    let spend = mac.run(&["spend", "--json"]);
    let spend: Value = serde_json::from_str(&spend.out).unwrap();
    let turns_cost: u64 = turns.iter().map(|t| t.cost.0).sum();
    assert_eq!(spend["total_micro_usd"], json!(turns_cost), "{spend:#}");
    // The prompts keep to this workstation.
    let asked: Vec<String> = model.requests().iter().map(words).collect();
    for scope in ["Kubernetes", "autonomy of", "new scanners"] {
        assert!(asked.iter().any(|w| w.contains(scope)), "{scope}");
    }
}

/// Acceptance: what takes work from the agent reaches no machine; where only its own past shows what
/// it takes, it is taken back from repository and machine and waits for a person.
#[test]
fn a_change_that_stops_the_agent_from_working_is_taken_back() {
    static TRIES: AtomicUsize = AtomicUsize::new(0);
    let model = model(|n, _| match n {
        0 if TRIES.fetch_add(1, Ordering::Relaxed) == 0 => pattern("*git*"),
        0 => pattern("*publish.sh*"),
        1 if TRIES.load(Ordering::Relaxed) == 1 => {
            improvement("git is let through", "git push --force")
        }
        1 => improvement("publishing is let through", "./publish.sh --blog"),
        _ => Step::text("done"),
    });
    let discord = Discord::start([]);
    let Some(mac) = Mac::new(9, &model, &discord) else {
        return;
    };
    let mut past = PastCalls::default();
    past.bash(now(), "./publish.sh --blog");
    past.write(&mac.station.home().join(".claude"));
    for _ in 0..2 {
        let done = mac.run(&["run", "--once"]);
        assert_eq!(done.code, Some(0), "{}", done.err);
        assert!(!mac.hook().contains("*git*") && !mac.hook().contains("publish"));
    }
    let turns = mac.station.turns();
    assert!(
        matches!(verdict(&turns[0], Gate::Hooks), Some(Verdict::Refused(why)) if why.contains("git")),
        "{turns:#?}"
    );
    assert_eq!(verdict(&turns[0], Gate::Apply), None);
    assert!(matches!(turns[0].outcome, TurnOutcome::Rejected(_)));
    assert!(
        matches!(verdict(&turns[1], Gate::Replay), Some(Verdict::Held(why)) if why.contains("publish")),
        "{turns:#?}"
    );
    assert!(matches!(turns[1].outcome, TurnOutcome::Held(_)));
    assert_eq!(verdict(&turns[1], Gate::Rollback), Some(&Verdict::Passed));
    assert_eq!(turns[1].receipt.probes[0].rolled_back, Some(Colour::Red));
    assert_eq!(mac.commits(), "0");
    assert_eq!(mac.station.page().matches("<a id=\"turn-").count(), 0);
    let posts = discord.messages();
    assert!(posts[0].contains("rejected"), "{posts:#?}");
}

/// What an agent may claim or do, and what becomes of it: nothing of it reaches the machine.
#[test]
fn what_is_no_honest_change_reaches_nothing() {
    type Case = (&'static str, fn() -> Step);
    let cases: [Case; 4] = [
        ("no file is changed", || Step::bash("true")),
        ("scope", || Step::bash("mkdir -p x && echo hello > x/file")),
        ("policy", || {
            Step::bash(&format!("printf '\\n   - [' >> {}", foreign::FILE))
        }),
        ("scope", || {
            Step::bash(
                "git config user.email a@b; git config user.name a; echo x > .gitignore; \
                 git add -A; git commit -qm mine",
            )
        }),
    ];
    let tries = AtomicUsize::new(0);
    let model = model(move |n, _| match n {
        0 => cases[tries.fetch_add(1, Ordering::Relaxed).min(cases.len() - 1)].1(),
        1 => {
            let title = format!("case {}", tries.load(Ordering::Relaxed));
            improvement(&title, "rm -fr /")
        }
        _ => Step::text("done"),
    });
    let discord = Discord::start([]);
    let Some(mac) = Mac::new(9, &model, &discord) else {
        return;
    };
    let mut machine = None;
    for (at, (says, _)) in cases.iter().enumerate() {
        let done = mac.run(&["run", "--once"]);
        assert_eq!(done.code, Some(0), "{}", done.err);
        let turns = mac.station.turns();
        let turn = &turns[at];
        let TurnOutcome::Rejected(why) = &turn.outcome else {
            panic!("{:?}\n{}", turn.outcome, done.err);
        };
        let refused: Vec<&str> = turn
            .receipt
            .gates
            .iter()
            .filter(|g| matches!(g.verdict, Verdict::Refused(_)))
            .map(|g| g.gate.word())
            .collect();
        assert!(
            why.contains(says) || refused == [*says],
            "{says}: {why}, {refused:?}"
        );
        assert!(turn.receipt.gates.iter().all(|g| g.gate != Gate::Apply));
        let now = mac.hook();
        assert_eq!(*machine.get_or_insert(now.clone()), now);
    }
    assert_eq!(mac.commits(), "0");
    assert!(!mac.station.repo().join("x").exists());
}
