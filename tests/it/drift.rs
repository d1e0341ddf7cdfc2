//! Improvements that landed are looked at again: by hand, and at each wake before anything else.

use serde_json::Value;

use crate::support::discord::Discord;
use crate::support::station::Station;

const HOOK: &str = ".claude/hooks/block-destructive.sh";
const SOURCE: &str = "ansible-hooks/roles/agent_hooks/files/block-destructive.sh";

fn spoil(station: &Station) {
    std::fs::write(station.home().join(HOOK), "#!/bin/sh\nexit 0\n").unwrap();
}

fn probes(station: &Station, code: i32) -> Value {
    let done = station.run(&["probe", "--json"]);
    assert_eq!(done.code, Some(code), "{}{}", done.out, done.err);
    serde_json::from_str(&done.out).unwrap()
}

#[test]
fn what_does_not_hold_any_more_is_told_at_once_and_mended_through_the_playbook() {
    let discord = Discord::start([]);
    let station = Station::with_gaps(&["rm in any spelling"])
        .unhurried()
        .posting_to(&discord);
    let nothing = station.run(&["probe"]);
    assert_eq!(nothing.code, Some(0), "{}", nothing.err);
    assert!(nothing.out.contains("No improvement has landed yet"));
    let done = station.run(&["run", "--once"]);
    assert_eq!(done.code, Some(0), "{}", done.err);

    let all = probes(&station, 0);
    assert_eq!((&all["version"], &all["green"]), (&1.into(), &1.into()));
    assert_eq!(all["probes"][0]["number"], 1);

    // Somebody undoes it on the machine.
    spoil(&station);
    let all = probes(&station, 1);
    assert_eq!(
        (&all["red"], &all["error"]),
        (&1.into(), &0.into()),
        "{all:#}"
    );
    let table = station.run(&["probe", "--jobs", "1"]);
    assert_eq!(table.code, Some(1));
    for piece in ["RED", "let through: ", "1 probe: 0 green, 1 red"] {
        assert!(table.out.contains(piece), "{piece}\n{}", table.out);
    }
    // A dry run sees it and leaves it alone.
    let done = station.run(&["run", "--once", "--dry-run"]);
    assert!(done.err.contains("0 of 1 probes"), "{}", done.err);
    assert_eq!(probes(&station, 1)["red"], 1);

    let done = station.run(&["run", "--once"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert_eq!(probes(&station, 0)["green"], 1);
    let turns = station.turns();
    let drift = &turns.last().unwrap().receipt.drift;
    assert!(drift.len() == 1 && drift[0].repaired, "{drift:?}");
    assert_eq!(drift[0].turn, turns[0].id);
    let posts = discord.messages();
    let at = |words: &str| posts.iter().position(|p| p.contains(words)).unwrap_or(99);
    assert!(
        at("1 earlier probe not green any more") < at("1 of 1 mended by a re-run"),
        "{posts:#?}"
    );
    let page = station.state().join("wiki/every-turn.md");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("**Drift:** P0 rm"), "{page}");
    assert!(
        !station.page().contains("Drift"),
        "it is not for the public"
    );
    let shown = station.run(&["show", "3"]);
    assert!(
        shown.out.contains("drift when the turn began"),
        "{}",
        shown.out
    );
    // Told once: a turn without drift says nothing of it.
    let count = posts.len();
    station.run(&["run", "--once"]);
    assert!(
        discord.messages()[count..]
            .iter()
            .all(|p| !p.contains("Drift"))
    );
}

/// The playbook itself has lost it: the agent gets it as the next finding, and it is no repeat.
#[test]
fn what_a_re_run_does_not_mend_is_the_agents_next_finding() {
    let discord = Discord::start([]);
    let station = Station::with_gaps(&["rm in any spelling"])
        .unhurried()
        .posting_to(&discord);
    let done = station.run(&["run", "--once"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    // By hand, on secloop's own branch.
    station.git(["switch", "--quiet", "--detach", "secloop/hardening"]);
    station.git(["checkout", "--quiet", "main", "--", SOURCE]);
    station.commit_all("Take it out again");
    station.git(["update-ref", "refs/heads/secloop/hardening", "HEAD"]);
    station.git(["switch", "--quiet", "main"]);

    let done = station.run(&["run", "--once"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    let turns = station.turns();
    let turn = turns.last().unwrap();
    assert_eq!(turn.outcome.word(), "committed", "{}", done.err);
    assert!(!turn.receipt.drift[0].repaired);
    let print = |at: usize| turns[at].finding.as_ref().unwrap().fingerprint();
    assert_eq!(print(1), print(0));
    let posts = discord.messages();
    assert!(
        posts.iter().any(|p| p.contains("Left for the agent")),
        "{posts:#?}"
    );
    assert_eq!(probes(&station, 0)["green"], 2);
}

/// The probes are in the branch's history: a lost ledger takes none with it.
#[test]
fn probes_outlive_the_ledger() {
    let station = Station::with_gaps(&["rm in any spelling"]).unhurried();
    let done = station.run(&["run", "--once"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    let before = probes(&station, 0);
    std::fs::remove_dir_all(station.state()).unwrap();
    let after = probes(&station, 0);
    assert_eq!(after["probes"][0]["number"], Value::Null);
    for key in ["turn", "commit", "probe"] {
        assert_eq!(after["probes"][0][key], before["probes"][0][key]);
    }
    assert_eq!(
        after["probes"][0]["finding"]["fingerprint"],
        before["probes"][0]["finding"]["fingerprint"]
    );
    spoil(&station);
    probes(&station, 1);
}
