//! Ends of runs, with result events as the command line gives them.

use serde_json::{Value, json};

use super::*;
use crate::config::Secret;

const ALLOWANCE: MicroUsd = MicroUsd(5_000_000);

fn seen(events: &[Value]) -> Seen {
    let mut seen = Seen::new(vec![Secret::new("worthless-credential")]);
    for event in events {
        seen.line(&event.to_string());
    }
    seen
}

fn result(changes: &Value) -> Value {
    let mut result = json!({
        "type": "result", "subtype": "success", "is_error": false, "terminal_reason": "completed",
        "stop_reason": "tool_use", "total_cost_usd": 0.0016, "num_turns": 3, "result": "",
        "structured_output": {"outcome": "nothing_material"},
    });
    for (key, value) in changes.as_object().unwrap() {
        result[key] = value.clone();
    }
    result
}

fn class_of(changes: &Value, code: i32) -> AgentOutcome {
    match ended_well(&seen(&[result(changes)]), Ended::Exited(code)) {
        Ok(_) => AgentOutcome::Done,
        Err((class, why)) => {
            assert!(!why.is_empty());
            class
        }
    }
}

#[test]
fn only_one_combination_is_a_good_end() {
    assert_eq!(class_of(&json!({}), 0), AgentOutcome::Done);
    assert_eq!(class_of(&json!({}), 1), AgentOutcome::Crashed);
    for changes in [
        json!({"subtype": "error_during_execution"}),
        json!({"is_error": true}),
        json!({"is_error": null}),
        json!({"terminal_reason": "aborted_tools"}),
        json!({"terminal_reason": null}),
    ] {
        assert_eq!(class_of(&changes, 0), AgentOutcome::Crashed, "{changes}");
    }
    let (class, why) = ended_well(&seen(&[]), Ended::Exited(0)).unwrap_err();
    assert_eq!(class, AgentOutcome::Crashed);
    assert!(why.contains("without a result"));
}

#[test]
fn tells_the_failures_apart() {
    let api = |status: Value, more: Value| {
        let mut changes = json!({"is_error": true, "terminal_reason": "api_error",
                                 "api_error_status": status});
        for (key, value) in more.as_object().unwrap() {
            changes[key] = value.clone();
        }
        class_of(&changes, 1)
    };
    let none = || json!({});
    assert_eq!(api(json!(401), none()), AgentOutcome::Auth);
    assert_eq!(api(json!(403), none()), AgentOutcome::Auth);
    assert_eq!(api(json!(404), none()), AgentOutcome::Crashed);
    assert_eq!(api(json!(429), none()), AgentOutcome::Limit { reset: None });
    for gone in [408, 500, 529] {
        assert_eq!(api(json!(gone), none()), AgentOutcome::Offline);
    }
    assert_eq!(api(Value::Null, none()), AgentOutcome::Offline);
    let stop = |reason: &str| json!({"stop_reason": reason});
    assert_eq!(
        api(Value::Null, stop("max_tokens")),
        AgentOutcome::Truncated
    );
    assert_eq!(api(Value::Null, stop("refusal")), AgentOutcome::Crashed);
    let full = json!({"is_error": true, "terminal_reason": "blocking_limit"});
    assert_eq!(class_of(&full, 1), AgentOutcome::Truncated);
    let ends = [
        ("error_max_turns", AgentOutcome::Truncated),
        ("error_max_budget_usd", AgentOutcome::Budget),
        ("error_max_structured_output_retries", AgentOutcome::Crashed),
        ("error_of_tomorrow", AgentOutcome::Crashed),
    ];
    for (subtype, class) in ends {
        assert_eq!(
            class_of(&json!({"subtype": subtype, "is_error": true}), 1),
            class
        );
    }
    for (ended, class) in [
        (Ended::Silent, AgentOutcome::Hung),
        (Ended::Deadline, AgentOutcome::Hung),
        (Ended::Cancelled, AgentOutcome::Cancelled),
        (Ended::Signaled(9), AgentOutcome::Crashed),
        (Ended::Flood, AgentOutcome::Crashed),
    ] {
        // Even after a good result: the process did not end by itself.
        let seen = seen(&[result(&none())]);
        assert_eq!(ended_well(&seen, ended).unwrap_err().0, class);
    }
}

