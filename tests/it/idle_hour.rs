//! An hour of sleep, with two wakes, in a moment: how often secloop does anything meanwhile, and what.
//!
//! Turns take their real time, with real processes. While the loop sleeps, Tokio's timer is stopped
//! and pushed on from beat to beat, and the wall clock goes with it; so every beat of an hour happens.

use std::cell::Cell;
use std::future::poll_fn;
use std::io::Write;
use std::path::PathBuf;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use secloop::clock::Clock;
use secloop::report::console::Console;
use secloop::supervise::supervise;

use crate::support::discord::Discord;
use crate::support::inside::{Held, start, told, world};
use crate::support::station::Station;

const INNER: &str = "idle_hour::in_a_process_of_its_own";
/// The loop's own interval between two signs of life.
const BEAT: Duration = Duration::from_secs(2);
/// In an hour.
const BEATS: usize = 1_800;
/// So many turns have two sleeps of half an hour between them.
const TURNS: u32 = 3;
/// Looks at which nobody has anything to do, one after another, until that is taken to be so.
const QUIET: u32 = 3;

#[test]
fn an_idle_hour_is_two_wakes_and_a_sign_of_life_every_two_seconds() {
    let discord = Discord::start([]);
    let station = Station::idle("30m", TURNS, &discord);
    let mut inside = station.inside(INNER);
    inside.env("POINTS_CLOCK", "1");
    station.count_points(&mut inside);
    for line in told(&mut inside, "idle hour:") {
        println!("{line}");
    }
    assert_eq!(discord.messages().len(), TURNS as usize);
}

/// What is noticed while the loop sleeps.
#[derive(Default)]
struct Sleep {
    asleep: Cell<bool>,
    sleeps: Cell<u32>,
    polls: Cell<usize>,
    /// Lines of the list of points that are of sleeps, and where the list was at the last look.
    points: Cell<Vec<String>>,
    listed: Cell<usize>,
}

impl Sleep {
    /// What was done since the last look.
    fn since(&self) -> Vec<String> {
        let list = PathBuf::from(std::env::var_os("POINTS_LOG").unwrap());
        let list = std::fs::read_to_string(list).unwrap();
        let lines: Vec<String> = list
            .lines()
            .skip(self.listed.get())
            .map(str::to_owned)
            .collect();
        self.listed.set(self.listed.get() + lines.len());
        lines
    }

    fn begins(&self) {
        self.since();
        self.asleep.set(true);
        self.sleeps.set(self.sleeps.get() + 1);
        tokio::time::pause();
    }

    fn ends(&self) {
        tokio::time::resume();
        self.asleep.set(false);
        let mut points = self.points.take();
        points.extend(self.since());
        self.points.set(points);
    }
}

/// The terminal: it says when the loop goes to sleep, and when a turn begins.
struct Terminal(Rc<Sleep>);

impl Write for Terminal {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        let line = String::from_utf8_lossy(text);
        if line.contains("until the next wake") {
            self.0.begins();
        } else if self.0.asleep.get() && line.contains("turn ") {
            self.0.ends();
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
#[ignore = "run by the test above in a process of its own"]
fn in_a_process_of_its_own() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let sleep = Rc::new(Sleep::default());
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let console = Console::to(Box::new(Terminal(Rc::clone(&sleep))), false);
        let (mut world, signals) = Box::pin(world(console)).await;
        world.clock = Clock::on_timer(start(), chrono_tz::Tz::UTC);
        let world = Rc::new(world);
        let before = Held::now(&world).await;
        let began = world.clock.now();
        let pushing = tokio::task::spawn_local(push(Rc::clone(&sleep)));
        // A task of its own: it is polled when it has something to do, and not when others have.
        let (noticed, within) = (Rc::clone(&sleep), Rc::clone(&world));
        let running = tokio::task::spawn_local(async move {
            let mut run = pin!(supervise(&within, &signals));
            poll_fn(|context| {
                if noticed.asleep.get() {
                    noticed.polls.set(noticed.polls.get() + 1);
                }
                run.as_mut().poll(context)
            })
            .await
        });
        let ended = running.await.unwrap().unwrap();
        pushing.abort();
        let now = Held::now(&world).await;
        assert_eq!(ended.turns.len(), TURNS as usize);
        assert!(ended.turns.iter().all(|t| t.outcome.word() == "idle"));
        let hour = world.clock.now() - began;
        let (least, most) = (
            chrono::TimeDelta::minutes(60),
            chrono::TimeDelta::minutes(65),
        );
        assert!(least <= hour && hour < most, "{hour}");
        assert_eq!(sleep.sleeps.get(), TURNS - 1);
        judge(&sleep, &before, &now);
    });
}

/// Pushes the timer on while the loop sleeps, by one beat whenever nobody has anything to do.
async fn push(sleep: Rc<Sleep>) {
    loop {
        if !sleep.asleep.get() {
            // A turn goes on in real time.
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        }
        let mut quiet = 0;
        while sleep.asleep.get() && quiet < QUIET {
            let (polls, others) = (sleep.polls.get(), others_at_work());
            tokio::task::yield_now().await;
            quiet = if others || sleep.polls.get() != polls {
                0
            } else {
                quiet + 1
            };
        }
        if sleep.asleep.get() {
            // Tokio's timers go by whole milliseconds, and come after them.
            tokio::time::advance(BEAT + Duration::from_millis(1)).await;
        }
    }
}

/// Whether another thread of this process is not asleep: the ledger's.
fn others_at_work() -> bool {
    let me = std::fs::read_link("/proc/thread-self").unwrap();
    let threads = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    threads
        .filter(|thread| Some(thread.file_name().as_os_str()) != me.file_name())
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("stat")).ok())
        .any(|stat| !stat.rsplit_once(") ").unwrap().1.starts_with('S'))
}

/// Nothing happens but signs of life, and nothing grows.
fn judge(sleep: &Sleep, before: &Held, now: &Held) {
    let points = sleep.points.take();
    let (record, others): (Vec<&String>, Vec<&String>) = points
        .iter()
        .partition(|line| line.contains("/holder.json"));
    // The entry of each turn is there before it is said that it begins.
    let (entries, others): (Vec<&String>, Vec<&String>) = others
        .iter()
        .partition(|line| line.ends_with("/ledger.sqlite-wal"));
    assert_eq!(others, Vec::<&String>::new(), "done while it slept");
    let entries = entries.iter().filter(|line| line.contains(" fsync "));
    assert_eq!(entries.count(), sleep.sleeps.get() as usize);
    let beats = record
        .iter()
        .filter(|line| line.contains(" rename "))
        .count();
    let polls = sleep.polls.get();
    eprintln!(
        "idle hour: {beats} signs of life of {} calls each, {polls} wake-ups of the loop, no other \
         write, no program, no connection; before {before:?}, after {now:?}",
        record.len() / beats.max(1),
    );
    // Where others hold the processors, the timer is pushed on before the loop has asked for its next
    // beat, now and then.
    assert!(
        (BEATS * 3 / 4..=BEATS + 10).contains(&beats),
        "{beats} beats"
    );
    assert!(record.len() <= beats * 4, "{} calls", record.len());
    // The timer, and the answers of the ledger's thread about the outbox.
    assert!(polls <= beats * 6, "{polls} polls in {beats} beats");
    assert_eq!(now.children, 0);
    assert!(
        now.descriptors <= before.descriptors + 2,
        "{before:?} {now:?}"
    );
    assert!(now.memory < before.memory + 4 * 1024, "{before:?} {now:?}");
}
