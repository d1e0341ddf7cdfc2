//! Iterations that end well: what the agent says, and what it did to the working copy.

use secloop::turn::{AgentOutcome, ReportOutcome};
use serde_json::json;

use super::{Bench, PLAYBOOK, edit, improvement, read, small_replies};
use crate::support::model::Step;

#[tokio::test]
async fn edits_the_playbook_with_its_own_tools_and_reports() {
    let Some(mut bench) = Bench::new(|repo| {
        vec![
            read(&repo.join("playbook.yml")),
            edit(
                &repo.join("playbook.yml"),
                "tasks: []",
                "tasks: [{ping: null}]",
            ),
            Step::structured(improvement()),
        ]
    })
    .await
    else {
        return;
    };
    let it = bench.iterate().await;
    assert_eq!(it.outcome, AgentOutcome::Done, "{it:#?}");
    assert_eq!(it.why, "it reports an improvement");
    assert_eq!(it.cost, small_replies(3));
    let report = it.report.unwrap();
    assert_eq!(
        serde_json::to_value(&report.finding).unwrap(),
        improvement()["finding"]
    );
    assert_eq!(report.probes.len(), 1);
    assert_eq!(bench.playbook(), PLAYBOOK.replace("[]", "[{ping: null}]"));
    assert_eq!(bench.changed().await, " M playbook.yml\n");
    bench.assert_untouched_outside().await;
    // The spend is counted from the transcript, which therefore has to be there.
    let transcript = bench.transcript(&it.session.unwrap());
    assert_eq!(
        transcript.matches("\"output_tokens\":20").count(),
        3,
        "{transcript}"
    );
    assert!(
        !it.tail.iter().any(|line| line == "system: status"),
        "{:#?}",
        it.tail
    );
    for sign in [
        "started: version ",
        "Read done",
        "Edit done",
        "result: success",
    ] {
        assert!(
            bench.beats.iter().any(|b| b.contains(sign)),
            "{sign}: {:#?}",
            bench.beats
        );
    }
}

#[tokio::test]
async fn finds_nothing_material() {
    let answer = json!({"outcome": "nothing_material", "change": "All of it\nis closed."});
    let Some(mut bench) = Bench::new(|_| vec![Step::structured(answer)]).await else {
        return;
    };
    let it = bench.iterate().await;
    assert_eq!(it.outcome, AgentOutcome::NoOp, "{it:#?}");
    assert_eq!(it.why, "All of it is closed.");
    assert_eq!(it.cost, small_replies(1));
    assert_eq!(it.report.unwrap().outcome, ReportOutcome::NothingMaterial);
    assert_eq!(bench.changed().await, "");
}

#[tokio::test]
async fn asks_a_person() {
    let answer = json!({"outcome": "blocked", "blocked_on": "May the VPN restart?"});
    let Some(mut bench) = Bench::new(|_| vec![Step::structured(answer)]).await else {
        return;
    };
    let it = bench.iterate().await;
    assert_eq!(it.outcome, AgentOutcome::Blocked, "{it:#?}");
    assert_eq!(it.why, "May the VPN restart?");
    assert_eq!(it.cost, small_replies(1));
    assert_eq!(
        it.report.unwrap().blocked_on.as_deref(),
        Some("May the VPN restart?")
    );
    assert_eq!(bench.changed().await, "");
}

/// Whether there is a change is not the agent's word to give: the supervisor looks.
#[tokio::test]
async fn claims_success_without_a_change() {
    let Some(mut bench) = Bench::new(|_| vec![Step::structured(improvement())]).await else {
        return;
    };
    let it = bench.iterate().await;
    assert_eq!(it.outcome, AgentOutcome::Done, "{it:#?}");
    assert_eq!(it.cost, small_replies(1));
    assert!(it.report.is_some());
    assert_eq!(bench.changed().await, "");
}

#[tokio::test]
async fn breaks_the_yaml_and_claims_success() {
    let Some(mut bench) = Bench::new(|repo| {
        vec![
            read(&repo.join("playbook.yml")),
            edit(&repo.join("playbook.yml"), "  tasks: []", " tasks: [}"),
            Step::structured(improvement()),
        ]
    })
    .await
    else {
        return;
    };
    let it = bench.iterate().await;
    assert_eq!(it.outcome, AgentOutcome::Done, "{it:#?}");
    assert_eq!(it.cost, small_replies(3));
    assert_eq!(bench.playbook(), "- hosts: localhost\n tasks: [}\n");
    assert_eq!(bench.changed().await, " M playbook.yml\n");
}

#[tokio::test]
async fn changes_other_files_of_its_working_copy() {
    let Some(mut bench) = Bench::new(|repo| {
        vec![
            Step::tool(
                "Write",
                json!({"file_path": repo.join("roles/new.yml"), "content": "x\n"}),
            ),
            Step::bash("echo more >> README.md"),
            Step::structured(improvement()),
        ]
    })
    .await
    else {
        return;
    };
    let it = bench.iterate().await;
    assert_eq!(it.outcome, AgentOutcome::Done, "{it:#?}");
    assert_eq!(bench.changed().await, " M README.md\n?? roles/\n");
    assert_eq!(bench.playbook(), PLAYBOOK);
    bench.assert_untouched_outside().await;
}

/// It is not prevented in its own copy; the supervisor takes the change by its content.
#[tokio::test]
async fn commits_by_itself_with_git() {
    let Some(mut bench) = Bench::new(|_| {
        vec![
            Step::bash(
                "sed -i 's/\\[\\]/[{ping: null}]/' playbook.yml && \\
                 git -c user.name=agent -c user.email=a@example.org commit -qam mine",
            ),
            Step::structured(improvement()),
        ]
    })
    .await
    else {
        return;
    };
    let it = bench.iterate().await;
    assert_eq!(it.outcome, AgentOutcome::Done, "{it:#?}\n{}", bench.told());
    assert_eq!(it.cost, small_replies(2));
    assert_eq!(bench.git(&["log", "--format=%s"]).await, "mine\nfirst\n");
    assert_eq!(bench.changed().await, "");
    assert_eq!(bench.playbook(), PLAYBOOK.replace("[]", "[{ping: null}]"));
}
