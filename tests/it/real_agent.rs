//! The whole loop with the real Claude Code command line, whose model is scripted, on a playbook
//! that was there before.

#[cfg(target_os = "linux")]
mod credential;
mod money;
mod opinion;
mod takeover;
mod turns;

use secloop::turn::{Gate, Verdict};
use serde_json::{Value, json};

use crate::support::claude::real_claude;
use crate::support::discord::Discord;
use crate::support::foreign;
use crate::support::model::{Model, Step};
use crate::support::station::{Ran, Station};

const KEY: &str = "worthless-key-of-a-test";

/// The words of a request: everything that was said in it as text.
fn words(request: &Value) -> String {
    let mut words = String::new();
    for message in request["messages"].as_array().into_iter().flatten() {
        match &message["content"] {
            Value::String(text) => words.push_str(text),
            blocks => {
                for block in blocks.as_array().into_iter().flatten() {
                    words.push_str(block["text"].as_str().unwrap_or_default());
                    words.push('\n');
                }
            }
        }
    }
    words
}

/// How many tools have answered in this conversation.
fn answers(request: &Value) -> usize {
    request["messages"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|m| m["content"].as_array().into_iter().flatten())
        .filter(|b| b["type"] == "tool_result")
        .count()
}

/// The word that follows `mark`.
fn after<'a>(text: &'a str, mark: &str) -> &'a str {
    let at = text.find(mark).unwrap() + mark.len();
    text[at..].split_whitespace().next().unwrap()
}

/// A model that is asked to improve does `plan`, step by step, and the live call as it is told.
fn model(plan: impl Fn(usize, &str) -> Step + Send + Sync + 'static) -> Model {
    Model::start(vec![Step::from(move |request| {
        let (words, n) = (words(request), answers(request));
        if words.contains("This is a check that your tools work") {
            return match n {
                0 => Step::bash(&format!("cat {}", after(&words, "run this command: cat "))),
                1 => Step::tool(
                    "Read",
                    json!({"file_path": after(&words, "read this file: ")}),
                ),
                _ => Step::text("done"),
            };
        }
        plan(n, &words)
    })])
}

/// A report of an improvement of the hook, proven by what it does to `command`.
fn improvement(title: &str, command: &str) -> Step {
    let input = json!({"tool_name": "Bash", "tool_input": {"command": command}});
    Step::structured(json!({
        "outcome": "improvement",
        "finding": {"title": title, "detail": "The hook lets it through.", "severity": "P0",
                    "target": "block-destructive.sh", "control": title},
        "change": "The hook denies it.",
        "probes": [{
            "name": "it is denied",
            "run": format!(
                "printf '%s' '{input}' | \"$HOME/.claude/hooks/block-destructive.sh\"; [ $? = 2 ]"
            ),
            "expect": {"exit": 0},
        }],
        "verification": "The hook is given the command.",
    }))
}

fn nothing() -> Step {
    Step::structured(json!({"outcome": "nothing_material"}))
}

/// A shell command that puts another pattern into the hook.
fn pattern(more: &str) -> Step {
    Step::bash(&format!(
        "sed -i 's#\\*\"rm -rf /\"\\*)#*\"rm -rf /\"* | {more})#' {}",
        foreign::FILE
    ))
}

/// The workstation with the playbook that was there, configured by `secloop init`.
struct Mac {
    station: Station,
}

impl Mac {
    /// `None` where the real client is missing.
    fn new(tasks: usize, model: &Model, discord: &Discord) -> Option<Self> {
        let program = real_claude()?;
        let station = Station::bare().posting_to(discord);
        station.write(foreign::FILE, &foreign::playbook(tasks));
        station.commit_all("The playbook");
        let done = Ran::from(
            station
                .command(&["init", station.repo().to_str().unwrap()])
                .output()
                .unwrap(),
        );
        assert_eq!(done.code, Some(0), "{}", done.err);
        let mac = Self {
            station: station.env("ANTHROPIC_API_KEY", KEY),
        };
        let (program, model) = (program.display(), &model.base_url);
        mac.set("# interval = \"30m\"", "interval = \"1s\"");
        mac.set(
            "# program = \"claude\"",
            &format!("program = \"{program}\"\nbase_url = \"{model}\""),
        );
        mac.set(
            "# channel_id = \"\"",
            &format!("base_url = \"{}\"", discord.base_url),
        );
        Some(mac)
    }

    /// Edits the configuration, as a person would.
    fn set(&self, old: &str, new: &str) {
        let file = self.station.repo().join("secloop.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(old), "{old}\n{text}");
        std::fs::write(file, text.replace(old, new)).unwrap();
    }

    fn command(&self, args: &[&str]) -> std::process::Command {
        crate::support::station::prepare_ansible();
        let mut command = self.station.command(args);
        command
            .env_remove("SECLOOP_CONFIG")
            .current_dir(self.station.repo());
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        let ran = Ran::from(self.command(args).output().unwrap());
        assert!(!ran.err.contains(KEY) && !ran.out.contains(KEY));
        ran
    }

    fn hook(&self) -> String {
        let hook = ".claude/hooks/block-destructive.sh";
        std::fs::read_to_string(self.station.home().join(hook)).unwrap()
    }

    fn commits(&self) -> String {
        let range = "main..secloop/hardening";
        self.station
            .git(["rev-list", "--count", range])
            .trim()
            .to_owned()
    }
}

fn verdict(turn: &secloop::turn::Turn, gate: Gate) -> Option<&Verdict> {
    let gates = &turn.receipt.gates;
    gates.iter().find(|g| g.gate == gate).map(|g| &g.verdict)
}
