//! The commit: no other function makes one, and only a proven change gets here.

use std::time::Instant;

use super::prove::Proven;
use super::{Draft, Ending};
use crate::repo::{CommitId, Trailer, finding_trailer, probe_trailer, reverts_trailer};
use crate::text::one_line;
use crate::turn::{Gate, Probe, ProbeRun, Report, Stage, TurnOutcome, Verdict};
use crate::world::World;

/// Commits exactly the proposal's paths.
pub(super) async fn commit(
    world: &World,
    proven: Proven,
    draft: &mut Draft,
) -> Result<CommitId, Ending> {
    world.stage(Stage::Commit);
    let cleared = proven.cleared;
    // A crash between this entry and the commit is taken back; one after it is completed from it.
    let so_far = draft
        .clone()
        .finish(TurnOutcome::Committed(String::new()), world.clock.now());
    world
        .event(draft.id, Stage::Commit, "started", &so_far)
        .await?;
    let since = Instant::now();
    let message = message(&cleared.report, draft);
    let commit = match world
        .repo
        .commit(
            &cleared.changes,
            &message,
            draft.id,
            &trailers(&cleared.report, draft),
        )
        .await
    {
        Ok(commit) => commit,
        Err(why) => {
            let verdict = Verdict::Refused(why.clone());
            draft.judged(world, Gate::Commit, verdict, since, "");
            return Err(Ending::Outcome(TurnOutcome::Failed(format!(
                "commit: {why}"
            ))));
        }
    };
    let short = commit.short();
    draft.judged(world, Gate::Commit, Verdict::Passed, since, &short);
    // The change is committed and on the machine: a ledger that fails now must not take only one of
    // them back. The next start completes the turn from the commit's trailer.
    let noted = world
        .event(draft.id, Stage::Commit, "finished", &commit.to_string())
        .await;
    if let Err(error) = noted.and(world.keep_baseline(&commit).await) {
        world.console().note(&error.to_string());
    }
    world.remember_autonomy(proven.autonomy);
    world.forget_scan();
    if world.config.repo.push
        && let Err(why) = world.repo.push(&world.env).await
    {
        // The commit stands; what did not travel is said and tried again with the next one.
        draft.not_covered(&[format!("git push failed: {why}")]);
        world.console().note(&format!("git push failed: {why}"));
    }
    Ok(commit)
}

/// What lives on with the commit: whoever has the branch can run its probes.
fn trailers(report: &Report, draft: &Draft) -> Vec<Trailer> {
    if let Some(turn) = draft.receipt.reverts {
        return vec![reverts_trailer(turn)];
    }
    let finding = report.finding.iter().filter_map(finding_trailer);
    let probes = report.probes.iter().filter_map(probe_trailer);
    finding.chain(probes).collect()
}

/// What was hardened, and why.
fn message(report: &Report, draft: &Draft) -> String {
    let (title, detail, severity) = report
        .finding
        .as_ref()
        .map_or(("Improve security", "", String::new()), |f| {
            (f.title.as_str(), f.detail.as_str(), f.severity.to_string())
        });
    let probes: Vec<String> = report.probes.iter().map(probe_line).collect();
    let verified = match draft.receipt.reverts {
        None => "red before, green after apply and after a second run",
        Some(_) => "not green any more, after apply and after a second run",
    };
    let accepted: Vec<String> = draft
        .receipt
        .accepted
        .iter()
        .map(|price| format!("- {}", one_line(&price.to_string(), 160)))
        .collect();
    let accepted = if accepted.is_empty() {
        String::new()
    } else {
        format!("Accepted by the operator:\n{}\n\n", accepted.join("\n"))
    };
    format!(
        "{}\n\n{}\n\nWhy: {}\n\nVerified: {verified}:\n{}\n\n{accepted}\
         Severity: {severity}\nTurn: {}\n",
        one_line(title, 72),
        wrap(&report.change),
        wrap(detail),
        probes.join("\n"),
        draft.number,
    )
}

fn probe_line(probe: &Probe) -> String {
    let run = match &probe.run {
        ProbeRun::Argv(argv) => argv.join(" "),
        ProbeRun::Script(script) => script.clone(),
    };
    format!("- {}: {}", one_line(&probe.name, 80), one_line(&run, 160))
}

/// Breaks a paragraph at 72 columns; no line may look like a trailer or a comment.
fn wrap(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > 72 {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paragraph_is_wrapped_at_72_columns_and_loses_nothing() {
        let text = "word ".repeat(40);
        let wrapped = wrap(&text);
        assert!(wrapped.lines().all(|l| l.chars().count() <= 72));
        assert_eq!(wrapped.split_whitespace().count(), 40);
    }
}
