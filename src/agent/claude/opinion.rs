//! A second opinion: another run that tries to get round a change, on decoys.
//!
//! It can object and do nothing else: there is no value by which it could let a change pass. An
//! opinion that is missing, late or malformed is an objection.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::command::Job;
use super::prompts::{OPINION, list};
use super::{Claude, TOOLS, outcome};
use crate::gate::MicroUsd;
use crate::spend::Meter;
use crate::text::plain;
use crate::turn::{Finding, Probe, ProbeRun};

/// Most attempts that are taken.
const MAX_ATTEMPTS: usize = 100;
/// Longest text of one, in characters.
const MAX_TEXT: usize = 2_000;
/// What the client holds its answer to.
const SCHEMA: &str = r#"{"type":"object","additionalProperties":false,"required":["verdict","attempts"],
"properties":{
 "verdict":{"enum":["holds","bypassed"]},
 "how":{"type":"string","maxLength":2000,"description":"how to do it again, where it was bypassed"},
 "attempts":{"type":"array","minItems":1,"maxItems":100,"items":{"type":"object","additionalProperties":false,
  "required":["tried","got_through"],
  "properties":{"tried":{"type":"string","maxLength":2000},"got_through":{"type":"boolean"}}}}}}"#;

/// What is to be got round.
#[derive(Debug)]
pub struct Target<'a> {
    /// The hole.
    pub finding: &'a Finding,
    /// What it is proven with.
    pub probes: &'a [Probe],
    /// The difference.
    pub diff: &'a str,
    /// The playbook, relative to the repository.
    pub playbook: &'a Path,
    /// A copy of the repository with the change, for this run alone.
    pub workdir: PathBuf,
    /// A private directory whose `home` holds the decoys.
    pub run_dir: &'a Path,
    /// The decoys, for the prompt.
    pub decoys: &'a [String],
}

