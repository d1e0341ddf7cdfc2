//! The live call: the real client, with the deployed settings and hooks, can still use its tools.
//!
//! Two files hold words that nobody else knows. Only a tool's answer that carries such a word
//! proves that the tool worked; what the model says about it counts for nothing.

use std::path::Path;
use std::time::Duration;

use super::command::{Deployed, Job};
use super::deployed::{Found, find};
use super::stream::Seen;
use super::{Claude, Ran, outcome, prompts};
use crate::gate::MicroUsd;
use crate::spend::Meter;
use crate::turn::Verdict;

/// How long it may take at most.
const DEADLINE: Duration = Duration::from_mins(5);

/// What a live call came to.
#[derive(Debug, Clone)]
pub struct LiveCall {
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
        session: &str,
        meter: &Meter,
    ) -> LiveCall {
        let nothing = |verdict| LiveCall {
            cost: MicroUsd::ZERO,
            verdict,
        };
        let Found { deployed, guarded } = match find(home) {
            Ok(found) => found,
            Err(verdict) => return nothing(verdict),
        };
        let ran = match self.call(deployed, dir, session, meter).await {
            Ok(ran) => ran,
            Err(why) => return nothing(Verdict::Held(why)),
        };
        let (words, ran) = ran;
        let (cost, remark) = ran.cost(meter.allowance());
        let mut verdict = match meter.reached() {
            Some(reached) => Verdict::Held(format!("the live call was ended: {reached}")),
            None => judge(&ran, &words, &guarded),
        };
        if let (Verdict::Held(why), Some(remark)) = (&mut verdict, remark) {
            *why = format!("{why}; {remark}");
        }
        LiveCall { cost, verdict }
    }

    async fn call(
        &self,
        deployed: Deployed,
        dir: &Path,
        session: &str,
        meter: &Meter,
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
            session,
            prompt,
            dir: &work,
            run_dir: &dir,
            amount: meter.allowance(),
            max_turns: 6,
            deadline: DEADLINE.min(self.config.deadline),
            tools: "Bash,Read",
            schema: None,
            deployed: Some(deployed),
            attacks: false,
        };
        let ran = self.run(&job, meter, &mut |_| ()).await;
        let ran =
            ran.map_err(|(class, why)| format!("the live call ended {}: {why}", class.word()))?;
        Ok((words, ran))
    }
}

fn judge(ran: &Ran, words: &Words, guarded: &[&str]) -> Verdict {
    let seen = &ran.seen;
    if let Some(bad) = seen.tools.iter().find(|t| t.is_error) {
        let text = seen.clean(&bad.text);
        return Verdict::Refused(format!("{} does not work: {text}", bad.tool));
    }
    if let Err((class, why)) = outcome::ended_well(seen, ran.ended) {
        return Verdict::Held(format!("the live call ended {}: {why}", class.word()));
    }
    for (tool, word) in [("Bash", &words.bash), ("Read", &words.read)] {
        if !proves(seen, tool, word) {
            return Verdict::Held(format!("the live call did not prove that {tool} works"));
        }
    }
    for guard in &seen.guards {
        if let Some(failed) = &guard.failed {
            let why = seen.clean(failed);
            return Verdict::Held(format!(
                "a hook before {} gave no verdict, and the client went on without it: {why}",
                guard.tool
            ));
        }
    }
    match guarded
        .iter()
        .find(|tool| seen.guards.iter().all(|g| g.tool != **tool))
    {
        Some(tool) => Verdict::Refused(format!(
            "the hooks of settings.json did not run before {tool}: the client does without them \
             when any part of its settings is malformed or switches them off"
        )),
        None => Verdict::Passed,
    }
}

fn proves(seen: &Seen, tool: &str, word: &str) -> bool {
    seen.tools
        .iter()
        .any(|t| t.tool == tool && !t.is_error && t.text.contains(word))
}
