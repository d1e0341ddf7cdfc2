//! Signals as two tokens: the first asks to end, the second ends.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// What Ctrl-C, TERM and HUP mean.
#[derive(Debug, Clone, Default)]
pub struct Signals {
    /// Set by the first signal: the current turn is taken back, then the loop ends.
    pub stop: CancellationToken,
    /// Set by the second signal: end now; the next start takes the turn back.
    pub abort: CancellationToken,
}

impl Signals {
    /// Listens for signals from here on.
    ///
    /// # Errors
    /// When the handlers can't be installed.
    pub fn listen() -> std::io::Result<Self> {
        let signals = Self::default();
        let mut all = [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ]
        .into_iter()
        .map(signal)
        .collect::<Result<Vec<_>, _>>()?;
        let (stop, abort) = (signals.stop.clone(), signals.abort.clone());
        tokio::spawn(async move {
            any(&mut all).await;
            stop.cancel();
            any(&mut all).await;
            abort.cancel();
        });
        Ok(signals)
    }
}

async fn any(all: &mut [Signal]) {
    std::future::poll_fn(|context| {
        if all.iter_mut().any(|s| s.poll_recv(context).is_ready()) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
}
