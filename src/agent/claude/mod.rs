//! The Claude Code command line as an agent.
//!
//! ```text
//! brief ─ prompts ─ command (sandboxed) ─ stream (one event a line) ─ outcome ─ iteration
//! ```
//!
//! It runs headless with private configuration, home and temporary directories and is judged by
//! its structured events alone. Confined, it may use its tools without asking. Where the operator
//! has switched confinement off it keeps the client's own permission rules instead: it edits files
//! in its working copy, but of the shell it gets only what the client holds to be harmless.
//!
//! Before each of its tool calls the client asks secloop's guard (`registration.rs`), which it can't
//! be told to leave out.
//!
//! The credential is handed over in the environment of the process, where programs that the agent
//! starts can see it, too. It is taken out of everything that is shown or kept.

mod ask;
mod command;
mod deployed;
mod guard;
mod live;
mod opinion;
mod outcome;
mod prompts;
mod registration;
mod schema;
mod setup;
mod stream;
mod tidy;
mod watch;

use std::path::{Path, PathBuf};

use self::command::Job;
use self::stream::Seen;
use super::{Agent, Brief};
use crate::config::{AgentConfig, Env, SandboxConfig, Secret};
use crate::gate::MicroUsd;
use crate::process::{self, Ended, effective_uid};
use crate::sandbox::Sandbox;
use crate::spend::{Booked, Meter};
use crate::turn::{AgentOutcome, Iteration};

pub use live::LiveCall;
pub use opinion::{Opinion, Target};

/// Tools of an iteration.
const TOOLS: &str = "Bash,Read,Edit,Write,Glob,Grep";

/// Variables that a client behind a proxy needs.
const PASSED: [&str; 8] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "NODE_EXTRA_CA_CERTS",
    "SSL_CERT_FILE",
];

/// The Claude Code command line, found and with a credential.
#[derive(Debug, Clone)]
pub struct Claude {
    /// The program itself, links resolved.
    program: PathBuf,
    config: AgentConfig,
    sandbox: Sandbox,
    confinement: SandboxConfig,
    /// The client's name for the credential, and the credential.
    credential: (&'static str, Secret),
    /// Surroundings that the client needs.
    passed: Vec<(String, String)>,
    /// As root: who it is to be inside the confinement.
    user: Option<(u32, u32)>,
    /// The guard that reads its tool calls.
    registration: Option<registration::Registration>,
}

/// A run that has ended.
struct Ran {
    seen: Seen,
    ended: Ended,
    /// What could be seen of its cost.
    booked: Result<Booked, String>,
    /// Its transcripts are as the client left them.
    told: bool,
}

impl Claude {
    /// Finds the program and the credential.
    ///
    /// # Errors
    /// What is missing, with the cure.
    pub fn new(
        config: &AgentConfig,
        sandbox_config: &SandboxConfig,
        sandbox: Sandbox,
        env: &Env,
    ) -> Result<Self, String> {
        let user = if effective_uid() == 0 {
            setup::unprivileged(&sandbox, &sandbox_config.user)?
        } else {
            None
        };
        Ok(Self {
            program: setup::find(&config.program, env)?,
            credential: setup::credential(&config.credential_env, env)?,
            passed: PASSED
                .iter()
                .filter_map(|name| Some(((*name).to_owned(), env.get(*name)?.clone())))
                .collect(),
            config: config.clone(),
            sandbox,
            confinement: sandbox_config.clone(),
            user,
            registration: None,
        })
    }

    /// The program, links resolved.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Runs one job to its end.
    ///
    /// # Errors
    /// When it can't be started, or its guard does not work; nothing was spent then.
    async fn run(
        &self,
        job: &Job<'_>,
        meter: &Meter,
        beat: &mut dyn FnMut(&str),
    ) -> Result<Ran, String> {
        let spec = self.command(job)?;
        let config = job.run_dir.join("claude");
        meter.transcripts(&config);
        let stop = meter.ended().child_token();
        self.canary(job).await?;
        let mut seen = Seen::new(self.credential.1.clone());
        seen.watch.on = job.is_guarded() && self.registration.is_some();
        let done = process::run(&spec, &stop, |line| {
            let shown = match line.stream {
                process::Stream::Out => {
                    meter.line(&line.text);
                    if line.late {
                        seen.parting_line(&line.text)
                    } else {
                        seen.line(&line.text)
                    }
                }
                process::Stream::Err => seen.aside(&line.text),
            };
            if let Some(shown) = shown {
                beat(&shown);
            }
            // It would go on trying for minutes.
            if seen.unauthorized >= stream::UNAUTHORIZED || seen.watch.ends() {
                stop.cancel();
            }
        })
        .await
        .map_err(|e| format!("{} can't be started: {e}", spec.program.display()))?;
        let told = tidy::tidy(&config);
        meter.look();
        Ok(Ran {
            seen,
            ended: done.ended,
            booked: meter.booked(),
            told,
        })
    }

    fn job<'a>(&'a self, brief: &'a Brief) -> Result<Job<'a>, String> {
        Ok(Job {
            prompt: prompts::iteration(&self.config.prompts, brief)?,
            session: &brief.session,
            dir: &brief.workdir,
            run_dir: &brief.run_dir,
            amount: brief.allowance,
            max_turns: self.config.max_turns,
            deadline: self.config.deadline,
            tools: TOOLS,
            schema: Some(schema::REPORT),
            deployed: None,
        })
    }
}

impl Agent for Claude {
    async fn iterate(&self, brief: &Brief, meter: &Meter, beat: &mut dyn FnMut(&str)) -> Iteration {
        let ran = match self.job(brief) {
            Ok(job) => self.run(&job, meter, beat).await,
            Err(why) => Err(why),
        };
        match ran {
            Ok(ran) => iteration(&ran, brief, meter),
            Err(why) => Iteration {
                outcome: AgentOutcome::Crashed,
                report: None,
                why,
                cost: MicroUsd::ZERO,
                session: None,
                refused_calls: Vec::new(),
                tail: Vec::new(),
            },
        }
    }
}

impl Ran {
    /// What it cost, and a remark where that is not its own account.
    fn cost(&self, allowance: MicroUsd) -> (MicroUsd, Option<String>) {
        let (cost, remark) = outcome::cost(&self.seen, self.ended, allowance, &self.booked);
        if self.told || cost >= allowance {
            return (cost, remark);
        }
        let why =
            format!("its transcripts were tampered with: the allowance of {allowance} is booked");
        (allowance, Some(why))
    }
}

fn iteration(ran: &Ran, brief: &Brief, meter: &Meter) -> Iteration {
    let judged = outcome::ended_well(&ran.seen, ran.ended)
        .and_then(|result| outcome::report(&ran.seen, result))
        .map_err(|failure| match meter.reached() {
            Some(reached) if failure.0 == AgentOutcome::Cancelled => {
                (AgentOutcome::Budget, reached.to_string())
            }
            _ => failure,
        });
    let (cost, remark) = ran.cost(brief.allowance);
    let (report, (outcome, mut why)) = match judged {
        Ok(report) => {
            let class = outcome::class(&report);
            (Some(report), class)
        }
        Err(failure) => (None, failure),
    };
    if let Some(remark) = remark {
        why = format!("{why}; {remark}");
    }
    Iteration {
        outcome,
        report,
        why,
        cost,
        session: Some(brief.session.clone()),
        refused_calls: ran.seen.refused_calls(),
        tail: ran.seen.tail(),
    }
}
