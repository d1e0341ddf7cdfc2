//! From an agent's working copy to a proposal: the difference and the report, both looked at.

use super::iterate::Iterated;
use super::{Draft, Ending};
use crate::repo::Changes;
use crate::turn::{AgentOutcome, Iteration, Report, TurnOutcome};
use crate::world::World;

/// A difference against the branch's head, with the report that claims it.
#[derive(Debug)]
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
    draft.proposes(&changes, &report);
    if changes.agent_committed {
        draft.not_covered(&[
            "the agent committed by itself; its commits were dropped and only \
                             the files it left were taken"
                .to_owned(),
        ]);
    }
    Ok(Proposal { changes, report })
}
