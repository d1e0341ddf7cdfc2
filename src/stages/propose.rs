//! From an agent's working copy to a proposal: the difference and the report, both looked at.

use super::iterate::Iterated;
use super::{Draft, Ending};
use crate::gates;
use crate::repo::Changes;
use crate::turn::{AgentOutcome, Iteration, Report, TurnOutcome, Verdict, hex};
use crate::world::World;

/// Longest diff kept in a receipt, in bytes.
const MAX_DIFF: usize = 64 * 1024;

/// A difference against the branch's head, with the report that claims it.
pub(super) struct Proposal {
    pub(super) changes: Changes,
    pub(super) report: Report,
}

/// Reads what the agent did. Its own commits count for nothing: only the files do.
pub(super) async fn propose(
    world: &World,
    iterated: Iterated,
    draft: &mut Draft,
) -> Result<Proposal, Ending> {
    let Iterated {
        iteration: Iteration {
            report, outcome, ..
        },
        clone,
    } = iterated;
    let rejected = |why: String| Ending::Outcome(TurnOutcome::Rejected(why));
    let (Some(report), AgentOutcome::Done) = (report, outcome) else {
        return Err(rejected("the iteration gave no report".to_owned()));
    };
    let changes = world
        .repo
        .changes(&clone.path().join("repo"))
        .await
        .map_err(rejected)?;
    if changes.is_empty() {
        return Err(rejected(
            "an improvement is claimed, but no file is changed".to_owned(),
        ));
    }
    let diff = changes.unified_diff();
    draft.receipt.diff_sha256 = {
        use sha2::{Digest as _, Sha256};
        hex(&Sha256::digest(diff.as_bytes()))
    };
    // Before anything of it is written down: the gate refuses it later, by place and kind.
    draft.receipt.diff = match gates::secrets(&changes, &[]) {
        Verdict::Passed => crate::text::clamp(&diff, MAX_DIFF),
        _ => "(not kept: it holds what looks like a credential)\n".to_owned(),
    };
    draft.receipt.paths = changes.paths();
    if changes.agent_committed {
        draft.not_covered(&[
            "the agent committed by itself; its commits were dropped and only \
                             the files it left were taken"
                .to_owned(),
        ]);
    }
    Ok(Proposal { changes, report })
}
