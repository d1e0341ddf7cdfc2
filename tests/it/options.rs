//! The smaller options of the commands.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use rustix::process::Signal;
use secloop::clock::Clock;
use secloop::gate::MicroUsd;
use secloop::ledger::Ledger;
use secloop::turn::{Receipt, Turn, TurnOutcome};
use serde_json::Value;

use crate::support::station::{Ran, Station};

fn json(done: &Ran) -> Value {
    serde_json::from_str(&done.out).unwrap_or_else(|e| panic!("{e}: {}{}", done.out, done.err))
}

fn plain() -> Station {
    Station::bare().section("playbook", "file = \"p.yml\"")
}

/// Recorded turns that came to nothing.
fn record_turns(station: &Station, count: usize) {
    std::fs::create_dir_all(station.state()).unwrap();
    let now = Clock::system(chrono_tz::Tz::UTC).now();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let ledger = Ledger::open(&station.state()).await.unwrap();
        for _ in 0..count {
            let open = ledger.begin_turn(now).await.unwrap();
            let turn = Turn {
                id: open.id,
                number: open.number,
                started: open.started,
                finished: now,
                outcome: TurnOutcome::Idle("nothing".to_owned()),
                agent: None,
                cost: MicroUsd::ZERO,
                finding: None,
                change: String::new(),
                question: None,
                receipt: Receipt::default(),
            };
            ledger.finish_turn(&turn, &[]).await.unwrap();
        }
        ledger.close().await;
    });
}

#[test]
fn history_shows_the_newest_turns_up_to_its_limit() {
    let station = plain();
    record_turns(&station, 3);
    let shown = json(&station.run(&["history", "--limit", "2", "--json"]));
    let numbers: Vec<i64> = shown["turns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["number"].as_i64().unwrap())
        .collect();
    assert_eq!(numbers, [2, 3]);
    let none = station.run(&["history", "--limit", "0"]);
    assert_eq!(none.code, Some(2), "{}", none.out);
    assert!(none.err.contains("--limit"), "{}", none.err);
}

#[test]
fn show_asks_for_an_id() {
    let station = plain();
    record_turns(&station, 1);
    let done = station.run(&["show", ""]);
    assert_eq!(done.code, Some(2), "{}", done.out);
    assert!(done.err.contains("<ID>"), "{}", done.err);
}

#[test]
fn spend_is_that_of_the_day_asked_for_with_the_cap_and_what_is_left() {
    let station = plain().section("spend", "zone = \"UTC\"\ndaily_cap_usd = 10");
    let dir = station.home().join(".claude/projects/-work-app");
    std::fs::create_dir_all(&dir).unwrap();
    // 40 000 tokens of output at 25 dollars for a million.
    let row = serde_json::json!({
        "type": "assistant", "sessionId": "s-1", "uuid": "u-1", "cwd": "/home/kyle/app",
        "requestId": "req_1", "timestamp": "2026-03-04T12:00:00.000Z",
        "message": { "id": "msg_1", "model": "claude-opus-4-6", "role": "assistant",
            "stop_reason": "end_turn", "usage": { "input_tokens": 0, "output_tokens": 40_000 } },
    });
    std::fs::write(dir.join("s-1.jsonl"), format!("{row}\n")).unwrap();
    let shown = json(&station.run(&["spend", "--date", "2026-03-04", "--json"]));
    assert_eq!(shown["date"], "2026-03-04");
    assert_eq!(shown["total_micro_usd"], 1_000_000);
    assert_eq!(shown["cap_micro_usd"], 10_000_000);
    assert_eq!(shown["left_micro_usd"], 9_000_000);
    let text = station.run(&["spend", "--date", "2026-03-04"]).out;
    assert!(
        text.contains("$10.00") && text.contains("$9.00 left"),
        "{text}"
    );
    let other = json(&station.run(&["spend", "--date", "2026-03-05", "--json"]));
    assert_eq!(other["total_micro_usd"], 0);

    let mut without = station.other(env!("CARGO_BIN_EXE_secloop"));
    without
        .env_remove("SECLOOP_CONFIG")
        .current_dir(station.home())
        .args(["spend", "--json"]);
    let shown = json(&Ran::from(without.output().unwrap()));
    assert_eq!(shown["cap_micro_usd"], Value::Null);
    assert_eq!(shown["left_micro_usd"], Value::Null);
}

#[test]
fn init_shows_what_it_would_write() {
    let station = Station::bare();
    station.write(
        "site.yml",
        "- hosts: localhost\n  connection: local\n  tasks: []\n",
    );
    let done = station.run(&["init", "--stdout", station.repo().to_str().unwrap()]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert!(done.out.contains("file = \"site.yml\""), "{}", done.out);
    assert!(!station.repo().join("secloop.toml").exists());
}

#[test]
fn status_is_shown_again_until_it_is_interrupted() {
    let station = plain();
    let mut command = station.command(&["status", "--watch"]);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "running   no");
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// A stop at once takes the change back first; it needs no configuration, as after a trial.
#[test]
fn stop_now_takes_the_turn_back() {
    let station = Station::with_gaps(&["rm in any spelling"]);
    let mut running = station.start(&["run"]);
    running.wait_for("✓ apply");
    let mut stop = station.other(env!("CARGO_BIN_EXE_secloop"));
    stop.env_remove("SECLOOP_CONFIG").args(["stop", "--now"]);
    stop.current_dir(station.home());
    let asked = Ran::from(stop.output().unwrap());
    assert_eq!(asked.code, Some(0), "{}", asked.err);
    assert!(asked.out.contains("takes its turn back"), "{}", asked.out);
    let (code, said) = running.finish();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("an operator asked for it"), "{said}");
    let turns = station.turns();
    assert_eq!(turns[0].outcome.word(), "failed", "{said}");
}

/// A reader that goes away early is a normal end, as with `secloop completions zsh | head`.
#[test]
fn a_reader_that_goes_away_is_no_error() {
    let station = plain();
    for args in [&["completions", "zsh"][..], &["history"]] {
        let mut command = station.command(args);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        command.stdout(writer).stderr(Stdio::piped());
        let done = Ran::from(command.spawn().unwrap().wait_with_output().unwrap());
        assert_eq!(done.code, Some(0), "{args:?}: {}", done.err);
        assert_eq!(done.err, "", "{args:?}");
    }
}
