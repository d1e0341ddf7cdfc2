//! The catalogue's edits and the hooks that they make, without Ansible: the real scripts, called
//! as Claude Code calls them.

mod calls;
mod entries;
mod reader;

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use secloop::agent::catalog::{entries, starter};
use secloop::turn::ProbeRun;
use serde_json::Value;

/// The only programs on the `PATH` of hooks and probes.
const NEEDED: [&str; 8] = ["sh", "awk", "grep", "tr", "cut", "head", "ls", "cat"];

/// A home directory with the hooks in place, as the role puts them.
#[derive(Debug)]
struct Guard {
    dir: tempfile::TempDir,
    path: OsString,
}

impl Guard {
    /// The starter's.
    fn starter() -> Self {
        let dir = tempfile::tempdir().unwrap();
        starter::write_to(&dir.path().join("playbook")).unwrap();
        let bin = dir.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        for name in NEEDED {
            let from = on_path(name).unwrap_or_else(|| panic!("no {name}"));
            symlink(from, bin.join(name)).unwrap();
        }
        let path = bin.into_os_string();
        let guard = Self { dir, path };
        guard.install();
        guard
    }

    /// With every entry of the catalogue.
    fn hardened() -> Self {
        let guard = Self::starter();
        for entry in entries() {
            assert!(
                entry.apply(&guard.role()).unwrap(),
                "{}",
                entry.finding.control
            );
        }
        guard.install();
        guard
    }

    fn role(&self) -> PathBuf {
        self.dir.path().join("playbook/roles/agent_hooks")
    }

    fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    fn hook(&self, name: &str) -> PathBuf {
        self.home().join(".claude/hooks").join(name)
    }

    /// What the role's tasks do.
    fn install(&self) {
        let claude = self.home().join(".claude");
        for dir in ["hooks", "logs"] {
            std::fs::create_dir_all(claude.join(dir)).unwrap();
        }
        for file in std::fs::read_dir(self.role().join("files")).unwrap() {
            let file = file.unwrap();
            let to = self.hook(file.file_name().to_str().unwrap());
            std::fs::copy(file.path(), to).unwrap();
        }
        let template = std::fs::read_to_string(self.role().join("templates/settings.json.j2"));
        let home = self.home().display().to_string();
        let settings = template.unwrap().replace("{{ agent_hooks_home }}", &home);
        let _: Value = serde_json::from_str(&settings).unwrap();
        std::fs::write(claude.join("settings.json"), settings).unwrap();
        let tasks = std::fs::read_to_string(self.role().join("tasks/main.yml")).unwrap();
        let (_, rest) = tasks.split_once("/.claude/logs\"\n      mode: \"").unwrap();
        let mode = u32::from_str_radix(&rest[..4], 8).unwrap();
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(claude.join("logs"), mode).unwrap();
    }

    /// Runs one hook on one input, by one shell.
    fn run(&self, shell: &OsStr, hook: &str, input: &str) -> Output {
        let mut command = command(shell);
        command.arg(self.hook(hook));
        self.feed(command, input)
    }

    fn feed(&self, mut command: Command, input: &str) -> Output {
        let mut child = command
            .env_clear()
            .env("HOME", self.home())
            .env("PATH", &self.path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A hook may decide before it has read everything.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// What stands on stderr when a hook denies the call; `None` when every hook allows it.
    fn denies(&self, shell: &OsStr, call: &Value) -> Option<String> {
        let both = ["block-destructive.sh", "protect-sensitive.sh"];
        // The matchers of the settings.
        let hooks = if call["tool_name"] == "Bash" {
            &both[..]
        } else {
            &both[1..]
        };
        let mut said = None;
        for hook in hooks {
            let done = self.run(shell, hook, &call.to_string());
            let err = String::from_utf8(done.stderr).unwrap();
            match done.status.code() {
                Some(0) => assert_eq!(err, "", "{hook} complains about {call}"),
                Some(2) => {
                    assert!(err.starts_with("BLOCKED by "), "{err}");
                    assert_eq!(err.lines().count(), 1, "{err}");
                    said = Some(err);
                }
                other => panic!("{hook} ends with {other:?} on {call}: {err}"),
            }
        }
        said
    }

    /// The exit code of an entry's probe on this home.
    fn probe(&self, script: &ProbeRun) -> Option<i32> {
        let ProbeRun::Script(script) = script else {
            panic!("the catalogue's probes are scripts")
        };
        let mut command = command(OsStr::new("/bin/sh"));
        command.args(["-c", script]);
        self.feed(command, "").status.code()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the hooks, as their user runs them"
)]
fn command(program: &OsStr) -> Command {
    Command::new(program)
}

/// Where a program stands on `PATH`.
fn on_path(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}
