//! Running one child to its end.

use tokio::io::AsyncWriteExt as _;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::output::{Line, Output};
use super::spec::{Ended, Finished, Spec};
use super::terminate::terminate;
use super::tree::Tree;

/// Runs a child to its end. `on_line` sees each line as it comes; it must not block.
///
/// # Errors
/// Only when the child can't be started; every end of a started child is a [`Finished`].
pub async fn run(
    spec: &Spec,
    cancel: &CancellationToken,
    on_line: impl FnMut(Line),
) -> std::io::Result<Finished> {
    let started = Instant::now();
    let mut tree = Tree::start(spec)?;
    let mut output = Output::of(&mut tree.child, spec.keep, on_line);
    if let Some(mut stdin) = tree.child.stdin.take() {
        let input = spec.stdin.clone();
        tokio::spawn(async move {
            let _ = stdin.write_all(&input).await;
        });
    }
    let deadline = started + spec.deadline;
    let mut quiet_until = spec.silence.map(|s| started + s);
    let cut = loop {
        let quiet = quiet_until.unwrap_or(deadline).min(deadline);
        tokio::select! {
            biased;
            () = cancel.cancelled() => break Some(Ended::Cancelled),
            () = output.piece() => {
                quiet_until = spec.silence.map(|s| Instant::now() + s);
                if output.flooded() {
                    break Some(Ended::Flood);
                }
            }
            _ = tree.child.wait() => break None,
            () = tokio::time::sleep_until(quiet) => {
                break Some(if quiet < deadline { Ended::Silent } else { Ended::Deadline });
            }
        }
    };
    let (own_end, survived) = Box::pin(terminate(&mut tree, cut, spec, &mut output)).await?;
    let kept = output.finish().await;
    Ok(Finished {
        ended: cut.unwrap_or(own_end),
        truncated: kept.dropped > 0,
        stdout: kept.out.bytes,
        stderr: kept.err.bytes,
        elapsed: started.elapsed(),
        survived,
    })
}
