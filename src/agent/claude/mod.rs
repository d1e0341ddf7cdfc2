//! The Claude Code command line as an agent.

use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::{Agent, Brief};
use crate::config::{AgentConfig, Env, SandboxConfig};
use crate::gate::MicroUsd;
use crate::sandbox::Sandbox;
use crate::turn::{Iteration, Verdict};

/// Placeholder.
#[derive(Debug, Clone)]
pub struct Claude;

/// A live call.
#[derive(Debug, Clone)]
pub struct LiveCall {
    /// Session.
    pub session: Option<String>,
    /// Cost.
    pub cost: MicroUsd,
    /// Verdict.
    pub verdict: Verdict,
}

impl Claude {
    /// Makes one.
    pub fn new(
        _config: &AgentConfig,
        _confinement: &SandboxConfig,
        _sandbox: Sandbox,
        _env: &Env,
    ) -> Result<Self, String> {
        Err("not there yet".to_owned())
    }

    /// Live call.
    pub async fn live_call(
        &self,
        _home: &Path,
        _dir: &Path,
        _amount: MicroUsd,
        _cancel: &CancellationToken,
    ) -> LiveCall {
        LiveCall {
            session: None,
            cost: MicroUsd::ZERO,
            verdict: Verdict::NotRun(String::new()),
        }
    }

    /// Asks.
    pub async fn ask(
        &self,
        _prompt: &str,
        _schema: &str,
        _dir: &Path,
        _amount: MicroUsd,
        _cancel: &CancellationToken,
    ) -> Result<(serde_json::Value, MicroUsd, Option<String>), String> {
        Err("not there yet".to_owned())
    }
}

impl Agent for Claude {
    async fn iterate(
        &self,
        _brief: &Brief,
        _cancel: &CancellationToken,
        _beat: &mut dyn FnMut(&str),
    ) -> Iteration {
        Iteration {
            outcome: crate::turn::AgentOutcome::Crashed,
            report: None,
            why: String::new(),
            cost: MicroUsd::ZERO,
            session: None,
            tail: Vec::new(),
        }
    }
}