#[test]
fn a_limit_keeps_its_end() {
    let limit = json!({"type": "rate_limit_event", "rate_limit_info":
        {"status": "rejected", "resetsAt": 1_795_223_218_i64}});
    let last = result(&json!({"is_error": true, "terminal_reason": "api_error",
        "api_error_status": 429, "api_error": "usage_limit_reached"}));
    let (class, _) = ended_well(&seen(&[limit, last]), Ended::Exited(1)).unwrap_err();
    assert_eq!(
        class,
        AgentOutcome::Limit {
            reset: chrono::DateTime::from_timestamp(1_795_223_218, 0)
        }
    );
}

#[test]
fn a_report_is_checked_and_must_not_give_the_credential_away() {
    let of = |output: Value| {
        let seen = seen(&[result(&json!({"structured_output": output}))]);
        report(&seen, seen.result.as_ref().unwrap())
    };
    assert_eq!(
        class(&of(json!({"outcome": "nothing_material"})).unwrap()).0,
        AgentOutcome::NoOp
    );
    let asks = json!({"outcome": "blocked", "blocked_on": "which?\nnow"});
    assert_eq!(
        class(&of(asks).unwrap()),
        (AgentOutcome::Blocked, "which? now".to_owned())
    );
    for bad in [
        Value::Null,
        json!("x"),
        json!({}),
        json!({"outcome": "improvement"}),
        json!({"outcome": "blocked"}),
        json!({"outcome": "nothing_material", "x": 1}),
    ] {
        assert_eq!(
            of(bad.clone()).unwrap_err().0,
            AgentOutcome::Crashed,
            "{bad}"
        );
    }
    let leak = json!({"outcome": "nothing_material", "change": "worthless-credential"});
    let (_, why) = of(leak).unwrap_err();
    assert!(
        why.contains("credential") && !why.contains("worthless"),
        "{why}"
    );
}

#[test]
fn costs_are_exact_and_what_is_not_known_counts_in_full() {
    let of = |value: Value| {
        cost(
            &seen(&[result(&json!({"total_cost_usd": value}))]),
            Ended::Exited(0),
            ALLOWANCE,
            &Ok(Booked::default()),
        )
    };
    assert_eq!(of(json!(6.012_000_000_000_000_5)).0, MicroUsd(6_012_000));
    assert_eq!(of(json!(0.018_000_000_000_000_002)).0, MicroUsd(18_000));
    assert_eq!(of(json!(0)), (MicroUsd::ZERO, None));
    for absurd in [json!(-1), json!(1e9), json!(null), json!("3")] {
        let (booked, why) = of(absurd.clone());
        assert_eq!(booked, ALLOWANCE, "{absurd}");
        assert!(why.unwrap().contains("not credible"));
    }
    let begun = json!({"type": "system", "subtype": "init"});
    for (events, ended) in [
        (vec![begun], Ended::Exited(1)),
        (vec![], Ended::Signaled(9)),
    ] {
        let (booked, why) = cost(&seen(&events), ended, ALLOWANCE, &Ok(Booked::default()));
        assert_eq!(booked, ALLOWANCE);
        assert!(why.unwrap().contains("not known"));
    }
    let nothing = Ok(Booked::default());
    let never_began = cost(&seen(&[]), Ended::Exited(1), ALLOWANCE, &nothing);
    assert_eq!(never_began, (MicroUsd::ZERO, None));
    let refused = json!({"type": "system", "subtype": "api_retry", "error_status": 401});
    assert_eq!(
        cost(
            &seen(&[refused.clone(), refused]),
            Ended::Cancelled,
            ALLOWANCE,
            &nothing
        ),
        (MicroUsd::ZERO, None)
    );
}

