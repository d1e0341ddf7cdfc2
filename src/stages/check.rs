//! The gates that change nothing: scope, policy, secrets, syntax, dry run, red.

use std::path::{Path, PathBuf};
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::propose::Proposal;
use super::{Draft, Ending, repeat};
use crate::config::{AgentKind, Config};
use crate::gates::{self, Own};
use crate::playbook::{AnsibleRun, Judgement, Mode, judge_check, judge_syntax};
use crate::prove::probe::ProbeResult;
use crate::turn::{
    Colour, Gate, GateRecord, Probe, ProbeRecord, Report, Stage, TurnOutcome, Verdict,
};
use crate::world::World;

/// A proposal that passed every gate before apply.
pub(super) struct Cleared {
    pub(super) changes: crate::repo::Changes,
    pub(super) report: Report,
    /// The proposed tree, on disk and out of the agent's reach; gone when dropped.
    pub(super) tree: tempfile::TempDir,
    pub(super) dry_run: AnsibleRun,
}

/// Runs the gates in their order; the first that refuses or holds ends the turn.
pub(super) async fn check(
    world: &World,
    proposal: Proposal,
    draft: &mut Draft,
    cancel: &CancellationToken,
) -> Result<Cleared, Ending> {
    world.stage(Stage::Check);
    let Proposal {
        changes,
        mut report,
    } = proposal;
    let config = &world.config;
    // A person has decided about what is approved.
    if draft.receipt.approves.is_none() {
        repeat::refuse(world, &report, draft, cancel).await?;
    }
    adopt(world, &mut report);

    let since = Instant::now();
    let files = draft.receipt.paths.join(", ");
    let scope = gates::scope(&changes, &config.repo, &config.playbook.file);
    passed(world, draft, Gate::Scope, scope, since, &files)?;
    let since = Instant::now();
    let substance = gates::substance(&changes, &own(config), config.repo.idle_lines);
    passed(world, draft, Gate::Substance, substance, since, "")?;
    let since = Instant::now();
    // Hooks are only run where they are confined, or are this program's own.
    let tried = world.confines() || config.agent.kind == AgentKind::Catalog;
    let (policy, hooks) = gates::policy_and_hooks(
        &changes,
        &config.playbook.file,
        config.policy.unknown,
        !tried,
    );
    passed(world, draft, Gate::Policy, policy, since, "")?;
    let since = Instant::now();
    let secrets = gates::secrets(&changes, &texts(&report));
    passed(world, draft, Gate::Secrets, secrets, since, "")?;

    if !hooks.is_empty() && tried {
        world.console().step_started("hooks");
        let since = Instant::now();
        let verdict = world.compare_hooks(&hooks, cancel).await;
        if cancel.is_cancelled() {
            return Err(cancelled());
        }
        let places: Vec<&str> = hooks.iter().map(|h| h.place.as_str()).collect();
        passed(
            world,
            draft,
            Gate::Hooks,
            verdict,
            since,
            &places.join(", "),
        )?;
    }
    let (tree, dry_run) = dry_run(world, &changes, draft, cancel).await?;
    red(world, &report.probes, draft, cancel).await?;
    world
        .event(draft.id, Stage::Check, "cleared", &draft.receipt.paths)
        .await?;
    if config.r#loop.dry_run {
        return Err(Ending::Outcome(TurnOutcome::rehearsed()));
    }
    Ok(Cleared {
        changes,
        report,
        tree,
        dry_run,
    })
}

/// The proposed tree on disk, parsed and run dry.
pub(super) async fn dry_run(
    world: &World,
    changes: &crate::repo::Changes,
    draft: &mut Draft,
    cancel: &CancellationToken,
) -> Result<(tempfile::TempDir, AnsibleRun), Ending> {
    let tree = world.make_private_dir("proposed")?;
    world
        .repo
        .stage(changes, tree.path())
        .await
        .map_err(Ending::Fatal)?;
    let baseline = world.baseline();
    world.console().step_started("syntax");
    let syntax = world.ansible.run(tree.path(), Mode::Syntax, cancel).await;
    let judged = judge_syntax(&syntax, &baseline);
    ansible_gate(world, draft, Gate::Syntax, &syntax, judged, cancel)?;
    world.console().step_started("dry run");
    let dry_run = world.ansible.run(tree.path(), Mode::Check, cancel).await;
    let mut judged = judge_check(&dry_run, &baseline);
    if judged.verdict == Verdict::Passed {
        judged.verdict = gates::resolved(changes, &dry_run, &world.config.home);
    }
    ansible_gate(world, draft, Gate::DryRun, &dry_run, judged, cancel)?;
    Ok((tree, dry_run))
}

/// A scanner's own check is run besides the agent's probes where the agent takes its finding up.
fn adopt(world: &World, report: &mut Report) {
    let (Some(finding), Some(scan)) = (&report.finding, world.scanned()) else {
        return;
    };
    let apart = |c: char| c.is_whitespace() || ",;()".contains(c);
    let named = |id: &str| {
        finding
            .control
            .split(apart)
            .any(|word| word.eq_ignore_ascii_case(id))
    };
    let checks = scan.candidates.iter().filter(|c| named(&c.id));
    for probe in checks.filter_map(|c| c.probe.as_ref()) {
        if report.probes.iter().all(|p| p.name != probe.name) {
            report.probes.push(probe.clone());
        }
    }
}

