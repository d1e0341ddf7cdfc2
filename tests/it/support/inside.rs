//! The program's own parts in a process of a test's own, so that memory, open files and children are
//! nobody else's.

use std::path::Path;
use std::process::Command;

use chrono::{DateTime, TimeZone as _, Utc};
use secloop::cli::Surroundings;
use secloop::config::{Overrides, load};
use secloop::ledger::Ledger;
use secloop::lock::{Acquired, Holder, acquire};
use secloop::prepare::prepare;
use secloop::process::own_identity;
use secloop::report::console::Console;
use secloop::signals::Signals;
use secloop::world::{World, make_private};

use super::discord::Discord;
use super::station::{Ran, Station, prepare_ansible};

impl Station {
    /// One whose turns all come to nothing, and whose loop never gives up, but after so many turns.
    pub(crate) fn idle(interval: &str, max_turns: u32, discord: &Discord) -> Self {
        prepare_ansible();
        let station = Self::bare();
        station.write(
            "playbook.yml",
            "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - ansible.builtin.debug:\n",
        );
        station.commit_all("Start");
        let many = u32::MAX;
        station
            .section(
                "playbook",
                "file = \"playbook.yml\"\nwatch = [\"~/.claude\"]",
            )
            .section("agent", "kind = \"catalog\"")
            .section(
                "loop",
                &format!(
                    "interval = \"{interval}\"\nconfirmations = {many}\nmax_failures = \
                     {many}\ndry_spell = {many}\nmax_turns = {max_turns}"
                ),
            )
            .posting_to(discord)
    }

    /// An ignored test of this binary, in a process of its own and in the surroundings of the
    /// program; not yet started.
    pub(crate) fn inside(&self, test: &str) -> Command {
        // Writes the configuration.
        let _ = self.command(&[]);
        let me = std::env::current_exe().unwrap();
        // Its own, since other tests make files meanwhile.
        let temporary = self.root().join("tmp");
        std::fs::create_dir(&temporary).unwrap();
        let mut command = self.other(me.to_str().unwrap());
        command
            .env("TMPDIR", temporary)
            .args([test, "--exact", "--ignored", "--nocapture"]);
        command
    }
}

/// Runs it to its end; gives those of its lines that begin with this, which are for people.
pub(crate) fn told(inside: &mut Command, begin: &str) -> Vec<String> {
    let done = Ran::from(inside.output().unwrap());
    assert_eq!(done.code, Some(0), "{}{}", done.out, done.err);
    let lines = done.err.lines().filter(|l| l.starts_with(begin));
    lines.map(str::to_owned).collect()
}

/// When the clocks of such a process begin.
pub(crate) fn start() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap()
}

/// What a run works with, ready for its first turn.
pub(crate) async fn world(console: Console) -> (World, Signals) {
    secloop::process::secloop_is_at(env!("CARGO_BIN_EXE_secloop").into());
    let around = Surroundings::of_process().unwrap();
    let config = load(&around.env, &around.cwd, &Overrides::default()).unwrap();
    make_private(&config.state_dir).unwrap();
    let log = Ledger::path(&config.state_dir);
    let me = Holder::new(uuid::Uuid::now_v7(), own_identity(), start(), log);
    let Acquired::Held(lock) = acquire(&config.state_dir, me).unwrap() else {
        panic!("the lock is taken");
    };
    let signals = Signals::listen().unwrap();
    let world = Box::pin(prepare(config, &around, lock, console, &signals.stop))
        .await
        .unwrap();
    (world, signals)
}

/// What the process and its files hold.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) memory: u64,
    pub(crate) descriptors: usize,
    pub(crate) children: usize,
    pub(crate) files: usize,
    pub(crate) ledger: u64,
    pub(crate) events: i64,
}

impl Held {
    pub(crate) async fn now(world: &World) -> Self {
        let state = &world.config.state_dir;
        let events = sql(state, "SELECT COUNT(*) FROM event").await;
        let memory = std::fs::read_to_string("/proc/self/statm").unwrap();
        let pages: u64 = memory.split(' ').nth(1).unwrap().parse().unwrap();
        let children = std::fs::read_to_string("/proc/thread-self/children").unwrap();
        Self {
            memory: pages * 4,
            descriptors: std::fs::read_dir("/proc/self/fd").unwrap().count(),
            children: children.split_whitespace().count(),
            files: files(state) + files(&std::env::temp_dir()),
            ledger: std::fs::metadata(Ledger::path(state)).unwrap().len() >> 10,
            events,
        }
    }
}

async fn sql(state: &Path, query: &'static str) -> i64 {
    use sqlx::Connection as _;
    let url = format!("sqlite://{}", Ledger::path(state).display());
    let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let count = sqlx::query_scalar(query).fetch_one(&mut connection).await;
    connection.close().await.unwrap();
    count.unwrap()
}

fn files(dir: &Path) -> usize {
    let entries = std::fs::read_dir(dir).unwrap().flatten();
    entries
        .map(|e| match e.file_type() {
            Ok(kind) if kind.is_dir() && dir.exists() => 1 + files(&e.path()),
            _ => 1,
        })
        .sum()
}
