//! The processes of a run, as the machine shows them while it works and after its end.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use secloop::gate::MicroUsd;
use secloop::process::{Spec, run};
use secloop::turn::AgentOutcome;
use tokio_util::sync::CancellationToken;

use super::{Bench, KEY, improvement, small_replies};
use crate::support::meter::UNANSWERED;
use crate::support::model::Step;

/// The command line of every process on this machine.
fn command_lines() -> Vec<String> {
    std::fs::read_dir("/proc")
        .unwrap()
        // Processes come and go while the list is read.
        .filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .collect()
}

#[tokio::test]
async fn the_credential_is_in_no_command_line_beat_or_prompt() {
    let looked = Arc::new(Mutex::new(Vec::new()));
    let saw = Arc::clone(&looked);
    let look = Step::from(move |_| {
        saw.lock().unwrap().extend(command_lines());
        Step::bash(&format!("echo says {KEY}; echo {KEY} >&2"))
    });
    let Some(mut bench) = Bench::new(|_| vec![look, Step::structured(improvement())]).await else {
        return;
    };
    let it = bench.iterate().await;
    assert_eq!(it.outcome, AgentOutcome::Done, "{it:#?}");
    let session = it.session.unwrap();
    let lines = looked.lock().unwrap().clone();
    assert!(
        lines.iter().any(|line| line.contains(&session)),
        "{lines:#?}"
    );
    assert!(!lines.iter().any(|line| line.contains(KEY)));
    assert!(!bench.model.requests()[0].to_string().contains(KEY));
    // What the agent itself says is taken out, too.
    let said = bench
        .beats
        .iter()
        .find(|b| b.starts_with("Bash: "))
        .unwrap();
    assert!(said.contains("echo says [redacted]"), "{said}");
}

/// Neither the client nor what its tools started outlives it, not even from a session of its own.
#[tokio::test]
async fn a_silent_model_is_left_and_nothing_of_the_run_stays() {
    let Some(mut bench) = Bench::with(
        |_| {
            vec![
                Step::bash("setsid sleep 3600 > held 2>/dev/null < /dev/null & echo started"),
                Step::Hang,
            ]
        },
        |c| c.silence = Duration::from_secs(6),
    )
    .await
    else {
        return;
    };
    let held = bench.repo("held");
    let spec = Spec::new("/usr/bin/mkfifo", "/", Duration::from_mins(1)).args([&held]);
    let made = run(&spec, &CancellationToken::new(), |_| ()).await.unwrap();
    assert!(made.ok(), "{}", made.err());
    // Reading ends when the last process that holds the pipe is gone.
    let (gone, is_gone) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || gone.send(std::fs::read(held)));

    let it = bench.iterate().await;
    assert_eq!(it.outcome, AgentOutcome::Hung, "{it:#?}");
    assert!(
        it.why.starts_with("it gave no sign of life; no result: "),
        "{}",
        it.why
    );
    // A call that was answered, and one that nobody knows anything of.
    assert_eq!(it.cost, MicroUsd(small_replies(1).0 + UNANSWERED.0));
    assert_eq!(bench.model.requests().len(), 2);
    let session = it.session.unwrap();
    let left: Vec<String> = command_lines();
    assert!(!left.is_empty());
    assert!(
        !left.iter().any(|line| line.contains(&session)),
        "{left:#?}"
    );
    let read = tokio::time::timeout(Duration::from_secs(10), is_gone).await;
    assert!(read.unwrap().unwrap().unwrap().is_empty());
}
