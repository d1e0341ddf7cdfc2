//! Public hardening roles on a machine of their own: applied, refused, and nothing is different.
//!
//! `SECLOOP_TEST_ROLES` names a directory that `.ci/fetch-roles` fills: each directory of it is a role;
//! beside it NAME.yml holds its variables, NAME.installed the packages that the machine has before, and
//! NAME.packages those that the role installs. `collections` is what Ansible finds collections in.

use std::path::{Path, PathBuf};

use super::machine::{RUN, differences, seen, unprepared};
use crate::support::bed::{self, sh};
use crate::support::debs;

const ROLES: &str = "SECLOOP_TEST_ROLES";
/// Set to 1, it is a failure that there are none.
const REQUIRE: &str = "SECLOOP_REQUIRE_ROLES";
/// Which role a bed is for.
const ROLE: &str = "SECLOOP_TEST_ROLE";
const TEST: &str = "host::roles::public_roles_leave_a_machine_as_it_was_when_they_are_refused";

#[test]
#[expect(clippy::disallowed_methods, reason = "this test again, for one role")]
fn public_roles_leave_a_machine_as_it_was_when_they_are_refused() {
    let Some(dir) = std::env::var_os(ROLES).map(PathBuf::from) else {
        let why = format!("{ROLES} names no directory (see .ci/fetch-roles)");
        bed::skipped_but_for(REQUIRE, TEST, &why);
        return;
    };
    if let Ok(role) = std::env::var(ROLE) {
        let packages = packages(&dir, &role);
        let packages: Vec<&str> = packages.iter().map(String::as_str).collect();
        if bed::is_inside_with(TEST, &packages) {
            refused(&dir, &role, &packages);
        }
        return;
    }
    // One bed for each role: a variable of the environment is what a bed gets.
    let mut roles: Vec<String> = std::fs::read_dir(&dir)
        .unwrap()
        .flatten()
        .filter(|e| e.path().join("tasks").is_dir())
        .map(|e| e.file_name().into_string().unwrap())
        .collect();
    roles.sort();
    assert!(!roles.is_empty(), "no role in {}", dir.display());
    for role in roles {
        let me = std::env::current_exe().unwrap();
        let mut again = std::process::Command::new(me);
        again
            .args([TEST, "--exact", "--nocapture"])
            .env(ROLE, &role);
        let done = again.output().unwrap();
        let said = String::from_utf8_lossy(&done.stdout) + String::from_utf8_lossy(&done.stderr);
        println!(
            "{role}: {}",
            if done.status.success() {
                "as before"
            } else {
                "FAILED"
            }
        );
        assert!(done.status.success(), "{role}: {said}");
    }
}

fn words(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.split_whitespace().map(str::to_owned).collect()
}

fn packages(dir: &Path, role: &str) -> Vec<String> {
    let mut all = words(&dir.join(format!("{role}.installed")));
    all.extend(words(&dir.join(format!("{role}.packages"))));
    all
}

fn refused(dir: &Path, role: &str, packages: &[&str]) {
    let fetched = debs::archive(packages);
    let installed = words(&dir.join(format!("{role}.installed")));
    // As by `apt-get update` and a download, so that the role needs no network.
    sh(&format!(
        "cp {}/*.deb /var/cache/apt/archives/ 2>/dev/null || true; mkdir -p /srv/bed; \
         [ -z '{installed}' ] || DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-download \
         --no-install-recommends {installed} >/dev/null; ssh-keygen -A >/dev/null 2>&1 || true",
        fetched.display(),
        installed = installed.join(" "),
    ));
    let vars = std::fs::read_to_string(dir.join(format!("{role}.yml"))).unwrap_or_default();
    let vars: String = vars.lines().map(|l| format!("        {l}\n")).collect();
    let vars = if vars.is_empty() {
        vars
    } else {
        format!("      vars:\n{vars}")
    };
    let tasks = format!(
        "    - name: facts\n      ansible.builtin.setup:\n    - name: {role}\n      when: \
         hooks.stat.mode == \"0700\"\n      ansible.builtin.include_role: {{ name: {role} }}\n{vars}    \
         - name: it is refused\n      when: hooks.stat.mode == \"0700\"\n      ansible.builtin.fail: \
         {{ msg: refused by the test }}\n"
    );
    let station = unprepared(&tasks, "deadman = \"1h\"");
    let place = station.repo().join("ansible-hooks/roles").join(role);
    sh(&format!(
        "cp -r {} {}; mkdir -p {home}/.ansible; [ ! -d {dir}/collections ] || cp -r {dir}/collections \
         {home}/.ansible/",
        dir.join(role).display(),
        place.display(),
        home = station.home().display(),
        dir = dir.display(),
    ));
    station.commit_all("A role");
    let before = seen();
    let mut running = station.start(&RUN);
    running.wait_for("✗ apply");
    // The machine is hardened at this moment, or just about to be put back.
    let (code, said) = running.finish();
    let turn = station.turns().pop().unwrap();
    eprintln!("{role}: {}\n{said}", turn.outcome.detail());
    let found = differences(&before, &seen());
    assert_eq!(found, Vec::<String>::new(), "{said}");
    assert_eq!(turn.receipt.left, vec![], "{said}");
    assert_eq!((code, turn.outcome.word()), (Some(0), "rejected"), "{said}");
    let refused = turn.outcome.detail().contains("it is refused");
    assert!(
        refused,
        "the role did not get to its end: {}",
        turn.outcome.detail()
    );
}
