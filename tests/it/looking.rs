//! The commands that only look, and the command line itself.

use secloop::clock::Clock;
use serde_json::Value;

use crate::support::discord::Discord;
use crate::support::station::Station;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// A transcript of a call that costs `dollars`, now.
fn spend(station: &Station, dollars: u64) {
    let now = Clock::system(chrono_tz::Tz::UTC).now();
    let dir = station.home().join(".claude/projects/-work-app");
    std::fs::create_dir_all(&dir).unwrap();
    // 25 dollars for a million tokens of output.
    let row = serde_json::json!({
        "type": "assistant", "sessionId": "s-1", "uuid": "u-1", "cwd": "/home/kyle/app",
        "requestId": "req_1", "timestamp": now.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        "message": { "id": "msg_1", "model": "claude-opus-4-6", "role": "assistant",
            "stop_reason": "end_turn",
            "usage": { "input_tokens": 0, "output_tokens": dollars * 40_000 } },
    });
    std::fs::write(dir.join("s-1.jsonl"), format!("{row}\n")).unwrap();
}

/// Acceptance: at or over the cap the reason is logged and posted, and nothing is started.
#[test]
fn at_the_daily_cap_the_loop_ends_with_10_without_starting_an_iteration() {
    let discord = Discord::start([]);
    let station = Station::with_gaps(&["only its owner reads the log"])
        .section("spend", "daily_cap_usd = 150\nzone = \"UTC\"")
        .posting_to(&discord);
    spend(&station, 150);
    let done = station.run(&["run"]);
    assert_eq!(done.code, Some(10), "{}", done.err);
    assert!(
        done.err
            .contains("the daily cap is reached: $150.00 spent today of $150.00"),
        "{}",
        done.err
    );
    let turns = station.turns();
    assert_eq!(turns.len(), 1);
    assert_eq!(turns[0].outcome.word(), "skipped");
    assert_eq!(turns[0].agent, None, "no agent ran");
    let posts = discord.messages();
    assert_eq!(posts.len(), 1, "{posts:#?}");
    assert!(
        posts[0].contains("spending gate") && posts[0].contains("$150.00"),
        "{}",
        posts[0]
    );

    let shown = json(&station.run(&["spend", "--json"]).out);
    assert_eq!(shown["total_micro_usd"], 150_000_000_u64);
    assert_eq!(shown["complete"], true);
    let status = json(&station.run(&["status", "--json"]).out);
    assert_eq!(status["running"], false);
    assert_eq!(status["spend"]["total_micro_usd"], 150_000_000_u64);
    let table = station.run(&["spend", "--by", "model"]).out;
    assert!(table.contains("claude-opus-4-6"), "{table}");
}

/// What was counted once stays counted, even when whoever wrote it and the index are gone.
#[test]
fn a_figure_never_goes_down_on_a_day() {
    let station = Station::with_gaps(&["only its owner reads the log"])
        .section("spend", "daily_cap_usd = 150\nzone = \"UTC\"");
    spend(&station, 150);
    assert_eq!(station.run(&["run"]).code, Some(10));
    std::fs::remove_dir_all(station.home().join(".claude/projects")).unwrap();
    for entry in station.state().read_dir().unwrap().flatten() {
        if entry
            .file_name()
            .to_string_lossy()
            .starts_with("spend-index")
        {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
    let again = station.run(&["run"]);
    assert_eq!(again.code, Some(10), "{}", again.err);
    let shown = station.run(&["spend", "--by", "model", "--json"]);
    let shown = json(&shown.out);
    assert_eq!(shown["total_micro_usd"], 150_000_000_u64);
    assert_eq!(shown["shares"][0]["micro_usd"], 150_000_000_u64);
    assert!(
        shown["notes"]
            .to_string()
            .contains("$150.00 were counted earlier"),
        "{shown:#}"
    );
}

/// Acceptance: unreadable data refuses to start, and asks for the operator.
#[test]
fn a_spend_that_is_not_known_starts_nothing() {
    let station = Station::with_gaps(&["only its owner reads the log"]);
    let dir = station.home().join(".claude/projects");
    std::fs::create_dir_all(dir.parent().unwrap()).unwrap();
    // A link to itself can't be read by anybody, root included.
    std::os::unix::fs::symlink(&dir, &dir).unwrap();
    let done = station.run(&["run"]);
    assert_eq!(done.code, Some(12), "{}", done.err);
    assert!(done.err.contains("spend is not known"), "{}", done.err);
    assert!(station.turns().iter().all(|t| t.agent.is_none()));
    assert_eq!(
        json(&station.run(&["spend", "--json"]).out)["complete"],
        false
    );
}

#[test]
fn what_happened_can_be_looked_up_again() {
    let station = Station::with_gaps(&["only its owner reads the log"]);
    let done = station.run(&["run", "--once"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    let history = json(&station.run(&["history", "--json"]).out);
    assert_eq!(history["version"], 1);
    assert_eq!(history["turns"][0]["outcome"], "committed");
    let id = history["turns"][0]["id"].as_str().unwrap().to_owned();
    let shown = json(&station.run(&["show", &id, "--json"]).out);
    assert_eq!(shown["turn"]["receipt"]["gates"][0]["gate"], "scope");
    let receipt = station.run(&["show", "1"]).out;
    for part in [
        "finding (P2",
        "gates",
        "probe green  passed",
        "not_run",
        "diff (sha256",
    ] {
        assert!(receipt.contains(part), "{part}:\n{receipt}");
    }
    let missing = station.run(&["show", "7"]);
    assert_eq!(missing.code, Some(1));
    assert!(missing.err.contains('7'), "{}", missing.err);
    let doctor = station.run(&["doctor", "--json"]);
    assert_eq!(json(&doctor.out)["ok"], doctor.code == Some(0));
    assert!(doctor.out.contains("ansible-core"), "{}", doctor.out);
    assert_eq!(station.run(&["stop"]).out.trim(), "No loop is running.");
}

#[test]
fn every_command_explains_itself_and_completes() {
    let station = Station::bare();
    for command in [
        "run", "status", "history", "show", "spend", "init", "doctor", "stop",
    ] {
        let help = station.run(&[command, "--help"]);
        assert_eq!(help.code, Some(0));
        assert!(help.out.contains("Usage: secloop"), "{}", help.out);
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = station.run(&["completions", shell]);
        assert!(script.out.contains("trial"), "{shell}");
    }
    let wrong = station.run(&["run", "--trail"]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.err.contains("--trial"), "a suggestion: {}", wrong.err);
}
