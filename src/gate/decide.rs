//! The decision whether an iteration may start, and with how much money.

use serde::Serialize;

use super::MicroUsd;

/// Money that one iteration may use. Only the gate makes one, and starting an iteration uses it
/// up: it can't be copied.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "an allowance is there to be handed to an iteration"]
pub struct Allowance {
    amount: MicroUsd,
}

impl Allowance {
    /// The amount; never zero.
    pub fn amount(&self) -> MicroUsd {
        self.amount
    }
}

/// The day's spend as far as it is known.
#[derive(Debug, Clone, Copy)]
pub struct Figures<'a> {
    /// What was spent today at most, the loop's own runs included.
    pub total: MicroUsd,
    /// Whether everything that could count was read.
    pub complete: bool,
    /// What is wrong with the figure.
    pub problems: &'a [String],
}

/// What the decision depends on.
#[derive(Debug, Clone, Copy)]
pub struct GateInput<'a> {
    /// The day's cap.
    pub cap: MicroUsd,
    /// What one iteration may use at most.
    pub per_iteration: MicroUsd,
    /// With less than this no iteration comes to anything, see [`MIN_ALLOWANCE`].
    pub minimum: MicroUsd,
    /// The day's spend.
    pub spend: Figures<'a>,
    /// What runs that are not settled yet have reserved.
    pub reserved: MicroUsd,
}

/// The usual least allowance: one cent.
pub const MIN_ALLOWANCE: MicroUsd = MicroUsd(10_000);

/// Whether an iteration may start.
#[derive(Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may, with this much.
    Open(Allowance),
    /// It may not.
    Closed(Closed),
}

/// Why no iteration may start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum Closed {
    /// The day's cap is reached; exactly at it counts as over.
    #[error(
        "the daily cap is reached: {spent} spent today{} of {cap}",
        with_reserved(*reserved)
    )]
    CapReached {
        /// The cap.
        cap: MicroUsd,
        /// Spent today.
        spent: MicroUsd,
        /// Reserved by unsettled runs.
        reserved: MicroUsd,
    },
    /// Nobody knows what was spent.
    #[error("today's spend is not known: {}", listed(problems))]
    SpendUnknown {
        /// What is wrong.
        problems: Vec<String>,
    },
    /// A limit that permits nothing is a mistake, not a wish.
    #[error("{what} is zero; set it to an amount of dollars above zero")]
    InvalidCap {
        /// The configuration key.
        what: &'static str,
    },
    /// What is left of the day's cap is of no use.
    #[error(
        "only {left} is left of the daily cap of {cap}: {spent} spent today{}, and an iteration \
         needs at least {minimum}",
        with_reserved(*reserved)
    )]
    TooSmall {
        /// What an iteration could have.
        left: MicroUsd,
        /// What it needs.
        minimum: MicroUsd,
        /// The cap.
        cap: MicroUsd,
        /// Spent today.
        spent: MicroUsd,
        /// Reserved by unsettled runs.
        reserved: MicroUsd,
    },
}

impl Closed {
    /// Whether the money of the day is used up, which ends a run as planned.
    pub fn is_cap(&self) -> bool {
        matches!(self, Self::CapReached { .. } | Self::TooSmall { .. })
    }
}

fn with_reserved(reserved: MicroUsd) -> String {
    if reserved == MicroUsd::ZERO {
        String::new()
    } else {
        format!(" and {reserved} reserved")
    }
}

fn listed(problems: &[String]) -> String {
    if problems.is_empty() {
        "the figure is marked as incomplete".to_owned()
    } else {
        problems.join("; ")
    }
}