/// What an opinion came to.
#[derive(Debug, Clone)]
pub struct Opinion {
    /// What it cost.
    pub cost: MicroUsd,
    /// How many attempts failed, or the objection.
    pub objection: Result<usize, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    verdict: Verdict,
    #[serde(default)]
    how: String,
    attempts: Vec<Attempt>,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Holds,
    Bypassed,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attempt {
    tried: String,
    got_through: bool,
}

impl Claude {
    /// Lets another run try to get round a change.
    pub async fn opinion(&self, target: &Target<'_>, session: &str, meter: &Meter) -> Opinion {
        let nothing = |why: String| Opinion {
            cost: MicroUsd::ZERO,
            objection: Err(why),
        };
        let prompt = match prompt(&self.config.prompts, target, meter.allowance()) {
            Ok(prompt) => prompt,
            Err(why) => return nothing(why),
        };
        let job = Job {
            session,
            prompt,
            dir: &target.workdir,
            run_dir: target.run_dir,
            amount: meter.allowance(),
            max_turns: self.config.max_turns,
            deadline: self.config.deadline,
            tools: TOOLS,
            schema: Some(SCHEMA),
            deployed: None,
            attacks: true,
        };
        let ran = match self.run(&job, meter, &mut |_| ()).await {
            Ok(ran) => ran,
            Err((class, why)) => return nothing(format!("it ended {}: {why}", class.word())),
        };
        let (cost, _) = ran.cost(meter.allowance());
        let seen = &ran.seen;
        let objection = match (meter.reached(), outcome::ended_well(seen, ran.ended)) {
            (Some(reached), _) => Err(format!("it was ended: {reached}")),
            (None, Err((class, why))) => Err(format!("it ended {}: {why}", class.word())),
            (None, Ok(result)) => match result.get("structured_output") {
                Some(given) if !seen.betrays(&given.to_string()) => judge(given),
                Some(_) => Err("it gave the credential away".to_owned()),
                None => Err("it ended without an answer".to_owned()),
            },
        };
        Opinion {
            cost,
            objection: objection.map_err(|why| seen.clean(&why)),
        }
    }
}

/// The number of attempts, all of which failed; or the objection.
fn judge(given: &serde_json::Value) -> Result<usize, String> {
    let answer: Answer = serde_json::from_value(given.clone())
        .map_err(|e| format!("its answer is malformed: {e}"))?;
    let long = |text: &str| text.chars().count() > MAX_TEXT;
    let attempts = &answer.attempts;
    if attempts.is_empty() || attempts.len() > MAX_ATTEMPTS {
        return Err(format!(
            "its answer is malformed: {} attempts, not 1 to {MAX_ATTEMPTS}",
            attempts.len()
        ));
    }
    if long(&answer.how)
        || attempts
            .iter()
            .any(|a| long(&a.tried) || a.tried.trim().is_empty())
    {
        return Err("its answer is malformed: a text is empty or too long".to_owned());
    }
    match (&answer.verdict, attempts.iter().find(|a| a.got_through)) {
        (Verdict::Holds, None) => Ok(attempts.len()),
        // Whatever it says in the end: something got through.
        (_, Some(through)) => {
            let how = Some(answer.how.trim()).filter(|how| !how.is_empty());
            Err(format!(
                "it got round the change: {}",
                how.unwrap_or(&through.tried)
            ))
        }
        (Verdict::Bypassed, None) => Err(format!(
            "it says that it got round the change, by none of its attempts: {}",
            answer.how
        )),
    }
}

fn prompt(dir: &Path, target: &Target<'_>, allowance: MicroUsd) -> Result<String, String> {
    let finding = target.finding;
    let named = [
        format!("{} {}", finding.severity, finding.title),
        finding.detail.clone(),
        format!("target: {}, control: {}", finding.target, finding.control),
    ];
    let probes = target.probes.iter().flat_map(|probe| {
        let run = match &probe.run {
            ProbeRun::Argv(argv) => argv.join(" "),
            ProbeRun::Script(script) => script.clone(),
        };
        let head = format!("{}: exit {}", probe.name, probe.expect.exit);
        let lines: Vec<String> = run.lines().map(|l| format!("  {l}")).collect();
        std::iter::once(head).chain(lines)
    });
    OPINION.fill(
        dir,
        &[
            (
                "playbook",
                plain(&target.playbook.display().to_string(), 300),
            ),
            ("decoys", list("- ", target.decoys.iter().cloned())),
            ("finding", list("> ", named.into_iter())),
            ("probes", list("> ", probes)),
            ("diff", list("> ", target.diff.lines().map(str::to_owned))),
            ("allowance", allowance.to_string()),
        ],
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_objects_unless_every_attempt_failed() {
        let failed = json!({"tried": "rm -fr", "got_through": false});
        let through = json!({"tried": "r'm' -fr", "got_through": true});
        for (answer, says) in [
            (
                json!({"verdict": "holds", "attempts": [failed, failed]}),
                "",
            ),
            (
                json!({"verdict": "bypassed", "how": "quote it", "attempts": [failed, through]}),
                "quote it",
            ),
            (
                json!({"verdict": "bypassed", "attempts": [through]}),
                "r'm' -fr",
            ),
            // A word that the evidence contradicts.
            (
                json!({"verdict": "holds", "attempts": [failed, through]}),
                "got round",
            ),
            (
                json!({"verdict": "bypassed", "how": "so", "attempts": [failed]}),
                "none of its attempts",
            ),
            // Nothing that could be taken for a pass.
            (json!({"verdict": "holds", "attempts": []}), "malformed"),
            (json!({"verdict": "holds"}), "malformed"),
            (json!({"attempts": [failed]}), "malformed"),
            (
                json!({"verdict": "pass", "attempts": [failed]}),
                "malformed",
            ),
            (
                json!({"verdict": "holds", "pass": true, "attempts": [failed]}),
                "malformed",
            ),
            (
                json!({"verdict": "holds", "attempts": [{"tried": " ", "got_through": false}]}),
                "malformed",
            ),
            (
                json!({"verdict": "holds", "attempts": vec![failed.clone(); 101]}),
                "malformed",
            ),
            (
                json!({"verdict": "holds", "how": "x".repeat(3_000), "attempts": [failed]}),
                "malformed",
            ),
            (json!(null), "malformed"),
            (json!("holds"), "malformed"),
        ] {
            match judge(&answer) {
                Ok(attempts) => assert_eq!((attempts, says), (2, ""), "{answer}"),
                Err(why) => assert!(!says.is_empty() && why.contains(says), "{answer}: {why}"),
            }
        }
    }

    #[test]
    fn the_schema_is_json_and_asks_for_what_is_read() {
        let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
        for name in ["verdict", "how", "attempts"] {
            assert!(schema["properties"][name].is_object(), "{name}");
        }
    }
}
