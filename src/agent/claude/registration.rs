//! The guard, registered with the client so that nothing inside can switch it off: in the settings of
//! the machine's administrator, read-only, which no flag and no settings of the agent's overrule.
//! Where there is no confinement that could put them there, they are given on the command line, which
//! the client reads once.
//!
//! A guard that is registered and does not work is none. So it is asked before each run, in the run's
//! own confinement, one question that it must refuse and one that it must not; and a run in which a
//! tool worked without having been asked about has failed, whatever it says.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::Claude;
use super::command::Job;
use crate::guard::rule;
use crate::process::{self, Ended, Spec};
use crate::sandbox::{Cover, Policy};

/// Where the client looks for settings that no other settings overrule.
const MANAGED: &str = "/etc/claude-code/managed-settings.json";
/// Before this version a hook that fails was the same as one that permits.
const FAILS_CLOSED_SINCE: [u64; 3] = [2, 1, 295];
/// Far more than it takes, on a machine that has nothing left.
const TIMEOUT: Duration = Duration::from_mins(1);
/// What no guard may let through.
const CANARY: &str = "rm -rf / # secloop asks whether its guard is awake";

/// The registered guard.
#[derive(Debug, Clone)]
pub(super) struct Registration {
    program: PathBuf,
    settings: String,
    /// Holds the file with them. Not below anything that a run may write.
    dir: Arc<tempfile::TempDir>,
}

impl Registration {
    /// Registers the guard of this program.
    ///
    /// # Errors
    /// When the settings can't be written, or not by this path.
    pub(super) fn of(program: &Path) -> Result<Self, String> {
        let shown = program.display();
        let path = program
            .to_str()
            .filter(|p| !p.contains(['\'', '\n']) && p.starts_with('/'))
            .ok_or_else(|| format!("{shown}: the guard can't be registered by this path"))?;
        let settings = format!("{:#}\n", document(path));
        let dir = tempfile::Builder::new()
            .prefix("secloop-guard.")
            .tempdir()
            .map_err(|e| format!("registering the guard: {e}"))?;
        let registration = Self {
            program: program.to_owned(),
            settings,
            dir: Arc::new(dir),
        };
        let file = registration.file();
        std::fs::write(&file, &registration.settings)
            .map_err(|e| format!("{}: {e}", file.display()))?;
        Ok(registration)
    }

    /// The file that holds the settings.
    pub(super) fn file(&self) -> PathBuf {
        self.dir.path().join("settings.json")
    }

    /// Shows the guard and its settings inside the confinement.
    pub(super) fn admit(&self, policy: &mut Policy, in_place: bool) {
        policy.read.push(self.program.clone());
        if in_place {
            policy.cover.push(Cover {
                path: MANAGED.into(),
                with: self.file(),
            });
        } else {
            policy.read.push(self.file());
        }
    }
}

/// The settings that register the guard of a program.
pub(crate) fn document(program: &str) -> Value {
    json!({
        "hooks": {"PreToolUse": [{"matcher": "*", "hooks": [{
            "type": "command",
            "command": format!("'{program}' guard"),
            "timeout": TIMEOUT.as_secs(),
            "onFailure": "block",
        }]}]},
    })
}

impl Claude {
    /// Registers the guard of this program, secloop's own, for every run with tools.
    ///
    /// # Errors
    /// When it can't be registered.
    pub fn guarded_by(mut self, program: &Path) -> Result<Self, String> {
        self.registration = Some(Registration::of(program)?);
        Ok(self)
    }

    /// Whether secloop's own guard reads the tool calls of a run. With what is deployed on the machine,
    /// that is what is looked at; and a second opinion tries on decoys what the guard would refuse.
    pub(super) fn guards(&self, job: &Job<'_>) -> bool {
        let confined = self.sandbox.confines() || self.contained(job).is_some();
        self.registration.is_some()
            && !job.tools.is_empty()
            && job.deployed.is_none()
            && !(job.attacks && confined)
    }

