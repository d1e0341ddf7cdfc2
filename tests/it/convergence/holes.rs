//! One hole is one hole, whatever it is called.

use secloop::turn::{Gate, TurnOutcome};

use super::{TASKS, close, station};
use crate::support::scripted::{improvement, prompt};

/// The predecessor fixed one mode again and again, each time under another name. Here it lands once;
/// what is open again later is drift, and no new finding.
#[test]
fn a_mode_is_fixed_once_whatever_it_is_called_and_drift_is_told_apart() {
    let (station, agent) = station();
    let probe = "! find \"$HOME/.claude/logs\" -maxdepth 1 -perm /077 | grep -q .";
    let about = ["P1", "~/.claude/logs", "file mode"];
    agent.plan(&close(), &improvement("Plan 1", about, probe));
    let absolute = station.home().join(".claude/logs").display().to_string();
    let others = [
        (absolute.as_str(), "permissions too open", "false"),
        ("$HOME/.claude//logs/", "world-readable", "false"),
        ("`${HOME}/.claude/logs`", "chmod 0700", "false"),
        (
            "playbook.yml: the task that makes ~/.claude/logs/",
            "mode 0755",
            "false",
        ),
        ("who may read what the agent did", "privacy", probe),
    ];
    for (at, (target, control, probe)) in others.into_iter().enumerate() {
        let title = format!("Plan {}", at + 2);
        let again = improvement(&title, ["P0", target, control], probe);
        agent.plan(&format!("echo '# {control}' >>{TASKS}"), &again);
    }
    let ran = station.run(&["run"]);
    let mut turns = station.turns();
    turns.retain(|t| t.outcome.word() != "skipped");
    let words: Vec<&str> = turns.iter().map(|t| t.outcome.word()).collect();
    let [landed, repeats @ .., first, second] = turns.as_slice() else {
        panic!("{words:?}\n{}", ran.err);
    };
    assert!(
        matches!(landed.outcome, TurnOutcome::Committed(_)),
        "{}",
        ran.err
    );
    assert_eq!(repeats.len(), others.len(), "{words:?}\n{}", ran.err);
    for turn in repeats {
        let TurnOutcome::Rejected(why) = &turn.outcome else {
            panic!("{:?}\n{}", turn.outcome, ran.err);
        };
        assert!(why.contains("(turn 1): it has landed before"), "{why}");
        assert!(turn.receipt.gates.is_empty(), "nothing was even checked");
    }
    let commits = station.git(["rev-list", "--count", "main..secloop/hardening"]);
    assert_eq!(commits.trim(), "1");

    // The log has one row, and every cell of it is filled.
    assert_rows(&station.page(), 1, true);
    let every = std::fs::read_to_string(station.state().join("wiki/every-turn.md")).unwrap();
    assert_rows(&every, others.len() + 3, false);

    // Two looks that began from different prompts, each of which knows what became of the rest.
    assert_eq!(
        (first.receipt.seed.as_str(), second.receipt.seed.as_str()),
        ("iteration", "verify")
    );
    assert!(
        ran.err.contains("by 2 independent looks in a row"),
        "{}",
        ran.err
    );
    for turn in [first, second] {
        let asked = prompt(&station, turn);
        assert!(
            asked.contains("\n> turn 1, landed and proven, P1: Plan 1 (target: ~/.claude/logs")
        );
        assert!(asked.contains("it has landed before"), "{asked}");
        assert!(!asked.contains(&absolute), "homes are not told");
    }

    // Something that the playbook knows nothing of makes it red again.
    std::fs::write(station.home().join(".claude/logs/other"), "").unwrap();
    let edit = format!(
        "cat >>{TASKS} <<'EOF'\n\n- name: The other file\n  ansible.builtin.file:\n    \
         path: \"{{{{ agent_hooks_home }}}}/.claude/logs/other\"\n    mode: \"0600\"\nEOF"
    );
    let again = improvement(
        "Plan 9",
        ["P1", "${HOME}/.claude/logs", "permissions"],
        probe,
    );
    agent.plan(&edit, &again);
    let ran = station.run(&["run", "--once"]);
    let turns = station.turns();
    let turn = turns
        .iter()
        .rfind(|t| t.outcome.word() != "skipped")
        .unwrap();
    assert_eq!(
        turn.receipt.drift_of,
        Some(1),
        "{:?} {}",
        turn.outcome,
        ran.err
    );
    let said = &turn.receipt.not_covered;
    assert!(
        said.iter().any(|n| n.contains("drift and no new finding")),
        "{said:?}"
    );
    // It is judged as any other change.
    assert!(
        turn.receipt.gates.iter().any(|g| g.gate == Gate::Policy),
        "{:?}",
        turn.outcome
    );
}

/// The rows of a page's table: so many, nothing open in any of them, and (on the public page) nothing
/// empty.
fn assert_rows(page: &str, count: usize, whole: bool) {
    let rows: Vec<&str> = page.lines().filter(|l| l.starts_with("| 2")).collect();
    assert_eq!(rows.len(), count, "{page}");
    for row in rows {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let cells = &cells[1..cells.len() - 1];
        assert_eq!(cells.len(), 7, "{row}");
        assert!(["pass", "fail", "none"].contains(&cells[5]), "{row}");
        assert!(!row.contains("pending"), "{row}");
        assert!(
            !whole || cells.iter().all(|c| !c.is_empty() && *c != "–"),
            "{row}"
        );
    }
}
