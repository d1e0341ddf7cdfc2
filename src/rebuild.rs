//! The last proof of a trial: the home directory is wiped, the playbook is run again, and every
//! probe must be green. What only lived on the machine would be gone.

use tokio_util::sync::CancellationToken;

use crate::playbook::judge_apply;
use crate::trial::Trial;
use crate::turn::{Colour, Verdict};
use crate::world::World;

/// Wipes the trial's home, applies the branch's head and runs every committed probe.
///
/// # Errors
/// What did not come back, in words.
pub async fn rebuild(world: &World, trial: &Trial) -> Result<String, String> {
    let never = CancellationToken::new();
    world.console().working("rebuild from an empty home");
    std::fs::remove_dir_all(trial.home()).map_err(|e| format!("wiping the home: {e}"))?;
    crate::world::make_private(&trial.home()).map_err(|e| e.to_string())?;
    let run = world.apply_head(&never).await?;
    match judge_apply(&run, &world.baseline()).verdict {
        Verdict::Passed => {}
        Verdict::Refused(why) | Verdict::Held(why) | Verdict::NotRun(why) => return Err(why),
    }
    let probes = world.committed_probes().await.map_err(|e| e.to_string())?;
    let total = probes.len();
    let results = world.probe_all(&probes, &never).await;
    for (one, result) in probes.iter().zip(results) {
        if result.colour != Colour::Green {
            return Err(format!(
                "\"{}\" of \"{}\" is red after a rebuild",
                one.probe.name, one.finding.title
            ));
        }
    }
    Ok(format!(
        "{total} of {total} probes green after the home was wiped and rebuilt"
    ))
}
