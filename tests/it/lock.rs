//! The lock between real processes: this test binary starts itself as the other run.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use secloop::clock::Clock;
use secloop::config::{CoordinateConfig, Decider};
use secloop::lock::coordinate::{Choice, Look, Meeting, Outcome, facts_text, resolve};
use secloop::lock::{Acquired, Holder, Lock, acquire, holder};
use secloop::process::{Likeness, likeness, own_identity};
use secloop::turn::Stage;
use uuid::Uuid;

const CONFIG: CoordinateConfig = CoordinateConfig {
    decider: Decider::Rules,
    wait: Duration::from_mins(1),
    overdue: Duration::from_hours(1),
    silent: Duration::from_mins(10),
};

fn now() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn me() -> Holder {
    Holder::new(Uuid::now_v7(), own_identity(), now(), "/log".into())
}

fn held(acquired: Acquired) -> Lock {
    match acquired {
        Acquired::Held(lock) => lock,
        Acquired::Busy(holder) => panic!("busy: {holder:?}"),
    }
}

/// What the other process does; the environment of the child names it.
const ROLE: &str = "SECLOOP_TEST_LOCK_ROLE";
const DIR: &str = "SECLOOP_TEST_LOCK_DIR";

/// Not a test: the other process. Says what it came to, then waits for its end.
#[tokio::test]
async fn other_process() {
    let (Ok(role), Ok(dir)) = (std::env::var(ROLE), std::env::var(DIR)) else {
        return;
    };
    // Once listened to, a signal does nothing by itself any more.
    let ignored = (role == "stubborn")
        .then(|| tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()));
    if role == "racing" {
        // Both wait for the same start.
        std::io::stdin().lines().next();
    }
    let acquired = acquire(Path::new(&dir), me()).unwrap();
    let word = match &acquired {
        Acquired::Held(_) => "HELD",
        Acquired::Busy(_) => "BUSY",
    };
    let mut out = std::io::stdout();
    writeln!(out, "\n{word}").unwrap();
    out.flush().unwrap();
    // Ends with its parent at the latest.
    while std::io::stdin().lines().next().is_some() {}
    drop((acquired, ignored));
}

struct Other {
    child: Option<Child>,
    out: BufReader<std::process::ChildStdout>,
}

impl Other {
    #[expect(clippy::disallowed_methods, reason = "the test's other process")]
    fn start(role: &str, dir: &Path) -> Self {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["lock::other_process", "--exact", "--nocapture"])
            .env(ROLE, role)
            .env(DIR, dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self {
            child: Some(child),
            out,
        }
    }

    /// Waits until it says what it came to.
    fn word(&mut self) -> String {
        let mut line = String::new();
        while self.out.read_line(&mut line).unwrap() > 0 {
            let word = line.trim();
            if ["HELD", "BUSY"].contains(&word) {
                return word.to_owned();
            }
            line.clear();
        }
        panic!("the other process ended without a word");
    }

    fn holding(role: &str, dir: &Path) -> Self {
        let mut other = Self::start(role, dir);
        assert_eq!(other.word(), "HELD");
        other
    }

