//! What an ended run came to and cost, judged by how the process ended and by its last result.

use serde_json::Value;

use super::stream::{Seen, UNAUTHORIZED};
use crate::agent::report;
use crate::gate::MicroUsd;
use crate::process::Ended;
use crate::spend::Booked;
use crate::turn::{AgentOutcome, Report, ReportOutcome};

/// A run that reports more than this many times its allowance is not believed.
const ABSURD: u64 = 100;

/// How a run ended, short of what it was for.
pub(super) type Failure = (AgentOutcome, String);

/// The result event of a run that ended well.
///
/// # Errors
/// The class of any other end, and why.
pub(super) fn ended_well(seen: &Seen, ended: Ended) -> Result<&Value, Failure> {
    if seen.unauthorized >= UNAUTHORIZED {
        return Err((
            AgentOutcome::Auth,
            "the credential is not accepted (401)".to_owned(),
        ));
    }
    if let Some((class, why)) = seen.watch.fault() {
        return Err((class, seen.clean(&why)));
    }
    let code = match ended {
        Ended::Exited(code) => code,
        // It had said all, and only did not go.
        Ended::Lingered => 0,
        Ended::Cancelled => return Err((AgentOutcome::Cancelled, "stopped".to_owned())),
        Ended::Deadline => return Err(hung(seen, "it did not end in time")),
        Ended::Silent => return Err(hung(seen, "it gave no sign of life")),
        Ended::Signaled(signal) => return Err(crashed(&format!("ended by signal {signal}"))),
        Ended::Full => {
            return Err(crashed(
                "it wrote more to the disk than sandbox.limits.disk_mib",
            ));
        }
        Ended::Flood => return Err(crashed("it wrote more output than is taken")),
    };
    let Some(result) = &seen.result else {
        let last = seen.tail().pop().unwrap_or_default();
        return Err(crashed(&format!(
            "exit code {code} without a result: {last}"
        )));
    };
    let good = text(result, "subtype") == "success"
        && result["is_error"] == Value::Bool(false)
        && text(result, "terminal_reason") == "completed";
    match (good, code) {
        (true, 0) => Ok(result),
        (true, _) => Err(crashed(&format!("exit code {code} after a good result"))),
        (false, _) => Err(failed(seen, result)),
    }
}

/// The class of a result that is no success.
fn failed(seen: &Seen, result: &Value) -> Failure {
    let said = seen.clean(match result["errors"].get(0).and_then(Value::as_str) {
        Some(error) => error,
        None => text(result, "result"),
    });
    let status = result["api_error_status"].as_u64();
    let class = match text(result, "subtype") {
        "error_max_turns" => AgentOutcome::Truncated,
        "error_max_budget_usd" => AgentOutcome::Budget,
        "success" if seen.limited || text(result, "api_error") == "usage_limit_reached" => {
            AgentOutcome::Limit { reset: seen.reset }
        }
        // Credit that is used up: nothing goes on until somebody pays, at a time nobody knows.
        "success" if seen.error.as_deref() == Some("billing_error") => {
            AgentOutcome::Limit { reset: None }
        }
        "success" if text(result, "terminal_reason") == "blocking_limit" => AgentOutcome::Truncated,
        "success" if text(result, "terminal_reason") == "api_error" => match status {
            Some(401 | 403) => AgentOutcome::Auth,
            Some(429) => AgentOutcome::Limit { reset: seen.reset },
            Some(408 | 500..) => AgentOutcome::Offline,
            Some(_) => AgentOutcome::Crashed,
            None => match text(result, "stop_reason") {
                "max_tokens" => AgentOutcome::Truncated,
                "refusal" => AgentOutcome::Crashed,
                _ => AgentOutcome::Offline,
            },
        },
        _ => AgentOutcome::Crashed,
    };
    let status = status.map_or_else(String::new, |s| format!(" ({s})"));
    let why = format!("{}{status}: {said}", text(result, "terminal_reason"));
    (class, seen.clean(&why))
}

