//! A scripted agent that edits the working copy and reports, one plan after the other.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use secloop::turn::Turn;
use serde_json::{Value, json};

use super::station::Station;

/// The scripted agent of a station.
pub(crate) struct Scripted {
    dir: PathBuf,
}

/// Where its prompt is, and what it does when it is asked whether its tools work: the client's own
/// events, with what the two files hold.
const BEGINNING: &str = r#"#!/bin/sh
here=$(dirname "$0")
. "$here/events.sh"
PROMPT=$CLAUDE_CONFIG_DIR/prompt.txt
cat >"$PROMPT"
started
answers
uses() {
  say "{\"type\":\"system\",\"subtype\":\"hook_response\",\"hook_name\":\"PreToolUse:$1\",\"outcome\":\"success\",\"exit_code\":0,\"stdout\":\"\"}"
  say "{\"type\":\"assistant\",\"message\":{\"content\":[{\"type\":\"tool_use\",\"id\":\"t$1\",\"name\":\"$1\",\"input\":{}}]}}"
  say "{\"type\":\"user\",\"message\":{\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"t$1\",\"content\":\"$2\"}]}}"
}
reports() { result success false completed ",\"structured_output\":$(cat "$1")"; exit; }
if grep -q 'check that your tools work' "$PROMPT"; then
  uses Bash "$(cat "$(sed -n 's/.*run this command: cat //p' "$PROMPT")")"
  uses Read "$(cat "$(sed -n 's/.*read this file: //p' "$PROMPT")")"
  result success false completed
  exit
fi
"#;

/// Takes the first plan whose title the prompt does not know.
pub(crate) const PLANS: &str = r#"
for plan in "$here"/plans/*; do
  [ -d "$plan" ] || continue
  grep -qF "$(cat "$plan/title")" "$PROMPT" && continue
  . "$plan/edit"
  reports "$plan/report.json"
done
nothing
"#;

impl Scripted {
    /// In a directory of its own on that station, which is configured to use it.
    pub(crate) fn on(station: Station) -> (Station, Self) {
        let dir = station.root().join("agents");
        std::fs::create_dir_all(dir.join("plans")).unwrap();
        let events =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/agents/events.sh");
        std::fs::copy(events, dir.join("events.sh")).unwrap();
        let agent = Self { dir };
        agent.script(PLANS);
        let program = agent.dir.join("agent").display().to_string();
        let keys = format!("program = \"{program}\"\ncredential_env = [\"ANTHROPIC_API_KEY\"]");
        let station = station
            .with_agent(&keys)
            .env("ANTHROPIC_API_KEY", "worthless");
        (station, agent)
    }

    /// One more plan: a shell script in the working copy, and a report. When it was carried out is
    /// told by its finding's title in a later prompt.
    pub(crate) fn plan(&self, edit: &str, report: &Value) {
        let plans = self.dir.join("plans");
        let number = std::fs::read_dir(&plans).unwrap().count() + 1;
        let plan = plans.join(format!("{number:02}"));
        std::fs::create_dir(&plan).unwrap();
        let title = report["finding"]["title"].as_str().unwrap();
        for (name, text) in [
            ("title", title),
            ("edit", edit),
            ("report.json", &report.to_string()),
        ] {
            std::fs::write(plan.join(name), format!("{text}\n")).unwrap();
        }
    }

    /// From now on it is this script, after the client's first events.
    pub(crate) fn script(&self, text: &str) {
        let path = self.dir.join("agent");
        std::fs::write(&path, format!("{BEGINNING}{text}")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// What the agent was asked in this turn.
pub(crate) fn prompt(station: &Station, turn: &Turn) -> String {
    let run = station.state().join("runs").join(turn.id.to_string());
    std::fs::read_to_string(run.join("claude/prompt.txt")).unwrap()
}

/// A report of an improvement that this script proves.
pub(crate) fn improvement(title: &str, about: [&str; 3], probe: &str) -> Value {
    let [severity, target, control] = about;
    json!({
        "outcome": "improvement",
        "finding": {"title": title, "detail": "It is open.", "severity": severity,
                    "target": target, "control": control},
        "change": "Closed it.",
        "probes": [{"name": "it is closed", "run": probe, "expect": {"exit": 0}}],
        "verification": "The probe.",
    })
}
