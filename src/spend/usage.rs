//! What one call used, and what that costs by Claude Code's own rule.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::prices::{PriceTable, Rates, Tariff};

/// Billionths of a US dollar.
pub(super) type Nanos = u128;

/// A part of a call that the service lists on its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Part {
    /// Another model that was asked within the call; `None`: a round of the call itself.
    pub(super) advisor: Option<String>,
    pub(super) tokens: Tokens,
    pub(super) fast: bool,
    pub(super) us: bool,
}

/// Counts of tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Tokens {
    pub(super) input: u64,
    pub(super) output: u64,
    /// All cache writes, whatever their lifetime.
    pub(super) write: u64,
    /// Those with a lifetime of one hour.
    pub(super) write_1h: u64,
    pub(super) read: u64,
}

impl Tokens {
    /// Field by field the larger one.
    pub(super) fn max(self, other: Self) -> Self {
        Self {
            input: self.input.max(other.input),
            output: self.output.max(other.output),
            write: self.write.max(other.write),
            write_1h: self.write_1h.max(other.write_1h),
            read: self.read.max(other.read),
        }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            output: self.output.saturating_add(other.output),
            write: self.write.saturating_add(other.write),
            write_1h: self.write_1h.saturating_add(other.write_1h),
            read: self.read.saturating_add(other.read),
        }
    }

    /// All tokens together.
    pub(super) fn sum(self) -> u64 {
        self.prompt().saturating_add(self.output)
    }

    fn prompt(self) -> u64 {
        self.input
            .saturating_add(self.read)
            .saturating_add(self.write)
    }

    /// The flat count of cache writes rules; what the split does not cover lives five minutes.
    fn at(self, rates: Rates) -> Nanos {
        let hour = self.write_1h.min(self.write);
        let short = self.write.saturating_sub(hour);
        let times = |count: u64, rate: u64| Nanos::from(count) * Nanos::from(rate);
        times(self.input, rates.input)
            + times(self.output, rates.output)
            + times(self.read, rates.read)
            + times(hour, rates.write_1h)
            + times(short, rates.write_5m)
    }

    fn by(self, tariff: &Tariff) -> Nanos {
        match tariff.long {
            // The whole request, not only what is above the line.
            Some(long) if self.prompt() > long.above => self.at(long.rates),
            _ => self.at(tariff.rates),
        }
    }
}

/// What one call used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Usage {
    pub(super) tokens: Tokens,
    pub(super) searches: u64,
    /// Served in fast mode.
    pub(super) fast: bool,
    /// Served within the US only, at a surcharge of a tenth.
    pub(super) us: bool,
    pub(super) parts: Vec<Part>,
    /// The price that very old versions wrote into the row.
    #[serde(skip)]
    pub(super) stated: Option<Nanos>,
}

/// The price of a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Price {
    pub(super) cost: Nanos,
    /// What it may have cost at the dearest known rates; above `cost` only for a guess.
    pub(super) at_most: Nanos,
    /// The price is a guess, the model (or its fast mode) is not in the table.
    pub(super) guess: bool,
}

impl Usage {
    /// Field by field the larger of two accounts of the same call.
    pub(super) fn merge(&mut self, other: Self) {
        self.tokens = self.tokens.max(other.tokens);
        self.searches = self.searches.max(other.searches);
        self.fast |= other.fast;
        self.us |= other.us;
        self.stated = self.stated.max(other.stated);
        let key = |parts: &[Part]| {
            parts
                .iter()
                .fold(Tokens::default(), |all, p| all.plus(p.tokens))
                .sum()
        };
        // By content, so that the order of rows can't matter.
        if (key(&other.parts), &other.parts) > (key(&self.parts), &self.parts) {
            self.parts = other.parts;
        }
    }

    pub(super) fn is_zero(&self) -> bool {
        self.tokens.sum() == 0
            && self.searches == 0
            && self.stated.unwrap_or(0) == 0
            && self.parts.iter().all(|p| p.tokens.sum() == 0)
    }

    /// The price of a call of `model` at `when`.
    pub(super) fn price(&self, model: &str, when: DateTime<Utc>, table: &PriceTable) -> Price {
        if let Some(stated) = self.stated.filter(|s| *s > 0) {
            return Price {
                cost: stated,
                at_most: stated,
                guess: false,
            };
        }
        let mut price = priced(
            &self.rounds(),
            self.us,
            &table.tariff(model, self.fast, when),
        );
        for part in &self.parts {
            if let Some(advisor) = &part.advisor {
                let tariff = table.tariff(advisor, part.fast, when);
                let more = priced(&[part.tokens], part.us, &tariff);
                price.cost += more.cost;
                price.at_most += more.at_most;
                price.guess |= more.guess;
            }
        }
        let searches = Nanos::from(self.searches) * Nanos::from(table.web_search);
        price.cost += searches;
        price.at_most += searches;
        price
    }

    /// The models whose price is a guess: that of the call, or one that was asked within it.
    pub(super) fn guessed<'a>(
        &'a self,
        model: &'a str,
        when: DateTime<Utc>,
        table: &PriceTable,
    ) -> Vec<&'a str> {
        let advisers = self
            .parts
            .iter()
            .filter_map(|part| Some((part.advisor.as_deref()?, part.fast)));
        let mut names: Vec<&str> = std::iter::once((model, self.fast))
            .chain(advisers)
            .filter(|(name, fast)| table.tariff(name, *fast, when).at_most.is_some())
            .map(|(name, _)| name)
            .collect();
        names.dedup();
        names
    }

    /// The requests that the call was made of, when they are listed and sum up to it.
    fn rounds(&self) -> Vec<Tokens> {
        let listed: Vec<Tokens> = self
            .parts
            .iter()
            .filter(|p| p.advisor.is_none())
            .map(|p| p.tokens)
            .collect();
        let sum = listed.iter().fold(Tokens::default(), |all, t| all.plus(*t));
        if listed.is_empty() || sum != self.tokens {
            vec![self.tokens]
        } else {
            listed
        }
    }
}

fn priced(rounds: &[Tokens], us: bool, tariff: &Tariff) -> Price {
    let surcharge = |nanos: Nanos| {
        if us { (nanos * 11).div_ceil(10) } else { nanos }
    };
    let cost = surcharge(rounds.iter().map(|t| t.by(tariff)).sum());
    let at_most = tariff.at_most.map_or(cost, |rates| {
        surcharge(rounds.iter().map(|t| t.at(rates)).sum()).max(cost)
    });
    Price {
        cost,
        at_most,
        guess: tariff.at_most.is_some() && cost > 0,
    }
}
