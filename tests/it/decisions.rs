//! What only a person decides: a change with a price, approved or denied, and an improvement that is
//! taken back.

use secloop::ledger::{HeldState, Ledger};
use secloop::turn::{Colour, Gate, Turn, TurnOutcome, Verdict};
use serde_json::{Value, json};

use crate::support::discord::Discord;
use crate::support::past::{PastCalls, now};
use crate::support::station::Station;

const GAP: &str = "rm in any spelling";

/// A workstation whose agent has used, again and again, what the improvement blocks.
fn with_a_past(discord: &Discord) -> Station {
    let station = Station::with_gaps(&[GAP]).unhurried().posting_to(discord);
    let mut calls = PastCalls::default();
    for _ in 0..212 {
        calls.bash(now(), "rm -fr /");
    }
    calls.bash(now(), "ls -la");
    calls.write(&station.home().join(".claude"));
    station
}

fn verdict(turn: &Turn, gate: Gate) -> &Verdict {
    let gates = &turn.receipt.gates;
    &gates.iter().find(|g| g.gate == gate).unwrap().verdict
}

fn state(station: &Station, turn: &Turn) -> HeldState {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let ledger = Ledger::open_for_reading(&station.state()).await.unwrap();
        ledger.unwrap().held(turn.id).await.unwrap().unwrap().state
    })
}

fn hook(station: &Station) -> String {
    let hook = station.home().join(".claude/hooks/block-destructive.sh");
    std::fs::read_to_string(hook).unwrap()
}

