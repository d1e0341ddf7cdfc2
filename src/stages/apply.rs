//! The change on the machine, journaled: the snapshot and its ledger entry come first.

use std::path::PathBuf;
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::check::{Cleared, ansible_gate, cancelled, verdict_ends};
use super::{Draft, Ending};
use crate::playbook::snapshot::{self, Snapshot};
use crate::playbook::{
    AnsibleRun, Judgement, Mode, agreement, declared_entries, declared_paths, judge_apply,
};
use crate::turn::{Gate, Probe, Stage, TurnOutcome, Verdict};
use crate::world::World;

/// What it takes to take an apply back: written to disk before the apply starts.
#[derive(Debug)]
pub struct Journal {
    /// The pre-state.
    pub(super) snapshot: Snapshot,
    /// The probes that were red before and must be red again.
    pub(super) probes: Vec<Probe>,
    dir: PathBuf,
}

impl Journal {
    /// A journal found on disk after a crash.
    pub(crate) fn found(snapshot: Snapshot, probes: Vec<Probe>, dir: PathBuf) -> Self {
        Self {
            snapshot,
            probes,
            dir,
        }
    }

    /// The pre-state is not needed any more. What can't be removed is removed at the next start.
    pub(crate) fn close(self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// A change that is on the machine and behaved as predicted.
pub(super) struct Applied {
    pub(super) cleared: Cleared,
}

/// Takes the snapshot and notes it in the ledger; from here on a crash is taken back.
pub(super) async fn open_journal(
    world: &World,
    cleared: &Cleared,
    draft: &Draft,
) -> Result<Journal, Ending> {
    world.stage(Stage::Apply);
    // Of a directory that tasks only make the entry alone: what others put into it is theirs.
    let entries = declared_entries(&cleared.dry_run);
    let mut trees = world.config.playbook.watch.clone();
    let whole = declared_paths(&cleared.dry_run).into_iter();
    trees.extend(whole.filter(|path| !entries.contains(path)));
    let dir = world.snapshot_dir(draft.id);
    let snapshot = snapshot::take_with(&trees, &entries, &dir).map_err(|e| {
        Ending::Outcome(TurnOutcome::Failed(format!(
            "snapshot: {e}; nothing was applied"
        )))
    })?;
    let probes = cleared.report.probes.clone();
    world
        .event(
            draft.id,
            Stage::Apply,
            "started",
            &serde_json::json!({
                "snapshot": dir, "probes": probes,
            }),
        )
        .await?;
    Ok(Journal {
        snapshot,
        probes,
        dir,
    })
}

/// Applies and judges. Whatever it returns, the journal says how to go back.
pub(super) async fn apply(
    world: &World,
    cleared: Cleared,
    journal: &Journal,
    draft: &mut Draft,
    cancel: &CancellationToken,
) -> Result<Applied, Ending> {
    if cancel.is_cancelled() {
        return Err(cancelled());
    }
    world.console().step_started("apply");
    let run = world
        .ansible
        .run(cleared.tree.path(), Mode::Apply, cancel)
        .await;
    let judged = judge_apply(&run, &world.baseline());
    world
        .event(draft.id, Stage::Apply, "finished", &run.exit)
        .await?;
    ansible_gate(world, draft, Gate::Apply, &run, judged, cancel)?;
    let since = Instant::now();
    let agreed = agree(world, &cleared, journal, &run);
    draft.not_covered(&agreed.notes);
    draft.judged(world, Gate::Agreement, agreed.verdict.clone(), since, "");
    verdict_ends(Gate::Agreement, agreed.verdict)?;
    Ok(Applied { cleared })
}

/// What changed is what was predicted (tasks) and declared (paths).
fn agree(world: &World, cleared: &Cleared, journal: &Journal, run: &AnsibleRun) -> Judgement {
    let surprises = agreement(&cleared.dry_run, run, &world.baseline());
    let mut notes: Vec<String> = Vec::new();
    if !surprises.is_empty() {
        // A command is skipped in a dry run; the proposal's own probes cover what it did.
        notes.push(format!(
            "changed in apply, not predicted by the dry run: {}",
            surprises.join(", ")
        ));
    }
    let after = match journal.snapshot.now() {
        Ok(after) => after,
        Err(e) => {
            return Judgement {
                verdict: Verdict::Refused(format!("the watched trees can't be read again: {e}")),
                notes,
            };
        }
    };
    let declared: Vec<PathBuf> = declared_paths(&cleared.dry_run)
        .into_iter()
        .chain(declared_paths(run))
        .collect();
    let strays: Vec<String> = journal
        .snapshot
        .manifest()
        .differences(&after)
        .into_iter()
        .filter(|d| {
            !declared
                .iter()
                .any(|p| d.path.starts_with(p) || p.starts_with(&d.path))
        })
        .map(|d| d.to_string())
        .collect();
    let verdict = if strays.is_empty() {
        Verdict::Passed
    } else {
        Verdict::Refused(format!(
            "changed without being declared by a task: {}",
            crate::text::clamp(&strays.join(", "), 500)
        ))
    };
    Judgement { verdict, notes }
}
