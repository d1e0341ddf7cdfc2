//! Random corpora against a slow and obviously right reference.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::support::transcripts::{Row, Transcripts, day_with, lines, row};

/// Rates in nano-dollars per token, written out once more: input, output, write, 1-hour, read.
const MODELS: [(&str, [u128; 5]); 3] = [
    ("claude-opus-4-6", [5_000, 25_000, 6_250, 10_000, 500]),
    ("claude-sonnet-5", [2_000, 10_000, 2_500, 4_000, 200]),
    ("claude-haiku-4-5", [1_000, 5_000, 1_250, 2_000, 100]),
];

/// One call as it was planned.
#[derive(Debug, Clone)]
struct Plan {
    model: usize,
    /// Input, output, write, of which one hour, read.
    tokens: [u64; 5],
    /// Hours after the day's begin; below zero or above 23 is another day.
    hour: i64,
    blocks: usize,
    grows: bool,
    file: usize,
    copied_to: Option<usize>,
}

fn plan() -> impl Strategy<Value = Plan> {
    (
        0..MODELS.len(),
        [
            1..90_000_u64,
            1..9_000_u64,
            0..90_000_u64,
            0..90_000_u64,
            0..200_000_u64,
        ],
        -3..27_i64,
        1..4_usize,
        any::<bool>(),
        0..4_usize,
        proptest::option::of(0..4_usize),
    )
        .prop_map(
            |(model, mut tokens, hour, blocks, grows, file, copied_to)| {
                tokens[3] = tokens[3].min(tokens[2]);
                Plan {
                    model,
                    tokens,
                    hour,
                    blocks,
                    grows,
                    file,
                    copied_to,
                }
            },
        )
}

impl Plan {
    fn rows(&self, id: usize) -> Vec<Row> {
        let [input, output, write, hour, read] = self.tokens;
        let begin = chrono::DateTime::parse_from_rfc3339("2026-11-20T00:00:30-05:00").unwrap();
        let at = (begin + chrono::TimeDelta::hours(self.hour)).to_utc();
        (0..self.blocks)
            .map(|block| {
                let output = if self.grows && block + 1 < self.blocks {
                    1
                } else {
                    output
                };
                row(&format!("msg_{id}"))
                    .model(MODELS[self.model].0)
                    .tokens(input, output, write, read)
                    .split(hour, write - hour)
                    .at(&at.to_rfc3339())
            })
            .collect()
    }

    /// From the plan alone, never from the rows.
    fn nanos(&self) -> u128 {
        let [input, output, write, hour, read] = self.tokens.map(u128::from);
        let [i, o, w5, w1, r] = MODELS[self.model].1;
        input * i + output * o + (write - hour) * w5 + hour * w1 + read * r
    }
}

fn reference(plans: &[Plan]) -> u64 {
    let nanos: u128 = plans
        .iter()
        .filter(|p| (0..24).contains(&p.hour))
        .map(Plan::nanos)
        .sum();
    u64::try_from(nanos.div_ceil(1_000)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_corpus_costs_what_was_planned(
        plans in proptest::collection::vec(plan(), 0..25), cut in 0..400_usize, seed: u64
    ) {
        let mut files: BTreeMap<usize, Vec<Row>> = BTreeMap::new();
        for (id, plan) in plans.iter().enumerate() {
            let rows = plan.rows(id);
            if let Some(other) = plan.copied_to {
                let copies = rows.iter().map(|r| r.clone().session("fork"));
                files.entry(other + 10).or_default().extend(copies);
            }
            files.entry(plan.file).or_default().extend(rows);
        }
        let at = Transcripts::new();
        for (number, rows) in &mut files {
            // Any order within a file.
            let turn = usize::try_from(seed % 7).unwrap() % rows.len();
            rows.rotate_left(turn);
            let mut content = lines(rows);
            // A last line that is still being written.
            let torn = row("torn").text();
            content.push_str(torn.get(..cut.min(torn.len() - 1)).unwrap_or_default());
            at.file(&format!("p{}/s{number}.jsonl", number % 2), content);
        }
        let day = day_with(&[], &[at.root()]);
        prop_assert_eq!(day.total.0, reference(&plans));
        prop_assert!(day.complete, "{:?}", day.problems);

        // Merged into one file, twice, it costs the same.
        let all: Vec<Row> = files.into_values().flatten().collect();
        let merged = Transcripts::new();
        merged.file("p/all.jsonl", lines(&all));
        merged.file("q/again.jsonl", lines(&all));
        prop_assert_eq!(merged.day().total.0, day.total.0);
    }
}
