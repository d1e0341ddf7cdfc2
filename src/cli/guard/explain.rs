//! `secloop guard explain`: the rules, for people.

use serde_json::{Value, json};

use crate::cli::{print, print_json};
use crate::error::Exit;
use crate::guard::{RULES, Rule, rule};

/// Says what a rule refuses, or all of them.
pub(super) fn explain(name: Option<&str>, as_json: bool) -> Exit {
    let Some(name) = name else {
        if as_json {
            let rules: Vec<Value> = RULES.iter().map(document).collect();
            print_json(&json!({"version": 1, "rules": rules}));
        } else {
            for rule in RULES {
                print(&format!("{:<20} {}\n", rule.id, rule.why));
            }
        }
        return Exit::Done;
    };
    let Some(found) = rule(name) else {
        return super::complain(&format!(
            "there is no rule {name}; `secloop guard explain` lists them"
        ));
    };
    if as_json {
        let mut document = document(found);
        document["version"] = json!(1);
        print_json(&document);
    } else {
        print(&page(found));
    }
    Exit::Done
}

fn document(rule: &Rule) -> Value {
    json!({
        "rule": rule.id,
        "why": rule.why,
        "instead": rule.instead,
        "strike": rule.is_strike(),
        "denied": rule.denied,
        "allowed": rule.allowed,
    })
}

fn page(rule: &Rule) -> String {
    let mut page = format!("{}: {}.\nInstead: {}.\n", rule.id, rule.why, rule.instead);
    if rule.is_strike() {
        page.push_str("Three refusals of this kind end an iteration.\n");
    }
    for (title, examples) in [("Refused", rule.denied), ("Passes", rule.allowed)] {
        page.push_str(&format!("\n{title}:\n"));
        for example in examples {
            let shown = crate::text::terminal_safe(&example.replace('\n', "\n    "));
            page.push_str(&format!("    {shown}\n"));
        }
    }
    page
}
