//! The starter playbook by the managed Ansible, on a home directory of its own.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use secloop::agent::catalog::starter;

use super::station::{Ran, Station, shared_cache};

/// A playbook, a home directory, and programs in front of the system's own.
#[derive(Debug)]
pub(crate) struct Workshop {
    dir: tempfile::TempDir,
    ansible: PathBuf,
}

impl Workshop {
    pub(crate) fn new() -> Self {
        // Has the managed Ansible built, if no other test did.
        let _ = Station::bare().run(&["--version"]);
        let dir = tempfile::tempdir().unwrap();
        starter::write_to(&dir.path().join("playbook")).unwrap();
        for name in ["home", "bin", "state"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        let ansible = find(&shared_cache(), "bin/ansible-playbook").unwrap();
        Self { dir, ansible }
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// Where fake programs keep what they know.
    #[cfg(target_os = "linux")]
    pub(crate) fn state(&self, name: &str) -> PathBuf {
        self.dir.path().join("state").join(name)
    }

    /// A program in front of the system's; it finds its state below `$STATE`.
    #[cfg(target_os = "linux")]
    pub(crate) fn program(&self, name: &str, script: &str) {
        let file = self.dir.path().join("bin").join(name);
        let state = self.dir.path().join("state");
        std::fs::write(
            &file,
            format!("#!/bin/sh\nSTATE='{}'\n{script}", state.display()),
        )
        .unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
    }

    /// Applies the playbook with these extra variables.
    #[expect(clippy::disallowed_methods, reason = "Ansible, as a user runs it")]
    pub(crate) fn apply(&self, vars: &[&str]) -> Ran {
        let bin = self.dir.path().join("bin");
        let path = std::env::var_os("PATH").unwrap();
        let path = std::iter::once(bin).chain(std::env::split_paths(&path));
        // The script's own first line names where it was built, not where it is.
        let mut command = Command::new(self.ansible.with_file_name("python"));
        command
            .arg(&self.ansible)
            .arg(self.dir.path().join("playbook/playbook.yml"))
            .current_dir(self.dir.path())
            .env_clear()
            .env("PATH", std::env::join_paths(path).unwrap())
            .env("HOME", self.home())
            .env("ANSIBLE_HOME", self.dir.path().join("ansible"))
            .env("ANSIBLE_NOCOLOR", "1")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null());
        for var in vars {
            command.args(["-e", var]);
        }
        Ran::from(command.output().unwrap())
    }

    /// Type, mode and content of everything the playbook made, by path below the home directory.
    pub(crate) fn made(&self) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
        let mut all = BTreeMap::new();
        let mut open = vec![self.home()];
        while let Some(dir) = open.pop() {
            for entry in std::fs::read_dir(&dir).unwrap().map(Result::unwrap) {
                let meta = entry.metadata().unwrap();
                let mut content = Vec::new();
                if meta.is_dir() {
                    open.push(entry.path());
                } else {
                    content = std::fs::read(entry.path()).unwrap();
                }
                let path = entry.path().strip_prefix(self.home()).unwrap().to_owned();
                all.insert(path, (meta.permissions().mode(), content));
            }
        }
        all
    }
}

/// The first file below `dir` whose path ends like this.
fn find(dir: &Path, end: &str) -> Option<PathBuf> {
    if dir.join(end).is_file() {
        return Some(dir.join(end));
    }
    let below = std::fs::read_dir(dir).ok()?.filter_map(Result::ok);
    let mut below: Vec<_> = below
        .filter(|e| e.file_type().is_ok_and(|t| t.is_dir()) && e.file_name() != "lib")
        .map(|e| e.path())
        .collect();
    below.sort();
    below.iter().find_map(|d| find(d, end))
}
