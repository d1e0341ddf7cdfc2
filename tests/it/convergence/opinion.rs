//! What a second opinion leaves behind is found, removed and an objection.

use secloop::turn::{Gate, TurnOutcome, Verdict};

use super::{close, station};
use crate::support::scripted::{PLANS, improvement};

/// Unconfined, so that it can reach the machine at all.
#[test]
fn what_an_opinion_leaves_on_the_machine_is_removed_and_refuses_the_change() {
    let (station, agent) = station();
    let station = station
        .section("sandbox", "level = \"none\"")
        .section("prove", "second_opinion = true");
    // Its home is a decoy in the state directory; the machine's is elsewhere.
    agent.script(&format!(
        "if grep -q 'You are the attacker' \"$PROMPT\"; then\n\
         machine=$HOME/../../../../home/.claude\n\
         echo x >\"$machine/residue\"; echo x >>\"$machine/hooks/audit-log.sh\"\n\
         echo '{{\"verdict\":\"holds\",\"attempts\":[{{\"tried\":\"x\",\"got_through\":false}}]}}' >\"$TMPDIR/answer\"\n\
         reports \"$TMPDIR/answer\"\nfi\n{PLANS}"
    ));
    let probe = "[ \"$(stat -c %a \"$HOME/.claude/logs\")\" = 700 ]";
    let about = ["P2", "~/.claude/logs", "file mode"];
    agent.plan(&close(), &improvement("Plan 1", about, probe));
    let ran = station.run(&["run", "--once"]);
    let turns = station.turns();
    let turn = turns
        .iter()
        .rfind(|t| t.outcome.word() != "skipped")
        .unwrap();
    assert!(
        matches!(turn.outcome, TurnOutcome::Rejected(_)),
        "{:?}\n{}",
        turn.outcome,
        ran.err
    );
    let verdict = |gate| {
        let gates = &turn.receipt.gates;
        gates.iter().find(|g| g.gate == gate).map(|g| &g.verdict)
    };
    let Some(Verdict::Refused(why)) = verdict(Gate::SecondOpinion) else {
        panic!("{:?}\n{}", verdict(Gate::SecondOpinion), ran.err);
    };
    assert!(
        why.starts_with("it changed the machine, it was put back: "),
        "{why}"
    );
    assert!(
        why.contains("residue (added)") && why.contains("audit-log.sh (content)"),
        "{why}"
    );
    assert_eq!(verdict(Gate::Rollback), Some(&Verdict::Passed));
    let claude = station.home().join(".claude");
    assert!(!claude.join("residue").exists());
    assert!(
        !std::fs::read_to_string(claude.join("hooks/audit-log.sh"))
            .unwrap()
            .ends_with("x\n")
    );
    // Iteration, live call and opinion, each a cent.
    assert_eq!(turn.cost.0, 30_000);
    // Nothing of its directory is left either.
    let work = station.state().join("work");
    assert_eq!(std::fs::read_dir(work).map_or(0, Iterator::count), 0);
}
