//! Whole turns on a real workstation: real Ansible, real git, real hooks, the embedded agent.

use std::collections::BTreeMap;
use std::path::Path;

use secloop::turn::{Colour, Gate, TurnOutcome, Verdict};

use crate::support::discord::Discord;
use crate::support::station::{Running, Station, prepare_ansible};

/// Content and mode of every file below a directory.
fn files(dir: &Path) -> BTreeMap<String, (u32, Vec<u8>)> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut all = BTreeMap::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            } else {
                let mode = entry.metadata().unwrap().permissions().mode();
                let content = std::fs::read(entry.path()).unwrap();
                all.insert(entry.path().display().to_string(), (mode, content));
            }
        }
    }
    all
}

/// Acceptance: commit, persistence, log entry, autonomy check, self-termination, posts.
#[test]
fn a_turn_that_improves_is_proven_committed_logged_and_posted_and_the_loop_ends() {
    let discord = Discord::start([]);
    let station = Station::with_gaps(&["rm in any spelling"]).posting_to(&discord);
    // The user is in the middle of something.
    station.write(
        "ansible-hooks/README.md",
        "edited by the user, not committed\n",
    );
    station.write("notes.txt", "untracked\n");
    station.write("staged.txt", "staged\n");
    station.git(["add", "staged.txt"]);
    let (head, checkout) = (station.git(["rev-parse", "HEAD"]), files(&station.repo()));

    let done = station.run(&["run"]);
    assert_eq!(done.code, Some(0), "{}", done.err);

    // The user's checkout, branch, index and work are as before; only secloop's branch is new.
    let mut now = files(&station.repo());
    now.retain(|path, _| checkout.contains_key(path));
    for (path, was) in &checkout {
        if !path.contains("/.git/worktrees/") {
            assert_eq!(now.get(path), Some(was), "{path} changed");
        }
    }
    assert_eq!(station.git(["rev-parse", "HEAD"]), head);
    assert_eq!(
        station.git(["symbolic-ref", "HEAD"]).trim(),
        "refs/heads/main"
    );

    // One commit that says what was hardened and why, with explicit paths only.
    let range = "main..secloop/hardening";
    assert_eq!(station.git(["rev-list", "--count", range]).trim(), "1");
    let message = station.git(["log", "-1", "--format=%B", "secloop/hardening"]);
    assert!(message.starts_with("rm -fr and other spellings of rm -rf are let through\n"));
    assert!(
        message.contains("Why: ") && message.contains("Secloop-Turn: "),
        "{message}"
    );
    assert_eq!(
        station
            .git(["diff", "--name-only", "main", "secloop/hardening"])
            .trim(),
        "ansible-hooks/roles/agent_hooks/files/block-destructive.sh"
    );

    // It is on the machine.
    let hook = station.home().join(".claude/hooks/block-destructive.sh");
    let committed = station.git([
        "show",
        "secloop/hardening:ansible-hooks/roles/agent_hooks/files/block-destructive.sh",
    ]);
    assert_eq!(std::fs::read_to_string(hook).unwrap(), committed);

    // The receipt holds the evidence; what could not be done says so.
    let turns = station.turns();
    let outcomes: Vec<&str> = turns.iter().map(|t| t.outcome.word()).collect();
    assert_eq!(
        outcomes,
        ["committed", "idle", "idle"],
        "confirmed by a second iteration"
    );
    let receipt = &turns[0].receipt;
    for gate in [
        Gate::Scope,
        Gate::Policy,
        Gate::Secrets,
        Gate::Hooks,
        Gate::Syntax,
        Gate::DryRun,
        Gate::Red,
        Gate::Apply,
        Gate::Agreement,
        Gate::SecondRun,
        Gate::Green,
        Gate::Autonomy,
        Gate::Commit,
    ] {
        let record = receipt.gates.iter().find(|g| g.gate == gate).unwrap();
        assert_eq!(record.verdict, Verdict::Passed, "{gate:?}");
    }
    let live = receipt
        .gates
        .iter()
        .find(|g| g.gate == Gate::LiveCall)
        .unwrap();
    assert!(matches!(&live.verdict, Verdict::NotRun(why) if why.contains("account")));
    assert!(
        receipt
            .probes
            .iter()
            .all(|p| { p.before == Some(Colour::Red) && p.after == Some(Colour::Green) })
    );
    assert!(receipt.diff.contains("+++ b/ansible-hooks/roles"));

    // The page has one entry with every field.
    let page = station.page();
    assert_eq!(page.matches("<a id=\"turn-").count(), 1, "{page}");
    for field in [
        "**Timestamp:**",
        "**Finding:**",
        "**Change:**",
        "**Verification method:**",
        "**Verification result:** pass",
        "**Commit:**",
    ] {
        assert!(page.contains(field), "{field} is missing:\n{page}");
    }

    // Each turn and the end were posted, once.
    let posts = discord.messages();
    assert_eq!(posts.len(), 4, "{posts:#?}");
    assert!(
        posts[0].contains("committed") && posts[0].contains("red → green"),
        "{}",
        posts[0]
    );
    assert!(posts[1].contains("nothing material"));
    let last = &posts[3];
    assert!(
        last.contains("ended") && last.contains("3 iterations, 1 improvement"),
        "{last}"
    );
    assert!(
        discord
            .requests()
            .iter()
            .all(|r| r.line.contains("/channels/4711/messages"))
    );

    // A second run finds nothing, and adds nothing to the page but its count.
    let again = station.run(&["run"]);
    assert_eq!(again.code, Some(0), "{}", again.err);
    assert_eq!(station.page().matches("<a id=\"turn-").count(), 1);
    assert_eq!(station.git(["rev-list", "--count", range]).trim(), "1");
    assert!(again.err.contains("nothing is left"), "{}", again.err);
}