/// What in the repository is the loop's own.
fn own(config: &Config) -> Own {
    let top = std::fs::canonicalize(&config.repo.path).unwrap_or_else(|_| config.repo.path.clone());
    let inside = |path: &Path| {
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let inside = path.strip_prefix(&top).ok()?.to_owned();
        (!inside.as_os_str().is_empty()).then_some(inside)
    };
    let mut paths = vec![PathBuf::from("secloop.toml")];
    paths.extend(
        [
            Path::new(&config.source),
            &config.agent.prompts,
            &config.wiki.path,
        ]
        .into_iter()
        .filter_map(inside),
    );
    Own { paths }
}

/// Every text of a report.
pub(super) fn texts(report: &Report) -> Vec<String> {
    let mut texts = vec![report.change.clone(), report.verification.clone()];
    texts.extend(report.blocked_on.clone());
    if let Some(finding) = &report.finding {
        texts.extend([
            finding.title.clone(),
            finding.detail.clone(),
            finding.target.clone(),
            finding.control.clone(),
        ]);
    }
    texts.extend(report.observations.iter().cloned());
    texts.extend(
        report
            .probes
            .iter()
            .filter_map(|p| serde_json::to_string(p).ok()),
    );
    texts
}

/// Records a verdict; anything but `Passed` ends the turn.
pub(super) fn passed(
    world: &World,
    draft: &mut Draft,
    gate: Gate,
    verdict: Verdict,
    since: Instant,
    detail: &str,
) -> Result<(), Ending> {
    let verdict = draft.settled(gate, verdict);
    draft.judged(world, gate, verdict.clone(), since, detail);
    verdict_ends(gate, verdict)
}

/// Maps a verdict to the turn's end.
pub(super) fn verdict_ends(gate: Gate, verdict: Verdict) -> Result<(), Ending> {
    match verdict {
        Verdict::Passed => Ok(()),
        Verdict::Refused(why) => Err(Ending::Outcome(TurnOutcome::Rejected(format!(
            "{}: {why}",
            gate.word()
        )))),
        Verdict::Held(why) => Err(Ending::Outcome(TurnOutcome::Held(format!(
            "{}: {why}",
            gate.word()
        )))),
        // What was not run is not known, and what is not known is a refusal.
        Verdict::NotRun(why) => Err(Ending::Outcome(TurnOutcome::Rejected(format!(
            "{} was not run: {why}",
            gate.word()
        )))),
    }
}

/// Records an Ansible run and its judgement.
pub(super) fn ansible_gate(
    world: &World,
    draft: &mut Draft,
    gate: Gate,
    run: &AnsibleRun,
    judged: Judgement,
    cancel: &CancellationToken,
) -> Result<(), Ending> {
    let verdict = draft.settled(gate, judged.verdict);
    let record = GateRecord {
        gate,
        verdict: verdict.clone(),
        command: Some(run.command.clone()),
        exit: run.exit,
        millis: run.millis,
        notes: judged.notes.clone(),
    };
    draft.not_covered(&judged.notes);
    draft.record(world, record, &run.counts());
    if cancel.is_cancelled() {
        return Err(cancelled());
    }
    verdict_ends(gate, verdict)
}

/// The turn was stopped from outside.
pub(super) fn cancelled() -> Ending {
    Ending::Outcome(TurnOutcome::Failed("stopped by the supervisor".to_owned()))
}

/// Every probe must fail now, for its own reason and not by an error.
async fn red(
    world: &World,
    probes: &[Probe],
    draft: &mut Draft,
    cancel: &CancellationToken,
) -> Result<(), Ending> {
    let since = Instant::now();
    world.console().step_started("probe red");
    let mut verdict = Verdict::Passed;
    for probe in probes {
        let result = world.probe(probe, cancel).await;
        if verdict == Verdict::Passed {
            verdict = red_verdict(probe, &result);
        }
        draft.receipt.probes.push(ProbeRecord {
            probe: probe.clone(),
            before: Some(result.colour),
            after: None,
            rolled_back: None,
            output: result.output,
        });
    }
    if cancel.is_cancelled() {
        return Err(cancelled());
    }
    passed(world, draft, Gate::Red, verdict, since, &names(probes))
}

fn red_verdict(probe: &Probe, result: &ProbeResult) -> Verdict {
    match result.colour {
        Colour::Red => Verdict::Passed,
        Colour::Green => Verdict::Refused(format!(
            "\"{}\" passes already: there is no hole that it could prove closed",
            probe.name
        )),
        Colour::Error => Verdict::Refused(format!(
            "\"{}\" could not be run to its end; a probe that errors proves nothing (what it said \
             is in the receipt)",
            probe.name,
        )),
    }
}

/// The probes' names in one line.
pub(super) fn names(probes: &[Probe]) -> String {
    probes
        .iter()
        .map(|p| p.name.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}
