//! The real Claude Code command line against a scripted model.

mod asks;
mod broken;
#[cfg(target_os = "linux")]
mod confined;
#[cfg(target_os = "linux")]
mod credential;
mod ends;
#[cfg(target_os = "linux")]
mod guarded;
mod live;
mod lost;
mod metered;
mod opinion;
#[cfg(target_os = "linux")]
mod processes;
mod unconfined;
mod works;

use std::path::{Path, PathBuf};
use std::time::Duration;

use secloop::agent::claude::Claude;
use secloop::agent::{Agent as _, Brief};
use secloop::config::{AgentConfig, AgentKind, EgressConfig, Env, Level, SandboxConfig};
use secloop::egress::Source;
use secloop::gate::MicroUsd;
use secloop::process::{Spec, run};
use secloop::turn::Iteration;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::claude::real_claude;
use crate::support::meter::metered;
use crate::support::model::{Model, Step};

const KEY: &str = "worthless-key-of-a-test";
const PLAYBOOK: &str = "- hosts: localhost\n  tasks: []\n";
const CREDENTIALS: [&str; 3] = [
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "CLAUDE_CODE_OAUTH_TOKEN",
];
const ALLOWANCE: MicroUsd = MicroUsd(1_000_000);

/// A workstation's repository, a run directory, and the client talking to a scripted model.
struct Bench {
    dir: tempfile::TempDir,
    root: PathBuf,
    model: Model,
    config: AgentConfig,
    claude: Claude,
    brief: Brief,
    beats: Vec<String>,
}

impl Bench {
    /// `None` where the real client is missing. The script is made for the working copy.
    async fn new(script: impl FnOnce(&Path) -> Vec<Step>) -> Option<Self> {
        Self::with(script, |_| ()).await
    }

    async fn with(
        script: impl FnOnce(&Path) -> Vec<Step>,
        adjust: impl FnOnce(&mut AgentConfig),
    ) -> Option<Self> {
        Some(Self::of(real_claude()?, script, adjust).await)
    }

    async fn of(
        program: PathBuf,
        script: impl FnOnce(&Path) -> Vec<Step>,
        adjust: impl FnOnce(&mut AgentConfig),
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let model = Model::start(script(&root.join("repo")));
        let mut config = AgentConfig {
            kind: AgentKind::Claude,
            model: "opus".to_owned(),
            program,
            max_turns: 12,
            deadline: Duration::from_secs(50),
            silence: Duration::from_secs(40),
            base_url: model.base_url.clone(),
            credential: variable("ANTHROPIC_API_KEY"),
            off_limits: Vec::new(),
            prompts: PathBuf::new(),
        };
        adjust(&mut config);
        let bench = Self {
            claude: client(&config, Level::Native).await,
            config,
            brief: brief(&root),
            dir,
            root,
            model,
            beats: Vec::new(),
        };
        for name in ["repo", "run"] {
            std::fs::create_dir(bench.root.join(name)).unwrap();
        }
        std::fs::write(bench.repo("playbook.yml"), PLAYBOOK).unwrap();
        std::fs::write(bench.repo("README.md"), "read me\n").unwrap();
        bench.git(&["init", "-q", "-b", "main"]).await;
        bench.git(&["add", "."]).await;
        let who = ["-c", "user.name=x", "-c", "user.email=x@example.org"];
        let commit = [&who[..], &["commit", "-q", "-m", "first"]].concat();
        bench.git(&commit).await;
        bench
    }

    fn repo(&self, name: &str) -> PathBuf {
        self.root.join("repo").join(name)
    }

    fn playbook(&self) -> String {
        std::fs::read_to_string(self.repo("playbook.yml")).unwrap()
    }

    async fn git(&self, args: &[&str]) -> String {
        // As root, it is the agent's own afterwards.
        let spec = Spec::new("/usr/bin/git", self.repo(""), Duration::from_mins(1))
            .args(["-c", "safe.directory=*"])
            .args(args.iter().copied())
            .env("HOME", self.dir.path())
            .env("GIT_CONFIG_NOSYSTEM", "1");
        let done = run(&spec, &CancellationToken::new(), |_| ()).await.unwrap();
        assert!(done.ok(), "{}", done.err());
        done.out()
    }

    async fn iterate(&mut self) -> Iteration {
        self.iterate_until(&CancellationToken::new()).await
    }