/// Decides. Nothing that is unknown opens the gate.
pub fn decide(input: &GateInput<'_>) -> Decision {
    for (what, amount) in [
        ("spend.daily_cap_usd", input.cap),
        ("spend.per_iteration_usd", input.per_iteration),
    ] {
        if amount == MicroUsd::ZERO {
            return Decision::Closed(Closed::InvalidCap { what });
        }
    }
    if !input.spend.complete {
        return Decision::Closed(Closed::SpendUnknown {
            problems: input.spend.problems.to_vec(),
        });
    }
    let (cap, spent, reserved) = (input.cap, input.spend.total, input.reserved);
    let left = cap.minus(spent.plus(reserved));
    if left == MicroUsd::ZERO {
        return Decision::Closed(Closed::CapReached {
            cap,
            spent,
            reserved,
        });
    }
    let amount = left.min(input.per_iteration);
    // A per-iteration limit below the minimum is the operator's own wish.
    if left < input.minimum {
        return Decision::Closed(Closed::TooSmall {
            left,
            minimum: input.minimum,
            cap,
            spent,
            reserved,
        });
    }
    Decision::Open(Allowance { amount })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const USD: u64 = 1_000_000;

    fn input(cap: u64, per: u64, spent: u64, reserved: u64) -> GateInput<'static> {
        GateInput {
            cap: MicroUsd(cap),
            per_iteration: MicroUsd(per),
            minimum: MIN_ALLOWANCE,
            spend: Figures {
                total: MicroUsd(spent),
                complete: true,
                problems: &[],
            },
            reserved: MicroUsd(reserved),
        }
    }

    fn opened(input: &GateInput<'_>) -> Option<u64> {
        match decide(input) {
            Decision::Open(allowance) => Some(allowance.amount().0),
            Decision::Closed(_) => None,
        }
    }

    #[test]
    fn the_allowance_is_what_is_left_and_at_most_the_limit_of_one_iteration() {
        for (cap, per, spent, reserved, amount) in [
            (150 * USD, 5 * USD, 0, 0, Some(5 * USD)),
            (150 * USD, 5 * USD, 147 * USD, 0, Some(3 * USD)),
            (150 * USD, 5 * USD, 140 * USD, 7 * USD, Some(3 * USD)),
            (150 * USD, 5 * USD, 150 * USD, 0, None),
            (150 * USD, 5 * USD, 145 * USD, 5 * USD, None),
            (150 * USD, 5 * USD, 151 * USD, 0, None),
            (150 * USD, 5 * USD, u64::MAX, u64::MAX, None),
            (150 * USD, 5 * USD, 150 * USD - 9_999, 0, None),
            (150 * USD, 5 * USD, 150 * USD - 10_000, 0, Some(10_000)),
            (5_000, 5_000, 0, 0, None),
            (150 * USD, 5_000, 0, 0, Some(5_000)),
            (0, 5 * USD, 0, 0, None),
            (150 * USD, 0, 0, 0, None),
        ] {
            let input = input(cap, per, spent, reserved);
            assert_eq!(opened(&input), amount, "{input:?}");
        }
    }

    #[test]
    fn every_refusal_says_why_with_its_figures() {
        let closed = |input: &GateInput<'_>| match decide(input) {
            Decision::Closed(why) => why,
            Decision::Open(allowance) => panic!("{allowance:?}"),
        };
        let reached = closed(&input(150 * USD, USD, 149 * USD, 2 * USD));
        assert!(reached.is_cap());
        assert_eq!(
            reached.to_string(),
            "the daily cap is reached: $149.00 spent today and $2.00 reserved of $150.00"
        );
        let small = closed(&input(150 * USD, USD, 150 * USD - 5_000, 0));
        assert!(small.is_cap() && small.to_string().contains("$0.01 is left"));
        let zero = closed(&input(0, USD, 0, 0));
        assert!(!zero.is_cap() && zero.to_string().contains("spend.daily_cap_usd is zero"));
        let problems = ["/x can't be read".to_owned()];
        let mut unknown = input(150 * USD, USD, 0, 0);
        unknown.spend.complete = false;
        assert!(closed(&unknown).to_string().contains("incomplete"));
        unknown.spend.problems = &problems;
        let unknown = closed(&unknown);
        assert!(!unknown.is_cap() && unknown.to_string().contains("/x can't be read"));
    }

    proptest! {
        #[test]
        fn an_allowance_never_takes_the_day_over_its_cap(
            cap: u64, per: u64, spent: u64, reserved: u64, minimum: u64, complete: bool
        ) {
            let mut input = input(cap, per, spent, reserved);
            input.minimum = MicroUsd(minimum);
            input.spend.complete = complete;
            if let Some(amount) = opened(&input) {
                let sum = u128::from(amount) + u128::from(spent) + u128::from(reserved);
                prop_assert!(sum <= u128::from(cap));
                prop_assert!(complete && amount > 0 && amount <= per);
            }
        }

        #[test]
        fn more_spend_never_gives_more_allowance(
            spent in 0..200 * USD, more in 0..200 * USD, reserved in 0..50 * USD
        ) {
            let less = opened(&input(150 * USD, 5 * USD, spent + more, reserved));
            prop_assert!(less <= opened(&input(150 * USD, 5 * USD, spent, reserved)));
        }
    }
}
