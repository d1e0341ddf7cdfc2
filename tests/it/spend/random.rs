//! Random corpora against a slow and obviously right reference: how calls are split into rows,
//! files and copies, and in which order they stand, never changes what they cost.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use crate::support::transcripts::{Row, Transcripts, indexed, lines, row, today};

/// Rates in nano-dollars per token, written out once more: input, output, write, 1-hour, read; in
/// fast mode; above 100,000 tokens of prompt.
type Rates = [u128; 5];
const MODELS: [(&str, Rates, Option<Rates>, Option<Rates>); 4] = [
    (
        "claude-opus-4-6",
        [5_000, 25_000, 6_250, 10_000, 500],
        Some([30_000, 150_000, 37_500, 60_000, 3_000]),
        None,
    ),
    (
        "claude-sonnet-5",
        [2_000, 10_000, 2_500, 4_000, 200],
        None,
        None,
    ),
    (
        "us.anthropic.claude-haiku-4-5-20251001-v1:0",
        [1_000, 5_000, 1_250, 2_000, 100],
        None,
        None,
    ),
    (
        "claude-haiku-5-5",
        [100, 500, 125, 200, 10],
        None,
        Some([500, 2_500, 625, 1_000, 50]),
    ),
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
    extra: Extra,
}

/// What only some calls have.
#[derive(Debug, Clone)]
struct Extra {
    fast: bool,
    us: bool,
    searches: u64,
    /// The call was made of two requests.
    halves: bool,
    /// Input and output of a Haiku 4.5 that was asked within the call.
    adviser: Option<(u64, u64)>,
    /// A field that rows can do without.
    missing: Option<&'static str>,
}

fn plan() -> impl Strategy<Value = Plan> {
    let tokens = [
        1..90_000_u64,
        1..9_000_u64,
        0..90_000_u64,
        0..90_000_u64,
        0..200_000_u64,
    ];
    let extra = (
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.2),
        prop_oneof![3 => Just(0_u64), 1 => 1..4_u64],
        prop::bool::weighted(0.3),
        prop::option::weighted(0.2, (0..9_000_u64, 0..900_u64)),
        prop::option::weighted(
            0.3,
            prop::sample::select(vec!["requestId", "uuid", "sessionId", "cwd", "version"]),
        ),
    );
    let extra = extra.prop_map(|(fast, us, searches, halves, adviser, missing)| Extra {
        fast,
        us,
        searches,
        halves,
        adviser,
        missing,
    });
    (
        0..MODELS.len(),
        tokens,
        -3..27_i64,
        1..4_usize,
        any::<bool>(),
        0..4_usize,
        prop::option::of(0..4_usize),
        extra,
    )
        .prop_map(
            |(model, mut tokens, hour, blocks, grows, file, copied_to, mut extra)| {
                tokens[3] = tokens[3].min(tokens[2]);
                // Without a fast price it would be a guess.
                extra.fast &= MODELS[model].2.is_some();
                Plan {
                    model,
                    tokens,
                    hour,
                    blocks,
                    grows,
                    file,
                    copied_to,
                    extra,
                }
            },
        )
}

/// The first of the two requests that a call was made of, and the second.
fn halved(tokens: [u64; 5]) -> [[u64; 5]; 2] {
    let first = tokens.map(|n| n / 3);
    let mut second = tokens;
    for (all, part) in second.iter_mut().zip(first) {
        *all -= part;
    }
    [first, second]
}

impl Plan {
    fn rows(&self, id: usize) -> Vec<Row> {
        let begin = chrono::DateTime::parse_from_rfc3339("2026-11-20T00:00:30-05:00").unwrap();
        let at = (begin + chrono::TimeDelta::hours(self.hour)).to_utc();
        (0..self.blocks)
            .map(|block| {
                let last = block + 1 == self.blocks;
                let [input, output, write, hour, read] = self.tokens;
                let output = if self.grows && !last { 1 } else { output };
                let mut row = row(&format!("msg_{id}"))
                    .model(MODELS[self.model].0)
                    .tokens(input, output, write, read)
                    .split(hour, write - hour)
                    .at(&at.to_rfc3339())
                    .with("uuid", format!("uuid-{id}-{block}"));
                if self.extra.fast {
                    row = row.usage("speed", "fast");
                }
                if self.extra.us {
                    row = row.usage("inference_geo", "us");
                }
                // What is listed comes with the end of the call.
                if last || !self.grows {
                    let searches = json!({"web_search_requests": self.extra.searches});
                    row = row
                        .usage("server_tool_use", searches)
                        .usage("iterations", self.iterations());
                }
                match self.extra.missing {
                    Some(field) => row.without(field),
                    None => row,
                }
            })
            .collect()
    }

    fn iterations(&self) -> Value {
        let mut listed = Vec::new();
        if self.extra.halves {
            for [input, output, write, hour, read] in halved(self.tokens) {
                listed.push(json!({
                    "type": "message", "input_tokens": input, "output_tokens": output,
                    "cache_creation_input_tokens": write, "cache_read_input_tokens": read,
                    "cache_creation": {
                        "ephemeral_1h_input_tokens": hour,
                        "ephemeral_5m_input_tokens": write - hour,
                    },
                }));
            }
        }
        if let Some((input, output)) = self.extra.adviser {
            listed.push(json!({
                "type": "advisor_message", "model": "claude-haiku-4-5",
                "input_tokens": input, "output_tokens": output,
            }));
        }
        json!(listed)
    }

