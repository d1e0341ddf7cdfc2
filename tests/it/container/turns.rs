//! `secloop run` with its agent in a container.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::bypass::with_words;
use crate::support::podman::{Podman, podman};
use crate::support::station::Station;

/// A workstation whose agent does in its container what `script` says.
fn station(podman: &Podman, script: &str) -> Station {
    let station = Station::bare();
    station.write(
        "playbook.yml",
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - ansible.builtin.debug:\n",
    );
    station.write("agent-script", script);
    station.commit_all("Start");
    // The client of the machine, which only the live call would use.
    let program = station.home().join("agent");
    std::fs::write(&program, "#!/bin/sh\necho the host\n").unwrap();
    std::fs::set_permissions(
        &program,
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let agent = format!(
        "program = \"{}\"\ncredential_env = [\"ANTHROPIC_API_KEY\"]",
        program.display()
    );
    let sandbox = format!(
        "level = \"container\"\nengine = \"podman\"\nimage = \"{}\"",
        podman.image
    );
    let station = station
        .section(
            "playbook",
            "file = \"playbook.yml\"\nwatch = [\"~/.claude\"]",
        )
        .section("sandbox", &sandbox)
        .section("agent", &agent)
        .env("ANTHROPIC_API_KEY", "worthless-key-of-a-test");
    podman.env.iter().fold(station, |station, (name, value)| {
        station.env(name, value.clone())
    })
}

#[test]
fn the_agents_work_is_done_in_a_container_and_judged_outside() {
    let Some(podman) = podman() else { return };
    let script = "printf '    - ansible.builtin.debug:\\n        msg: %s %s\\n' \"$(id -u)\" \"$PWD\" >> playbook.yml";
    let station = station(podman, script);
    let ran = station.run(&["run", "--once"]);
    let turns = station.turns();
    let [turn] = &turns[..] else {
        panic!("{}", ran.err)
    };
    let diff = &turn.receipt.diff;
    assert!(
        diff.contains("+        msg: 1000 /work/repo"),
        "{diff}\n{}",
        ran.err
    );
    assert_eq!(turn.receipt.paths, ["playbook.yml"]);
    let gates: Vec<&str> = turn.receipt.gates.iter().map(|g| g.gate.word()).collect();
    assert!(gates.len() > 3, "{gates:?}: {}", turn.outcome.detail());
    // Its own commits would have been seen by its log; there are none.
    assert!(
        turn.receipt
            .not_covered
            .iter()
            .all(|n| !n.contains("committed by itself"))
    );
    // And the asking is switched off nowhere on the host.
    let written: Vec<PathBuf> = with_words(station.root());
    assert_eq!(written, [""; 0].map(PathBuf::from));
}

#[test]
fn a_tree_that_cannot_be_taken_out_is_no_proposal() {
    let Some(podman) = podman() else { return };
    let station = station(podman, "ln playbook.yml second.yml");
    let ran = station.run(&["run", "--once"]);
    let turns = station.turns();
    let detail = turns
        .first()
        .map(|t| t.outcome.detail())
        .unwrap_or_default();
    assert!(detail.contains("hard link"), "{detail}\n{}", ran.err);
}

/// The engine's client dies with secloop, and its container does not: somebody else ends it.
#[test]
fn the_container_of_a_killed_secloop_is_ended() {
    let Some(podman) = podman() else { return };
    let station = station(podman, "sleep 3600");
    let running = station.start(&["run", "--once"]);
    let records = station.state().join("containers");
    let names = || -> Vec<String> {
        let all = std::fs::read_dir(&records).into_iter().flatten().flatten();
        let all = all.map(|e| e.file_name().into_string().unwrap());
        let all = all.filter_map(|name| Some(name.strip_suffix(".json")?.to_owned()));
        all.filter(|name| name != "seccomp").collect()
    };
    let until = Instant::now() + Duration::from_mins(5);
    let up = |name: &String| {
        let agent = format!("{name}-agent");
        let (_, state) = podman.run(
            &["container", "inspect", "--format", "{{.State.Status}}"],
            &[&agent],
        );
        state.trim() == "running"
    };
    while !names().iter().any(up) {
        assert!(Instant::now() < until, "it does not come up");
    }
    let name = names().remove(0);
    running.kill();
    while podman
        .run(&["container", "inspect", &format!("{name}-agent")], &[])
        .0
        == Some(0)
    {
        assert!(Instant::now() < until, "it is still there");
    }
    while !names().is_empty() {
        assert!(Instant::now() < until, "its record is still there");
    }
}
