//! A home directory with settings and hooks, and what runs on it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use secloop::prove::autonomy::{self, Known, Report};
use secloop::prove::probe::{self, ProbeContext, ProbeResult};
use secloop::sandbox::Sandbox;
use secloop::turn::{Expect, Probe, ProbeRun};
use tokio_util::sync::CancellationToken;

pub(super) struct Machine {
    dir: tempfile::TempDir,
    sandbox: Sandbox,
    known: Known,
}

impl Machine {
    /// Whose probes and hooks are confined.
    pub(super) async fn new() -> Self {
        Self {
            sandbox: crate::support::native().await,
            ..Self::off()
        }
    }

    /// Whose probes and hooks are not.
    pub(super) fn off() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = std::env::var_os("PATH").unwrap();
        let machine = Self {
            known: Known::of_measures(Some(dir.path()), &dir.path().join("home"), &path),
            dir,
            sandbox: Sandbox::Off,
        };
        std::fs::create_dir_all(machine.home().join(".claude/hooks")).unwrap();
        machine
    }

    /// The same without any confinement.
    pub(super) fn unconfined(mut self) -> Self {
        self.sandbox = Sandbox::Off;
        self
    }

    pub(super) fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    pub(super) fn context(&self) -> ProbeContext {
        let path = std::env::var_os("PATH").unwrap();
        secloop::process::secloop_is_at(env!("CARGO_BIN_EXE_secloop").into());
        ProbeContext::new(self.sandbox.clone(), self.home(), path)
    }

    pub(super) async fn probe(
        &self,
        run: ProbeRun,
        exit: i32,
        stdout: Option<&str>,
    ) -> ProbeResult {
        let probe = Probe {
            name: "it".to_owned(),
            run,
            expect: Expect {
                exit,
                stdout: stdout.map(str::to_owned),
            },
            red: None,
        };
        probe::run(&probe, &self.context(), &CancellationToken::new()).await
    }

    pub(super) async fn script(&self, script: &str) -> ProbeResult {
        self.probe(ProbeRun::Script(script.to_owned()), 0, None)
            .await
    }

    pub(super) fn settings(&self, text: &str) {
        std::fs::write(self.home().join(".claude/settings.json"), text).unwrap();
    }

    /// Settings with one hook of this command before every call of these tools.
    pub(super) fn register(&self, event: &str, tools: &str, command: &str) {
        let settings = serde_json::json!({ "hooks": { event: [
            { "matcher": tools, "hooks": [{ "type": "command", "command": command }] },
        ] } });
        self.settings(&settings.to_string());
    }

    /// A hook that does this, registered before every call of these tools.
    pub(super) fn hook(&self, tools: &str, body: &str) -> PathBuf {
        let file = self.home().join(".claude/hooks/guard.sh");
        self.register("PreToolUse", tools, &file.display().to_string());
        // Beside and renamed, never written while it may be running.
        let beside = file.with_extension("new");
        std::fs::write(&beside, format!("#!/bin/sh\n{body}\n")).unwrap();
        std::fs::set_permissions(&beside, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::rename(beside, &file).unwrap();
        file
    }

    pub(super) async fn measure(&self) -> Report {
        let corpus = autonomy::corpus(&self.home());
        let cancel = CancellationToken::new();
        autonomy::measure(&self.context(), &corpus, &self.known, &cancel).await
    }
}
