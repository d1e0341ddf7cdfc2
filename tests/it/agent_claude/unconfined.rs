//! By explicit choice without confinement: the client's own rules are what is left.

use secloop::config::Level;
use secloop::turn::{AgentOutcome, Verdict};

use super::{ALLOWANCE, Bench, PLAYBOOK, client, edit, improvement, read, small_replies};
use crate::support::meter::meter;
use crate::support::model::Step;

#[tokio::test]
async fn edits_its_working_copy_and_is_refused_what_may_harm() {
    let Some(mut bench) = Bench::new(|repo| {
        vec![
            read(&repo.join("playbook.yml")),
            edit(
                &repo.join("playbook.yml"),
                "tasks: []",
                "tasks: [{ping: null}]",
            ),
            Step::bash("echo planted > ../planted"),
            Step::bash("python3 -c 'open(\"../planted\", \"w\")'"),
            Step::tool(
                "Write",
                serde_json::json!({"file_path": repo.join("../planted"), "content": "x"}),
            ),
            Step::structured(improvement()),
        ]
    })
    .await
    else {
        return;
    };
    bench.claude = client(&bench.config, Level::None).await;
    let it = bench.iterate().await;
    assert_eq!(it.outcome, AgentOutcome::Done, "{it:#?}\n{}", bench.told());
    assert_eq!(it.cost, small_replies(6));
    assert_eq!(bench.playbook(), PLAYBOOK.replace("[]", "[{ping: null}]"));
    bench.assert_untouched_outside().await;
    let failed = |tool: &str| {
        let start = format!("{tool} failed: ");
        bench.beats.iter().filter(|b| b.starts_with(&start)).count()
    };
    assert_eq!(
        (failed("Bash"), failed("Write")),
        (2, 1),
        "{:#?}",
        bench.beats
    );
}

#[tokio::test]
async fn the_live_call_still_works() {
    let Some(mut bench) = Bench::new(super::live::obeys).await else {
        return;
    };
    bench.claude = client(&bench.config, Level::None).await;
    let home = bench.root.join("home");
    std::fs::create_dir(&home).unwrap();
    let dir = bench.root.join("run");
    let session = uuid::Uuid::new_v4().to_string();
    let called = bench
        .claude
        .live_call(&home, &dir, &session, &meter(ALLOWANCE))
        .await;
    assert_eq!(called.verdict, Verdict::Passed, "{}", bench.told());
}
