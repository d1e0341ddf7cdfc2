//! A workstation of its own for a test: home, repository with a playbook, state, wiki. The
//! program that runs on it is the real one.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use secloop::agent::catalog::{entries, starter};
use secloop::ledger::Ledger;
use secloop::turn::Turn;

use super::discord::Discord;

/// The directory that holds the managed Ansible of all tests.
pub(crate) fn shared_cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache")
}

/// A workstation; gone when dropped.
#[derive(Debug)]
pub(crate) struct Station {
    dir: tempfile::TempDir,
    env: Vec<(String, String)>,
    config: String,
}

impl Station {
    /// With the starter playbook, whose gaps are all closed but for those with these controls.
    pub(crate) fn with_gaps(controls: &[&str]) -> Self {
        let station = Self::bare();
        let hooks = station.repo().join("ansible-hooks");
        starter::write_to(&hooks).unwrap();
        let mut open = 0;
        for entry in entries() {
            if controls.contains(&entry.finding.control.as_str()) {
                open += 1;
            } else {
                assert!(
                    entry.apply(&hooks.join("roles/agent_hooks")).unwrap(),
                    "{entry:?}"
                );
            }
        }
        assert_eq!(open, controls.len(), "a control is not in the catalogue");
        station.commit_all("Start");
        station
            .section("loop", "interval = \"1s\"")
            .section("agent", "kind = \"catalog\"")
            .section(
                "playbook",
                "file = \"ansible-hooks/playbook.yml\"\nwatch = [\"~/.claude\"]",
            )
    }

    /// With an empty repository.
    pub(crate) fn bare() -> Self {
        let dir = tempfile::Builder::new()
            .prefix("secloop-it-")
            .tempdir()
            .unwrap();
        let station = Self {
            dir,
            env: Vec::new(),
            config: String::new(),
        };
        for place in [station.home(), station.repo()] {
            std::fs::create_dir_all(place).unwrap();
        }
        station.git(["init", "--quiet", "--initial-branch=main"]);
        station
    }

    /// Everything of it is below.
    #[cfg(target_os = "linux")]
    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    /// Writes `closed.toml`, with which the gate is closed and no turn begins.
    #[cfg(target_os = "linux")]
    pub(crate) fn close_the_gate(&self) {
        let _ = self.command(&[]);
        let mut text = std::fs::read_to_string(self.root().join("secloop.toml")).unwrap();
        text.push_str("[spend]\ndaily_cap_usd = 0.001\nper_iteration_usd = 0.001\n");
        std::fs::write(self.root().join("closed.toml"), text).unwrap();
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    pub(crate) fn repo(&self) -> PathBuf {
        self.dir.path().join("repo")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    pub(crate) fn page(&self) -> String {
        let page = self.state().join("wiki/security-improvement-log.md");
        std::fs::read_to_string(page).unwrap_or_default()
    }

    /// Whose wakes are far apart: on a busy machine a turn may outlast a short interval.
    pub(crate) fn unhurried(self) -> Self {
        self.replacing("interval = \"1s\"", "interval = \"6h\"")
    }

    /// With another text in the configuration, as a person would edit it.
    pub(crate) fn replacing(mut self, old: &str, new: &str) -> Self {
        assert!(self.config.contains(old), "{old}");
        self.config = self.config.replace(old, new);
        self
    }

    /// Adds a section to the configuration.
    pub(crate) fn section(mut self, name: &str, keys: &str) -> Self {
        let _ = writeln!(self.config, "[{name}]\n{keys}\n");
        self
    }

    /// Adds a line to the section `playbook`, and lets it cover the system where this is the test's
    /// own machine.
    pub(crate) fn with_key(mut self, line: &str) -> Self {
        let system = std::env::var_os("SECLOOP_TEST_BED").is_some();
        let keys = format!("[playbook]\nsystem = {system}\n{line}\n");
        self.config = self.config.replace("[playbook]\n", &keys);
        self
    }

    /// Another agent than the embedded one.
    #[cfg(target_os = "linux")]
    pub(crate) fn with_agent(mut self, keys: &str) -> Self {
        self.config = self.config.replace("kind = \"catalog\"", keys);
        self
    }

    /// Adds a variable to the environment of the program.
    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// Posts go to this server.
    pub(crate) fn posting_to(self, discord: &Discord) -> Self {
        let url = discord.base_url.clone();
        self.section("discord", &format!("base_url = \"{url}\""))
            .env("DISCORD_BOT_TOKEN", "test-bot-token-0123456789")
            .env("DISCORD_STATUS_CHANNEL_ID", "4711")
    }

    /// A file in the repository, not committed.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let file = self.repo().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    pub(crate) fn commit_all(&self, message: &str) {
        self.git(["add", "--all"]);
        self.git(["commit", "--quiet", "-m", message]);
    }

    /// Git in the user's checkout, with the user's own name.
    #[expect(clippy::disallowed_methods, reason = "the user's own git")]
    pub(crate) fn git<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> String {
        let done = Command::new("git")
            .args(["-c", "user.name=Kyle", "-c", "user.email=kyle@example.org"])
            .args(args)
            .current_dir(self.repo())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        String::from_utf8(done.stdout).unwrap()
    }

    /// The program with these arguments, not yet started.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let file = self.dir.path().join("secloop.toml");
        let repo = format!("[repo]\npath = \"{}\"\n\n", self.repo().display());
        let config = if self.config.contains("[repo]") {
            self.config
                .replace("{repo}", &self.repo().display().to_string())
        } else {
            repo + &self.config
        };
        // Root's own machine is not the test's.
        let config = if config.contains("system = ") {
            config
        } else {
            config.replace("[playbook]\n", "[playbook]\nsystem = false\n")
        };
        std::fs::write(file, config).unwrap();
        let mut command = self.other(env!("CARGO_BIN_EXE_secloop"));
        command.args(args);
        command
    }

