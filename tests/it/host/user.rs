//! secloop runs as an ordinary user, and its playbook becomes root by `sudo` without a password.

use std::process::Command;

use rustix::process::Signal;

use super::machine::{RUN, differences, seen, unprepared};
use crate::support::bed::{self, sh};
use crate::support::debs;
use crate::support::station::{Ran, Running, Station, shared_cache};

const PACKAGES: [&str; 1] = ["sudo"];
/// By which the endless task is found.
const ENDLESS: &str = "sleep 98765";

const BEFORE: &str = "
mkdir -p /etc/ssh
printf 'PermitRootLogin yes\n' >/etc/ssh/sshd_config; chmod 644 /etc/ssh/sshd_config
printf 'welcome\n' >/etc/bed-motd
printf 'secret\n' >/etc/bed-secret; chmod 600 /etc/bed-secret
printf '[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n' >/etc/systemd/system/bed-rpc.service
systemctl daemon-reload
systemctl enable --now bed-rpc.service
useradd --create-home bed
printf 'bed ALL=(ALL) NOPASSWD: ALL\n' >/etc/sudoers.d/bed; chmod 440 /etc/sudoers.d/bed
";

/// A station that is the user's, whose playbook has these tasks behind the agent's.
fn station(tasks: &str) -> Station {
    debs::install(&PACKAGES);
    sh(BEFORE);
    // Nothing confines an ordinary user's programs in this machine: its own /proc is none that may
    // be mounted anew. What this is about comes behind the sandbox.
    let station = unprepared(tasks, "deadman = \"10m\"").section("sandbox", "level = \"none\"");
    let _ = station.command(&[]);
    // Of the overlay, and not of this machine: what root's programs are made of may lie in its home.
    sh(&format!(
        "chown -R bed: {root} {cache}; IFS=:; for at in {program}:{cache}:$PATH; do \
         while [ -e \"$at\" ] && [ \"$at\" != / ]; do chmod o+rx \"$at\"; at=$(dirname \"$at\"); done; done",
        root = station.root().display(),
        cache = shared_cache().display(),
        program = env!("CARGO_BIN_EXE_secloop"),
    ));
    station
}

/// The program as that user.
fn as_user(station: &Station, args: &[&str]) -> Command {
    let mut command = station.other("setpriv");
    command
        .args(["--reuid=bed", "--regid=bed", "--init-groups", "--"])
        .arg(env!("CARGO_BIN_EXE_secloop"))
        .args(args);
    command
}

/// Starts a turn and waits until its task is at work.
fn started(station: &Station) -> Running {
    let mut running = Running::of(as_user(station, &RUN));
    // Said when the proposal is on its way to the machine, or the program ends and says why.
    running.wait_for("✓ dry run");
    sh(&format!(
        "timeout 300 sh -c 'until pgrep -f \"{}\" >/dev/null; do sleep 0.2; done'",
        hidden()
    ));
    running
}

/// Pids of the task that never ends.
fn endless() -> String {
    sh(&format!("pgrep -f \"{}\" || true", hidden()))
}

/// The brackets keep a search from finding itself.
fn hidden() -> String {
    let (first, rest) = ENDLESS.split_at(1);
    format!("[{first}]{rest}")
}

