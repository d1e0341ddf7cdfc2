//! The credential through a whole turn: the service gets it, and nobody else ever sees it.

use secloop::turn::{Gate, Verdict};
use serde_json::{Value, json};

use super::{KEY, Mac, improvement, model, pattern, verdict};
use crate::support::discord::Discord;
use crate::support::holding;
use crate::support::model::Step;

#[test]
fn a_turn_leaves_no_trace_of_it_and_an_account_of_the_network() {
    let model = model(|n, _| match n {
        0 => pattern("*\"rm -fr /\"*"),
        1 => Step::bash(
            "env; ps axeww; cat /proc/1/cmdline; ls -R ~ /tmp; \
             curl -sS https://example.org/?query-of-the-agent; true",
        ),
        2 => improvement("rm -fr is let through", "rm -fr /"),
        _ => Step::text("done"),
    });
    let discord = Discord::start([]);
    let Some(mac) = Mac::new(7, &model, &discord) else {
        return;
    };
    // Asks for the credential in a way that leaves it in no environment, either.
    let key = mac.station.root().join("key");
    std::fs::write(&key, KEY).unwrap();
    let words = format!("credential_command = [\"cat\", \"{}\"]", key.display());
    mac.set("# example: credential_login = true", &words);
    let doctor = mac.run(&["doctor"]);
    assert!(
        doctor.out.contains("credential     what cat says"),
        "{}",
        doctor.out
    );
    assert!(
        doctor.out.contains("through secloop's proxy"),
        "{}",
        doctor.out
    );
    let done = mac.run(&["run", "--once", "-vv"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    std::fs::remove_file(&key).unwrap();

    let turns = mac.station.turns();
    assert_eq!(turns[0].outcome.word(), "committed", "{}", done.err);
    let live = verdict(&turns[0], Gate::LiveCall);
    assert_eq!(live, Some(&Verdict::Passed), "{}", done.err);
    let keys = model.keys();
    assert!(
        keys.len() > 3 && keys.iter().all(|key| key == KEY),
        "{keys:?}"
    );
    // Ledger, receipts, transcripts, wiki pages, repository, worktree, home.
    let (files, looked) = holding(mac.station.root(), KEY);
    assert!(looked > 50, "{looked}");
    assert_eq!(files, Vec::<std::path::PathBuf>::new());
    assert!(!model.requests().iter().any(|r| r.to_string().contains(KEY)));
    let posts = discord.messages();
    assert!(
        !posts.is_empty() && !posts.join("\n").contains(KEY),
        "{posts:?}"
    );

    let shown = mac.run(&["show", "1", "--json"]);
    let shown: Value = serde_json::from_str(&shown.out).unwrap();
    let rows = shown["egress"].as_array().unwrap();
    let of = |host: &str| {
        let row = rows.iter().find(|row| row["host"] == host);
        row.unwrap_or_else(|| panic!("{host}: {rows:#?}\n{}", done.err))
    };
    let (asked, refused) = (of("127.0.0.1"), of("example.org"));
    assert_eq!(
        (&asked["allowed"], &asked["rule"]),
        (&json!(true), &json!("model"))
    );
    assert_eq!(asked["times"], json!(keys.len()), "{rows:#?}");
    assert_eq!(refused["allowed"], json!(false));
    assert_eq!(refused["rule"], json!("not in egress.allow"));
    let text = mac.run(&["show", "1"]).out;
    assert!(
        text.contains("refused     example.org:443 1 times"),
        "{text}"
    );
    // Nothing of what was asked for at a host, nor the run's token.
    let all = shown["egress"].to_string();
    assert!(!all.contains("query") && !all.contains("run-"), "{all}");
}
