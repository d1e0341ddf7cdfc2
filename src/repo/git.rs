//! Host git with a pinned configuration: no hooks, no helpers, no configuration of anybody else.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::process::{self, Finished, Spec, find_on_path};
use crate::text::one_line;

const DEADLINE: Duration = Duration::from_mins(2);

/// The git program.
#[derive(Debug, Clone)]
pub(super) struct Git {
    program: PathBuf,
    path: OsString,
}

impl Git {
    pub(super) fn find(path: &OsStr) -> Result<Self, String> {
        let program = find_on_path("git", path).ok_or("git is not on PATH; install it")?;
        Ok(Self {
            program,
            path: path.to_owned(),
        })
    }

    fn spec<S: AsRef<OsStr>>(&self, cwd: &Path, args: &[S]) -> Spec {
        let pinned = [
            "core.hooksPath=/dev/null",
            "core.fsmonitor=false",
            "core.untrackedCache=false",
            "core.attributesFile=/dev/null",
            "core.excludesFile=/dev/null",
            "core.fileMode=true",
            "core.symlinks=true",
            "core.protectHFS=true",
            "core.protectNTFS=true",
            "core.pager=cat",
            "core.editor=false",
            "diff.external=",
            "submodule.recurse=false",
            "log.showSignature=false",
            "core.autocrlf=false",
            "protocol.allow=never",
            "protocol.file.allow=always",
            "commit.gpgSign=false",
            "gc.auto=0",
            "maintenance.auto=false",
            "advice.detachedHead=false",
            "init.defaultBranch=main",
            // The checkout may belong to another user than the one that runs secloop.
            "safe.directory=*",
            "safe.bareRepository=explicit",
        ];
        let mut spec = Spec::new(&self.program, cwd, DEADLINE);
        for setting in pinned {
            spec = spec.args(["-c", setting]);
        }
        spec.keep = 64 << 20;
        spec.args(["--no-pager"])
            .args(args)
            .env("PATH", &self.path)
            .env("HOME", "/nonexistent")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_AUTHOR_NAME", "secloop")
            .env("GIT_AUTHOR_EMAIL", "secloop@localhost")
            .env("GIT_COMMITTER_NAME", "secloop")
            .env("GIT_COMMITTER_EMAIL", "secloop@localhost")
            .env("LC_ALL", "C.UTF-8")
    }

    /// Runs git, giving `input`; any end but exit 0 is an error with git's own words.
    pub(super) async fn give<S: AsRef<OsStr>>(
        &self,
        cwd: &Path,
        args: &[S],
        input: Vec<u8>,
    ) -> Result<Finished, String> {
        let mut spec = self.spec(cwd, args);
        spec.stdin = input;
        // A commit that has begun is not torn by a stop request; the deadline still holds.
        let done = process::run(&spec, &CancellationToken::new(), |_| ())
            .await
            .map_err(|e| format!("git can't be started: {e}"))?;
        if done.ok() {
            return Ok(done);
        }
        let words: Vec<String> = args
            .iter()
            .map(|a| a.as_ref().to_string_lossy().into_owned())
            .collect();
        Err(format!(
            "git {}: {}",
            words.join(" "),
            one_line(&done.err(), 300)
        ))
    }

    /// Runs git and gives its output.
    pub(super) async fn out<S: AsRef<OsStr>>(
        &self,
        cwd: &Path,
        args: &[S],
    ) -> Result<String, String> {
        Ok(self
            .give(cwd, args, Vec::new())
            .await?
            .out()
            .trim_end()
            .to_owned())
    }

    /// Runs git and gives its output as it came.
    pub(super) async fn bytes<S: AsRef<OsStr>>(
        &self,
        cwd: &Path,
        args: &[S],
    ) -> Result<Vec<u8>, String> {
        let done = self.give(cwd, args, Vec::new()).await?;
        if done.truncated {
            return Err("git gave more than 64 MiB".to_owned());
        }
        Ok(done.stdout)
    }

    /// As [`Git::out`], with the user's network protocols allowed: for a push only.
    pub(super) async fn push(
        &self,
        cwd: &Path,
        branch: &str,
        env: &BTreeMap<String, String>,
    ) -> Result<(), String> {
        let args = [
            "-c",
            "protocol.allow=user",
            "push",
            "--porcelain",
            "origin",
            branch,
        ];
        let mut spec = self.spec(cwd, &args);
        // The user's own settings say how to reach the remote.
        for name in ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"] {
            spec.env.remove(OsStr::new(name));
        }
        let passed = [
            "HOME",
            "SSH_AUTH_SOCK",
            "GIT_SSH_COMMAND",
            "XDG_CONFIG_HOME",
            "USER",
        ];
        spec = spec.envs(env.iter().filter(|(k, _)| passed.contains(&k.as_str())));
        let done = process::run(&spec, &CancellationToken::new(), |_| ())
            .await
            .map_err(|e| format!("git can't be started: {e}"))?;
        if done.ok() {
            Ok(())
        } else {
            Err(one_line(&done.err(), 300))
        }
    }
}
