//! The change on the machine, journaled: the snapshot and its ledger entry come first.

use std::path::{Path, PathBuf};
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::check::{Cleared, ansible_gate, cancelled};
use super::{Draft, Ending};
use crate::deadman;
use crate::playbook::snapshot::{Coverage, Manifest};
use crate::playbook::states::Machine;
use crate::playbook::{
    AnsibleRun, Judgement, Mode, PreState, WayBack, agreement, declared_entries, declared_paths,
    is_implied, judge_apply, program_trees, system_trees,
};
use crate::turn::{Colour, Gate, Probe, Stage, TurnOutcome, Verdict};
use crate::world::World;

/// What it takes to take an apply back: written to disk before the apply starts.
#[derive(Debug)]
pub struct Journal {
    /// The pre-state.
    pub(super) before: PreState,
    /// The probes that must be again as they were.
    pub(super) probes: Vec<Probe>,
    /// What they were: red before a change, green before one is taken back.
    pub(super) colour: Colour,
}

impl Journal {
    /// A journal found on disk after a crash.
    ///
    /// # Errors
    /// When it is not whole.
    pub(crate) fn found(dir: &Path, probes: Vec<Probe>, colour: Colour) -> std::io::Result<Self> {
        let before = PreState::load(dir)?;
        Ok(Self {
            before,
            probes,
            colour,
        })
    }

    /// The change is proven: from here on the dead-man timer has nothing to do.
    ///
    /// # Errors
    /// When it has fired before, or can't be told.
    pub(super) async fn disarm(&self) -> Result<(), Ending> {
        let held = deadman::hold(self.before.dir()).await;
        let disarmed = held.and_then(|held| match held.fired() {
            None => held.disarm(),
            Some(fired) => Err(std::io::Error::other(fired.describe())),
        });
        disarmed.map_err(|e| Ending::Outcome(TurnOutcome::Rejected(e.to_string())))
    }

    /// Refuses to go on over a machine that the timer has put back.
    pub(super) fn in_time(&self) -> Result<(), Ending> {
        match deadman::fired(self.before.dir()) {
            None => Ok(()),
            Some(fired) => Err(Ending::Outcome(TurnOutcome::Rejected(fired.describe()))),
        }
    }

    /// Keeps what it takes to take the change back later. Without it there is still the playbook.
    pub(super) async fn keep_way_back(&self, world: &World, draft: &Draft) {
        let dir = world.way_back_dir(draft.id);
        if let Err(e) = self.before.keep_way_back(&dir).await {
            let why = format!("the way back of this change is not kept: {e}");
            world.console().note(&why);
        }
    }

    /// The pre-state is not needed any more. What can't be removed is removed at the next start.
    pub(crate) fn close(self) {
        let _ = std::fs::remove_dir_all(self.before.dir());
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
    draft: &mut Draft,
) -> Result<Journal, Ending> {
    world.stage(Stage::Apply);
    // Of a directory that tasks only make the entry alone: what others put into it is theirs.
    let dir = world.snapshot_dir(draft.id);
    let machine = machine(world, &cleared.dry_run);
    let mut covers = coverage(world, &cleared.dry_run, machine.as_ref());
    if let Some(turn) = draft.receipt.reverts
        && let Ok(way) = WayBack::load(&world.way_back_dir(turn))
    {
        covers.trees.extend(way.paths());
    }
    let nothing = |why: String| {
        let _ = std::fs::remove_dir_all(world.snapshot_dir(draft.id));
        Ending::Outcome(TurnOutcome::Failed(format!("{why}; nothing was applied")))
    };
    let before = PreState::take(covers, machine, &dir)
        .await
        .map_err(|e| nothing(format!("snapshot: {e}")))?;
    deadman::arm(&dir, world.config.playbook.deadman, &world.path)
        .await
        .map_err(|why| nothing(format!("the dead-man timer: {why}")))?;
    let was = |wanted: Colour| {
        let records = draft.receipt.probes.iter();
        let same = records.filter(|record| record.before == Some(wanted));
        same.map(|record| record.probe.clone())
            .collect::<Vec<Probe>>()
    };
    // Before something is taken back its probes are green, and what was red then proves nothing.
    let colour = match draft.receipt.reverts {
        None => Colour::Red,
        Some(_) => Colour::Green,
    };
    let probes = was(colour);
    world
        .event(
            draft.id,
            Stage::Apply,
            "started",
            &serde_json::json!({
                "snapshot": dir, "probes": probes, "colour": colour,
            }),
        )
        .await?;
    draft.not_covered(&before.not_covered());
    world.console().detail("snapshot", &before.describe());
    Ok(Journal {
        before,
        probes,
        colour,
    })
}

/// The machine whose states are covered, where the configuration says so.
fn machine(world: &World, dry_run: &AnsibleRun) -> Option<Machine> {
    let config = &world.config;
    let becomes = dry_run.events.tasks.iter().any(|task| task.becomes);
    config.playbook.system.then(|| {
        let mut machine = Machine::here(config.home.clone(), &world.path, becomes);
        let domains = dry_run.events.tasks.iter().flat_map(|task| &task.domains);
        machine.domains.extend(domains.cloned());
        machine.domains.sort();
        machine.domains.dedup();
        machine
    })
}

fn coverage(world: &World, dry_run: &AnsibleRun, machine: Option<&Machine>) -> Coverage {
    let entries_only = declared_entries(dry_run);
    let system = machine.filter(|machine| machine.system);
    // Of what root alone may read, only that it was changed can be told, as in the system's own trees.
    let other = system.is_some_and(|machine| machine.uid != 0);
    let hidden = |path: &PathBuf| {
        let unread = |e: std::io::Error| e.kind() == std::io::ErrorKind::PermissionDenied;
        let looked = Manifest::of(std::slice::from_ref(path));
        other && looked.map_or_else(unread, |found| found.has_unread())
    };
    let whole = declared_paths(dry_run).into_iter();
    let (hidden, whole): (Vec<PathBuf>, Vec<PathBuf>) = whole
        .filter(|path| !entries_only.contains(path))
        .partition(hidden);
    let mut trees = world.config.playbook.watch.clone();
    trees.extend(whole);
    Coverage {
        trees,
        entries_only,
        system: system.map_or_else(Vec::new, |m| [system_trees(m.macos), hidden].concat()),
        modes: system.map_or_else(Vec::new, |m| program_trees(m.macos)),
    }
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
    journal.in_time()?;
    ansible_gate(world, draft, Gate::Apply, &run, judged, cancel)?;
    let since = Instant::now();
    let agreed = agree(world, &cleared, journal, &run);
    draft.not_covered(&agreed.notes);
    super::check::passed(world, draft, Gate::Agreement, agreed.verdict, since, "")?;
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
    let files = &journal.before.files;
    let after = match files.now() {
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
    let strays: Vec<String> = files
        .compare(&after)
        .into_iter()
        .filter(|d| {
            !declared
                .iter()
                .any(|p| d.path.starts_with(p) || p.starts_with(&d.path))
        })
        .filter(|d| !(files.is_system(&d.path) && is_implied(&d.path, &[&cleared.dry_run, run])))
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
