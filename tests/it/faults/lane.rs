//! A workstation on which one fault after the other is provoked.

use std::path::Path;
use std::time::{Duration, Instant};

use secloop::ledger::Ledger;
use secloop::turn::Turn;

use crate::support::discord::Discord;
use crate::support::station::{Ran, Running, Station};

/// How long an agent may be silent, and work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limits {
    /// Seconds: it is for them to end it.
    Short,
    /// Hours: something else ends it.
    Long,
    /// As `Long`, and nothing confines it.
    Unconfined,
}

pub(super) struct Lane {
    pub(super) station: Station,
    pub(super) discord: Discord,
    head: String,
}

/// How long the end of a process may take that nobody waits for.
const GONE: Duration = Duration::from_secs(20);

impl Lane {
    pub(super) fn new(limits: Limits) -> Self {
        let discord = Discord::start([]);
        let station = Station::bare().posting_to(&discord);
        station.write(
            "playbook.yml",
            "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - ansible.builtin.debug:\n",
        );
        station.commit_all("Start");
        let times = match limits {
            Limits::Short => "silence = \"2s\"\ndeadline = \"8s\"",
            Limits::Long | Limits::Unconfined => "silence = \"1h\"\ndeadline = \"1h\"",
        };
        let level = match limits {
            Limits::Unconfined => "none",
            Limits::Short | Limits::Long => "native",
        };
        let program = station.home().join("agent");
        let station = station
            .section(
                "playbook",
                "file = \"playbook.yml\"\nwatch = [\"~/.claude\"]",
            )
            .section("spend", "daily_cap_usd = 100000")
            .section("sandbox", &format!("level = \"{level}\""))
            .section("coordinate", "wait = \"1s\"\noverdue = \"1s\"")
            .section(
                "agent",
                &format!(
                    "program = \"{}\"\ncredential_env = [\"ANTHROPIC_API_KEY\"]\n{times}",
                    program.display()
                ),
            )
            .env("ANTHROPIC_API_KEY", "worthless");
        let head = station.git(["rev-parse", "main"]);
        Self {
            station,
            discord,
            head,
        }
    }

    /// From now on this is the agent.
    pub(super) fn agent(&self, name: &str) {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/it/fixtures/agents")
            .join(name);
        assert!(fixture.is_file(), "{name}");
        let link = self.station.home().join("agent");
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(fixture, link).unwrap();
    }

    /// One turn with this agent.
    pub(super) fn once(&self, agent: &str) -> Ran {
        self.agent(agent);
        self.station.run(&["run", "--once"])
    }

    /// Starts a loop with this agent, and waits until the one that is to be found is there.
    pub(super) fn started(&self, agent: &str) -> Running {
        self.agent(agent);
        let running = self.station.start(&["run"]);
        let until = Instant::now() + Duration::from_mins(5);
        while self.left().is_empty() {
            assert!(Instant::now() < until, "{agent} does not come up");
            std::thread::yield_now();
        }
        running
    }

    pub(super) fn last(&self) -> Turn {
        self.station.turns().pop().unwrap()
    }

    /// What the ledger has of the last turn.
    pub(super) fn agent_events(&self) -> String {
        let turn = self.last().id;
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let ledger = Ledger::open_for_reading(&self.station.state()).await;
            let events = ledger.unwrap().unwrap().events(turn).await.unwrap();
            format!("{events:?}")
        })
    }

    /// Whoever bears the agents' word and is alive.
    pub(super) fn left(&self) -> Vec<u32> {
        let word = format!("run-of-{}", self.station.state().display());
        let pids = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|pid: &u32| {
                let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                memchr::memmem::find(&line, word.as_bytes()).is_some()
            })
            .collect()
    }

    /// Nobody is left, now.
    pub(super) fn nobody_left(&self) -> Result<(), String> {
        match self.left() {
            left if left.is_empty() => Ok(()),
            left => Err(format!("left behind: {left:?}")),
        }
    }

    /// Nobody is left soon. How long it took.
    pub(super) fn gone_soon(&self) -> Result<Duration, String> {
        let started = Instant::now();
        while !self.left().is_empty() {
            if started.elapsed() > GONE {
                return Err(format!("still there: {:?}", self.left()));
            }
            std::thread::yield_now();
        }
        Ok(started.elapsed())
    }

    /// Repository, branch and machine are as they were.
    pub(super) fn untouched(&self) -> Result<(), String> {
        let git = |args: &[&str]| self.station.git(args.iter().copied());
        if git(&["rev-parse", "main"]) != self.head {
            return Err("the user's branch has moved".to_owned());
        }
        let ours = git(&["rev-list", "--count", "main..secloop/hardening"]);
        if ours.trim() != "0" {
            return Err(format!("{} commits were made", ours.trim()));
        }
        let dirty = git(&["status", "--porcelain"]);
        if !dirty.is_empty() {
            return Err(format!("the checkout is dirty: {dirty}"));
        }
        Ok(())
    }
}
