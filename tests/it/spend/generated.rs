//! The transcripts that `benches/spend` measures with: what was planned is what they cost.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::transcripts::day_with;

#[test]
fn made_up_transcripts_cost_what_their_maker_planned() {
    let dir = tempfile::tempdir().unwrap();
    let maker = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/corpus.py");
    #[expect(clippy::disallowed_methods, reason = "a maker of test data")]
    let made = Command::new("python3")
        .arg(maker)
        .arg("--out")
        .arg(dir.path())
        .args(["--files", "24", "--seed", "3"])
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let truth: Value = serde_json::from_slice(&made.stdout).unwrap();
    assert!(truth["calls"].as_u64().unwrap() > 10, "{truth}");
    let day = day_with(&[], &[dir.path().join("home/.claude")]);
    assert_eq!(truth["zone"], day.zone);
    assert_eq!(truth["micro_usd"], day.total.0);
    assert_eq!(truth["calls"], day.calls);
    assert!(day.complete, "{:?}", day.problems);
}
