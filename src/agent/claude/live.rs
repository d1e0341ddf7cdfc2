//! The live call: the real client, with the deployed settings and hooks, can still use its tools.
//!
//! Two files hold words that nobody else knows. Only a tool's answer that carries such a word
//! proves that the tool worked; what the model says about it counts for nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::command::{Deployed, Job};
use super::stream::Seen;
use super::{Claude, Ran, outcome, prompts};
use crate::gate::MicroUsd;
use crate::turn::Verdict;

/// How long it may take at most.
const DEADLINE: Duration = Duration::from_mins(5);
/// The longest settings that are read, in bytes.
const MAX_SETTINGS: u64 = 1 << 20;
/// Places of credentials, which the call has no need of; relative to the home directory.
const HIDDEN: [&str; 12] = [
    ".aws",
    ".azure",
    ".config/gcloud",
    ".config/gh",
    ".config/secloop",
    ".docker",
    ".gnupg",
    ".kube",
    ".local/share/keyrings",
    ".mozilla",
    ".password-store",
    ".ssh",
];

/// What a live call came to.
#[derive(Debug, Clone)]
pub struct LiveCall {
    /// Its session, once it was started.
    pub session: Option<String>,
    /// What it cost.
    pub cost: MicroUsd,
    /// Whether the agent can work.
    pub verdict: Verdict,
}

/// What the tools have to bring to light.
struct Words {
    bash: String,
    read: String,
}

impl Claude {
    /// Lets the client run one command and read one file with the settings deployed in `home`.
    /// `dir` is private and empty.
    pub async fn live_call(
        &self,
        home: &Path,
        dir: &Path,
        amount: MicroUsd,
        cancel: &CancellationToken,
    ) -> LiveCall {
        let nothing = |verdict| LiveCall {
            session: None,
            cost: MicroUsd::ZERO,
            verdict,
        };
        let deployed = match deployed(home) {
            Ok(deployed) => deployed,
            Err(verdict) => return nothing(verdict),
        };
        let ran = match self.call(deployed, dir, amount, cancel).await {
            Ok(ran) => ran,
            Err(why) => return nothing(Verdict::Held(why)),
        };
        let (words, ran) = ran;
        let (cost, remark) = outcome::cost(&ran.seen, amount);
        let mut verdict = judge(&ran, &words);
        if let (Verdict::Held(why), Some(remark)) = (&mut verdict, remark) {
            *why = format!("{why}; {remark}");
        }
        LiveCall {
            session: Some(ran.session),
            cost,
            verdict,
        }
    }

    async fn call(
        &self,
        deployed: Deployed,
        dir: &Path,
        amount: MicroUsd,
        cancel: &CancellationToken,
    ) -> Result<(Words, Ran), String> {
        let dir = std::fs::canonicalize(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
        let work = dir.join("work");
        crate::world::make_private(&work).map_err(|e| e.to_string())?;
        let words = Words {
            bash: uuid::Uuid::new_v4().to_string(),
            read: uuid::Uuid::new_v4().to_string(),
        };
        let place = |name: &str, word: &str| {
            let path = work.join(name);
            std::fs::write(&path, format!("{word}\n"))
                .map_err(|e| format!("{}: {e}", path.display()))?;
            Ok::<String, String>(path.display().to_string())
        };
        let prompt = prompts::SMOKE.fill(
            &self.config.prompts,
            &[
                ("bash_file", place("first.txt", &words.bash)?),
                ("read_file", place("second.txt", &words.read)?),
            ],
        )?;
        let job = Job {
            prompt,
            dir: &work,
            run_dir: &dir,
            amount,
            max_turns: 6,
            deadline: DEADLINE.min(self.config.deadline),
            tools: "Bash,Read",
            schema: None,
            deployed: Some(deployed),
        };
        let ran = self.run(&job, cancel, &mut |_| ()).await?;
        Ok((words, ran))
    }
}

/// What the machine has. The client silently goes without hooks when it can't read its settings,
/// so they are read here first.
fn deployed(home: &Path) -> Result<Deployed, Verdict> {
    let home = std::fs::canonicalize(home)
        .map_err(|e| Verdict::Held(format!("home: {}: {e}", home.display())))?;
    let path = home.join(".claude/settings.json");
    let settings = match std::fs::metadata(&path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
        Err(e) => return Err(Verdict::Held(format!("{}: {e}", path.display()))),
        Ok(meta) if meta.len() > MAX_SETTINGS => {
            let why = format!("{} is longer than {MAX_SETTINGS} bytes", path.display());
            return Err(Verdict::Refused(why));
        }
        Ok(_) => {
            let text = std::fs::read_to_string(&path)
                .map_err(|e| Verdict::Refused(format!("{}: {e}", path.display())))?;
            let object = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&text);
            object.map_err(|e| {
                Verdict::Refused(format!(
                    "{} is no JSON object ({e}); the client would work without its hooks",
                    path.display()
                ))
            })?;
            Some(path)
        }
    };
    let below = |names: &[&str]| -> Vec<PathBuf> {
        names
            .iter()
            .filter_map(|name| std::fs::canonicalize(home.join(name)).ok())
            .filter(|path| path.is_dir() && path.starts_with(&home))
            .collect()
    };
    Ok(Deployed {
        settings,
        hide: below(&HIDDEN),
        write: below(&[".claude/logs"]),
        home,
    })
}

fn judge(ran: &Ran, words: &Words) -> Verdict {
    if let Some(bad) = ran.seen.tools.iter().find(|t| t.is_error) {
        let text = ran.seen.clean(&bad.text);
        return Verdict::Refused(format!("{} does not work: {text}", bad.tool));
    }
    if let Err((class, why)) = outcome::ended_well(&ran.seen, ran.ended) {
        return Verdict::Held(format!("the live call ended {}: {why}", class.word()));
    }
    for (tool, word) in [("Bash", &words.bash), ("Read", &words.read)] {
        if !proves(&ran.seen, tool, word) {
            return Verdict::Held(format!("the live call did not prove that {tool} works"));
        }
    }
    Verdict::Passed
}

fn proves(seen: &Seen, tool: &str, word: &str) -> bool {
    seen.tools
        .iter()
        .any(|t| t.tool == tool && !t.is_error && t.text.contains(word))
}
