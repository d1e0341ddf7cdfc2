//! Hooks that are this very program's guard: the same code is asked in this process, where a hundred
//! thousand calls take seconds.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::batch::Question;
use super::hooks::event_at;
use super::settings::Settings;
use crate::guard::hook;
use crate::prove::committed::width;
use crate::prove::probe::ProbeContext;

/// Enough for the deepest nesting that is still read.
const STACK: usize = 256 * 1024 * 1024;

/// The commands of these settings that start this program's guard and nothing else.
pub(super) fn guards(settings: &Settings, context: &ProbeContext) -> BTreeSet<String> {
    let program = context.program();
    let commands = settings.all("PreToolUse").into_iter();
    commands
        .filter(|command| guard(command, context.home()).is_some_and(|file| same(&file, program)))
        .collect()
}

/// The program of a command that is `PROGRAM guard`, as a plain absolute path.
fn guard(command: &str, home: &Path) -> Option<PathBuf> {
    let words = shlex::split(command)?;
    let [program, only] = words.as_slice() else {
        return None;
    };
    let plain = command.chars().all(|c| {
        c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | ' ' | '\'' | '"' | '~')
    });
    if only != "guard" || !plain {
        return None;
    }
    let path = match program.strip_prefix("~/") {
        Some(rest) => home.join(rest),
        None => PathBuf::from(program),
    };
    path.is_absolute().then_some(path)
}

/// Whether two files hold the same program.
fn same(one: &Path, other: &Path) -> bool {
    let (Ok(a), Ok(b)) = (std::fs::metadata(one), std::fs::metadata(other)) else {
        return false;
    };
    if (a.dev(), a.ino()) == (b.dev(), b.ino()) {
        return true;
    }
    a.len() == b.len() && matches!((digest(one), digest(other)), (Some(a), Some(b)) if a == b)
}

fn digest(file: &Path) -> Option<[u8; 32]> {
    let mut file = std::fs::File::open(file).ok()?;
    let mut hash = Sha256::new();
    let mut part = vec![0; 1 << 16];
    loop {
        match file.read(&mut part).ok()? {
            0 => return Some(hash.finalize().into()),
            n => hash.update(part.get(..n)?),
        }
    }
}

/// Which of the calls this program's guard refuses, where it is asked about them at all.
pub(super) async fn judge(
    questions: &[Question],
    settings: &Settings,
    own: &BTreeSet<String>,
    home: &Path,
) -> Vec<bool> {
    if own.is_empty() {
        return Vec::new();
    }
    let asked = |q: &Question| {
        let hooks = settings.commands("PreToolUse", &q.tool);
        hooks.iter().any(|hook| own.contains(hook))
    };
    let texts: Vec<Option<Vec<u8>>> = questions
        .iter()
        .map(|q| asked(q).then(|| event_at(home, "PreToolUse", q).to_string().into_bytes()))
        .collect();
    let judged = tokio::task::spawn_blocking(move || judge_here(&texts)).await;
    // Where that is lost, nothing is known, and that is a refusal.
    judged.unwrap_or_else(|_| vec![true; questions.len()])
}

fn judge_here(texts: &[Option<Vec<u8>>]) -> Vec<bool> {
    let each = texts.len().div_ceil(width()).max(1);
    std::thread::scope(|scope| {
        let parts: Vec<_> = texts
            .chunks(each)
            .map(|part| {
                let work = move || {
                    part.iter()
                        .map(|t| t.as_deref().is_some_and(refused))
                        .collect()
                };
                let started = std::thread::Builder::new()
                    .stack_size(STACK)
                    .spawn_scoped(scope, work);
                (part.len(), started)
            })
            .collect();
        parts
            .into_iter()
            .flat_map(|(len, started)| -> Vec<bool> {
                let done = started.ok().and_then(|thread| thread.join().ok());
                done.unwrap_or_else(|| vec![true; len])
            })
            .collect()
    })
}

/// A panic is a refusal, as it is where the guard is a process.
fn refused(text: &[u8]) -> bool {
    std::panic::catch_unwind(|| hook::refusal(text).is_some()).unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_start_of_the_guard_is_one() {
        let home = Path::new("/home/a");
        for (command, path) in [
            ("/usr/bin/secloop guard", Some("/usr/bin/secloop")),
            ("~/bin/secloop guard", Some("/home/a/bin/secloop")),
            ("\"/usr/bin/secloop\" guard", Some("/usr/bin/secloop")),
            ("/usr/bin/secloop guard || true", None),
            ("/usr/bin/secloop guard check x", None),
            ("/usr/bin/secloop guard\n", None),
            ("secloop guard", None),
            ("X=1 /usr/bin/secloop guard", None),
            ("$HOME/bin/secloop guard", None),
        ] {
            assert_eq!(
                guard(command, home).as_deref(),
                path.map(Path::new),
                "{command}"
            );
        }
    }
}