/// A client that was still trying to reach its service did not hang by itself.
fn hung(seen: &Seen, what: &str) -> Failure {
    match &seen.retrying {
        Some(retry) => (
            AgentOutcome::Offline,
            seen.clean(&format!("{what}; last: {retry}")),
        ),
        None => (AgentOutcome::Hung, what.to_owned()),
    }
}

fn crashed(why: &str) -> Failure {
    (AgentOutcome::Crashed, why.to_owned())
}

/// The report of a run that ended well.
pub(super) fn report(seen: &Seen, result: &Value) -> Result<Report, Failure> {
    let Some(given) = result.get("structured_output").filter(|v| v.is_object()) else {
        return Err(crashed("it ended without a report"));
    };
    let given = given.to_string();
    if seen.betrays(&given) {
        return Err(crashed(
            "the report contains the credential; it was thrown away",
        ));
    }
    report::parse(&given).map_err(|why| crashed(&seen.clean(&why)))
}

/// The class of a report.
pub(super) fn class(report: &Report) -> Failure {
    match report.outcome {
        ReportOutcome::Improvement => (AgentOutcome::Done, "it reports an improvement".to_owned()),
        ReportOutcome::NothingMaterial => {
            let why = crate::text::one_line(&report.change, 200);
            let why = if why.is_empty() {
                "nothing material is left".to_owned()
            } else {
                why
            };
            (AgentOutcome::NoOp, why)
        }
        ReportOutcome::Blocked => {
            let question = report.blocked_on.as_deref().unwrap_or_default();
            (AgentOutcome::Blocked, crate::text::one_line(question, 200))
        }
    }
}

/// What the run cost, and a remark where that is not its own account: the more of what its result
/// says and of what could be seen of its calls. What can't be known counts as the whole allowance.
pub(super) fn cost(
    seen: &Seen,
    ended: Ended,
    allowance: MicroUsd,
    booked: &Result<Booked, String>,
) -> (MicroUsd, Option<String>) {
    let Ok(booked) = booked else {
        let why = format!("its cost is not known, the allowance of {allowance} is booked");
        return (allowance, Some(why));
    };
    // What a client that was ended says may have been said for it, and may not be all.
    let by_itself = matches!(ended, Ended::Exited(_));
    let Some(result) = &seen.result else {
        // Refused attempts are not charged, and what went away by itself without a word, such as
        // a client that can't be confined, asked nobody anything.
        let refused = seen.unauthorized >= UNAUTHORIZED && !seen.answered;
        if refused || (!seen.heard && by_itself) {
            return (booked.ended, None);
        }
        if booked.all == MicroUsd::ZERO && !booked.whole {
            let why = format!("its cost is not known, the allowance of {allowance} is booked");
            return (allowance, Some(why));
        }
        let how = if booked.estimated {
            " and an estimate of the call that was under way"
        } else {
            ""
        };
        let why = format!("no result: {} is booked, by its calls{how}", booked.all);
        return (booked.all, Some(why));
    };
    let known = if by_itself { booked.ended } else { booked.all };
    match micro_usd(&result["total_cost_usd"]) {
        Some(cost) if cost.0 <= allowance.0.saturating_mul(ABSURD) => {
            let remark = (known > cost).then(|| {
                format!("it states {cost}; {known} is booked, by what could be seen of its calls")
            });
            (cost.max(known), remark)
        }
        _ => {
            let given = crate::text::one_line(&result["total_cost_usd"].to_string(), 40);
            let cost = allowance.max(booked.all);
            let why = format!("the cost it states ({given}) is not credible, {cost} is booked");
            (cost, Some(why))
        }
    }
}

/// Dollars as they were computed, to the nearest millionth.
fn micro_usd(value: &Value) -> Option<MicroUsd> {
    let usd = value.as_f64().filter(|d| d.is_finite() && *d >= 0.0)?;
    format!("{:.0}", usd * 1e6).parse().ok().map(MicroUsd)
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
#[path = "outcome_tests.rs"]
mod tests;
