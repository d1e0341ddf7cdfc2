//! Money that runs out while an iteration is under way.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use secloop::clock::Clock;
use secloop::turn::TurnOutcome;
use serde_json::{Value, json};

use super::{Mac, model, nothing};
use crate::support::discord::Discord;
use crate::support::model::Step;

/// Another session's call of so many output tokens of Opus 5, at $25 a million, now.
fn elsewhere(home: &std::path::Path, output: u64) -> PathBuf {
    let now = Clock::system(chrono_tz::Tz::UTC).now();
    let row = json!({
        "type": "assistant", "timestamp": now.to_rfc3339(),
        "sessionId": "another", "cwd": "/srv/else", "uuid": uuid::Uuid::new_v4(),
        "message": {"id": format!("msg_{output}"), "model": "claude-opus-5", "usage": {
            "input_tokens": 0, "output_tokens": output,
            "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}},
    });
    let dir = home.join(".claude/projects/-srv-else");
    std::fs::create_dir_all(&dir).unwrap();
    let file = dir.join("another.jsonl");
    let before = std::fs::read_to_string(&file).unwrap_or_default();
    std::fs::write(&file, format!("{before}{row}\n")).unwrap();
    file
}

/// The day's cap is reached by somebody else while the agent waits for its model: it is ended, and
/// so is the loop; the other session is left alone.
#[test]
fn another_session_that_reaches_the_cap_ends_the_iteration() {
    static HOME: OnceLock<PathBuf> = OnceLock::new();
    let model = model(|_, _| {
        // $50 are spent already; the call costs $110.
        elsewhere(HOME.get().unwrap(), 4_400_000);
        Step::Hang
    });
    let discord = Discord::start([]);
    let Some(mac) = Mac::new(7, &model, &discord) else {
        return;
    };
    HOME.set(mac.station.home()).unwrap();
    let file = elsewhere(&mac.station.home(), 2_000_000);
    let done = mac.run(&["run"]);
    assert_eq!(done.code, Some(10), "{}", done.err);
    let turns = mac.station.turns();
    assert_eq!(turns.len(), 1, "{}", done.err);
    let TurnOutcome::Failed(why) = &turns[0].outcome else {
        panic!("{:?}", turns[0].outcome);
    };
    assert!(
        why.starts_with("agent budget: the daily cap is reached in mid-run: $160.00 spent today"),
        "{why}"
    );
    // What was asked for and never answered is booked at the configured estimate.
    assert_eq!(turns[0].cost.0, 1_000_000, "{why}");
    let posts = discord.messages();
    assert_eq!(posts.len(), 1, "{posts:#?}");
    assert!(
        posts
            .last()
            .unwrap()
            .contains("stopped by the spending gate"),
        "{posts:#?}"
    );
    assert_eq!(std::fs::read_to_string(file).unwrap().lines().count(), 2);
    let spend = mac.run(&["spend", "--json"]);
    let spend: Value = serde_json::from_str(&spend.out).unwrap();
    assert_eq!(spend["total_micro_usd"], json!(161_000_000), "{spend:#}");
}

/// At four fifths of the cap people are told, once and while the iteration is under way, and the loop
/// goes on.
#[test]
fn a_warning_is_posted_at_four_fifths_of_the_cap() {
    static HOME: OnceLock<PathBuf> = OnceLock::new();
    let discord = Arc::new(Discord::start([]));
    let channel = Arc::clone(&discord);
    let model = model(move |_, _| {
        // $120, seen and posted before the model answers.
        elsewhere(HOME.get().unwrap(), 4_800_000);
        channel.wait_for("(80 %, ");
        nothing()
    });
    let Some(mac) = Mac::new(7, &model, &discord) else {
        return;
    };
    HOME.set(mac.station.home()).unwrap();
    let done = mac.run(&["run"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    let posts = discord.messages();
    let warnings = posts.iter().filter(|p| p.contains("(80 %, ")).count();
    assert_eq!(warnings, 1, "{posts:#?}");
    assert!(posts[0].contains("(80 %, "), "{posts:#?}");
}
