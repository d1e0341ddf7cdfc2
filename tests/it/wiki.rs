//! The wiki page: a projection of turns that nothing in them can break.

use chrono::{DateTime, TimeDelta, Utc};
use secloop::config::WikiConfig;
use secloop::gate::MicroUsd;
use secloop::report::wiki::{Readers, render, write};
use secloop::turn::{
    AgentOutcome, Colour, Counts, Expect, Finding, Gate, GateRecord, Probe, ProbeRecord, ProbeRun,
    Receipt, Severity, Turn, TurnOutcome, Verdict,
};

const ZONE: chrono_tz::Tz = chrono_tz::Tz::America__Toronto;

fn at() -> DateTime<Utc> {
    "2026-11-20T18:00:00Z".parse().unwrap()
}

fn config() -> WikiConfig {
    WikiConfig {
        path: "/unused".into(),
        title: "Security improvement log".to_owned(),
        newest_first: true,
        include_open: false,
    }
}

fn turn(number: i64, title: &str, outcome: TurnOutcome) -> Turn {
    let began = at() + TimeDelta::minutes(30 * number);
    let probe = Probe {
        name: "a credential is not read".to_owned(),
        run: ProbeRun::Script("sh ~/.claude/hooks/protect-sensitive.sh < call.json".to_owned()),
        expect: Expect {
            exit: 2,
            stdout: None,
        },
        red: None,
    };
    let passed = |gate| GateRecord::new(gate, Verdict::Passed);
    Turn {
        id: uuid::Uuid::from_u128(u128::try_from(number).unwrap()),
        number,
        started: began,
        finished: began + TimeDelta::seconds(95),
        outcome,
        agent: Some(AgentOutcome::Done),
        cost: MicroUsd(1_230_000),
        finding: Some(Finding {
            title: title.to_owned(),
            detail: "cp, mv and vim get the same file that cat is denied.".to_owned(),
            severity: Severity::P0,
            target: "protect-sensitive.sh".to_owned(),
            control: "any program that reads".to_owned(),
        }),
        change: "The hook judges every program that is given a credential's path.".to_owned(),
        question: None,
        receipt: Receipt {
            gates: vec![
                passed(Gate::Red),
                passed(Gate::Apply),
                passed(Gate::SecondRun),
                passed(Gate::Green),
                passed(Gate::Autonomy),
                GateRecord::new(Gate::LiveCall, Verdict::NotRun("no account".to_owned())),
            ],
            probes: vec![ProbeRecord {
                probe,
                before: Some(Colour::Red),
                after: Some(Colour::Green),
                rolled_back: None,
                output: String::new(),
            }],
            ..Receipt::default()
        },
    }
}

fn committed(number: i64, title: &str) -> Turn {
    turn(
        number,
        title,
        TurnOutcome::Committed("0123456789abcdef0123456789abcdef01234567".to_owned()),
    )
}

/// As the ledger counts them.
fn counts(turns: &[Turn]) -> Counts {
    let mut counts = Counts::default();
    for turn in turns {
        let place = match turn.outcome {
            TurnOutcome::Skipped(_) => continue,
            TurnOutcome::Committed(_) => &mut counts.committed,
            TurnOutcome::Rejected(_) => &mut counts.rejected,
            TurnOutcome::Held(_) => &mut counts.held,
            TurnOutcome::Idle(_) => &mut counts.idle,
            TurnOutcome::Failed(_) | TurnOutcome::NeedsOperator(_) => &mut counts.failed,
            TurnOutcome::TakenBack(_) => &mut counts.taken_back,
        };
        *place += 1;
        counts.iterations += 1;
        if turn.outcome.word() == "committed" {
            counts.last_commit = counts.last_commit.max(Some(turn.finished));
        }
    }
    counts
}

fn page(turns: &[Turn]) -> String {
    render(
        &config(),
        Readers::Public,
        "studio",
        ZONE,
        turns,
        &counts(turns),
    )
}

