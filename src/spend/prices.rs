//! The price table: data with its source and date, embedded in the program.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, OnceLock, PoisonError};

use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;

use super::model::canonical;

/// Nano-dollars per token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(from = "[u64; 5]")]
pub(super) struct Rates {
    pub(super) input: u64,
    pub(super) output: u64,
    pub(super) write_5m: u64,
    pub(super) write_1h: u64,
    pub(super) read: u64,
}

impl From<[u64; 5]> for Rates {
    fn from([input, output, short, hour, read]: [u64; 5]) -> Self {
        Self {
            input,
            output,
            write_5m: short,
            write_1h: hour,
            read,
        }
    }
}

impl Rates {
    /// The dearer of two, rate by rate.
    fn dearer(self, other: Self) -> Self {
        Self {
            input: self.input.max(other.input),
            output: self.output.max(other.output),
            write_5m: self.write_5m.max(other.write_5m),
            write_1h: self.write_1h.max(other.write_1h),
            read: self.read.max(other.read),
        }
    }
}

/// A prompt longer than `above` tokens moves the whole request to other rates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LongPrompt {
    pub(super) above: u64,
    pub(super) rates: Rates,
}

/// What applies to one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tariff {
    /// The rates to price with.
    pub(super) rates: Rates,
    /// The long-prompt tier, where the model has one.
    pub(super) long: Option<LongPrompt>,
    /// For a guess: the dearest rates that the call could have; the decision whether to spend
    /// more is taken with these.
    pub(super) at_most: Option<Rates>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    names: Vec<String>,
    /// The first UTC day of these rates; absent: since the model exists.
    #[serde(default)]
    from: Option<NaiveDate>,
    rates: Rates,
    #[serde(default)]
    fast: Option<Rates>,
    #[serde(default)]
    long: Option<LongPrompt>,
}

/// All known prices.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceTable {
    /// Where the numbers come from.
    pub source: String,
    /// When they were taken.
    pub as_of: NaiveDate,
    #[serde(rename = "unit")]
    _unit: String,
    pub(super) web_search: u64,
    unknown: Rates,
    families: BTreeMap<String, Rates>,
    models: Vec<Entry>,
    /// What was asked before: a day has thousands of calls of a few models.
    #[serde(skip)]
    asked: Mutex<HashMap<String, Asked>>,
}

/// Answers for one model.
type Asked = Vec<(bool, NaiveDate, Tariff)>;
/// Models, and answers of each, that are kept.
const KEPT: usize = 500;

