//! How a day's spend is given to programs.

use serde_json::{Value, json};

use super::day::{DaySpend, Share};

/// What a breakdown is by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The model.
    Model,
    /// The working directory.
    Project,
    /// The session.
    Session,
}

impl By {
    /// The word for it, as on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Project => "project",
            Self::Session => "session",
        }
    }

    pub(super) fn shares(self, day: &DaySpend) -> &[Share] {
        match self {
            Self::Model => &day.by_model,
            Self::Project => &day.by_project,
            Self::Session => &day.by_session,
        }
    }
}

/// The document that `secloop spend --json` prints. Amounts are integers in millionths of a US
/// dollar. `by` and `shares` are there when a breakdown is asked for.
pub fn json(day: &DaySpend, by: Option<By>) -> Value {
    let shares = |shares: &[Share]| -> Vec<Value> {
        shares
            .iter()
            .map(|s| json!({"name": s.name, "calls": s.calls, "micro_usd": s.cost.0}))
            .collect()
    };
    let unpriced: Vec<&str> = day.unpriced.iter().map(|s| s.name.as_str()).collect();
    let mut document = json!({
        "version": 1,
        "date": day.date.to_string(),
        "timezone": day.zone,
        "total_micro_usd": day.total.0,
        "at_most_micro_usd": day.at_most.0,
        "complete": day.complete,
        "calls": day.calls,
        "unpriced": unpriced,
        "estimates": shares(&day.unpriced),
        "problems": day.problems,
        "notes": day.notes,
        "price_table_date": day.price_table_date.to_string(),
    });
    if let (Some(by), Some(object)) = (by, document.as_object_mut()) {
        object.insert("by".to_owned(), json!(by.word()));
        object.insert("shares".to_owned(), json!(shares(by.shares(day))));
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::MicroUsd;

    fn day() -> DaySpend {
        let share = |name: &str, calls, cost| Share {
            name: name.to_owned(),
            calls,
            cost: MicroUsd(cost),
        };
        DaySpend {
            date: "2026-11-20".parse().unwrap(),
            zone: "America/Toronto",
            total: MicroUsd(1_250_000),
            at_most: MicroUsd(1_500_000),
            complete: false,
            problems: vec!["/x can't be read".to_owned()],
            notes: vec!["/y is not there".to_owned()],
            unpriced: vec![share("gpt-9", 1, 250_000)],
            by_model: vec![share("claude-opus-5", 2, 1_000_000), share("", 0, 250_000)],
            by_project: Vec::new(),
            by_session: Vec::new(),
            calls: 3,
            price_table_date: "2026-11-20".parse().unwrap(),
        }
    }

    #[test]
    fn the_document_has_the_contract_s_keys() {
        let document = json(&day(), Some(By::Model));
        for (key, value) in [
            ("version", json!(1)),
            ("date", json!("2026-11-20")),
            ("timezone", json!("America/Toronto")),
            ("total_micro_usd", json!(1_250_000)),
            ("complete", json!(false)),
            ("unpriced", json!(["gpt-9"])),
            ("by", json!("model")),
        ] {
            assert_eq!(document[key], value, "{key}");
        }
        assert_eq!(document["shares"][0]["micro_usd"], 1_000_000);
        assert!(json(&day(), None).get("shares").is_none());
    }
}
