//! Ending real processes.

mod interrupt;

use std::time::Duration;

use secloop::process::{Finished, Spec, run};
use tokio_util::sync::CancellationToken;

/// A shell script, with an hour's time.
fn script(text: &str) -> Spec {
    let mut spec = Spec::new("/bin/sh", "/", Duration::from_hours(1))
        .args(["-c", text])
        .env("PATH", "/usr/bin:/bin");
    spec.grace = Duration::from_millis(300);
    spec
}

/// Runs it and cancels it once it says "up".
async fn cancelled_when_up(spec: &Spec) -> Finished {
    let cancel = CancellationToken::new();
    run(spec, &cancel, |line| {
        if line.text.starts_with("up") {
            cancel.cancel();
        }
    })
    .await
    .unwrap()
}
