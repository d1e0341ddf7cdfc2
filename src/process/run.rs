//! Running one child to its end.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::AsyncWriteExt as _;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::output::{Line, Output, Stream, own};
use super::room::Looks;
use super::spec::{Ended, Finished, Spec};
use super::terminate::terminate;
use super::tree::Tree;
use super::watch::{Signs, Watch};

/// Runs a child to its end. `on_line` sees each line as it comes; it must not block.
///
/// # Errors
/// Only when the child can't be started; every end of a started child is a [`Finished`].
pub async fn run(
    spec: &Spec,
    cancel: &CancellationToken,
    on_line: impl FnMut(Line),
) -> std::io::Result<Finished> {
    // Large, and part of whoever waits for it.
    Box::pin(to_its_end(spec, cancel, on_line)).await
}

async fn to_its_end(
    spec: &Spec,
    cancel: &CancellationToken,
    mut on_line: impl FnMut(Line),
) -> std::io::Result<Finished> {
    let started = Instant::now();
    let mut tree = Tree::start(spec)?;
    let mut watch = Watch::new(spec, started);
    let mut looks = Looks::new(started);
    let done = AtomicBool::new(false);
    let mut output = Output::of(&mut tree.child, spec, |line: Line| {
        if line.stream == Stream::Out && spec.done.is_some_and(|done| (done.says)(&line.text)) {
            done.store(true, Ordering::Relaxed);
        }
        on_line(line);
    });
    if let Some(mut stdin) = tree.child.stdin.take() {
        let input = (!spec.relay).then(|| spec.stdin.clone());
        tokio::spawn(async move {
            let _ = match (input, own(std::io::stdin())) {
                (Some(input), _) => stdin.write_all(&input).await,
                (None, Ok(mut from)) => tokio::io::copy(&mut from, &mut stdin).await.map(drop),
                (None, Err(e)) => Err(e),
            };
        });
    }
    let cut = loop {
        tokio::select! {
            biased;
            () = cancel.cancelled() => break Some(Ended::Cancelled),
            () = output.piece() => {
                watch.heard(Instant::now(), done.load(Ordering::Relaxed));
                if output.flooded() {
                    break Some(Ended::Flood);
                }
            }
            _ = tree.child.wait() => break None,
            () = sleep_until(looks.next()), if spec.room.is_some() => {
                if spec.room.as_ref().is_some_and(|room| looks.full(room)) {
                    break Some(Ended::Full);
                }
            }
            () = sleep_until(watch.next()) => {
                let cut = watch.look(Instant::now(), Signs::of(spec));
                if cut.is_some() {
                    break cut;
                }
            }
        }
    };
    let (own_end, survived) = terminate(&mut tree, cut, spec, &mut output).await?;
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