#[test]
fn a_change_with_a_price_waits_and_lands_once_it_is_approved() {
    let discord = Discord::start([]);
    let station = with_a_past(&discord);
    let done = station.run(&["run", "--once"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    let turns = station.turns();
    let turn = &turns[0];
    let TurnOutcome::Held(why) = &turn.outcome else {
        panic!("{:?}\n{}", turn.outcome, done.err);
    };
    let price = "blocks `rm -fr /`, used 212 times, last today";
    assert!(why.contains(price), "{why}");
    assert!(matches!(verdict(turn, Gate::Replay), Verdict::Held(_)));
    assert_eq!(verdict(turn, Gate::Rollback), &Verdict::Passed);
    let before = hook(&station);
    // The loop goes on with other work, and does not come with it again.
    let done = station.run(&["run", "--once"]);
    assert_eq!(station.turns()[1].outcome.word(), "idle", "{}", done.err);
    let status = station.run(&["status"]);
    for piece in [
        "held      1: rm -fr",
        "`secloop approve 1`",
        "blocks `rm -fr /`",
    ] {
        assert!(status.out.contains(piece), "{piece}\n{}", status.out);
    }
    let status: Value = serde_json::from_str(&station.run(&["status", "--json"]).out).unwrap();
    assert_eq!(status["held"][0]["number"], 1);
    let posts = discord.messages();
    assert!(
        posts[0].contains("Price: ") && posts[0].contains("`secloop deny 1`"),
        "{posts:#?}"
    );

    let done = station.run(&["approve", "1"]);
    assert_eq!(done.code, Some(0), "{}{}", done.out, done.err);
    assert!(
        done.out.contains("replay: blocks `rm -fr /`"),
        "{}",
        done.out
    );
    let turns = station.turns();
    let landed = turns.last().unwrap();
    assert_eq!(landed.outcome.word(), "committed", "{}", done.err);
    assert_eq!(landed.receipt.approves, Some(1));
    assert_eq!(landed.receipt.accepted.len(), 1);
    for gate in [
        Gate::Scope,
        Gate::Policy,
        Gate::Red,
        Gate::Apply,
        Gate::Green,
        Gate::Autonomy,
    ] {
        assert_eq!(verdict(landed, gate), &Verdict::Passed, "{gate:?}");
    }
    assert_ne!(hook(&station), before);
    assert_eq!(state(&station, turn), HeldState::Landed);
    let message = station.git(["log", "-1", "--format=%B", "secloop/hardening"]);
    assert!(
        message.contains("Accepted by the operator:\n- replay: blocks `rm -fr /`"),
        "{message}"
    );
    // Once is enough, and what landed is no change to be denied.
    for verb in ["approve", "deny"] {
        let again = station.run(&[verb, "1"]);
        assert_eq!(again.code, Some(1), "{}", again.out);
        assert!(again.err.contains("landed"), "{}", again.err);
    }
}

/// Exactly the named price is accepted, and nothing else.
#[test]
fn an_approval_is_of_the_named_price_alone() {
    let discord = Discord::start([]);
    let station = with_a_past(&discord);
    let done = station.run(&["run", "--once"]);
    assert_eq!(station.turns()[0].outcome.word(), "held", "{}", done.err);
    // Meanwhile the agent has come to use something else that it blocks.
    let mut calls = PastCalls::default();
    calls.bash(now(), "rm -fr /");
    calls.bash(now(), "rm --recursive --force /");
    calls.write(&station.home().join(".claude"));
    let done = station.run(&["approve", "1"]);
    assert_eq!(done.code, Some(1), "{}", done.err);
    let turns = station.turns();
    let second = turns.last().unwrap();
    let TurnOutcome::Held(why) = &second.outcome else {
        panic!("{:?}", second.outcome);
    };
    assert!(why.contains("--recursive"), "{why}");
    assert_eq!(
        second.receipt.prices.len(),
        2,
        "{:?}",
        second.receipt.prices
    );
    assert_eq!(state(&station, &turns[0]), HeldState::Refused);
    assert_eq!(state(&station, second), HeldState::Waiting);
    // And then it may be denied, for good.
    let denied = station.run(&["deny", "2"]);
    assert_eq!(denied.code, Some(0), "{}", denied.err);
    let done = station.run(&["run", "--once"]);
    assert_eq!(station.turns()[2].outcome.word(), "idle", "{}", done.err);
    for (id, why) in [
        ("2", "denied already"),
        ("3", "holds no change"),
        ("99", "no turn 99"),
    ] {
        let done = station.run(&["approve", id]);
        assert_eq!(done.code, Some(1));
        assert!(done.err.contains(why), "{}", done.err);
    }
}

/// From repository and machine, with the same proof; what came later is not lost.
#[test]
fn an_improvement_is_taken_back_and_the_others_hold() {
    let station = Station::with_gaps(&[GAP, "only its owner reads the log"]).unhurried();
    for _ in 0..2 {
        let done = station.run(&["run", "--once"]);
        assert_eq!(done.code, Some(0), "{}", done.err);
    }
    let turns = station.turns();
    assert!(turns.iter().all(|t| t.outcome.word() == "committed"));
    let at = turns
        .iter()
        .position(|t| t.finding.as_ref().unwrap().control == GAP)
        .unwrap();
    let number = turns[at].number.to_string();
    let original = station.git([
        "show",
        "main:ansible-hooks/roles/agent_hooks/files/block-destructive.sh",
    ]);
    assert_ne!(hook(&station), original);

    let done = station.run(&["rollback", &number]);
    assert_eq!(done.code, Some(0), "{}{}", done.out, done.err);
    assert_eq!(hook(&station), original);
    let turns = station.turns();
    let back = turns.last().unwrap();
    assert_eq!(back.outcome.word(), "taken_back", "{}", done.err);
    assert_eq!(back.receipt.reverts, Some(turns[at].id));
    assert_eq!(back.receipt.probes[0].before, Some(Colour::Green));
    assert_eq!(back.receipt.probes[0].after, Some(Colour::Red));
    assert_eq!(verdict(back, Gate::SecondRun), &Verdict::Passed);
    let message = station.git(["log", "-1", "--format=%B", "secloop/hardening"]);
    assert!(message.starts_with("Take back: rm -fr"), "{message}");
    assert!(message.contains(&format!("Secloop-Reverts: {}", turns[at].id)));
    // Its probe is gone, the other one holds.
    let probes: Value = serde_json::from_str(&station.run(&["probe", "--json"]).out).unwrap();
    assert_eq!((&probes["green"], &probes["red"]), (&json!(1), &json!(0)));
    // The agent does not come with it again, and once is enough.
    let done = station.run(&["run", "--once"]);
    assert_eq!(
        station.turns().last().unwrap().outcome.word(),
        "idle",
        "{}",
        done.err
    );
    let again = station.run(&["rollback", &number]);
    assert_eq!(again.code, Some(1));
    assert!(again.err.contains("taken back already"), "{}", again.err);
}

/// A later commit in the way is named, and nothing is changed.
#[test]
fn what_a_later_commit_is_built_on_is_not_taken_back() {
    let station = Station::with_gaps(&[GAP]).unhurried();
    let done = station.run(&["run", "--once"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    let file = "ansible-hooks/roles/agent_hooks/files/block-destructive.sh";
    station.git(["switch", "--quiet", "--detach", "secloop/hardening"]);
    let diff = station.git(["diff", "main", "HEAD", "--", file]);
    let line = diff
        .lines()
        .find(|l| l.starts_with('+') && !l.starts_with("+++"))
        .unwrap();
    let text = std::fs::read_to_string(station.repo().join(file)).unwrap();
    let text = text.replace(&line[1..], &format!("{} # built on it", &line[1..]));
    station.write(file, &text);
    station.commit_all("Build on it");
    station.git(["update-ref", "refs/heads/secloop/hardening", "HEAD"]);
    station.git(["switch", "--quiet", "main"]);
    let done = station.run(&["rollback", "1"]);
    assert_eq!(done.code, Some(1), "{}", done.err);
    let turns = station.turns();
    let why = turns.last().unwrap().outcome.detail().to_owned();
    for piece in ["conflicts", file, "Build on it"] {
        assert!(why.contains(piece), "{piece}: {why}");
    }
    let probes: Value = serde_json::from_str(&station.run(&["probe", "--json"]).out).unwrap();
    assert_eq!(
        probes["probes"].as_array().unwrap().len(),
        1,
        "it still counts"
    );
}

#[test]
fn a_paused_loop_begins_no_turn() {
    let station = Station::with_gaps(&[]);
    assert!(station.run(&["pause"]).out.contains("no loop is running"));
    let mut running = station.start(&["run"]);
    running.wait_for("paused: ");
    assert!(station.run(&["status"]).out.contains("paused    yes"));
    assert!(station.turns().is_empty());
    assert!(station.run(&["resume"]).out.contains("Resumed"));
    running.wait_for("turn 1");
    let (code, err) = running.finish();
    assert_eq!(code, Some(0), "{err}");
    assert!(station.run(&["resume"]).out.contains("not paused"));
}
