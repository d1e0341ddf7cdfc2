//! Cases that other tests keep. Each line names one, and it is looked up whether it is there.

use std::path::Path;

use super::table::Row;

/// Case, fault, and the test with its file.
const KEPT: &[(&str, &str, &str, &str)] = &[
    (
        "5",
        "a lock whose pid is another process by now",
        "tests/it/lock.rs",
        "a_reused_pid_neither_blocks_nor_gets_killed",
    ),
    (
        "5",
        "a lock that a dead run left",
        "tests/it/overlap.rs",
        "a_dead_run_blocks_nobody_and_an_interrupt_ends_with_130",
    ),
    (
        "6",
        "a process whose identity can't be read",
        "src/process/identity.rs",
        "three_answers",
    ),
    (
        "6",
        "processes of a dead run, and others like them",
        "src/process/family_tests.rs",
        "only_what_a_dead_supervisor_left_is_ended",
    ),
    (
        "7",
        "many that start at one wake",
        "tests/it/lock.rs",
        "of_many_that_come_at_once_exactly_one_wins",
    ),
    (
        "7",
        "a storm of missed wakes",
        "src/wait.rs",
        "missed_wakes_are_one",
    ),
    (
        "8",
        "the time of a closed lid, taken for a hang",
        "src/process/watch_tests.rs",
        "the_deadlines",
    ),
    (
        "8",
        "the same, by another run",
        "src/lock/coordinate/facts.rs",
        "time_asleep_is_nobodys_delay",
    ),
    (
        "9",
        "a wall clock that is set, either way",
        "src/wait.rs",
        "the_clocks_and_what_they_do_to_a_wait",
    ),
    (
        "9",
        "a day that is left, and its cap with it",
        "src/clock.rs",
        "a_clock_that_is_set_is_noticed_and_sleep_is_time",
    ),
    (
        "10",
        "a day of 23 or 25 hours, and a run over midnight",
        "tests/it/spend/settle.rs",
        "a_run_across_midnight_is_split_by_its_calls",
    ),
    (
        "11",
        "nothing comes of many turns",
        "src/next.rs",
        "the_table",
    ),
    (
        "13",
        "a model without a price",
        "tests/it/spend/unknown.rs",
        "an_unknown_model_is_a_named_estimate_and_never_free",
    ),
    (
        "14",
        "calls that are in several files",
        "tests/it/spend/counting.rs",
        "one_call_is_counted_once_in_several_files",
    ),
    (
        "15",
        "the cost of a run without a result",
        "tests/it/agent_claude/lost.rs",
        "a_failing_service_is_left_at_the_deadline",
    ),
    (
        "25",
        "a fix that the playbook does not hold",
        "tests/it/starter.rs",
        "the_playbook_applies_to_an_empty_home_once_and_rebuilds_it_alike",
    ),
    (
        "27",
        "credentials in a commit",
        "tests/it/gates/secrets.rs",
        "credentials_are_refused_by_place_and_kind_and_never_shown",
    ),
    (
        "27",
        "other people's work in a commit",
        "tests/it/repo/commit.rs",
        "exactly_the_proposal_is_committed",
    ),
    (
        "28",
        "a full disk",
        "tests/it/bad_input.rs",
        "a_full_disk_is_said_and_nothing_is_started",
    ),
    (
        "29",
        "a torn last line",
        "tests/it/spend/index.rs",
        "a_torn_last_line_is_taken_up_when_it_is_complete",
    ),
    (
        "29",
        "a lock that a killed git left",
        "tests/it/repo/locks.rs",
        "locks_of_a_killed_git_in_our_own_places_are_removed_and_said",
    ),
    (
        "29",
        "a kill at any point of a turn",
        "tests/it/crash/sweep.rs",
        "a_kill_at_any_point_of_a_turn_leaves_the_machine_as_before_or_as_after",
    ),
    (
        "30",
        "a status channel that refuses, or is away",
        "tests/it/discord.rs",
        "the_outbox_keeps_order_waits_and_never_posts_twice",
    ),
];

pub(super) fn rows() -> Vec<Row> {
    KEPT.iter()
        .map(|(case, fault, file, test)| Row::new(case, fault, there(file, test)))
        .collect()
}

/// The table of promises in the architecture names tests that are there.
#[test]
fn every_promise_has_its_test() {
    let text = include_str!("../../../docs/architecture.md");
    let (_, section) = text.split_once("## Promises").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let rows: Vec<&str> = section
        .lines()
        .filter(|line| line.starts_with("| "))
        .collect();
    assert!(rows.len() > 10, "{section}");
    for row in rows.iter().filter(|row| !row.contains("| kept by |")) {
        let named = row.rsplit('`').nth(1).unwrap();
        let (file, test) = named.split_once("::").unwrap();
        assert!(there(file, test).is_ok(), "{row}");
    }
}

fn there(file: &str, test: &str) -> Result<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = std::fs::read_to_string(path).map_err(|e| format!("{file}: {e}"))?;
    let place = format!("{test} in {file}");
    if text.contains(&format!("fn {test}(")) {
        Ok(format!("kept by {place}"))
    } else {
        Err(format!("there is no {place}"))
    }
}
