//! The real Claude Code command line against a scripted model.

use std::path::{Path, PathBuf};
use std::time::Duration;

use secloop::agent::claude::Claude;
use secloop::agent::{Agent as _, Brief};
use secloop::config::{AgentConfig, AgentKind, Env, Level, SandboxConfig};
use secloop::gate::MicroUsd;
use secloop::process::{Spec, run};
use secloop::sandbox::Sandbox;
use secloop::turn::{AgentOutcome, Iteration};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::model::{Model, Step, real_claude};

const KEY: &str = "worthless-key-of-a-test";
const PLAYBOOK: &str = "- hosts: localhost\n  tasks: []\n";

/// A workstation's repository, a run directory, and the client talking to a scripted model.
struct Bench {
    dir: tempfile::TempDir,
    model: Model,
    claude: Claude,
    beats: Vec<String>,
}

impl Bench {
    /// `None` where the real client is missing.
    async fn new(script: Vec<Step>) -> Option<Self> {
        Self::with(script, |_| ()).await
    }

    async fn with(script: Vec<Step>, adjust: impl FnOnce(&mut AgentConfig)) -> Option<Self> {
        let program = real_claude()?;
        let dir = tempfile::tempdir().unwrap();
        let model = Model::start(script);
        let mut config = AgentConfig {
            kind: AgentKind::Claude,
            model: "opus".to_owned(),
            program,
            max_turns: 12,
            deadline: Duration::from_mins(2),
            silence: Duration::from_mins(1),
            base_url: model.base_url.clone(),
            credential_env: vec!["ANTHROPIC_API_KEY".to_owned()],
            off_limits: Vec::new(),
            prompts: PathBuf::new(),
        };
        adjust(&mut config);
        let path = std::env::var_os("PATH").unwrap();
        let sandbox = Sandbox::detect(Level::Native, &path).await.unwrap();
        let confinement = SandboxConfig {
            level: Level::Native,
            user: "nobody".to_owned(),
        };
        let mut env = Env::from([("PATH".to_owned(), path.into_string().unwrap())]);
        env.insert("ANTHROPIC_API_KEY".to_owned(), KEY.to_owned());
        let claude = Claude::new(&config, &confinement, sandbox, &env).unwrap();
        let bench = Self {
            dir,
            model,
            claude,
            beats: Vec::new(),
        };
        for name in ["repo", "run"] {
            std::fs::create_dir(bench.dir.path().join(name)).unwrap();
        }
        std::fs::write(bench.repo("playbook.yml"), PLAYBOOK).unwrap();
        std::fs::write(bench.repo("README.md"), "read me\n").unwrap();
        bench.git(&["init", "-q", "-b", "main"]).await;
        bench.git(&["add", "."]).await;
        let who = ["-c", "user.name=x", "-c", "user.email=x@example.org"];
        bench
            .git(&[&who[..], &["commit", "-q", "-m", "first"]].concat())
            .await;
        Some(bench)
    }

    fn repo(&self, name: &str) -> PathBuf {
        self.dir.path().join("repo").join(name)
    }

    async fn git(&self, args: &[&str]) -> String {
        let spec = Spec::new("/usr/bin/git", self.repo(""), Duration::from_mins(1))
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

    async fn iterate_until(&mut self, cancel: &CancellationToken) -> Iteration {
        let brief = Brief {
            turn: uuid::Uuid::now_v7(),
            workdir: self.repo(""),
            run_dir: self.dir.path().join("run"),
            playbook: "playbook.yml".into(),
            allowance: MicroUsd(1_000_000),
            memory: Vec::new(),
            refusals: vec!["syntax: an earlier refusal".to_owned()],
            allowed: vec!["playbook.yml".to_owned()],
            off_limits: vec!["the VPN".to_owned()],
            confirming: false,
        };
        let beats = &mut self.beats;
        let iteration = self
            .claude
            .iterate(&brief, cancel, &mut |line: &str| {
                beats.push(line.to_owned());
            })
            .await;
        for line in beats.iter().chain(&iteration.tail) {
            assert!(line.chars().count() <= 200, "{line}");
            assert!(!line.contains(KEY), "{line}");
        }
        assert!(iteration.tail.len() <= 10 && !iteration.why.contains('\n'));
        iteration
    }

    /// What git sees as changed.
    async fn changed(&self) -> String {
        self.git(&["status", "--porcelain"]).await
    }
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

fn edit(path: &Path, old: &str, new: &str) -> Step {
    Step::tool(
        "Edit",
        json!({"file_path": path, "old_string": old, "new_string": new}),
    )
}

fn read(path: &Path) -> Step {
    Step::tool("Read", json!({"file_path": path}))
}

/// A step that needs the working directory, which the request's words name.
fn at(name: &'static str, step: impl Fn(&Path) -> Step + Send + Sync + 'static) -> Step {
    Step::from(move |request| {
        let text = request.to_string();
        let end = text.find("/repo").unwrap() + "/repo".len();
        let start = text[..end].rfind([' ', '"', '`', '\n']).unwrap() + 1;
        step(&Path::new(&text[start..end]).join(name))
    })
}
#[tokio::test]
async fn edits_the_playbook_with_its_own_tools_and_reports() {
    let script = vec![
        at("playbook.yml", read),
        at("playbook.yml", |path| {
            edit(path, "tasks: []", "tasks: [{ping: null}]")
        }),
        Step::bash("id -u; cat /etc/shadow; ls /root; echo x > /usr/x; git diff --stat"),
        Step::structured(improvement()),
        Step::text("done"),
    ];
    let Some(mut bench) = Bench::new(script).await else {
        return;
    };
    let it = bench.iterate().await;
    for r in bench.model.requests() {
        let m = r["messages"].as_array().unwrap();
        eprintln!(
            "REQ {} {}",
            r["tools"]
                .as_array()
                .unwrap()
                .iter()
                .map(|t| t["name"].to_string())
                .collect::<Vec<_>>()
                .join(","),
            m.last().unwrap()
        );
    }
    assert_eq!(it.outcome, AgentOutcome::Done, "{it:#?} {:#?}", bench.beats);
}
