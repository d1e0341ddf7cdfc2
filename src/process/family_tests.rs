//! Processes that leave their group, their parent and their environment.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::super::{Ended, Finished, Spec, run};
use super::*;

/// Leaves group, session and parent, and does not heed TERM.
const ORPHAN: &str =
    r#"setsid sh -c 'sh -c "trap \"\" TERM; echo up \$\$; exec sleep 600" & exit 0'"#;

/// Runs a script and gives the pid that it tells; that cancels it, unless it is to end otherwise
/// (it says "now" somewhere).
async fn runs(script: &str, deadline: Duration, cancel: &CancellationToken) -> (Finished, u32) {
    let mut spec = Spec::new("/bin/sh", "/", deadline)
        .args(["-c", script])
        .env("PATH", "/usr/bin:/bin");
    spec.grace = Duration::from_millis(100);
    let mut pid = 0;
    let done = run(&spec, cancel, |line| {
        if let Some(told) = line.text.strip_prefix("up ") {
            pid = told.parse().unwrap();
        }
        if pid != 0 && !script.contains("now") {
            cancel.cancel();
        }
    })
    .await
    .unwrap();
    (done, pid)
}

fn is_there(pid: u32) -> bool {
    assert_ne!(pid, 0, "it was not started");
    Path::new(&format!("/proc/{pid}")).exists()
}

fn on_linux() -> bool {
    std::env::consts::OS == "linux"
}

#[tokio::test]
async fn who_left_the_group_is_gone_after_a_cancel() {
    if !on_linux() {
        return;
    }
    let (done, pid) = runs(
        &format!("{ORPHAN}; exec sleep 600"),
        Duration::from_mins(5),
        &CancellationToken::new(),
    )
    .await;
    assert_eq!((done.ended, done.survived), (Ended::Cancelled, false));
    assert!(!is_there(pid));
}

#[tokio::test]
async fn who_left_the_group_is_gone_after_the_deadline() {
    if !on_linux() {
        return;
    }
    // It is never cancelled: no line says "now".
    let (done, pid) = runs(
        &format!("{ORPHAN}; exec sleep 600; echo now"),
        Duration::from_secs(3),
        &CancellationToken::new(),
    )
    .await;
    assert_eq!((done.ended, done.survived), (Ended::Deadline, false));
    assert!(!is_there(pid));
}

#[tokio::test]
async fn who_left_the_group_is_gone_after_a_normal_end() {
    if !on_linux() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo");
    // The script ends once the orphan is up.
    let (done, pid) = runs(
        &format!(
            "mkfifo {0}; {ORPHAN} > {0} & read line < {0}; echo $line # now",
            fifo.display()
        ),
        Duration::from_mins(5),
        &CancellationToken::new(),
    )
    .await;
    assert_eq!((done.ended, done.survived), (Ended::Exited(0), false));
    assert!(!is_there(pid));
}

/// As `sudo` does it.
#[tokio::test]
async fn who_lost_its_mark_is_known_by_its_descent() {
    if !on_linux() {
        return;
    }
    let (done, pid) = runs(
        "env -i /usr/bin/setsid /bin/sh -c 'trap \"\" TERM; echo up $$; /bin/sleep 600; :' & wait",
        Duration::from_mins(5),
        &CancellationToken::new(),
    )
    .await;
    assert_eq!((done.ended, done.survived), (Ended::Cancelled, false));
    assert!(!is_there(pid));
}

#[tokio::test]
async fn who_left_the_group_is_killed_when_nobody_waits_for_the_run_any_more() {
    if !on_linux() {
        return;
    }
    let spec = Spec::new("/bin/sh", "/", Duration::from_mins(5))
        .args(["-c", &format!("{ORPHAN}; exec sleep 600")])
        .env("PATH", "/usr/bin:/bin");
    let up = tokio::sync::Notify::new();
    let pid = std::cell::Cell::new(0);
    let never = CancellationToken::new();
    tokio::select! {
        _ = run(&spec, &never, |line| {
            pid.set(line.text.trim_start_matches("up ").parse().unwrap());
            up.notify_one();
        }) => unreachable!(),
        () = up.notified() => {}
    }
    // KILL was sent; the end is only taken note of here.
    let gone = |pid| sys::row(pid).is_none_or(|r| r.zombie);
    while !gone(pid.get()) {
        tokio::task::yield_now().await;
    }
}

#[expect(clippy::disallowed_methods, reason = "a process of a dead supervisor")]
fn sleeper(mark: &str) -> std::process::Child {
    std::process::Command::new("/bin/sleep")
        .arg("600")
        .env(MARK, mark)
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn only_what_a_dead_supervisor_left_is_ended() {
    if !on_linux() {
        return;
    }
    let me = own_identity();
    let dead = Identity {
        started: 1,
        ..me.clone()
    };
    let elsewhere = format!("{FORMAT}.{}.1.7.x", me.pid);
    let older = mark_of(&dead, "x").replace(FORMAT, "s1");
    let mut left = sleeper(&mark_of(&dead, "x"));
    let mut others: Vec<_> = [
        mark_of(&me, "x"),
        elsewhere,
        older,
        String::new(),
        "1.1".to_owned(),
    ]
    .iter()
    .map(|mark| sleeper(mark))
    .collect();

    assert!(end_survivors(Duration::from_mins(1)).await);

    assert_eq!(left.wait().unwrap().signal(), Some(15));
    for other in &mut others {
        assert_eq!(other.try_wait().unwrap(), None);
        other.kill().unwrap();
        other.wait().unwrap();
    }
}

#[test]
fn neither_this_process_nor_those_above_it_are_ever_taken_in() {
    let me = std::process::id();
    let row = |pid, parent| Row {
        pid,
        parent,
        group: pid,
        session: pid,
        started: 5,
        zombie: false,
    };
    // 1 → 2 → me → 4, 1 → 3 → 5
    let far = me + 10;
    let table = [
        row(1, 0),
        row(2, 1),
        row(me, 2),
        row(far + 4, me),
        row(3, 1),
        row(far + 5, 3),
    ];
    let pids = |marked: &[u32]| -> BTreeMap<u32, bool> {
        let found = Family::default().take_in(&table, &|r| marked.contains(&r.pid));
        found.iter().map(|r| (r.pid, true)).collect()
    };
    assert!(pids(&[1, 2, me]).is_empty());
    assert!(pids(&[2, 3]).keys().eq([&3, &(far + 5)]));
    assert!(pids(&[far + 4]).keys().eq([&(far + 4)]));
}