    /// Asks the guard, where the run will ask it.
    ///
    /// # Errors
    /// What is wrong with it. Nothing was spent then.
    pub(super) async fn canary(&self, job: &Job<'_>) -> Result<(), String> {
        // In a container it is the image's, and a client that does not ask it is ended.
        let here = self.guards(job) && self.contained(job).is_none();
        let Some(registration) = self.registration.as_ref().filter(|_| here) else {
            return Ok(());
        };
        let says = |what: String| format!("the guard does not work: {what}");
        for (command, code) in [(CANARY, 2), ("ls -l", 0)] {
            let question = json!({"tool_name": "Bash", "tool_input": {"command": command}});
            let mut spec = Spec::new("/bin/sh", job.dir, TIMEOUT)
                .args(["-c", "cat \"$1\" && exec \"$2\" guard", "sh"])
                .args([
                    self.settings_inside(registration),
                    registration.program.clone(),
                ]);
            spec.stdin = question.to_string().into_bytes();
            let spec = self.wrapped(spec, job)?;
            let done = process::run(&spec, &CancellationToken::new(), |_| ())
                .await
                .map_err(|e| says(e.to_string()))?;
            if done.ended != Ended::Exited(code) {
                let said = crate::text::one_line(&done.err(), 200);
                return Err(says(format!(
                    "asked about `{command}`: {:?}: {said}",
                    done.ended
                )));
            }
            if done.out() != registration.settings {
                return Err(says(
                    "its settings are not where the client looks".to_owned(),
                ));
            }
        }
        Ok(())
    }

    /// Where the settings are for the client.
    fn settings_inside(&self, registration: &Registration) -> PathBuf {
        if self.sandbox.can_cover() {
            MANAGED.into()
        } else {
            registration.file()
        }
    }

    /// The settings to be named on the command line, where they can't be in their place.
    pub(super) fn named_settings(&self) -> Option<PathBuf> {
        let registration = self.registration.as_ref()?;
        (!self.sandbox.can_cover()).then(|| registration.file())
    }
}

/// Whether a client of this version refuses the call when its hook fails.
pub(super) fn fails_closed(version: &str) -> bool {
    let parts: Vec<u64> = version
        .split(|c: char| !c.is_ascii_digit())
        .map_while(|part| part.parse().ok())
        .take(3)
        .collect();
    parts.as_slice() >= FAILS_CLOSED_SINCE.as_slice()
}

/// Whether a refusal of the guard's counts against the agent.
pub(super) fn strike(line: &str) -> bool {
    let line = line.rsplit("secloop guard: ").next().unwrap_or(line);
    let id = line.split(':').next().unwrap_or_default();
    rule(id).is_some_and(crate::guard::Rule::is_strike)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_client_would_go_on_without_its_hook() {
        for (version, expected) in [
            ("2.1.295", true),
            ("2.1.329", true),
            ("2.1.329 (Claude Code)", true),
            ("2.2.0", true),
            ("3.0.0", true),
            ("2.1.294", false),
            ("2.0.999", false),
            ("2.1", false),
            ("", false),
            ("unknown", false),
        ] {
            assert_eq!(fails_closed(version), expected, "{version}");
        }
    }

    #[test]
    fn strikes_are_told_by_the_rule() {
        assert!(strike(
            "secloop guard: protection-off: ufw `disable`: it switches. Instead: x."
        ));
        assert!(!strike(
            "secloop guard: file-destroy: removing `/`: it removes. Instead: x."
        ));
        assert!(!strike(
            "secloop guard: unprovable: the command has x. Instead: y."
        ));
        assert!(!strike(""));
    }

    #[test]
    fn a_path_that_a_shell_would_read_otherwise_is_not_registered() {
        for path in ["secloop", "/a'b/secloop", "/a\nb/secloop"] {
            assert!(Registration::of(Path::new(path)).is_err(), "{path}");
        }
        let registered = Registration::of(Path::new("/a b/secloop")).unwrap();
        let text = std::fs::read_to_string(registered.file()).unwrap();
        let settings: Value = serde_json::from_str(&text).unwrap();
        let hook = &settings["hooks"]["PreToolUse"][0]["hooks"][0];
        assert_eq!(hook["command"], "'/a b/secloop' guard");
        assert_eq!(hook["onFailure"], "block");
    }
}
