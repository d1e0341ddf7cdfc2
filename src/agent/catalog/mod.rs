//! The embedded agent: a catalogue of gaps that it can find and close by itself.
//!
//! It reads the playbook and the hooks *as they are*: an entry's detector runs the entry's own
//! probe against the hooks in the working copy, confined; its edit is made at named places of the
//! files, wholly or not at all. It says `nothing_material` when every detector is silent. No
//! model, no account, no cost.

mod destructive;
mod edit;
mod entry;
mod sensitive;
mod settings;
pub mod starter;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use self::entry::{Detector, Entry};
use super::{Agent, Brief};
use crate::gate::MicroUsd;
use crate::memory::{Seen, seen};
use crate::process::{self, Spec};
use crate::sandbox::{Policy, Sandbox};
use crate::spend::Meter;
use crate::turn::{AgentOutcome, Iteration, Report, ReportOutcome};

/// The role that the catalogue knows, below any directory of the playbook.
const ROLE: &str = "roles/agent_hooks";
const DETECTOR: Duration = Duration::from_secs(20);

/// The embedded agent.
#[derive(Debug, Clone)]
pub struct Catalog {
    sandbox: Sandbox,
    path: OsString,
}

/// Every entry, the worst first.
pub fn entries() -> Vec<Entry> {
    let mut all = destructive::entries();
    all.extend(sensitive::entries());
    all.extend(settings::entries());
    all.sort_by_key(|e| e.finding.severity);
    all
}

impl Catalog {
    /// An agent whose detectors run in `sandbox` with `path` as their `PATH`.
    pub fn new(sandbox: Sandbox, path: OsString) -> Self {
        Self { sandbox, path }
    }

    async fn look(&self, brief: &Brief, cancel: &CancellationToken) -> Result<Report, String> {
        let Some(role) = find_role(&brief.workdir, 6) else {
            return Ok(nothing());
        };
        for entry in entries() {
            if cancel.is_cancelled() {
                return Err("stopped by the supervisor".to_owned());
            }
            let seen = seen(&entry.finding, &[], &brief.memory, Path::new("/"));
            // One that landed and is open again has drifted: the supervisor tells.
            if matches!(seen, Seen::Waits(_) | Seen::Tried(_)) {
                continue;
            }
            if !self.finds(&entry, &role, cancel).await? {
                continue;
            }
            // An entry whose places are not there is for somebody who can read.
            if entry.apply(&role)? {
                return Ok(entry.report());
            }
        }
        Ok(nothing())
    }

    /// Whether the gap is there.
    async fn finds(
        &self,
        entry: &Entry,
        role: &Path,
        cancel: &CancellationToken,
    ) -> Result<bool, String> {
        let script = match &entry.detector {
            Detector::Contains { file, text } => {
                return Ok(std::fs::read_to_string(role.join(file)).is_ok_and(|s| s.contains(text)));
            }
            Detector::Probe => entry.probe_script(),
        };
        let role = std::fs::canonicalize(role).map_err(|e| format!("{}: {e}", role.display()))?;
        let spec = Spec::new("/bin/sh", "/", DETECTOR)
            .args(["-c", script])
            .env("PATH", &self.path)
            .env("HOME", "/nonexistent")
            .env("LC_ALL", "C.UTF-8")
            .env("SECLOOP_HOOKS", role.join("files"))
            .env("SECLOOP_SETTINGS", role.join("templates/settings.json.j2"));
        let policy = Policy {
            read: vec![role],
            ..Policy::look()
        };
        let done = process::run(&self.sandbox.wrap(spec, &policy), cancel, |_| ())
            .await
            .map_err(|e| format!("a detector can't be started: {e}"))?;
        match done.code() {
            Some(0) => Ok(false),
            Some(1) => Ok(true),
            _ => Err(format!(
                "the detector of \"{}\" could not be run to its end: {}",
                entry.finding.title,
                crate::text::one_line(&done.err(), 200)
            )),
        }
    }
}

impl Agent for Catalog {
    async fn iterate(&self, brief: &Brief, meter: &Meter, beat: &mut dyn FnMut(&str)) -> Iteration {
        beat("reading the playbook");
        let cancel = meter.ended();
        let (outcome, report, why) = match self.look(brief, cancel).await {
            Ok(report) if report.outcome == ReportOutcome::NothingMaterial => (
                AgentOutcome::NoOp,
                Some(report),
                "every detector of the catalogue is silent".to_owned(),
            ),
            Ok(report) => (
                AgentOutcome::Done,
                Some(report),
                "one entry applies".to_owned(),
            ),
            Err(why) if cancel.is_cancelled() => (AgentOutcome::Cancelled, None, why),
            Err(why) => (AgentOutcome::Crashed, None, why),
        };
        Iteration {
            outcome,
            report,
            why,
            cost: MicroUsd::ZERO,
            session: None,
            refused_calls: Vec::new(),
            tail: Vec::new(),
        }
    }
}

fn nothing() -> Report {
    Report {
        outcome: ReportOutcome::NothingMaterial,
        finding: None,
        change: String::new(),
        probes: Vec::new(),
        verification: String::new(),
        blocked_on: None,
        observations: Vec::new(),
    }
}

/// The role's directory at most `depth` levels below `dir`. Links are not followed.
fn find_role(dir: &Path, depth: u32) -> Option<PathBuf> {
    let role = dir.join(ROLE);
    if role.join("files").is_dir() {
        return Some(role);
    }
    if depth == 0 {
        return None;
    }
    let mut below: Vec<PathBuf> = std::fs::read_dir(dir)
        .ok()?
        .filter_map(Result::ok)
        .filter(|e| e.file_type().is_ok_and(|t| t.is_dir()))
        .filter(|e| !e.file_name().to_string_lossy().starts_with('.'))
        .map(|e| e.path())
        .collect();
    below.sort();
    below.iter().find_map(|d| find_role(d, depth - 1))
}
