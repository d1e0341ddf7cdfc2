//! What agents do wrong by themselves.

use super::{Fault, Lane, Limits};

/// One turn with this agent: how it is judged, and what holds for every turn.
fn turn(lane: &Lane, agent: &str, class: &str, code: i32) -> Result<String, String> {
    let ran = lane.once(agent);
    let turn = lane.last();
    let seen = turn.agent.as_ref().map_or("no agent", |a| a.word());
    let what = format!("{seen}, exit {}", ran.code.unwrap_or(-1));
    if (seen, ran.code) != (class, Some(code)) {
        return Err(format!(
            "{what}, not {class}, exit {code}: {}",
            turn.outcome.detail()
        ));
    }
    lane.nobody_left()?;
    lane.untouched()?;
    Ok(what)
}

macro_rules! turns {
    ($($case:literal $agent:literal $class:literal $code:literal;)*) => {
        vec![$(Fault {
            case: $case,
            name: $agent,
            limits: Limits::Short,
            provoke: |lane| turn(lane, $agent, $class, $code),
        }),*]
    };
}

pub(super) fn faults() -> Vec<Fault> {
    let mut all = turns![
        "-" "well-behaved" "no_op" 0;
        "1" "leaves-a-background-shell" "no_op" 0;
        "2" "leaves-an-orphan-in-its-own-session" "no_op" 0;
        "2" "leaves-an-orphan-without-its-mark" "no_op" 0;
        "2" "leaves-an-orphan-and-goes-silent" "hung" 13;
        "3" "leaves-its-output-to-a-grandchild" "no_op" 0;
        "1" "heeds-no-signal" "hung" 13;
        "4" "kills-whom-it-can" "crashed" 13;
        "12" "never-ends" "hung" 13;
        "17" "never-says-a-word" "hung" 13;
        "17" "goes-silent" "hung" 13;
        "18" "works-in-silence" "no_op" 0;
        "18" "does-not-exit-after-its-result" "no_op" 0;
        "19" "exits-with-0-and-an-error" "crashed" 13;
        "19" "exits-with-1-after-a-good-result" "crashed" 13;
        "20" "reads-about-limits-and-hangs" "hung" 13;
        "22" "out-of-turns" "truncated" 13;
        "16" "over-its-budget" "budget" 13;
        "24" "ends-without-a-word" "crashed" 13;
        "23" "waits-for-its-input" "no_op" 0;
        "1" "dies-in-mid-work" "crashed" 13;
        "30" "service-is-away" "offline" 13;
    ];
    all.extend([
        // Not in seconds: a busy machine may take longer for so much than an agent may work.
        Fault {
            case: "12",
            name: "floods-its-output",
            limits: Limits::Long,
            provoke: |lane| turn(lane, "floods-its-output", "crashed", 13),
        },
        Fault {
            case: "11",
            name: "tries-the-same-again",
            limits: Limits::Short,
            provoke: |lane| {
                for _ in 0..2 {
                    refused(lane, "tries-the-same-again", &["scope: outside"])?;
                }
                refused(lane, "tries-the-same-again", &["it was rejected twice"])
            },
        },
        Fault {
            case: "19",
            name: "says-success-at-a-usage-limit",
            limits: Limits::Short,
            provoke: limit,
        },
        Fault {
            case: "21",
            name: "login-expired",
            limits: Limits::Short,
            provoke: login,
        },
        Fault {
            case: "24",
            name: "claims-a-change-that-is-not-there",
            limits: Limits::Short,
            provoke: |lane| {
                refused(
                    lane,
                    "claims-a-change-that-is-not-there",
                    &["no file is changed"],
                )
            },
        },
        Fault {
            case: "24",
            name: "commits-by-itself",
            limits: Limits::Short,
            provoke: |lane| refused(lane, "commits-by-itself", &["plugins/filter/x.py"]),
        },
        Fault {
            case: "26",
            name: "opens-its-own-guard",
            limits: Limits::Short,
            provoke: |lane| refused(lane, "opens-its-own-guard", &[".claude/settings.json"]),
        },
    ]);
    all
}

/// It waits for the reset, and counts as nothing.
fn limit(lane: &Lane) -> Result<String, String> {
    lane.agent("says-success-at-a-usage-limit");
    let mut running = lane.station.start(&["run"]);
    let sleeps = running.wait_for("sleep");
    running.signal(rustix::process::Signal::INT);
    running.finish();
    let turn = lane.last();
    let limit = matches!(
        turn.agent,
        Some(secloop::turn::AgentOutcome::Limit { reset: Some(_) })
    );
    if !limit || !sleeps.contains("2 h 0") {
        return Err(format!("{:?}; {sleeps}", turn.agent));
    }
    lane.untouched()?;
    Ok(format!("limit; {}", sleeps.trim()))
}

/// The loop stops, says so once, and the lock is free.
fn login(lane: &Lane) -> Result<String, String> {
    lane.agent("login-expired");
    let before = lane.discord.messages().len();
    let ran = lane.station.run(&["run"]);
    let posts = lane.discord.messages().split_off(before);
    let alerts = posts.len();
    let class = lane.last().agent.map_or("", |a| a.word());
    // What is wrong, and what it came to, in one.
    let whole = ["credentials", "1 iteration", "Today"];
    if let Some(missing) = whole.iter().find(|w| !posts.concat().contains(**w)) {
        return Err(format!("{missing} is missing: {posts:?}"));
    }
    let free = lane
        .station
        .run(&["stop"])
        .out
        .contains("No loop is running");
    if (class, ran.code, alerts, free) != ("auth", Some(12), 1, true) {
        return Err(format!(
            "{class}, {:?}, {alerts} alerts: {}",
            ran.code, ran.err
        ));
    }
    lane.nobody_left()?;
    Ok("auth, exit 12, one alert, the lock is free".to_owned())
}

/// Nothing is committed, and the reason names what it is about.
fn refused(lane: &Lane, agent: &str, words: &[&str]) -> Result<String, String> {
    let ran = lane.once(agent);
    let turn = lane.last();
    let why = turn.outcome.detail().to_owned();
    let word = turn.outcome.word();
    if !["rejected", "failed"].contains(&word) || words.iter().any(|w| !why.contains(w)) {
        return Err(format!("{word}: {why}\n{}", ran.err));
    }
    lane.nobody_left()?;
    lane.untouched()?;
    Ok(format!("{word}: {why}"))
}
