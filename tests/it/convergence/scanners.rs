//! What scanners say is told to the agent, and a check of theirs is run where it takes one up.

use secloop::turn::{Colour, TurnOutcome};
use serde_json::Value;

use super::{close, station};
use crate::support::scripted::{improvement, prompt};

const RULE: &str = "id: logs_mode\ntitle: \"Keep the logs to yourself\"\ncheck: |\n  \
    stat -c %a \"$HOME/.claude/logs\" | grep -c 700\nresult:\n  integer: 1\nseverity: high\n";

#[test]
fn a_scanners_finding_is_told_and_its_own_check_is_run() {
    let (station, agent) = station();
    let rules = station.root().join("rules");
    std::fs::create_dir(&rules).unwrap();
    std::fs::write(rules.join("logs_mode.yaml"), RULE).unwrap();
    std::fs::write(rules.join("none.yaml"), "id: none\n").unwrap();
    let report = station.root().join("lynis.dat");
    std::fs::write(&report, "nonsense").unwrap();
    let station = station.section(
        "scan",
        &format!(
            "mscp_rules = \"{}\"\nlynis_report = \"{}\"",
            rules.display(),
            report.display()
        ),
    );
    // On the machine as the playbook sets it up.
    std::fs::create_dir_all(station.home().join(".claude/logs")).unwrap();
    let about = ["P1", "~/.claude/logs", "logs_mode"];
    let probe = "! find \"$HOME/.claude/logs\" -maxdepth 0 -perm /077 | grep -q .";
    agent.plan(&close(), &improvement("Plan 1", about, probe));
    let ran = station.run(&["run", "--once", "--dry-run"]);
    let turns = station.turns();
    let turn = turns
        .iter()
        .rfind(|t| t.outcome.word() != "skipped")
        .unwrap();
    assert!(
        matches!(turn.outcome, TurnOutcome::Held(_)),
        "{:?}\n{}",
        turn.outcome,
        ran.err
    );

    let asked = prompt(&station, turn);
    for line in [
        "> lynis: not checked (it is no report of Lynis's)",
        "> mscp: 1 failed, 0 passed, 1 not checked (for example: it has no getter)",
        "> P1, mscp logs_mode, with a check of its own: Keep the logs to yourself",
    ] {
        assert!(asked.lines().any(|l| l == line), "{line}\n{asked}");
    }
    let probes: Vec<(&str, Option<Colour>)> = turn
        .receipt
        .probes
        .iter()
        .map(|p| (p.probe.name.as_str(), p.before))
        .collect();
    let red = Some(Colour::Red);
    assert_eq!(probes, [("it is closed", red), ("mscp logs_mode", red)]);
    assert_eq!(turn.receipt.scanned.len(), 2, "{:?}", turn.receipt.scanned);

    // Whoever looks sees it too.
    let status = station.run(&["status"]);
    assert!(
        status
            .out
            .contains("mscp: 1 failed, 0 passed, 1 not checked"),
        "{}",
        status.out
    );
    let status: Value = serde_json::from_str(&station.run(&["status", "--json"]).out).unwrap();
    assert_eq!(status["scanned"][0]["source"], "lynis", "{status:#}");
    assert_eq!(status["scanned"][1]["not_checked"], 1, "{status:#}");
    assert_eq!(status["last_stop"]["stop"], "once", "{status:#}");
    let shown = station.run(&["show", &turn.number.to_string()]);
    assert!(shown.out.contains("lynis: not checked"), "{}", shown.out);
}