#[test]
fn of_two_accounts_of_a_run_the_higher_one_is_booked() {
    let seen_to_cost = |ended, all| {
        Ok(Booked {
            ended: MicroUsd(ended),
            all: MicroUsd(all),
            estimated: ended != all,
            whole: false,
        })
    };
    let stated = |usd: f64| seen(&[result(&json!({"total_cost_usd": usd}))]);
    for (usd, known, ended, cost_of_it) in [
        (0.5, (400_000, 400_000), Ended::Exited(0), 500_000),
        (0.3, (400_000, 400_000), Ended::Exited(0), 400_000),
        // Its own result knows what the calls came to that were cut on the way.
        (0.41, (400_000, 450_000), Ended::Exited(0), 410_000),
        // What was said by a client that was ended may not be all.
        (0.41, (400_000, 450_000), Ended::Cancelled, 450_000),
        (0.41, (400_000, 400_000), Ended::Cancelled, 410_000),
    ] {
        let known = seen_to_cost(known.0, known.1);
        let (booked, _) = cost(&stated(usd), ended, ALLOWANCE, &known);
        assert_eq!(booked, MicroUsd(cost_of_it), "{usd} {known:?} {ended:?}");
    }
    let begun = seen(&[json!({"type": "system", "subtype": "init"})]);
    let (booked, why) = cost(
        &begun,
        Ended::Signaled(9),
        ALLOWANCE,
        &seen_to_cost(400_000, 450_000),
    );
    assert_eq!(booked, MicroUsd(450_000));
    assert!(why.unwrap().contains("under way"));
    let unknown = Err("usage that can't be read".to_owned());
    let (booked, why) = cost(&stated(0.1), Ended::Exited(0), ALLOWANCE, &unknown);
    assert_eq!(booked, ALLOWANCE);
    assert!(why.unwrap().contains("not known"));
}

#[test]
fn money_that_is_used_up_is_a_limit_without_an_end() {
    let said = json!({"type": "assistant", "error": "billing_error", "message": {"content": [
        {"type": "text", "text": "Credit balance is too low"}]}});
    let last = result(&json!({"is_error": true, "terminal_reason": "api_error",
        "api_error_status": 400, "total_cost_usd": 0, "result": "Credit balance is too low"}));
    let broke = seen(&[said, last.clone()]);
    let (class, why) = ended_well(&broke, Ended::Exited(1)).unwrap_err();
    assert_eq!(class, AgentOutcome::Limit { reset: None });
    assert_eq!(why, "api_error (400): Credit balance is too low");
    assert!(!broke.answered);
    let other = seen(&[last]);
    let (class, _) = ended_well(&other, Ended::Exited(1)).unwrap_err();
    assert_eq!(class, AgentOutcome::Crashed);
}

#[test]
fn a_run_that_still_tried_to_reach_its_service_did_not_hang() {
    let retry = json!({"type": "system", "subtype": "api_retry", "attempt": 3, "max_retries": 10,
        "error_status": null, "error": "connection refused"});
    let life = json!({"type": "stream_event", "event": {"type": "message_start"}});
    for ended in [Ended::Silent, Ended::Deadline] {
        let trying = seen(&[life.clone(), retry.clone()]);
        let (class, why) = ended_well(&trying, ended).unwrap_err();
        assert_eq!(class, AgentOutcome::Offline);
        assert!(
            why.ends_with("attempt 3 of 10 failed: connection refused"),
            "{why}"
        );
        let reached = seen(&[retry.clone(), life.clone()]);
        assert_eq!(
            ended_well(&reached, ended).unwrap_err().0,
            AgentOutcome::Hung
        );
    }
}

#[test]
fn refused_credentials_are_told_before_the_cancellation_that_followed() {
    let refused = json!({"type": "system", "subtype": "api_retry", "error_status": 401});
    let once = seen(std::slice::from_ref(&refused));
    let (class, _) = ended_well(&once, Ended::Cancelled).unwrap_err();
    assert_eq!(class, AgentOutcome::Cancelled);
    let twice = seen(&[refused.clone(), refused]);
    let (class, _) = ended_well(&twice, Ended::Cancelled).unwrap_err();
    assert_eq!(class, AgentOutcome::Auth);
}