    /// From the plan alone, never from the rows.
    fn nanos(&self) -> u128 {
        let (_, usual, fast, long) = MODELS[self.model];
        let requests = if self.extra.halves {
            halved(self.tokens).to_vec()
        } else {
            vec![self.tokens]
        };
        let mut nanos: u128 = requests
            .iter()
            .map(|tokens| {
                let [input, output, write, hour, read] = tokens.map(u128::from);
                let rates = match (fast, long) {
                    (Some(rates), _) if self.extra.fast => rates,
                    (_, Some(rates)) if input + write + read > 100_000 => rates,
                    _ => usual,
                };
                input * rates[0]
                    + output * rates[1]
                    + (write - hour) * rates[2]
                    + hour * rates[3]
                    + read * rates[4]
            })
            .sum();
        if self.extra.us {
            nanos = (nanos * 11).div_ceil(10);
        }
        if let Some((input, output)) = self.extra.adviser {
            nanos += u128::from(input) * 1_000 + u128::from(output) * 5_000;
        }
        nanos + u128::from(self.extra.searches) * 10_000_000
    }
}

/// Micro-dollars of the calls on the day, and their number.
fn reference(plans: &[Plan]) -> (u64, u64) {
    let today: Vec<&Plan> = plans.iter().filter(|p| (0..24).contains(&p.hour)).collect();
    let nanos: u128 = today.iter().map(|p| p.nanos()).sum();
    let micros = u64::try_from(nanos.div_ceil(1_000)).unwrap();
    (micros, u64::try_from(today.len()).unwrap())
}

fn plans() -> impl Strategy<Value = Vec<Plan>> {
    prop::collection::vec(plan(), 0..25)
}

/// The rows in their files, copies among them.
fn files(plans: &[Plan]) -> BTreeMap<usize, Vec<Row>> {
    let mut files: BTreeMap<usize, Vec<Row>> = BTreeMap::new();
    for (id, plan) in plans.iter().enumerate() {
        let rows = plan.rows(id);
        if let Some(other) = plan.copied_to {
            let copies = rows.iter().map(|r| r.clone().session("fork"));
            files.entry(other + 10).or_default().extend(copies);
        }
        files.entry(plan.file).or_default().extend(rows);
    }
    files
}

fn found(at: &Transcripts) -> (u64, u64) {
    let day = at.day();
    assert!(day.complete, "{:?}", day.problems);
    assert!(day.unpriced.is_empty(), "nothing is a guess");
    (day.total.0, day.calls)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_corpus_costs_what_was_planned(plans in plans()) {
        let at = Transcripts::new();
        for (number, rows) in files(&plans) {
            at.file(&format!("p{}/s{number}.jsonl", number % 2), lines(&rows));
        }
        prop_assert_eq!(found(&at), reference(&plans));
    }

    #[test]
    fn neither_order_nor_split_nor_copies_matter(
        plans in plans(), order: u64, places in prop::collection::vec(0..6_usize, 1..40)
    ) {
        let mut rows: Vec<Row> = files(&plans).into_values().flatten().collect();
        // An order by a hash of the seed and the place is as good as any.
        let mut keyed: Vec<(u64, Row)> = rows
            .drain(..)
            .enumerate()
            .map(|(n, row)| ((n as u64 + 1).wrapping_mul(order | 1).rotate_left(29), row))
            .collect();
        keyed.sort_by_key(|(key, _)| *key);
        let mut split: BTreeMap<usize, Vec<Row>> = BTreeMap::new();
        for (n, (_, row)) in keyed.into_iter().enumerate() {
            let place = places[n % places.len()];
            // Every third row stands twice in its file, every fourth in another one as well.
            if n % 3 == 0 {
                split.entry(place).or_default().push(row.clone());
            }
            if n % 4 == 0 {
                split.entry(place + 10).or_default().push(row.clone());
            }
            split.entry(place).or_default().push(row);
        }
        let at = Transcripts::new();
        for (number, rows) in &split {
            at.file(&format!("p/s{number}/subagents/agent-{number}.jsonl"), lines(rows));
        }
        prop_assert_eq!(found(&at), reference(&plans));

        let merged = Transcripts::new();
        let all: Vec<Row> = split.into_values().flatten().collect();
        merged.file("p/all.jsonl", lines(&all));
        prop_assert_eq!(found(&merged), reference(&plans));
    }

    #[test]
    fn a_file_cut_anywhere_is_no_damage_and_right_when_it_is_complete(
        plans in plans(), cuts in prop::collection::vec(any::<Index>(), 20)
    ) {
        let at = Transcripts::new();
        // One index all along, which has seen the cut files.
        let state = tempfile::tempdir().unwrap();
        let roots = [at.root()];
        let kept = || {
            let day = indexed(&today(&roots), state.path());
            (day.total.0, day.calls, day.complete)
        };
        let files = files(&plans);
        for ((number, rows), cut) in files.iter().zip(&cuts) {
            let content = lines(rows);
            let cut = cut.index(content.len() + 1);
            at.file(&format!("p/s{number}.jsonl"), &content[..cut]);
        }
        let (micros, calls) = reference(&plans);
        // What is still being written is no damage, and not dearer than it will be. Only a long
        // prompt is, until its requests are listed.
        let (so_far, seen) = found(&at);
        let listed_later = plans.iter().any(|p| p.extra.halves && MODELS[p.model].3.is_some());
        prop_assert!(seen <= calls);
        prop_assert_eq!(kept(), (so_far, seen, true));
        prop_assert!(so_far <= micros || listed_later, "{} of {}", so_far, micros);
        for (number, rows) in &files {
            at.file(&format!("p/s{number}.jsonl"), lines(rows));
        }
        prop_assert_eq!(found(&at), (micros, calls));
        prop_assert_eq!(kept(), (micros, calls, true));
        prop_assert_eq!(kept(), (micros, calls, true), "nothing changed");
    }
}
