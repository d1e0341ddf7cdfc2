//! What a look at other sessions' spend costs while a run is on.
//!
//! `cargo bench --bench live_tick -- FILES...` (without numbers of files: 300 and 3000)
//!
//! Makes transcripts in a temporary directory, a thirtieth of them touched lately, and prints the
//! CPU time of this thread for a thorough look and for the quick ones between two of those.

#![expect(clippy::print_stdout, reason = "its output is its result")]
#![expect(clippy::unwrap_used, reason = "a bench may stop where it can't go on")]

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use rustix::time::{ClockId, clock_gettime};
use secloop::clock::Clock;
use secloop::spend::{DayQuery, Others, Reading};

/// Quick looks that are measured.
const TICKS: usize = 500;
/// Sessions of one project.
const SESSIONS: usize = 50;
/// How long ago the other files were touched.
const OLD: chrono::TimeDelta = chrono::TimeDelta::days(3);
/// Rows of one session.
const ROWS: usize = 40;

fn main() {
    let asked: Vec<usize> = std::env::args()
        .skip(1)
        .filter_map(|arg| arg.parse().ok())
        .collect();
    let sizes = if asked.is_empty() {
        vec![300, 3_000]
    } else {
        asked
    };
    println!("CPU per look, median and 95th percentile, in milliseconds\n");
    println!(
        "{:>7}  {:>9}  {:>15}  {:>23}",
        "files", "thorough", "nothing new", "5 files grew by 2 KB"
    );
    for files in sizes {
        measure(files);
    }
}

fn measure(files: usize) {
    let dir = tempfile::tempdir().unwrap();
    let now = Clock::system(Tz::UTC).now();
    let late = transcripts(dir.path(), files, now);
    let (roots, state) = ([dir.path().to_owned()], dir.path().join("state"));
    let query = DayQuery {
        roots: &roots,
        zone: Tz::UTC,
        date: now.date_naive(),
        now,
        own: &[],
    };
    let reading = Reading {
        dir: &state,
        early: false,
        progress: &|_| {},
    };
    Others::look(&query, reading, "own").unwrap();
    let thorough = quantiles((0..9).map(|_| {
        cpu(|| {
            Others::look(&query, reading, "own").unwrap();
        })
    }));
    let mut others = Others::look(&query, reading, "own").unwrap();
    others.tick(now);
    let idle = quantiles((0..TICKS).map(|_| cpu(|| others.tick(now))));
    let grown = quantiles((0..TICKS).map(|tick| {
        for (at, path) in late.iter().take(5).enumerate() {
            let mut file = File::options().append(true).open(path).unwrap();
            for row in 0..4 {
                let id = format!("grown-{tick}-{at}-{row}");
                file.write_all(line(&id, now).as_bytes()).unwrap();
            }
        }
        cpu(|| others.tick(now))
    }));
    let pair = |(median, high): (Duration, Duration)| {
        format!("{:.2} / {:.2}", millis(median), millis(high))
    };
    println!(
        "{files:>7}  {:>9.1}  {:>15}  {:>23}",
        millis(thorough.0),
        pair(idle),
        pair(grown)
    );
}

/// Makes the files; gives those that were touched lately.
fn transcripts(root: &Path, files: usize, now: DateTime<Utc>) -> Vec<PathBuf> {
    let mut late = Vec::new();
    for file in 0..files {
        let project = root.join(format!("projects/-srv-p{}", file / SESSIONS));
        std::fs::create_dir_all(&project).unwrap();
        let path = project.join(format!("s{file}.jsonl"));
        let is_late = file % 30 == 0;
        let at = if is_late { now } else { now - OLD };
        let rows: String = (0..ROWS)
            .map(|row| line(&format!("{file}-{row}"), at))
            .collect();
        std::fs::write(&path, rows).unwrap();
        if is_late {
            late.push(path);
        } else {
            let old = SystemTime::from(now - OLD);
            File::open(&path).unwrap().set_modified(old).unwrap();
        }
    }
    late
}

/// Half a kilobyte, as a short answer has.
fn line(id: &str, at: DateTime<Utc>) -> String {
    let text = "x".repeat(200);
    format!(
        "{{\"type\":\"assistant\",\"timestamp\":\"{}\",\"sessionId\":\"s\",\"cwd\":\"/srv/p\",\
         \"message\":{{\"id\":\"msg_{id}\",\"model\":\"claude-opus-5\",\"content\":[{{\"type\":\
         \"text\",\"text\":\"{text}\"}}],\"usage\":{{\"input_tokens\":1000,\"output_tokens\":100,\
         \"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0}}}}}}\n",
        at.to_rfc3339()
    )
}

fn cpu(work: impl FnOnce()) -> Duration {
    let read = || {
        let at = clock_gettime(ClockId::ProcessCPUTime);
        Duration::new(
            u64::try_from(at.tv_sec).unwrap(),
            u32::try_from(at.tv_nsec).unwrap(),
        )
    };
    let before = read();
    work();
    read().saturating_sub(before)
}

/// The median and the 95th percentile.
fn quantiles(times: impl Iterator<Item = Duration>) -> (Duration, Duration) {
    let mut times: Vec<Duration> = times.collect();
    times.sort();
    (times[times.len() / 2], times[times.len() * 95 / 100])
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
