//! One entry of the catalogue.

use serde_json::json;

use super::edit::Edit;
use crate::turn::{Expect, Finding, Probe, ProbeRun, Report, ReportOutcome, Severity};

/// A gap, how to see it, how to close it, how to prove it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The gap.
    pub finding: Finding,
    /// How it is seen in a working copy.
    pub(super) detector: Detector,
    /// How it is closed.
    pub(super) edits: Vec<Edit>,
    /// The proof on the machine.
    pub(super) probe: Probe,
    pub(super) change: String,
}

/// How a gap is seen in a working copy.
#[derive(Debug, Clone)]
pub(super) enum Detector {
    /// The probe's own script, with `SECLOOP_HOOKS` and `SECLOOP_SETTINGS` at the working copy.
    Probe,
    /// A text in a file.
    Contains {
        file: &'static str,
        text: &'static str,
    },
}

impl Entry {
    /// What the agent reports after the edit.
    pub(super) fn report(&self) -> Report {
        Report {
            outcome: ReportOutcome::Improvement,
            finding: Some(self.finding.clone()),
            change: self.change.clone(),
            probes: vec![self.probe.clone()],
            verification: "the probe is red on the machine as it is, and green after apply; the \
                           hook corpus holds"
                .to_owned(),
            blocked_on: None,
            observations: Vec::new(),
        }
    }

    /// The probe's script.
    pub(super) fn probe_script(&self) -> &str {
        match &self.probe.run {
            ProbeRun::Script(script) => script,
            ProbeRun::Argv(_) => "exit 125",
        }
    }

    /// Makes the entry's edits in a role's directory, all or none; `false` when a place is missing.
    ///
    /// # Errors
    /// When a file can't be written.
    pub fn apply(&self, role: &std::path::Path) -> Result<bool, String> {
        super::edit::apply(role, &self.edits)
    }

    /// The proof on the machine.
    pub fn probe(&self) -> &Probe {
        &self.probe
    }
}

/// A finding; `texts` are title and detail.
pub(super) fn finding(
    severity: Severity,
    target: &str,
    control: &str,
    texts: [&str; 2],
) -> Finding {
    let [title, detail] = texts.map(str::to_owned);
    Finding {
        title,
        detail,
        severity,
        target: target.to_owned(),
        control: control.to_owned(),
    }
}

/// A probe that gives each call to a deployed hook and expects every one to be denied.
pub(super) fn denied(name: &str, hook: &str, calls: &[serde_json::Value]) -> Probe {
    let inputs: Vec<String> = calls.iter().map(ToString::to_string).collect();
    raw_denied(
        name,
        hook,
        &inputs.iter().map(String::as_str).collect::<Vec<_>>(),
    )
}

/// As [`denied`], with the hook's input as it is.
pub(super) fn raw_denied(name: &str, hook: &str, inputs: &[&str]) -> Probe {
    let mut script = format!(
        "hook=${{SECLOOP_HOOKS:-$HOME/.claude/hooks}}/{hook}\n\
         [ -r \"$hook\" ] || exit 126\n\
         try() {{\n    printf '%s' \"$1\" | sh \"$hook\" >/dev/null 2>&1\n    \
         [ $? -eq 2 ] || {{ echo \"let through: $1\"; exit 1; }}\n}}\n"
    );
    for input in inputs {
        script.push_str(&format!("try '{}'\n", input.replace('\'', r"'\''")));
    }
    script.push_str("exit 0\n");
    probe(name, script)
}

/// Two probes in one: green when both are.
pub(super) fn both(mut first: Probe, second: Probe) -> Probe {
    if let (ProbeRun::Script(one), ProbeRun::Script(two)) = (&mut first.run, second.run) {
        *one = format!("{}{two}", one.trim_end().trim_end_matches("exit 0"));
    }
    first
}

/// A probe by script: exit 0 is green, 1 is red.
pub(super) fn probe(name: &str, script: String) -> Probe {
    Probe {
        name: name.to_owned(),
        run: ProbeRun::Script(script),
        expect: Expect {
            exit: 0,
            stdout: None,
        },
        red: None,
    }
}

/// A Bash call as the hook gets it.
pub(super) fn bash(command: &str) -> serde_json::Value {
    json!({ "hook_event_name": "PreToolUse", "tool_name": "Bash",
            "tool_input": { "command": command } })
}

/// A file tool's call as the hook gets it.
pub(super) fn file(tool: &str, field: &str, path: &str) -> serde_json::Value {
    json!({ "hook_event_name": "PreToolUse", "tool_name": tool, "tool_input": { field: path } })
}
