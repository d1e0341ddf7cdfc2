//! The agents. Each gets a [`Brief`] and a private working copy, and gives an
//! [`Iteration`]; none of them commits, deploys, logs or posts.

pub mod catalog;
pub mod claude;
pub mod coordinator;
pub mod report;

use std::path::PathBuf;

use crate::gate::MicroUsd;
use crate::memory::Known;
use crate::spend::Meter;
use crate::turn::{Drift, Iteration};

/// What an iteration is given.
#[derive(Debug, Clone, Default)]
pub struct Brief {
    /// The turn's id, for run directories and logs.
    pub turn: crate::turn::TurnId,
    /// The session that the run is to have, which joins it with its transcripts.
    pub session: String,
    /// The agent's own clone of the repository: its working directory.
    pub workdir: PathBuf,
    /// A private directory of this run for config, temporary files and logs.
    pub run_dir: PathBuf,
    /// The playbook, relative to `workdir`.
    pub playbook: PathBuf,
    /// What this iteration may cost.
    pub allowance: MicroUsd,
    /// What earlier turns came to, newest first, bounded.
    pub memory: Vec<Known>,
    /// What is remembered, for the prompt: the most useful first, bounded, one line each.
    pub known: Vec<String>,
    /// What scanners have looked at and found: the worst first, bounded, one line each.
    pub scanned: Vec<String>,
    /// The last refusals with their reasons, newest first, bounded.
    pub refusals: Vec<String>,
    /// The probes of earlier improvements that are not green, and stay so after a re-run of the
    /// playbook: the next finding, before any other.
    pub drift: Vec<Drift>,
    /// Paths that may be changed.
    pub allowed: Vec<String>,
    /// Paths and subjects that are off limits.
    pub off_limits: Vec<String>,
    /// This is a second, independent look after "nothing material".
    pub confirming: bool,
}

/// Something that can do an iteration.
#[expect(
    async_fn_in_trait,
    reason = "used inside this crate only, never as a trait object"
)]
pub trait Agent {
    /// Works in `brief.workdir` until done, or until `meter` says that it has to end. Infallible:
    /// every failure is an outcome class. `beat` is called at each sign of life with its last line.
    async fn iterate(&self, brief: &Brief, meter: &Meter, beat: &mut dyn FnMut(&str)) -> Iteration;
}
