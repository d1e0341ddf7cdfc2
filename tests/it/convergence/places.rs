//! What is known of one workstation or repository is not told about another.

use secloop::turn::Turn;
use serde_json::json;

use crate::support::scripted::{Scripted, prompt};
use crate::support::station::Station;

const PLAY: &str =
    "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - ansible.builtin.debug:\n";
const SECRET: &str = "the printer of this house has no lock";

#[test]
fn facts_stay_where_they_are_from() {
    let station = Station::bare();
    station.write("playbook.yml", PLAY);
    station.commit_all("Start");
    let station = station
        .section("repo", "path = \"{repo}\"")
        .section("agent", "kind = \"catalog\"")
        .section(
            "playbook",
            "file = \"playbook.yml\"\nwatch = [\"~/.claude\"]",
        );
    let (station, agent) = Scripted::on(station);
    let report = json!({"outcome": "nothing_material", "observations": [SECRET]});
    agent.script(&format!(
        "cat >\"$TMPDIR/answer\" <<'EOF'\n{report}\nEOF\nreports \"$TMPDIR/answer\"\n"
    ));
    let once = |change: &dyn Fn(&mut std::process::Command)| -> Turn {
        crate::support::station::prepare_ansible();
        let mut command = station.command(&["run", "--once"]);
        change(&mut command);
        let done = command.output().unwrap();
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        let turns = station.turns();
        turns
            .into_iter()
            .rfind(|t| t.outcome.word() == "idle")
            .unwrap()
    };
    let first = once(&|_| ());
    assert!(!prompt(&station, &first).contains(SECRET));
    assert_eq!(first.receipt.observations, [SECRET]);
    let again = prompt(&station, &once(&|_| ()));
    let line = format!("\n> turn 1, said by an agent, not proven: {SECRET}\n");
    assert!(again.contains(&line), "{again}");

    // The same state directory: another repository, then another home.
    let other = station.root().join("other");
    crate::support::station::copy(&station.repo(), &other);
    let file = station.root().join("secloop.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let elsewhere = station.root().join("elsewhere.toml");
    let repo = station.repo().display().to_string();
    std::fs::write(
        &elsewhere,
        text.replace(&repo, &other.display().to_string()),
    )
    .unwrap();
    let turn = once(&|command| {
        command.env("SECLOOP_CONFIG", &elsewhere);
    });
    assert!(
        !prompt(&station, &turn).contains(SECRET),
        "another repository"
    );
    let home = station.root().join("other-home");
    std::fs::create_dir(&home).unwrap();
    let turn = once(&|command| {
        command.env("HOME", &home);
    });
    assert!(!prompt(&station, &turn).contains(SECRET), "another home");
}