    /// Any program, in the surroundings of the one under test.
    #[expect(clippy::disallowed_methods, reason = "a program of the test's")]
    pub(crate) fn other(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.dir.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.home())
            .env("SECLOOP_STATE_DIR", self.state())
            .env("SECLOOP_CONFIG", self.dir.path().join("secloop.toml"))
            .env("XDG_CACHE_HOME", shared_cache())
            .env("TZ", "UTC")
            .stdin(Stdio::null());
        // What a package installer needs to reach its registry.
        for (name, value) in std::env::vars() {
            let lower = name.to_ascii_lowercase();
            if lower.starts_with("pip_") || lower.ends_with("_proxy") || lower.contains("ca_bundle")
            {
                command.env(name, value);
            }
        }
        command.envs(self.env.iter().cloned());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        prepare_ansible();
        Ran::from(self.command(args).output().unwrap())
    }

    /// Starts the program.
    pub(crate) fn start(&self, args: &[&str]) -> Running {
        prepare_ansible();
        Running::of(self.command(args))
    }

    /// The recorded turns, oldest first.
    pub(crate) fn turns(&self) -> Vec<Turn> {
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let ledger = Ledger::open_for_reading(&self.state()).await.unwrap();
            match ledger {
                Some(ledger) => ledger.turns(1_000).await.unwrap(),
                None => Vec::new(),
            }
        })
    }
}

/// Copies a directory with modes, times and links.
#[cfg(target_os = "linux")]
#[expect(clippy::disallowed_methods, reason = "what a person would use")]
pub(crate) fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(done.unwrap().success(), "cp -a {}", from.display());
}

/// The managed Ansible is built once, by whichever test comes first.
pub(crate) fn prepare_ansible() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let station = Station::bare();
        station.write(
            "playbook.yml",
            "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - ansible.builtin.debug:\n",
        );
        station.commit_all("Start");
        let station = station
            .section(
                "playbook",
                "file = \"playbook.yml\"\nwatch = [\"~/.claude\"]",
            )
            .section("agent", "kind = \"catalog\"");
        let done = Ran::from(station.command(&["run", "--once"]).output().unwrap());
        assert_eq!(
            done.code,
            Some(0),
            "no Ansible for the tests:\n{}",
            done.err
        );
    });
}

/// What the program left.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ran {
    fn from(done: Output) -> Self {
        Self {
            code: done.status.code(),
            out: String::from_utf8_lossy(&done.stdout).into_owned(),
            err: String::from_utf8_lossy(&done.stderr).into_owned(),
        }
    }
}

/// A program that runs.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) child: Child,
    err: BufReader<std::process::ChildStderr>,
    seen: String,
}

impl Running {
    /// Starts a program.
    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let err = BufReader::new(child.stderr.take().unwrap());
        Running {
            child,
            err,
            seen: String::new(),
        }
    }

    /// Reads on until a line contains `text`.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        loop {
            let mut line = String::new();
            let n = self.err.read_line(&mut line).unwrap();
            assert!(n > 0, "it ended before it said \"{text}\":\n{}", self.seen);
            self.seen.push_str(&line);
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Ends it as a crash does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends it a signal, as `kill` does.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.child.id()).unwrap();
        rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), signal)
            .unwrap();
    }

    /// Waits for its end; the code and everything it said.
    pub(crate) fn finish(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.err.read_to_string(&mut rest).unwrap();
        self.seen.push_str(&rest);
        (
            self.child.wait().unwrap().code(),
            std::mem::take(&mut self.seen),
        )
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
