//! What bash really runs, against what the guard lets through: random scripts are run by bash, in a
//! confinement in which there is no program to be found, and whatever it looked for is written down.
//! A script in which it looked for something dangerous must have been refused.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use secloop::guard::judge;
use secloop::process::{Ended, Spec, run};
use tokio_util::sync::CancellationToken;

use super::random::Random;
use super::scripts::{DANGERS, script};

/// Cases in an ordinary run; `SECLOOP_GUARD_CASES` says how many instead.
const CASES: usize = 1_500;
/// Cases that one shell runs.
const BATCH: usize = 5_000;
const SEED: u64 = 20_260_301;

/// Words before which a dangerous command is one still.
const BEFORE: &[&str] = &["sudo", "env", "nohup", "time"];

/// Whether these words are one of the dangers, as a program that is looked for.
fn dangerous(words: &[&str]) -> bool {
    let own = words.iter().position(|w| !BEFORE.contains(w)).unwrap_or(0);
    DANGERS.iter().any(|d| words[own..].starts_with(d))
}

/// The numbers of the scripts in which bash looked for a danger.
async fn ran(scripts: &[String], dir: &Path) -> BTreeSet<usize> {
    let oracle = include_str!("oracle.sh");
    let mut spec = Spec::new("/usr/bin/bwrap", dir, Duration::from_hours(1)).args([
        "--unshare-all",
        "--die-with-parent",
        "--ro-bind",
        "/usr/lib",
        "/usr/lib",
        "--ro-bind",
        "/usr/bin/bash",
        "/usr/bin/bash",
        "--symlink",
        "usr/lib",
        "/lib",
        "--symlink",
        "usr/lib64",
        "/lib64",
        "--ro-bind-try",
        "/usr/lib64",
        "/usr/lib64",
        "--dev",
        "/dev",
        "--tmpfs",
        "/work",
        "--chdir",
        "/work",
        "/usr/bin/bash",
        "--norc",
        "--noprofile",
        "-c",
        oracle,
    ]);
    for script in scripts {
        spec.stdin.extend_from_slice(script.as_bytes());
        spec.stdin.push(0);
    }
    spec.keep = 1 << 30;
    let done = run(&spec, &CancellationToken::new(), |_| ()).await.unwrap();
    assert_eq!(done.ended, Ended::Exited(0), "{}", done.err());
    let out = String::from_utf8_lossy(&done.stdout).into_owned();
    let mut fields = out.split('\0');
    let mut found = BTreeSet::new();
    while let (Some(case), Some(count)) = (fields.next(), fields.next()) {
        let Ok(count) = count.parse::<usize>() else {
            break;
        };
        let words: Vec<&str> = fields.by_ref().take(count).collect();
        if dangerous(&words) {
            found.insert(case.parse().unwrap());
        }
    }
    found
}

#[tokio::test]
async fn nothing_that_bash_runs_is_missed() {
    let count = std::env::var("SECLOOP_GUARD_CASES").map_or(CASES, |n| n.parse().unwrap());
    let mut random = Random::new(SEED);
    let (mut dangerous, mut refused, mut left) = (0, 0, count);
    let mut missed = Vec::new();
    while left > 0 {
        let scripts: Vec<String> = (0..left.min(BATCH)).map(|_| script(&mut random)).collect();
        left -= scripts.len();
        let dir = tempfile::tempdir().unwrap();
        let ran = ran(&scripts, dir.path()).await;
        dangerous += ran.len();
        for (at, script) in scripts.iter().enumerate() {
            let allowed = judge(script).is_allowed();
            refused += usize::from(!allowed);
            if allowed && ran.contains(&at) {
                missed.push(format!("{script:?}"));
            }
        }
    }
    println!("{count} scripts, {dangerous} ran something dangerous, {refused} were refused");
    assert!(dangerous * 5 > count, "the oracle saw {dangerous} only");
    assert!(
        missed.is_empty(),
        "{}:\n{}",
        missed.len(),
        missed.join("\n")
    );
}