/// `wiki-log/example.md` is what the program writes.
#[test]
fn the_example_is_up_to_date() {
    let turns = [
        committed(1, "Credentials are read through cp, mv and vim"),
        turn(
            2,
            "A rejected idea",
            TurnOutcome::Rejected("policy: no".to_owned()),
        ),
        committed(3, "rm -fr is let through"),
        turn(4, "x", TurnOutcome::Idle("nothing".to_owned())),
    ];
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("wiki-log/example.md");
    let text = page(&turns);
    if std::env::var_os("SECLOOP_UPDATE_EXAMPLE").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        text,
        "see wiki-log/README.md"
    );
}

#[test]
fn an_entry_has_its_fields_with_the_local_time_and_no_money() {
    let text = page(&[committed(1, "A hole")]);
    assert!(text.contains("2026-11-20 13:31:35 -05:00"), "{text}");
    assert!(text.contains("last_verified: 2026-11-20\n"));
    assert!(text.contains("red before, green after; passed: probe red, apply"));
    assert!(text.contains("not run: live call"));
    assert!(!text.contains("1.23"), "money stays off the page");
}

#[test]
fn refused_findings_stay_off_the_page_unless_asked_for() {
    let turns = [turn(
        1,
        "A hole that is open",
        TurnOutcome::Rejected("policy: no".to_owned()),
    )];
    assert!(!page(&turns).contains("A hole that is open"));
    let all = WikiConfig {
        include_open: true,
        ..config()
    };
    assert!(
        render(
            &all,
            Readers::Public,
            "studio",
            ZONE,
            &turns,
            &counts(&turns)
        )
        .contains("A hole that is open")
    );
}

/// Acceptance: each turn has an entry; what is not for the public has it on the operator's page.
#[test]
fn the_operators_page_has_every_turn_with_its_cost() {
    let turns = [
        committed(1, "A hole"),
        turn(
            2,
            "A hole that is open",
            TurnOutcome::Rejected("policy: no".to_owned()),
        ),
        turn(3, "x", TurnOutcome::Idle("nothing material".to_owned())),
        turn(4, "x", TurnOutcome::Skipped("the cap".to_owned())),
    ];
    let text = render(
        &config(),
        Readers::Operator,
        "studio",
        ZONE,
        &turns,
        &counts(&turns),
    );
    assert_eq!(text.matches("<a id=\"turn-").count(), 3, "{text}");
    for field in [
        "rejected: policy: no",
        "idle: nothing material",
        "**Verification result:** fail",
        "**Verification result:** none",
        "**Cost:** $1.23",
    ] {
        assert!(text.contains(field), "{field}:\n{text}");
    }
}

#[test]
fn content_breaks_neither_table_nor_page() {
    let nasty = "a | b\n| c |\n---\n# x <script>alert(1)</script> {{entries}} [l](http://x) `c`";
    let mut bad = committed(1, nasty);
    bad.change = format!("{nasty} {}", "y".repeat(10_000));
    bad.receipt.probes[0].probe.name = nasty.to_owned();
    bad.receipt.probes[0].probe.run = ProbeRun::Script("echo '`' {{entries}}\n---".to_owned());
    let text = page(&[bad, committed(2, "next")]);
    let rows: Vec<&str> = text.lines().filter(|l| l.starts_with("| 2026")).collect();
    assert_eq!(rows.len(), 2);
    for row in rows {
        let bars = row.replace("\\|", "").matches('|').count();
        assert_eq!(bars, 8, "{row}");
    }
    assert!(!text.contains("<script"), "{text}");
    assert_eq!(text.matches("\n# ").count(), 1);
    assert_eq!(text.matches("<a id=\"turn-").count(), 2);
    assert!(text.len() < 20_000);
}

#[test]
fn a_page_is_replaced_whole_and_a_foreign_one_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("wiki/log.md");
    let turns = [committed(1, "A hole")];
    write(&file, Readers::Public, &page(&turns)).unwrap();
    write(&file, Readers::Public, &page(&turns)).unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), page(&turns));
    assert_eq!(
        std::fs::read_dir(file.parent().unwrap()).unwrap().count(),
        1
    );
    std::fs::write(&file, "# Notes of a person\n").unwrap();
    let why = write(&file, Readers::Public, &page(&turns)).unwrap_err();
    assert!(
        why.contains("did not write") && why.contains("wiki.path"),
        "{why}"
    );
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        "# Notes of a person\n"
    );
}
