//! What it costs to give a workstation's past to its hooks, before a change and after it.
//!
//! `cargo bench --bench replay -- CALLS` (without a number: 100000)
//!
//! Makes transcripts of so many tool calls and a home directory with hooks, and prints for secloop's own
//! guard and for the starter's hooks (shell and jq): the time to read the past, to ask the hooks for the
//! first time, after a change of a hook, and with every answer known; with what was run and what was not.

#![expect(clippy::print_stdout, reason = "its output is its result")]
#![expect(clippy::unwrap_used, reason = "a bench may stop where it can't go on")]

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use secloop::agent::catalog::starter::FILES;
use secloop::config::Level;
use secloop::prove::autonomy::replay::{Past, ask, blocked, past};
use secloop::prove::probe::ProbeContext;
use secloop::sandbox::Sandbox;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// As `prove.replay` by default.
const BUDGET: Duration = Duration::from_mins(1);

fn main() {
    let calls = std::env::args().skip(1).find_map(|arg| arg.parse().ok());
    let calls: usize = calls.unwrap_or(100_000);
    let dir = tempfile::Builder::new()
        .prefix("bench-")
        .tempdir_in("target")
        .unwrap();
    let home = std::fs::canonicalize(dir.path()).unwrap().join("home");
    let root = home.join(".claude");
    let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
    write_past(&root, calls, now);
    let since = Instant::now();
    let past = past(&[root], now - TimeDelta::days(90));
    println!("reading {calls} calls: {} ms", since.elapsed().as_millis());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    println!(
        "\n{:<22} {:>9} {:>9} {:>9}   coverage after the change",
        "hooks", "first", "changed", "known"
    );
    for own in [true, false] {
        runtime.block_on(measure(&past, &home, own));
    }
}

async fn measure(past: &Past, home: &Path, own: bool) {
    let path = std::env::var_os("PATH").unwrap();
    let program = program();
    secloop::process::secloop_is_at(program.clone());
    let sandbox = Sandbox::detect(Level::Native, &path).await.unwrap();
    let context = ProbeContext::new(sandbox, home.to_owned(), path);
    let hook = hooks(home, own.then_some(program.as_path()));
    let state = home.join(if own { "state-own" } else { "state-starter" });
    std::fs::create_dir_all(&state).unwrap();
    let cancel = CancellationToken::new();
    let mut times = Vec::new();
    let mut answers = Vec::new();
    for change in [false, true, false] {
        if change && let Some(hook) = &hook {
            let mut hook = std::fs::OpenOptions::new().append(true).open(hook).unwrap();
            hook.write_all(b"# changed\n").unwrap();
        }
        let since = Instant::now();
        let said = ask(past, &context, Some(&state), BUDGET, &cancel)
            .await
            .unwrap();
        times.push(since.elapsed().as_millis());
        answers.push(said);
    }
    let (_, coverage) = blocked(past, &answers[1], Some(&answers[0]));
    println!(
        "{:<22} {:>6} ms {:>6} ms {:>6} ms   {}; {} shapes not at all",
        if own {
            "secloop guard"
        } else {
            "starter (sh and awk)"
        },
        times[0],
        times[1],
        times[2],
        coverage.describe(),
        coverage.shapes_not_run,
    );
}

/// The program beside this one.
fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_secloop"))
}

/// Deploys hooks; the one that is changed, where there is one.
fn hooks(home: &Path, own: Option<&Path>) -> Option<PathBuf> {
    let dir = home.join(".claude/hooks");
    std::fs::create_dir_all(&dir).unwrap();
    for (path, content, _) in FILES {
        if let Some(name) = path
            .strip_prefix("ansible-hooks/")
            .unwrap_or(path)
            .strip_prefix("roles/agent_hooks/files/")
        {
            let file = dir.join(name);
            std::fs::write(&file, content).unwrap();
            std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
    let command = |name: &str| dir.join(name).display().to_string();
    let group = |tools: &str, command: String| json!({"matcher": tools, "hooks": [{"type": "command", "command": command}]});
    let groups: Vec<Value> = match own {
        Some(program) => vec![group("*", format!("{} guard", program.display()))],
        None => vec![
            group("Bash", command("block-destructive.sh")),
            group("Read|Edit|Write|Bash", command("protect-sensitive.sh")),
        ],
    };
    let settings = json!({"hooks": {"PreToolUse": groups}});
    std::fs::write(home.join(".claude/settings.json"), settings.to_string()).unwrap();
    own.is_none().then(|| dir.join("block-destructive.sh"))
}

/// As a year of work looks: most calls are like earlier ones, some are new.
fn write_past(root: &Path, calls: usize, now: DateTime<Utc>) {
    let per_file = 2_000;
    let words = [
        "build", "test", "check", "lint", "docs", "run", "bench", "clean",
    ];
    for (number, from) in (0..calls).step_by(per_file).enumerate() {
        let mut text = String::new();
        for n in from..(from + per_file).min(calls) {
            // Some are used all the time, others once.
            let rank = n % 97 * (n % 53) % 2_400;
            let word = words[n % words.len()];
            let (tool, input) = match n % 10 {
                0..=3 => (
                    "Bash",
                    json!({"command": format!("cargo {word} --test part_{} 2>&1 | tail -{}", letters(rank), n % 50), "description": format!("Run {n}")}),
                ),
                4 => (
                    "Bash",
                    json!({"command": format!("git commit -m \"Change the {word} of part {}\"", letters(n))}),
                ),
                5 => (
                    "Bash",
                    json!({"command": format!("grep -rn {} src | head -{}", letters(rank), n % 30)}),
                ),
                6 | 7 => (
                    "Read",
                    json!({"file_path": format!("/home/a/project/src/{word}/{}.rs", letters(rank))}),
                ),
                8 => (
                    "Edit",
                    json!({"file_path": format!("/home/a/project/src/{word}/{}.rs", letters(rank)), "old_string": format!("old {n}"), "new_string": format!("new {n}")}),
                ),
                _ => (
                    "Write",
                    json!({"file_path": format!("/home/a/project/docs/{}.md", letters(rank)), "content": format!("text {n}")}),
                ),
            };
            let at = (now - TimeDelta::minutes(i64::try_from(n).unwrap())).to_rfc3339();
            let line = |kind: &str, block: Value| {
                json!({"type": kind, "timestamp": at, "cwd": "/home/a/project", "message": {"role": kind, "content": [block]}}).to_string()
            };
            let id = format!("toolu_{n}");
            text += &line(
                "assistant",
                json!({"type": "tool_use", "id": id, "name": tool, "input": input}),
            );
            text.push('\n');
            text += &line(
                "user",
                json!({"type": "tool_result", "tool_use_id": id, "content": "x".repeat(600)}),
            );
            text.push('\n');
        }
        let file = root.join(format!("projects/p{}/s{number}.jsonl", number % 7));
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
}

/// A number as a word, since numbers are no shape.
fn letters(mut n: usize) -> String {
    let mut word = String::new();
    loop {
        word.push(char::from(b'a' + u8::try_from(n % 26).unwrap()));
        n /= 26;
        if n == 0 {
            return word;
        }
    }
}