/// What needs root to be put back is put back where a program does it, by `sudo -n`; files are named
/// one by one, and the loop stops.
#[test]
fn what_root_did_is_put_back_or_named_and_the_loop_stops() {
    let test = "host::user::what_root_did_is_put_back_or_named_and_the_loop_stops";
    if !bed::is_inside_with(test, &PACKAGES) {
        return;
    }
    let station = station(
        r#"
    - name: Hardened
      when: hooks.stat.mode == "0700"
      become: true
      block:
        - name: sshd
          ansible.builtin.lineinfile: { path: /etc/ssh/sshd_config, regexp: ^PermitRootLogin, line: PermitRootLogin no }
        - name: a file that is not wanted
          ansible.builtin.file: { path: /etc/bed-motd, state: absent }
        - name: a file that nobody else may read
          ansible.builtin.copy: { dest: /etc/bed-secret, content: "another secret\n", mode: "0600" }
        - name: in a directory that nobody else may read
          ansible.builtin.copy: { dest: /etc/sudoers.d/bed-more, content: "\n", mode: "0440" }
        - name: a service that is not wanted
          ansible.builtin.systemd_service: { name: bed-rpc.service, state: stopped, enabled: false }
        - name: kernel settings
          ansible.builtin.command: sysctl -w net.ipv4.conf.all.log_martians=1
        - name: no
          ansible.builtin.fail: { msg: no }
"#,
    );
    let before = seen();
    let done = Ran::from(as_user(&station, &RUN).output().unwrap());
    assert_eq!(done.code, Some(12), "{}", done.err);
    let turn = station.turns().pop().unwrap();
    assert_eq!(turn.outcome.word(), "needs_operator", "{}", done.err);
    let left: Vec<String> = turn.receipt.left.iter().map(ToString::to_string).collect();
    let mut named: Vec<&str> = turn.receipt.left.iter().map(|l| l.what.as_str()).collect();
    named.sort_unstable();
    // And nothing else is another than before, in the eyes of root.
    let found = differences(&before, &seen());
    let is_named = |found: &String| named.iter().any(|name| found.contains(name));
    let more: Vec<&String> = found.iter().filter(|f| !is_named(f)).collect();
    assert_eq!(more, Vec::<&String>::new(), "{left:#?}\n{}", done.err);
    for wanted in [
        "/etc/bed-motd",
        "/etc/bed-secret",
        "/etc/ssh/sshd_config",
        "/etc/sudoers.d/bed-more",
    ] {
        assert!(named.contains(&wanted), "{wanted}: {left:#?}\n{}", done.err);
    }
    assert!(
        left.iter()
            .all(|l| l.contains("as root") || l.contains("unit ")),
        "{left:#?}"
    );
    let unit = sh("systemctl is-active bed-rpc.service");
    assert_eq!(unit.trim(), "active", "put back by sudo -n: {left:#?}");
    let kernel = sh("cat /proc/sys/net/ipv4/conf/all/log_martians");
    assert_eq!(kernel.trim(), "0", "put back by sudo -n: {left:#?}");
}

/// Ctrl-C ends what root runs for it too.
#[test]
fn a_task_that_became_root_ends_with_its_run() {
    let test = "host::user::a_task_that_became_root_ends_with_its_run";
    if !bed::is_inside_with(test, &PACKAGES) {
        return;
    }
    let station = station(&never_ends());
    let before = seen();
    let running = started(&station);
    running.signal(Signal::INT);
    let (code, said) = running.finish();
    assert_eq!(endless(), "", "{said}");
    assert_eq!(code, Some(130), "{said}");
    assert_eq!(
        differences(&before, &seen()),
        Vec::<String>::new(),
        "{said}"
    );
}

/// After a kill nobody can prove whose such a task is: it is neither ended nor overlooked.
#[test]
fn a_task_that_became_root_is_waited_for_after_a_kill() {
    let test = "host::user::a_task_that_became_root_is_waited_for_after_a_kill";
    if !bed::is_inside_with(test, &PACKAGES) {
        return;
    }
    let station = station(&never_ends());
    let before = seen();
    let running = started(&station);
    running.kill();
    let done = Ran::from(
        as_user(&station, &["run", "--once", "--dry-run"])
            .output()
            .unwrap(),
    );
    assert_eq!(done.code, Some(12), "{}", done.err);
    assert!(done.err.contains("may still be at work"), "{}", done.err);
    assert_ne!(endless(), "", "{}", done.err);
    sh(&format!("pkill -f '{}'", hidden()));
    let done = Ran::from(
        as_user(&station, &["run", "--once", "--dry-run"])
            .output()
            .unwrap(),
    );
    assert_eq!(done.code, Some(0), "{}", done.err);
    let outcome = station.turns().remove(0).outcome;
    assert!(outcome.detail().contains("rolled back"), "{outcome:?}");
    assert_eq!(
        differences(&before, &seen()),
        Vec::<String>::new(),
        "{}",
        done.err
    );
}

fn never_ends() -> String {
    format!(
        "    - name: endless\n      when: hooks.stat.mode == \"0700\"\n      become: true\n      \
         ansible.builtin.shell: {ENDLESS}; true\n"
    )
}
