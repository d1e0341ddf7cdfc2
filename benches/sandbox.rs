//! What it costs to start a program inside, over bubblewrap alone.
//!
//! `cargo bench --bench sandbox -- [TIMES]` (without a number: 200)
//!
//! Three ways, one after the other in each round, so that the machine's load is the same for all:
//! bubblewrap with the whole root read-only, bubblewrap with the same arguments as an agent's but
//! without the inner stage, and as an agent is started. Prints the median, the least, and how many
//! times the second the third is. Not as root, who has a stage more; run it with
//! `setpriv --reuid 65534 --clear-groups` there.

#![expect(clippy::print_stdout, reason = "its output is its result")]
#![expect(clippy::unwrap_used, reason = "a bench may stop where it can't go on")]

use std::time::{Duration, Instant};

use secloop::process::{Spec, effective_uid};
use secloop::sandbox::{Bwrap, Network, Policy, View};

fn main() {
    let asked = std::env::args().skip(1).find_map(|arg| arg.parse().ok());
    let times: usize = asked.unwrap_or(200);
    if effective_uid() == 0 {
        println!("as root: the kernel's limits don't bind it, and an agent has a stage more");
    }
    let bwrap = Bwrap {
        program: "/usr/bin/bwrap".into(),
        version: (0, 8),
        secloop: env!("CARGO_BIN_EXE_secloop").into(),
        scope: Err(String::new()),
    };
    let dir = tempfile::tempdir().unwrap();
    let spec = || Spec::new("/usr/bin/true", dir.path(), Duration::from_mins(1));
    let policy = Policy {
        network: Network::None,
        // Root is not refused here: it is the cost that counts.
        ..Policy::agent(Vec::new(), vec![dir.path().to_owned()])
    };
    let agent = bwrap.wrap(spec(), &policy, "bench");
    let mut alone = agent.clone();
    let inner = alone.args.iter().position(|word| word == "--").unwrap();
    alone.args.truncate(inner + 1);
    alone.args.push("/usr/bin/true".into());
    let mut whole = spec();
    whole.program = "/usr/bin/bwrap".into();
    whole.args = ["--die-with-parent", "--unshare-all", "--ro-bind", "/", "/"]
        .iter()
        .chain(&["--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"])
        .chain(&["--", "/usr/bin/true"])
        .map(Into::into)
        .collect();
    assert_eq!(policy.view, View::Minimal);
    let ways = [("whole root", whole), ("the same", alone), ("agent", agent)];
    let mut took: [Vec<Duration>; 3] = Default::default();
    for round in 0..=times {
        for ((name, spec), took) in ways.iter().zip(&mut took) {
            let time = start(name, spec);
            // The first round reads the programs from the disk.
            if round > 0 {
                took.push(time);
            }
        }
    }
    println!("{:>12}  {:>9}  {:>9}", "", "median ms", "least ms");
    let mut medians = Vec::new();
    for ((name, _), took) in ways.iter().zip(&mut took) {
        took.sort_unstable();
        let (median, least) = (took[times / 2], took[0]);
        let millis = |time: Duration| time.as_secs_f64() * 1e3;
        println!(
            "{name:>12}  {:>9.2}  {:>9.2}",
            millis(median),
            millis(least)
        );
        medians.push((median, least));
    }
    let times = |a: Duration, b: Duration| a.as_secs_f64() / b.as_secs_f64();
    println!(
        "an agent takes {:.2} times the same without the inner stage (by the least: {:.2})",
        times(medians[2].0, medians[1].0),
        times(medians[2].1, medians[1].1)
    );
}

#[expect(
    clippy::disallowed_methods,
    reason = "what is measured is the start alone"
)]
fn start(name: &str, spec: &Spec) -> Duration {
    let mut command = std::process::Command::new(&spec.program);
    command.args(&spec.args).env_clear().envs(&spec.env);
    let since = Instant::now();
    let status = command.status().unwrap();
    let time = since.elapsed();
    assert!(status.success(), "{name}: {status}");
    time
}