    /// SIGKILL, as a crash is.
    fn crash(mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Hands the child to a thread that takes its end up, as `init` does for a real holder.
    fn reaped(mut self) -> std::thread::JoinHandle<std::process::ExitStatus> {
        let mut child = self.child.take().unwrap();
        let stdin = child.stdin.take();
        std::thread::spawn(move || {
            let status = child.wait().unwrap();
            drop(stdin);
            status
        })
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Changes the record that the other process left.
fn rewrite(dir: &Path, change: impl FnOnce(&mut Holder)) {
    let mut record = holder(dir).unwrap();
    change(&mut record);
    std::fs::write(
        dir.join("holder.json"),
        serde_json::to_string(&record).unwrap(),
    )
    .unwrap();
}

fn state() -> (tempfile::TempDir, PathBuf) {
    let at = tempfile::tempdir().unwrap();
    let dir = at.path().join("state");
    (at, dir)
}

#[test]
fn a_lock_is_held_across_processes_until_its_holder_crashes() {
    let (_at, dir) = state();
    let other = Other::holding("plain", &dir);
    let met = match acquire(&dir, me()).unwrap() {
        Acquired::Busy(Some(holder)) => holder,
        other => panic!("{other:?}"),
    };
    assert_eq!(met.identity.pid, other.child.as_ref().unwrap().id());
    assert_eq!(likeness(&met.identity), Likeness::Same);
    other.crash();
    let lock = held(acquire(&dir, me()).unwrap());
    // What it was doing is known to whoever comes next.
    assert_eq!(lock.previous(), Some(&met));
    assert_eq!(likeness(&met.identity), Likeness::Gone);
}

#[test]
fn of_many_that_come_at_once_exactly_one_wins() {
    let (_at, dir) = state();
    let mut others: Vec<Other> = (0..4).map(|_| Other::start("racing", &dir)).collect();
    for other in &mut others {
        let stdin = other.child.as_mut().unwrap().stdin.as_mut().unwrap();
        stdin.write_all(b"go\n").unwrap();
    }
    let words: Vec<String> = others.iter_mut().map(Other::word).collect();
    assert_eq!(
        words.iter().filter(|w| *w == "HELD").count(),
        1,
        "{words:?}"
    );
}

/// An innocent process, and the record that names its pid as the holder's.
#[expect(clippy::disallowed_methods, reason = "the test's innocent process")]
fn innocent() -> Child {
    std::process::Command::new("sleep")
        .arg("600")
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn a_reused_pid_neither_blocks_nor_gets_killed() {
    let (_at, dir) = state();
    let mut sleeper = innocent();
    // Left by a crash, long overdue, and its pid is somebody else's now.
    drop(held(acquire(&dir, me()).unwrap()));
    let mut stale = me();
    stale.identity.pid = sleeper.id();
    stale.identity.started -= 100_000;
    stale.begin_turn(Uuid::now_v7(), now() - TimeDelta::days(2));
    stale.heartbeat = now() - TimeDelta::days(2);
    let text = serde_json::to_string(&stale).unwrap();
    std::fs::write(dir.join("holder.json"), &text).unwrap();
    let clock = Clock::manual(now(), chrono_tz::Tz::UTC);
    let meeting = |me| Meeting {
        dir: &dir,
        me,
        config: &CONFIG,
        clock: &clock,
        grace: Duration::from_secs(1),
    };
    let newcomer = me();
    match resolve(meeting(&newcomer), |_| async { None })
        .await
        .unwrap()
    {
        Outcome::Held(lock, steps) => {
            assert!(steps.is_empty());
            assert_eq!(lock.previous().unwrap().identity, stale.identity);
        }
        other => panic!("{other:?}"),
    }

    // And while another process does hold the lock under that record.
    let other = Other::holding("plain", &dir);
    std::fs::write(dir.join("holder.json"), &text).unwrap();
    tokio::time::pause();
    let decided = resolve(meeting(&newcomer), |_| async { Some(Choice::Kill) }).await;
    tokio::time::resume();
    match decided.unwrap() {
        Outcome::Skipped(steps) => {
            let choices: Vec<Choice> = steps.iter().map(|s| s.choice).collect();
            assert_eq!(choices, [Choice::Wait, Choice::Skip]);
            assert!(steps.iter().all(|s| !s.by_decider));
        }
        other => panic!("{other:?}"),
    }
    assert!(sleeper.try_wait().unwrap().is_none(), "the innocent lives");
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
    drop(other);
}

#[tokio::test]
async fn an_overdue_holder_is_ended_even_if_it_ignores_the_first_signal() {
    for role in ["plain", "stubborn"] {
        let (_at, dir) = state();
        let other = Other::holding(role, &dir);
        let ended = other.reaped();
        rewrite(&dir, |record| {
            record.begin_turn(Uuid::now_v7(), now() - TimeDelta::hours(2));
            record.stage = Some(Stage::Iterate);
        });
        let victim = holder(&dir).unwrap();
        let me = me();
        let clock = Clock::manual(now(), chrono_tz::Tz::UTC);
        let meeting = Meeting {
            dir: &dir,
            me: &me,
            config: &CONFIG,
            clock: &clock,
            grace: Duration::from_millis(300),
        };
        match resolve(meeting, |_| async { None }).await.unwrap() {
            Outcome::Held(lock, steps) => {
                assert_eq!(steps.len(), 1);
                assert_eq!(steps[0].choice, Choice::Kill, "{}", steps[0].reason);
                assert_eq!(lock.previous(), Some(&victim));
                assert_eq!(holder(&dir).unwrap().run, me.run);
            }
            other => panic!("{role}: {other:?}"),
        }
        let status = ended.join().unwrap();
        let signal = std::os::unix::process::ExitStatusExt::signal(&status);
        assert_eq!(signal, Some(if role == "plain" { 15 } else { 9 }), "{role}");
    }
}

/// Who can't be looked at, or is of another boot, is left alone however overdue it is, also where a
/// living process has its pid.
#[tokio::test]
async fn a_holder_that_is_not_known_is_neither_ended_nor_called_dead() {
    let (_at, dir) = state();
    let other = Other::holding("plain", &dir);
    for unknown in [
        |who: &mut Holder| who.identity.boot = "another boot".to_owned(),
        |who: &mut Holder| who.identity.boot.clear(),
        |who: &mut Holder| who.identity.started = 0,
    ] {
        rewrite(&dir, |record| {
            record.identity = own_identity();
            record.identity.pid = other.child.as_ref().unwrap().id();
            record.begin_turn(Uuid::now_v7(), now() - TimeDelta::days(2));
            record.stage = Some(Stage::Iterate);
            record.heartbeat = now() - TimeDelta::days(2);
            unknown(record);
        });
        let me = me();
        let clock = Clock::manual(now(), chrono_tz::Tz::UTC);
        let meeting = Meeting {
            dir: &dir,
            me: &me,
            config: &CONFIG,
            clock: &clock,
            grace: Duration::from_secs(1),
        };
        assert!(secloop::lock::active(&dir).is_some(), "called dead");
        let mut looks = Vec::new();
        tokio::time::pause();
        let decided = resolve(meeting, |look| {
            looks.push(facts_text(&look.facts));
            async { Some(Choice::Kill) }
        });
        let outcome = decided.await.unwrap();
        tokio::time::resume();
        assert_eq!(choices(&outcome), (false, vec![Choice::Wait, Choice::Skip]));
        assert!(
            looks.iter().all(|l| l.contains("process: unknown: ")),
            "{looks:?}"
        );
    }
    // Alive, and the lock is still its own.
    assert!(matches!(acquire(&dir, me()).unwrap(), Acquired::Busy(_)));
    other.crash();
    // The record alone says nothing: a free lock is taken.
    assert!(secloop::lock::active(&dir).is_none());
    drop(held(acquire(&dir, me()).unwrap()));
}

/// A holder that is ended leaves somebody who can't be proven to be its own: a program whose
/// environment is another one, and that works in a scratch directory of its Ansible.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_takeover_that_is_not_proven_is_refused() {
    let (_at, dir) = state();
    let other = Other::holding("plain", &dir);
    let ended = other.reaped();
    rewrite(&dir, |record| {
        record.begin_turn(Uuid::now_v7(), now() - TimeDelta::hours(2));
        record.stage = Some(Stage::Iterate);
    });
    let mut module = at_work_in(&dir.join("ansible/run-x/remote/module.py"));
    let me = me();
    let clock = Clock::manual(now(), chrono_tz::Tz::UTC);
    let meeting = Meeting {
        dir: &dir,
        me: &me,
        config: &CONFIG,
        clock: &clock,
        grace: Duration::from_millis(300),
    };
    let why = match resolve(meeting, |_| async { None }).await.unwrap() {
        Outcome::Unproven(steps, why) => {
            assert_eq!(steps[0].choice, Choice::Kill, "{}", steps[0].reason);
            why
        }
        other => panic!("{other:?}"),
    };
    ended.join().unwrap();
    assert!(why.contains(&module.id().to_string()), "{why}");
    assert!(module.try_wait().unwrap().is_none(), "it lives");
    // Nor by anybody who comes later, until it has ended.
    let refused = secloop::recover::end_what_survived(&dir, Duration::ZERO).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.exit(), secloop::error::Exit::NeedsOperator);
    assert!(
        refused.to_string().contains(&module.id().to_string()),
        "{refused}"
    );
    assert!(module.try_wait().unwrap().is_none(), "it lives");
    module.kill().unwrap();
    module.wait().unwrap();
    let done = secloop::recover::end_what_survived(&dir, Duration::ZERO).await;
    done.unwrap();
}

/// A program that has this path among its arguments.
#[cfg(target_os = "linux")]
#[expect(clippy::disallowed_methods, reason = "the test's other program")]
fn at_work_in(path: &Path) -> Child {
    std::process::Command::new("sh")
        .args(["-c", "read end", "sh"])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap()
}

/// A meeting with a holder that is in a healthy turn, in paused time.
struct Healthy {
    _at: tempfile::TempDir,
    dir: PathBuf,
    me: Holder,
    clock: Clock,
}

impl Healthy {
    fn new() -> Self {
        let (at, dir) = state();
        Self {
            _at: at,
            dir,
            me: me(),
            clock: Clock::manual(now(), chrono_tz::Tz::UTC),
        }
    }

    fn holder(&self) -> Lock {
        let mut holder = me();
        holder.begin_turn(Uuid::now_v7(), now());
        holder.stage = Some(Stage::Iterate);
        held(acquire(&self.dir, holder).unwrap())
    }

    fn meeting(&self) -> Meeting<'_> {
        Meeting {
            dir: &self.dir,
            me: &self.me,
            config: &CONFIG,
            clock: &self.clock,
            grace: Duration::from_secs(1),
        }
    }
}

fn choices(outcome: &Outcome) -> (bool, Vec<Choice>) {
    let (held, steps) = match outcome {
        Outcome::Held(_, steps) => (true, steps),
        Outcome::Skipped(steps) | Outcome::Unproven(steps, _) => (false, steps),
    };
    (held, steps.iter().map(|s| s.choice).collect())
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_is_done_within_the_wait_is_followed() {
    let at = Healthy::new();
    let lock = at.holder();
    let begun = tokio::time::Instant::now();
    let done = async {
        tokio::time::sleep(Duration::from_secs(30)).await;
        lock.release();
    };
    let (outcome, ()) = tokio::join!(resolve(at.meeting(), |_| async { None }), done);
    assert_eq!(choices(&outcome.unwrap()), (true, vec![Choice::Wait]));
    assert_eq!(begun.elapsed(), CONFIG.wait);
}

#[tokio::test(start_paused = true)]
async fn a_healthy_holder_is_waited_for_once_and_skipped_once() {
    let at = Healthy::new();
    let lock = at.holder();
    let outcome = resolve(at.meeting(), |_| async { None }).await.unwrap();
    assert_eq!(choices(&outcome), (false, vec![Choice::Wait, Choice::Skip]));

    // The next cycle meets the same turn: there is no second skip. (The holder is this process,
    // so what comes next is only looked at.)
    let mut looks: Vec<Look> = Vec::new();
    lock.beat(now(), |me| me.stage = Some(Stage::Apply))
        .unwrap();
    let outcome = resolve(at.meeting(), |look| {
        looks.push(look);
        async { None }
    })
    .await
    .unwrap();
    // But it has begun to change the machine.
    assert_eq!(choices(&outcome), (false, vec![Choice::Wait, Choice::Skip]));
    assert!(looks.iter().all(|l| l.skipped));
    assert!(looks.iter().all(|l| !l.allows(Choice::Kill, &CONFIG)));
    lock.beat(now(), |me| me.stage = Some(Stage::Iterate))
        .unwrap();
    looks[1].facts.holder = holder(&at.dir);
    assert!(looks[1].allows(Choice::Kill, &CONFIG));
    assert!(!looks[1].allows(Choice::Skip, &CONFIG));

    // Another turn of the same run is another matter.
    lock.beat(now(), |me| me.begin_turn(Uuid::now_v7(), now()))
        .unwrap();
    let mut skipped = Vec::new();
    let outcome = resolve(at.meeting(), |look| {
        skipped.push(look.skipped);
        async { None }
    })
    .await
    .unwrap();
    assert_eq!(choices(&outcome), (false, vec![Choice::Wait, Choice::Skip]));
    assert_eq!(skipped, [false, false]);
}

#[tokio::test(start_paused = true)]
async fn a_decider_is_heard_within_the_bounds() {
    let at = Healthy::new();
    let lock = at.holder();
    let begun = tokio::time::Instant::now();
    let outcome = resolve(at.meeting(), |_| async { Some(Choice::Skip) })
        .await
        .unwrap();
    match outcome {
        Outcome::Skipped(steps) => assert!(steps.len() == 1 && steps[0].by_decider),
        other => panic!("{other:?}"),
    }
    assert_eq!(begun.elapsed(), Duration::ZERO);
    // It may not wait twice, and not interrupt a change.
    lock.beat(now(), |me| {
        me.begin_turn(Uuid::now_v7(), now());
        me.stage = Some(Stage::Commit);
    })
    .unwrap();
    for wish in [Choice::Wait, Choice::Kill] {
        let outcome = resolve(at.meeting(), |_| async move { Some(wish) })
            .await
            .unwrap();
        assert_eq!(choices(&outcome), (false, vec![Choice::Wait, Choice::Skip]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_moved_on_while_it_was_decided_is_left_alone() {
    let at = Healthy::new();
    let lock = at.holder();
    // The holder is this very process: a kill would end the test.
    let outcome = resolve(at.meeting(), |_| {
        lock.beat(now(), |me| me.stage = Some(Stage::Apply))
            .unwrap();
        async { Some(Choice::Kill) }
    })
    .await
    .unwrap();
    assert_eq!(choices(&outcome), (false, vec![Choice::Kill]));
}