/// Acceptance: changes persist: they are there again after the home directory is wiped.
#[test]
fn a_trial_needs_nothing_and_proves_that_its_changes_survive_a_rebuild() {
    let station = Station::bare();
    let dir = station.state().join("here");
    let done = station.run(&[
        "run",
        "--trial",
        "--once",
        "--trial-dir",
        dir.to_str().unwrap(),
    ]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert!(
        done.err
            .contains("1 of 1 probes green after the home was wiped"),
        "{}",
        done.err
    );
    for said in [
        "probe red",
        "dry run",
        "apply",
        "probe green",
        "autonomy",
        "commit",
        "wiki log",
    ] {
        assert!(done.err.contains(said), "{said} is missing:\n{}", done.err);
    }
    assert!(dir.join("home/.claude/settings.json").is_file());
    assert!(dir.join("wiki/security-improvement-log.md").is_file());
    // Nothing but the trial was made, and nothing of it outside.
    assert!(!station.home().join(".claude").exists());
    // A directory that is in use is left alone.
    let again = station.run(&[
        "run",
        "--trial",
        "--once",
        "--trial-dir",
        dir.to_str().unwrap(),
    ]);
    assert_eq!(again.code, Some(1));
    assert!(again.err.contains("not empty"), "{}", again.err);
}

/// `--dry-run`: every gate before apply, and nothing is changed anywhere.
#[test]
fn a_dry_run_changes_neither_machine_nor_repository() {
    let station = Station::with_gaps(&["rm in any spelling", "only its owner reads the log"]);
    // On a machine that the playbook was never run on.
    let empty = files(&station.home());
    let done = station.run(&["run", "--once", "--dry-run"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert_eq!(files(&station.home()), empty);

    // And on one that has it: what was tried in a dry run counts for nothing.
    let done = station.run(&["run", "--once"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert!(matches!(
        station.turns()[1].outcome,
        TurnOutcome::Committed(_)
    ));
    let before = files(&station.home());
    let done = station.run(&["run", "--once", "--dry-run"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert_eq!(files(&station.home()), before);
    assert_eq!(
        station
            .git(["rev-list", "--count", "main..secloop/hardening"])
            .trim(),
        "1"
    );
    let turns = station.turns();
    assert!(
        matches!(&turns[2].outcome, TurnOutcome::Held(why) if why.contains("--dry-run")),
        "{}",
        done.err
    );
    assert!(turns[2].receipt.gates.iter().all(|g| g.gate != Gate::Apply));
}

/// A station with a program of its own, another one to put in its place, and the run, just started.
fn with_its_own_program(station: &Station) -> (Running, impl FnOnce() + use<>) {
    let own = station.home().join("secloop-of-its-own");
    let new = station.home().join("secloop-upgraded");
    for place in [&own, &new] {
        std::fs::copy(env!("CARGO_BIN_EXE_secloop"), place).unwrap();
    }
    // It writes the configuration.
    drop(station.command(&[]));
    let mut command = station.other(own.to_str().unwrap());
    command.args(["run", "--interval", "1h"]);
    prepare_ansible();
    (Running::of(command), move || {
        std::fs::rename(new, own).unwrap();
    })
}

/// What secloop starts of itself would be another version, or nothing: it says so and ends, where every
/// later turn would fail.
#[test]
fn a_program_that_is_replaced_while_it_sleeps_says_so_and_ends() {
    let discord = Discord::start([]);
    let station = Station::with_gaps(&[]).posting_to(&discord);
    let (mut running, replace) = with_its_own_program(&station);
    running.wait_for("sleep");
    replace();
    let (code, said) = running.finish();
    assert_eq!(code, Some(12), "{said}");
    assert!(said.contains("was replaced while it ran"), "{said}");
    assert!(said.contains("start it again"), "{said}");
    let told = discord.messages();
    assert!(
        told.iter().any(|post| post.contains("start it again")),
        "{told:?}"
    );
}

/// The turn that is under way is taken back: guard, guardian and sandbox would not be those it began
/// with.
#[test]
fn a_program_that_is_replaced_during_a_turn_takes_it_back_and_ends() {
    let station = Station::with_gaps(&["rm in any spelling"]);
    let (mut running, replace) = with_its_own_program(&station);
    running.wait_for("probe red");
    replace();
    let (code, said) = running.finish();
    assert_eq!(code, Some(12), "{said}");
    assert!(said.contains("was replaced while it ran"), "{said}");
    let turns = station.turns();
    assert_eq!(turns.len(), 1, "{said}");
    assert_ne!(turns[0].outcome.word(), "committed", "{said}");
    let branches = station.git(["branch", "--list", "secloop/hardening"]);
    if !branches.trim().is_empty() {
        let range = "main..secloop/hardening";
        assert_eq!(station.git(["rev-list", "--count", range]).trim(), "0");
    }
}
