//! The probes of improvements that landed: they live on with the commit, in its trailers, and in the
//! ledger.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::probe::{self, ProbeContext, ProbeResult};
use crate::error::Fatal;
use crate::ledger::Ledger;
use crate::repo::Repo;
use crate::turn::{Colour, Drift, Finding, Probe, TurnId};

/// Improvements whose probes are run, the newest.
const IMPROVEMENTS: u32 = 10_000;

/// A probe of an improvement that landed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The turn that made the improvement.
    pub turn: TurnId,
    /// The turn's number, where the ledger has it.
    pub number: Option<i64>,
    /// The commit.
    pub commit: String,
    /// What it closed.
    pub finding: Finding,
    /// The probe.
    pub probe: Probe,
}

impl Committed {
    /// Which probe of which turn it is, as [`Drift::key`].
    pub fn key(&self) -> String {
        format!("{}/{}", self.turn, self.probe.name)
    }

    /// It as drift, where it is not green.
    pub fn drift(&self, result: &ProbeResult) -> Option<Drift> {
        (result.colour != Colour::Green).then(|| Drift {
            turn: self.turn,
            commit: self.commit.clone(),
            finding: self.finding.clone(),
            probe: self.probe.name.clone(),
            colour: result.colour,
            output: result.output.clone(),
            repaired: false,
        })
    }
}

/// Every probe, in the order of the improvements. The branch's history knows those that a lost ledger
/// has forgotten, the ledger those whose commits were squashed or say nothing of probes.
///
/// # Errors
/// When the ledger or the repository can't be read.
pub async fn all(ledger: Option<&Ledger>, repo: &Repo) -> Result<Vec<Committed>, Fatal> {
    let turns = match ledger {
        Some(ledger) => ledger.improvements(false, IMPROVEMENTS).await?,
        None => Vec::new(),
    };
    let known: BTreeSet<TurnId> = turns.iter().map(|t| t.id).collect();
    let mut all: Vec<Committed> = Vec::new();
    for landed in repo.landed().await?.into_iter().rev() {
        if known.contains(&landed.turn) {
            continue;
        }
        for probe in landed.probes {
            all.push(Committed {
                turn: landed.turn,
                number: None,
                commit: landed.commit.to_string(),
                finding: landed.finding.clone(),
                probe,
            });
        }
    }
    for turn in turns {
        let Some(finding) = turn.finding else {
            continue;
        };
        for record in turn.receipt.probes {
            all.push(Committed {
                turn: turn.id,
                number: Some(turn.number),
                commit: turn.outcome.detail().to_owned(),
                finding: finding.clone(),
                probe: record.probe,
            });
        }
    }
    Ok(all)
}

/// How many run at once.
pub fn width() -> usize {
    std::thread::available_parallelism()
        .map_or(2, usize::from)
        .min(8)
}

/// Runs these probes, at most `width` at once; what they gave, in their order. `told` is given how
/// many are done.
pub async fn run_all(
    probes: &[Committed],
    context: &ProbeContext,
    width: usize,
    cancel: &CancellationToken,
    mut told: impl FnMut(usize),
) -> Vec<ProbeResult> {
    let slots = Arc::new(Semaphore::new(width.max(1)));
    let mut running = JoinSet::new();
    for (at, one) in probes.iter().enumerate() {
        let (probe, context) = (one.probe.clone(), context.clone());
        let (cancel, slots) = (cancel.clone(), Arc::clone(&slots));
        running.spawn(async move {
            let _slot = slots.acquire().await;
            (at, probe::run(&probe, &context, &cancel).await)
        });
    }
    // One whose task is lost tells nothing.
    let lost = ProbeResult {
        colour: Colour::Error,
        exit: None,
        output: "it was not run".to_owned(),
        millis: 0,
    };
    let mut results = vec![lost; probes.len()];
    let mut done = 0;
    while let Some(one) = running.join_next().await {
        if let Ok((at, result)) = one
            && let Some(place) = results.get_mut(at)
        {
            *place = result;
        }
        done += 1;
        told(done);
    }
    results
}
