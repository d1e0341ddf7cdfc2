//! The guard on as many made-up inputs as one likes: none may end it, and none may take long. Prints
//! how many were refused and which took longest.
//!
//! usage: `cargo bench --bench guard_fuzz -- [COUNT [SEED]]`

#![expect(clippy::print_stdout, reason = "this is what it is for")]

#[path = "../tests/it/guard/mutate.rs"]
mod mutate;
#[path = "../tests/it/guard/random.rs"]
mod random;
#[path = "../tests/it/guard/scripts.rs"]
mod scripts;

use std::panic::catch_unwind;
use std::time::{Duration, Instant};

use secloop::guard::judge;

/// More than this for one input is a blow-up. The machine may be busy.
const LONG: Duration = Duration::from_secs(5);

fn seeds() -> Vec<String> {
    let lines = include_str!("../tests/it/fixtures/guard/commands.jsonl").lines();
    lines
        .filter_map(|line| {
            let row: serde_json::Value = serde_json::from_str(line).ok()?;
            Some(row["command"].as_str()?.to_owned())
        })
        .collect()
}

fn all(count: usize, seed: u64) -> bool {
    let (mut random, seeds) = (random::Random::new(seed), seeds());
    let (mut refused, mut bad) = (0_usize, 0_usize);
    let mut slowest: Vec<(Duration, String)> = Vec::new();
    for _ in 0..count {
        let input = mutate::mutated(&mut random, &seeds);
        let start = Instant::now();
        let verdict = catch_unwind(|| judge(&input).is_allowed());
        let took = start.elapsed();
        if let Ok(allowed) = verdict {
            refused += usize::from(!allowed);
        } else {
            bad += 1;
            println!("panics: {input:?}");
        }
        bad += usize::from(took > LONG);
        if slowest.len() < 5 || slowest.last().is_some_and(|(t, _)| took > *t) {
            slowest.push((took, input.chars().take(400).collect()));
            slowest.sort_by_key(|(took, _)| std::cmp::Reverse(*took));
            slowest.truncate(5);
        }
    }
    println!("{count} inputs, {refused} refused, {bad} panicked or took long; the slowest:");
    for (took, input) in slowest {
        println!("{took:?} {input:?}");
    }
    bad == 0
}

fn main() -> Result<(), &'static str> {
    let mut numbers = std::env::args().filter_map(|a| a.parse::<u64>().ok());
    let count = numbers.next().unwrap_or(1_000_000);
    let seed = numbers.next().unwrap_or(1);
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let thread = std::thread::Builder::new()
        .stack_size(256 << 20)
        .spawn(move || all(count, seed));
    match thread.map(std::thread::JoinHandle::join) {
        Ok(Ok(true)) => Ok(()),
        _ => Err("an input ended the guard, or took too long"),
    }
}
