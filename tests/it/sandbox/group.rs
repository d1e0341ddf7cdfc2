//! A control group for all that runs inside, on a machine with a real systemd.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use crate::support::bed::{self, sh};

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the program, as a person starts it"
)]
fn what_runs_inside_is_a_scope_of_its_own_with_bounds_for_all_together() {
    let test = "sandbox::group::\
                what_runs_inside_is_a_scope_of_its_own_with_bounds_for_all_together";
    if !bed::is_inside(test) {
        return;
    }
    // In a machine of this kind systemd may write the hierarchy of names alone.
    sh(
        "at=/sys/fs/cgroup/pids; [ ! -d $at ] || mount -o remount,bind,rw $at; \
        systemctl daemon-reexec",
    );
    let place = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_secloop"))
        .args([
            "sandbox",
            "--",
            "sh",
            "-c",
            "env; echo up; read line; echo $line",
        ])
        .current_dir(place.path())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", place.path().join("home"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    let before: Vec<String> = out
        .by_ref()
        .map(Result::unwrap)
        .take_while(|l| l != "up")
        .collect();
    assert!(
        !before
            .iter()
            .any(|l| l.starts_with("XDG_RUNTIME_DIR") || l.starts_with("INVOCATION_ID")),
        "{before:?}"
    );
    let units = sh("systemctl list-units --plain --no-legend 'secloop-*.scope'");
    let names: Vec<&str> = units.lines().filter_map(|l| l.split(' ').next()).collect();
    let [scope] = names[..] else {
        panic!("{units}")
    };
    let set = sh(&format!(
        "systemctl show -p MemoryMax -p MemorySwapMax -p TasksMax {scope} | sort"
    ));
    assert_eq!(set, "MemoryMax=8589934592\nMemorySwapMax=0\nTasksMax=512\n");
    // What the kernel holds it to, and who is in it.
    let kernel = sh(&format!(
        "for at in /sys/fs/cgroup/pids /sys/fs/cgroup; do \
         cat $at/system.slice/{scope}/pids.max 2>/dev/null && break; done; \
         cat /sys/fs/cgroup/*/system.slice/{scope}/cgroup.procs /sys/fs/cgroup/system.slice/{scope}/cgroup.procs \
         2>/dev/null | sort -u | xargs -n 1 -I N cat /proc/N/comm | sort -u"
    ));
    let mut lines = kernel.lines();
    assert_eq!(lines.next(), Some("512"), "{kernel}");
    let inside: Vec<&str> = lines.collect();
    assert!(
        inside.contains(&"bwrap") && inside.contains(&"sh"),
        "{kernel}"
    );
    child.stdin.take().unwrap().write_all(b"done\n").unwrap();
    assert_eq!(out.next().unwrap().unwrap(), "done");
    assert!(child.wait().unwrap().success());
    assert_eq!(
        sh("systemctl list-units --plain --no-legend 'secloop-*.scope'"),
        ""
    );
}