impl PriceTable {
    /// The table that is part of the program.
    ///
    /// # Errors
    /// When it is malformed (a fault of the build, seen by the tests).
    pub fn embedded() -> Result<&'static Self, String> {
        static TABLE: OnceLock<Result<PriceTable, String>> = OnceLock::new();
        TABLE
            .get_or_init(|| Self::parse(include_str!("prices.json")))
            .as_ref()
            .map_err(Clone::clone)
    }

    pub(super) fn parse(json: &str) -> Result<Self, String> {
        serde_json::from_str(json).map_err(|e| format!("the embedded price table: {e}"))
    }

    /// What a call of `model` costs at `when`. A model that is not in the table is priced like
    /// its family, else like the service's own guess for unknown models; never at nothing.
    pub(super) fn tariff(&self, model: &str, fast: bool, when: DateTime<Utc>) -> Tariff {
        let day = when.date_naive();
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let known = asked
            .get(model)
            .and_then(|all| all.iter().find(|a| (a.0, a.1) == (fast, day)));
        if let Some((_, _, tariff)) = known {
            return *tariff;
        }
        let tariff = self.look_up(model, fast, day);
        if asked.len() < KEPT {
            let all = asked.entry(model.to_owned()).or_default();
            if all.len() < KEPT {
                all.push((fast, day, tariff));
            }
        }
        tariff
    }

    fn look_up(&self, model: &str, fast: bool, day: NaiveDate) -> Tariff {
        let families: Vec<&str> = self.families.keys().map(String::as_str).collect();
        let read = canonical(model, &families);
        if let Some(entry) = self.entry(&read.name, day) {
            let known = read.exact && (!fast || entry.fast.is_some());
            return Tariff {
                rates: entry.fast.filter(|_| fast).unwrap_or(entry.rates),
                long: entry.long.filter(|_| !fast),
                at_most: (!known).then(|| self.dearest(&read.family, fast)),
            };
        }
        Tariff {
            rates: self
                .families
                .get(&read.family)
                .copied()
                .unwrap_or(self.unknown),
            long: None,
            at_most: Some(self.dearest(&read.family, fast)),
        }
    }

    fn entry(&self, name: &str, day: NaiveDate) -> Option<&Entry> {
        // "opus-4" and "opus-4-0", "opus-5-0" and "opus-5" are the same.
        let other = name
            .strip_suffix("-0")
            .map_or_else(|| format!("{name}-0"), str::to_owned);
        self.models
            .iter()
            .filter(|e| e.names.iter().any(|n| n == name || *n == other))
            .filter(|e| e.from.is_none_or(|from| from <= day))
            .max_by_key(|e| e.from)
    }

    /// The dearest of everything known for a family, or of everything where there is no family.
    fn dearest(&self, family: &str, fast: bool) -> Rates {
        let ours = |e: &&Entry| {
            family.is_empty()
                || e.names
                    .iter()
                    .any(|n| n.strip_prefix(family).is_some_and(|r| r.starts_with('-')))
        };
        self.models
            .iter()
            .filter(ours)
            .flat_map(|e| {
                [
                    Some(e.rates),
                    e.long.map(|l| l.rates),
                    e.fast.filter(|_| fast),
                ]
            })
            .flatten()
            .chain(self.families.get(family).copied())
            .fold(self.unknown, Rates::dearer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: &str) -> DateTime<Utc> {
        format!("{day}T12:00:00Z").parse().unwrap()
    }

    #[test]
    fn the_embedded_table_is_well_formed_and_names_no_model_twice() {
        let table = PriceTable::embedded().unwrap();
        let mut names: Vec<&str> = table
            .models
            .iter()
            .flat_map(|e| e.names.iter().map(String::as_str))
            .collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
        assert!(all >= 24);
        for name in names {
            let tariff = table.tariff(&format!("claude-{name}"), false, at("2026-11-20"));
            assert_eq!(tariff.at_most, None, "{name}");
        }
    }

    #[test]
    fn an_unknown_model_is_never_free_and_decided_at_the_dearest() {
        let table = PriceTable::embedded().unwrap();
        let tariff = |m| table.tariff(m, false, at("2026-11-20"));
        let sonnet = tariff("claude-sonnet-9");
        assert_eq!(sonnet.rates.output, 15_000);
        assert_eq!(sonnet.at_most.map(|r| r.output), Some(25_000));
        let none = tariff("gpt-9");
        assert_eq!((none.rates.input, none.rates.output), (5_000, 25_000));
        assert_eq!(none.at_most.map(|r| r.output), Some(75_000));
    }

    #[test]
    fn a_later_price_is_used_from_its_day_on() {
        let table = PriceTable::parse(
            r#"{"source":"s","as_of":"2026-01-01","unit":"u","web_search":1,"unknown":[9,9,9,9,9],
            "families":{"opus":[9,9,9,9,9]},"models":[
            {"names":["opus-5"],"rates":[1,1,1,1,1]},
            {"names":["opus-5"],"from":"2026-02-01","rates":[2,2,2,2,2]}]}"#,
        )
        .unwrap();
        let input = |day| table.tariff("claude-opus-5", false, at(day)).rates.input;
        assert_eq!((input("2026-01-31"), input("2026-02-01")), (1, 2));
    }

    #[test]
    fn a_fast_call_without_a_fast_price_is_a_guess() {
        let table = PriceTable::embedded().unwrap();
        let tariff = table.tariff("claude-opus-4-5", true, at("2026-11-20"));
        assert_eq!(tariff.rates.input, 5_000);
        assert_eq!(tariff.at_most.map(|r| r.input), Some(30_000));
    }
}
