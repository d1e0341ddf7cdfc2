//! Every entry: red before its edit, green behind it, alone and in any order; the agent closes
//! them all and then falls silent.

use std::ffi::OsStr;

use secloop::agent::catalog::{Catalog, entries};
use secloop::agent::{Agent as _, Brief};
use secloop::gate::MicroUsd;
use secloop::turn::ReportOutcome;

use super::{Guard, command, on_path};
use crate::support::meter::meter;

const GREEN: Option<i32> = Some(0);
const RED: Option<i32> = Some(1);

#[test]
fn in_the_order_of_the_catalogue_each_probe_turns_green_with_its_own_edit_and_stays_green() {
    let guard = Guard::starter();
    let all = entries();
    for (at, entry) in all.iter().enumerate() {
        let what = &entry.finding.control;
        assert_eq!(guard.probe(&entry.probe().run), RED, "{what}, before");
        assert!(entry.apply(&guard.role()).unwrap(), "{what}");
        guard.install();
        assert_eq!(guard.probe(&entry.probe().run), GREEN, "{what}, behind");
        // A later edit takes nothing back.
        let earlier = &all[at / 2];
        let was = &earlier.finding.control;
        assert_eq!(guard.probe(&earlier.probe().run), GREEN, "{was} at {what}");
    }
}

#[test]
fn each_entry_closes_its_gap_alone() {
    for entry in entries() {
        let guard = Guard::starter();
        let what = &entry.finding.control;
        assert!(entry.apply(&guard.role()).unwrap(), "{what}");
        guard.install();
        assert_eq!(guard.probe(&entry.probe().run), GREEN, "{what}");
    }
}

#[test]
fn the_entries_work_in_the_opposite_order_and_twice_is_once() {
    let guard = Guard::starter();
    for entry in entries().iter().rev() {
        assert!(
            entry.apply(&guard.role()).unwrap(),
            "{}",
            entry.finding.control
        );
    }
    guard.install();
    for entry in entries() {
        let what = &entry.finding.control;
        assert_eq!(guard.probe(&entry.probe().run), GREEN, "{what}");
    }
    // Blocks that are there are not put in again.
    let files = ["block-destructive.sh", "protect-sensitive.sh"];
    let read =
        || files.map(|f| std::fs::read_to_string(guard.role().join("files").join(f)).unwrap());
    let before = read();
    for entry in entries() {
        entry.apply(&guard.role()).unwrap();
    }
    assert_eq!(read(), before);
}

#[test]
fn the_scripts_are_sound_for_every_shell_at_hand() {
    let guard = Guard::hardened();
    for shell in ["sh", "dash", "bash", "ksh", "zsh"] {
        let Some(shell) = on_path(shell) else {
            continue;
        };
        for hook in [
            "block-destructive.sh",
            "protect-sensitive.sh",
            "audit-log.sh",
        ] {
            let mut check = command(shell.as_os_str());
            check.arg("-n").arg(guard.hook(hook));
            let done = guard.feed(check, "");
            assert!(
                done.status.success() && done.stderr.is_empty(),
                "{hook} by {}: {}",
                shell.display(),
                String::from_utf8_lossy(&done.stderr)
            );
        }
    }
}

/// The embedded agent on the starter, as the loop runs it.
#[tokio::test]
async fn the_agent_closes_every_gap_worst_first_and_then_finds_nothing() {
    let guard = Guard::starter();
    let sandbox = crate::support::native().await;
    let path = std::env::var_os("PATH").unwrap();
    let catalog = Catalog::new(sandbox, path);
    let brief = Brief {
        turn: uuid::Uuid::now_v7(),
        session: String::new(),
        workdir: guard.dir.path().join("playbook"),
        run_dir: guard.dir.path().join("run"),
        playbook: "playbook.yml".into(),
        allowance: MicroUsd::ZERO,
        memory: Vec::new(),
        known: Vec::new(),
        scanned: Vec::new(),
        refusals: Vec::new(),
        drift: Vec::new(),
        allowed: Vec::new(),
        off_limits: Vec::new(),
        confirming: false,
    };
    let mut closed = Vec::new();
    loop {
        let done = catalog
            .iterate(&brief, &meter(MicroUsd::ZERO), &mut |_| ())
            .await;
        let report = done.report.expect(&done.why);
        if report.outcome == ReportOutcome::NothingMaterial {
            break;
        }
        closed.push(report.finding.unwrap().control);
        assert!(
            closed.len() <= entries().len(),
            "it goes in circles: {closed:?}"
        );
    }
    // An edit that brings another entry's means may close that gap, too; none is left open.
    let controls: Vec<String> = entries().into_iter().map(|e| e.finding.control).collect();
    let mut expected = controls.clone();
    expected.retain(|c| closed.contains(c));
    assert_eq!(closed, expected, "not in the order of the catalogue");
    guard.install();
    for entry in entries() {
        let what = &entry.finding.control;
        assert_eq!(guard.probe(&entry.probe().run), GREEN, "{what}");
    }
    assert_eq!(closed.len(), controls.len(), "{closed:?}");
    let ok = guard.denies(
        OsStr::new("sh"),
        &serde_json::json!({
        "tool_name": "Bash", "tool_input": { "command": "rm -rf /" } }),
    );
    assert!(ok.is_some());
}