    /// Iterates, and checks what holds for every iteration whatever its end.
    async fn iterate_until(&mut self, cancel: &CancellationToken) -> Iteration {
        let beats = &mut self.beats;
        // One configuration directory takes a session once.
        self.brief.session = uuid::Uuid::new_v4().to_string();
        let meter = metered(self.brief.allowance, cancel);
        let iteration = self
            .claude
            .iterate(&self.brief, &meter, &mut |line: &str| {
                beats.push(line.to_owned());
            })
            .await;
        for line in beats.iter().chain(&iteration.tail).chain([&iteration.why]) {
            assert!(!line.contains(KEY) && !line.contains('\n'), "{line}");
        }
        for line in beats.iter().chain(&iteration.tail) {
            assert!(line.chars().count() <= 200, "{line}");
        }
        assert!(iteration.tail.len() <= 10, "{iteration:#?}");
        let session = iteration.session.as_deref();
        let session = session.unwrap_or_else(|| panic!("{iteration:#?}"));
        assert!(uuid::Uuid::try_parse(session).is_ok(), "{session}");
        iteration
    }

    /// What git sees as changed since the last commit.
    async fn changed(&self) -> String {
        self.git(&["status", "--porcelain"]).await
    }

    /// Nothing beside working copy and run directory, no further commit.
    async fn assert_untouched_outside(&self) {
        let mut names: Vec<_> = std::fs::read_dir(&self.root)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["repo", "run"]);
        assert_eq!(self.git(&["log", "--format=%s"]).await, "first\n");
    }

    /// What the client wrote down about the session.
    fn transcript(&self, session: &str) -> String {
        let projects = self.root.join("run/claude/projects");
        let name = format!("{session}.jsonl");
        let files: Vec<PathBuf> = std::fs::read_dir(projects)
            .unwrap()
            .map(|project| project.unwrap().path().join(&name))
            .filter(|file| file.is_file())
            .collect();
        assert_eq!(files.len(), 1, "{name}");
        std::fs::read_to_string(&files[0]).unwrap()
    }

    /// Everything that tools gave, as the model was told in the last request.
    fn told(&self) -> String {
        let requests = self.model.requests();
        let messages = requests.last().unwrap()["messages"].as_array().unwrap();
        let blocks = messages
            .iter()
            .filter_map(|m| m["content"].as_array())
            .flatten();
        let given: Vec<String> = blocks
            .filter(|block| block["type"] == "tool_result")
            .map(|block| words(&block["content"]))
            .collect();
        given.join("\n")
    }
}

async fn client(config: &AgentConfig, level: Level) -> Claude {
    client_with(config, level, &EgressConfig::default()).await
}

async fn client_with(config: &AgentConfig, level: Level, egress: &EgressConfig) -> Claude {
    let path = std::env::var("PATH").unwrap();
    let sandbox = crate::support::sandbox(level).await;
    let confinement = SandboxConfig {
        level,
        ..SandboxConfig::default()
    };
    let mut env = Env::from([("PATH".to_owned(), path)]);
    for name in CREDENTIALS {
        env.insert(name.to_owned(), KEY.to_owned());
    }
    Claude::new(config, &confinement, egress, sandbox, &env).unwrap()
}

/// The credential is in this variable.
fn variable(name: &str) -> Source {
    Source::Environment(vec![name.to_owned()])
}

fn brief(root: &Path) -> Brief {
    Brief {
        turn: uuid::Uuid::now_v7(),
        session: uuid::Uuid::new_v4().to_string(),
        workdir: root.join("repo"),
        run_dir: root.join("run"),
        playbook: "playbook.yml".into(),
        allowance: ALLOWANCE,
        memory: Vec::new(),
        known: Vec::new(),
        scanned: Vec::new(),
        refusals: Vec::new(),
        drift: Vec::new(),
        allowed: vec!["playbook.yml".to_owned()],
        off_limits: Vec::new(),
        confirming: false,
    }
}

/// The text of a tool's result: a string, or blocks.
fn words(content: &Value) -> String {
    match content {
        Value::Array(blocks) => blocks
            .iter()
            .filter_map(|block| block["text"].as_str())
            .collect(),
        other => other.as_str().unwrap_or_default().to_owned(),
    }
}

/// What so many of the model's small replies cost: 100 tokens at $4 and 20 at $20 a million.
fn small_replies(count: u64) -> MicroUsd {
    MicroUsd(count * (100 * 4 + 20 * 20))
}

fn improvement() -> Value {
    json!({
        "outcome": "improvement",
        "finding": {"title": "A hole", "detail": "It is open.", "severity": "P1",
                    "target": "settings.json", "control": "closed"},
        "change": "Closed it.",
        "probes": [{"name": "closed", "run": ["/bin/true"], "expect": {"exit": 0}}],
        "verification": "The probe.",
    })
}

fn read(path: &Path) -> Step {
    Step::tool("Read", json!({"file_path": path}))
}

fn edit(path: &Path, old: &str, new: &str) -> Step {
    Step::tool(
        "Edit",
        json!({"file_path": path, "old_string": old, "new_string": new}),
    )
}
