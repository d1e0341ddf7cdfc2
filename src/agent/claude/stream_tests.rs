//! Events as the command line gives them.

use serde_json::json;

use super::*;

fn seen(lines: &[&str]) -> (Seen, Vec<String>) {
    let mut seen = Seen::new(vec![Secret::new("hunter2-hunter2")]);
    let shown = lines.iter().filter_map(|l| seen.line(l)).collect();
    (seen, shown)
}

#[test]
fn joins_a_tools_answer_with_its_call() {
    let (seen, shown) = seen(&[
        r#"{"type":"assistant","message":{"content":[{"type":"tool_use","id":"t1","name":"Bash","input":{"command":"echo hunter2-hunter2\nx"}}]}}"#,
        r#"{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t1","is_error":true,"content":[{"type":"text","text":"denied"}]}]}}"#,
        r#"{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t9","content":"x"}]}}"#,
    ]);
    assert_eq!(
        seen.tools[0],
        ToolResult {
            tool: "Bash".to_owned(),
            is_error: true,
            text: "denied".to_owned()
        }
    );
    assert_eq!(seen.tools[1].tool, "");
    assert!(seen.answered);
    assert!(shown[0].starts_with("Bash: echo [redacted]"), "{shown:?}");
    assert_eq!(shown[0].lines().count(), 1);
    assert_eq!(shown[1], "Bash failed: denied");
}

#[test]
fn counts_refused_credentials_and_forgets_a_retry_that_worked() {
    let retry = r#"{"type":"system","subtype":"api_retry","attempt":1,"max_retries":10,"error_status":401,"error":"authentication_failed"}"#;
    let (mut seen, shown) = seen(&[retry, retry]);
    assert_eq!(seen.unauthorized, 2);
    assert!(shown[0].contains("401"), "{shown:?}");
    assert!(seen.retrying.is_some() && !seen.answered);
    seen.line(r#"{"type":"stream_event","event":{"type":"message_start"}}"#);
    assert!(seen.retrying.is_none() && seen.answered);
    // It was to be given up already; one refusal that passed is forgotten.
    assert_eq!(seen.unauthorized, 2);
    let mut once = Seen::new(vec![Secret::default()]);
    once.line(retry);
    once.line(r#"{"type":"stream_event","event":{"type":"message_start"}}"#);
    assert_eq!(once.unauthorized, 0);
}

#[test]
fn reads_when_a_limit_ends_and_only_when_it_was_reached() {
    let (warned, _) = seen(&[
        r#"{"type":"rate_limit_event","rate_limit_info":{"status":"allowed_warning","resetsAt":1795223218}}"#,
    ]);
    assert!(!warned.limited && warned.reset.is_none());
    let (hit, _) = seen(&[
        r#"{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":1795223218,"rateLimitType":"five_hour"}}"#,
    ]);
    assert!(hit.limited);
    assert_eq!(hit.reset.map(|t| t.timestamp()), Some(1_795_223_218));
}

#[test]
fn bounds_what_it_keeps_and_survives_what_is_no_event() {
    let long = format!("{}\u{1b}[31m", "x".repeat(10_000));
    let mut lines: Vec<&str> = vec!["null", "[1]", "\"x\"", "", "{}", "{\"type\":7}"];
    lines.extend(std::iter::repeat_n(long.as_str(), 20));
    let (seen, shown) = seen(&lines);
    assert_eq!(seen.tail().len(), 10);
    assert!(shown.iter().all(|s| s.chars().count() <= MAX_SHOWN));
    assert!(shown.iter().all(|s| !s.contains('\u{1b}')));
    assert!(seen.result.is_none());
}

#[test]
fn knows_which_hooks_ran_and_which_gave_no_verdict() {
    let hook = |name: &str, outcome: &str, code: i32, stdout: &str| {
        json!({"type": "system", "subtype": "hook_response", "hook_name": name,
               "outcome": outcome, "exit_code": code, "stdout": stdout, "stderr": "oh"})
        .to_string()
    };
    let lines = [
        hook("SessionStart:startup", "error", 1, ""),
        hook("PreToolUse:Bash", "success", 0, "a note"),
        hook("PreToolUse:Bash", "success", 0, "{\"x\":1}"),
        hook("PreToolUse:Read", "success", 0, "{x"),
        hook("PreToolUse:Read", "error", 127, ""),
        hook("PreToolUse:Read", "cancelled", 1, ""),
    ];
    let (seen, shown) = seen(&lines.each_ref().map(String::as_str));
    let guards: Vec<(&str, Option<&str>)> = seen
        .guards
        .iter()
        .map(|g| (g.tool.as_str(), g.failed.as_deref()))
        .collect();
    assert_eq!(
        guards,
        [
            ("Bash", None),
            ("Bash", None),
            ("Read", Some("broken JSON: {x")),
            ("Read", Some("error, exit code 127: oh")),
            ("Read", Some("cancelled, exit code 1: oh")),
        ]
    );
    assert_eq!(shown[0], "hook SessionStart:startup: error");
}
