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
//! Its way to the model, and its credential, are in `way.rs`: by default a proxy of secloop's, which
//! holds the credential and reads along what calls cost. The credential is taken out of everything
//! that is shown or kept all the same.

mod ask;
mod command;
mod deployed;
mod guard;
mod live;
mod opinion;
mod outcome;
mod prompts;
pub(crate) mod registration;
mod schema;
mod setup;
mod stream;
mod tidy;
mod watch;
mod way;

use std::path::{Path, PathBuf};

use self::command::Job;
use self::outcome::Failure;
use self::stream::Seen;
use self::way::Ways;
use super::{Agent, Brief};
use crate::clock::Clock;
use crate::config::{AgentConfig, EgressConfig, Env, SandboxConfig};
use crate::gate::MicroUsd;
use crate::ledger::Ledger;
use crate::process::{self, Ended, effective_uid};
use crate::sandbox::Sandbox;
use crate::sandbox::container::{Container, Work};
use crate::spend::{Booked, Meter};
use crate::turn::{AgentOutcome, Iteration};

pub use live::LiveCall;
pub use opinion::{Opinion, Target};

/// Tools of an iteration.
const TOOLS: &str = "Bash,Read,Edit,Write,Glob,Grep";

/// The Claude Code command line, found and with a credential.
#[derive(Debug, Clone)]
pub struct Claude {
    /// The program itself, links resolved.
    program: PathBuf,
    config: AgentConfig,
    sandbox: Sandbox,
    /// Where iterations run in one.
    container: Option<Container>,
    confinement: SandboxConfig,
    ways: Ways,
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
    /// Why what it made could not be taken out of its container.
    lost: Option<String>,
}

impl Claude {
    /// Finds the program and the credential.
    ///
    /// # Errors
    /// What is missing, with the cure.
    pub fn new(
        config: &AgentConfig,
        sandbox_config: &SandboxConfig,
        egress: &EgressConfig,
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
            ways: Ways::new(config, egress, env)?,
            config: config.clone(),
            sandbox,
            container: None,
            confinement: sandbox_config.clone(),
            user,
            registration: None,
        })
    }

    /// Lets iterations run in a container, with the client that its image has.
    #[must_use]
    pub fn in_container(mut self, container: Container) -> Self {
        self.container = Some(container);
        self
    }

    /// The container that a job runs in: all but what has to be seen on the machine itself.
    fn contained(&self, job: &Job<'_>) -> Option<&Container> {
        self.container.as_ref().filter(|_| job.deployed.is_none())
    }

    /// What its runs ask the network for is written down in this ledger; sockets are made below
    /// `work`.
    #[must_use]
    pub fn recorded(mut self, ledger: Ledger, clock: Clock, work: PathBuf) -> Self {
        self.ways.record(ledger, clock, work);
        self
    }

    /// Where its credential comes from, in words.
    pub fn credential(&self) -> String {
        self.ways.credential()
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
    ) -> Result<Ran, Failure> {
        let crashed = |why: String| (AgentOutcome::Crashed, why);
        // Without a credential, or a way to use it, nothing helps but a person.
        let contained = self.contained(job).is_some();
        let way = self.ways.open(&self.sandbox, contained, job.session, meter);
        let way = way.await;
        let way = way.map_err(|why| (AgentOutcome::Auth, why))?;
        let spec = self.command(job, &way).map_err(crashed)?;
        let config = job.run_dir.join("claude");
        meter.transcripts(&config);
        let stop = meter.ended().child_token();
        self.canary(job).await.map_err(crashed)?;
        let mut seen = Seen::new(way.secrets());
        seen.watch.on = self.guards(job);
        let on_line = |line: process::Line| {
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
        };
        let (done, lost) = if let Some(container) = self.contained(job) {
            let work = Work {
                repo: job.dir,
                run: job.run_dir,
                network: &way.network(),
            };
            // Large, as is what it waits for.
            let ran = Box::pin(container.run(spec, work, &stop, on_line)).await;
            let taken = ran.map_err(crashed)?;
            (taken.done, taken.lost)
        } else {
            let started = process::run(&spec, &stop, on_line).await;
            let named = |e| crashed(format!("{} can't be started: {e}", spec.program.display()));
            (started.map_err(named)?, None)
        };
        let told = tidy::tidy(&config);
        meter.look();
        if let Err(why) = way.close().await {
            meter.unknown(why);
        }
        Ok(Ran {
            seen,
            ended: done.ended,
            booked: meter.booked(),
            told,
            lost,
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
            attacks: false,
        })
    }
}

impl Agent for Claude {
    async fn iterate(&self, brief: &Brief, meter: &Meter, beat: &mut dyn FnMut(&str)) -> Iteration {
        let ran = match self.job(brief) {
            Ok(job) => self.run(&job, meter, beat).await,
            Err(why) => Err((AgentOutcome::Crashed, why)),
        };
        match ran {
            Ok(ran) => iteration(&ran, brief, meter),
            Err((outcome, why)) => Iteration {
                outcome,
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
    let taken_out = match &ran.lost {
        None => Ok(()),
        Some(why) => Err((AgentOutcome::Crashed, why.clone())),
    };
    let judged = taken_out
        .and_then(|()| outcome::ended_well(&ran.seen, ran.ended))
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
