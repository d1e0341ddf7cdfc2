//! Numbers that can't be: reported with their place, never added, wrapped or taken for zero.

use serde_json::{Value, json};

use super::{ONE, cost};
use crate::support::transcripts::{Row, Transcripts, lines, row};

fn absurd() -> Vec<Value> {
    vec![
        json!(u64::MAX),
        json!(i64::MAX),
        json!(1_000_000_001_u64),
        json!(-5),
        json!(1e30),
        json!(-1e30),
        json!(0.5),
        json!("100"),
        json!(true),
        json!([1]),
        json!({"n": 1}),
    ]
}

#[test]
fn numbers_that_can_t_be_are_reported_and_not_added() {
    let counts = [
        "/message/usage/input_tokens",
        "/message/usage/output_tokens",
        "/message/usage/cache_read_input_tokens",
        "/message/usage/cache_creation_input_tokens",
        "/message/usage/cache_creation/ephemeral_1h_input_tokens",
        "/message/usage/server_tool_use/web_search_requests",
        "/message/usage/iterations/0/input_tokens",
    ];
    let round = json!([{"type": "message", "input_tokens": 1}]);
    for pointer in counts {
        let mut rows: Vec<Row> = (0..1200).map(|n| row(&format!("m{n}"))).collect();
        for (n, value) in absurd().into_iter().enumerate() {
            let mut bad = row(&format!("absurd{n}")).usage("iterations", round.clone());
            *bad.0.pointer_mut(pointer).unwrap() = value;
            rows.push(bad);
        }
        let at = Transcripts::new();
        at.file("p/s1.jsonl", lines(&rows));
        let day = at.day();
        assert_eq!(
            (day.total.0, day.at_most.0),
            (1200 * ONE, 1200 * ONE),
            "{pointer}"
        );
        assert!(day.complete, "less than one in a hundred");
        let problem = day.problems.join("\n");
        let name = pointer.rsplit('/').next().unwrap();
        for part in [
            "11 rows can't be counted, beside 1200 calls",
            "s1.jsonl line 1201",
            name,
        ] {
            assert!(problem.contains(part), "{pointer}: {problem}");
        }
    }
}

#[test]
fn a_number_that_no_machine_holds_is_reported() {
    for number in ["1e999", "-1e999", &"9".repeat(400)] {
        let text = row("a").text();
        let text = text.replace(
            "\"output_tokens\":100",
            &format!("\"output_tokens\":{number}"),
        );
        let at = Transcripts::new();
        at.file("p/s1.jsonl", text + "\n");
        let day = at.day();
        assert_eq!(
            (day.total.0, day.complete, day.problems.len()),
            (0, false, 1),
            "{number}"
        );
    }
}

#[test]
fn a_stated_price_that_can_t_be_is_reported() {
    for price in [json!(-0.01), json!(1e12), json!("0.01"), json!([])] {
        let at = Transcripts::new();
        at.file(
            "p/s1.jsonl",
            lines(&[row("a").with("costUSD", price.clone())]),
        );
        let day = at.day();
        assert_eq!((day.total.0, day.complete), (0, false), "{price}");
        assert!(
            day.problems[0].contains("costUSD"),
            "{price}: {:?}",
            day.problems
        );
    }
}

#[test]
fn a_fraction_of_zero_is_only_a_way_of_writing() {
    assert_eq!(cost(&[row("a").usage("output_tokens", 100.0)]), ONE);
    assert_eq!(
        cost(&[row("a").usage("cache_read_input_tokens", -0.0)]),
        ONE
    );
    assert_eq!(cost(&[row("a").usage("input_tokens", 1e3)]), ONE);
}
