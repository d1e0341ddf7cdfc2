//! What a hook is: its command, the files that it names, the files that those name, and what lies beside
//! them. Two hooks with the same digest answer the same, unless they ask somebody else.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;
use sha2::{Digest as _, Sha256};

use crate::process::find_on_path;

/// Files that are read for one hook.
const FILES: usize = 400;
/// Words of a text that may be programs.
const WORDS: usize = 20_000;
/// Largest text in which names are looked for, in bytes.
const TEXT: u64 = 1 << 20;
/// Largest file whose content counts; of larger ones size and time do.
const LARGEST: u64 = 256 << 20;

/// Words that may be a path: absolute, or from the home directory.
#[expect(
    clippy::expect_used,
    reason = "a constant expression, compiled by a test"
)]
static PATH: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:~|\$HOME|\$\{HOME\})?/[A-Za-z0-9_.,+@%/-]+").expect("constant expression")
});

/// What makes a hook another one.
#[derive(Debug, Clone)]
pub(super) enum Depth {
    /// What it is and what it reads, without logs, of which each call makes other ones.
    Own,
    /// Logs, too, and the programs that it names, as they are found along this `PATH`.
    Everything(OsString),
}

/// The digest of a hook's command with all that it is known to read.
pub(super) fn hook_digest(command: &str, home: &Path, depth: &Depth) -> [u8; 32] {
    let mut seen: BTreeSet<PathBuf> = BTreeSet::new();
    let mut programs: BTreeSet<PathBuf> = BTreeSet::new();
    let mut open = named(command, home);
    programs.extend(programs_in(command, depth));
    while let Some(path) = open.pop() {
        let skipped = matches!(depth, Depth::Own) && changes_by_itself(&path);
        if skipped || seen.len() >= FILES || !seen.insert(path.clone()) {
            continue;
        }
        // What a program of the system's does is not a hook's, beside a directory of which everything
        // would be.
        if !path.starts_with(home) {
            continue;
        }
        if let Some(dir) = path.parent().filter(|dir| *dir != home) {
            let beside = std::fs::read_dir(dir).into_iter().flatten().flatten();
            let files = beside.filter(|e| e.file_type().is_ok_and(|t| t.is_file()));
            open.extend(files.map(|e| e.path()));
        }
        if std::fs::metadata(&path).is_ok_and(|m| m.is_file() && m.len() <= TEXT) {
            let text = std::fs::read(&path).unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            open.extend(named(&text, home));
            programs.extend(programs_in(&text, depth));
        }
    }
    let mut hash = Sha256::new();
    hash.update(command.as_bytes());
    for path in &seen {
        hash.update(format!("\0{}\0", path.display()).as_bytes());
        hash.update(content(path));
    }
    if matches!(depth, Depth::Everything(_)) {
        hash.update(b"\0with everything");
    }
    for path in &programs {
        hash.update(format!("\0{}\0{:?}", path.display(), state(path)).as_bytes());
    }
    hash.finalize().into()
}

/// The programs that a text may start by their names: each word of it that is one.
fn programs_in(text: &str, depth: &Depth) -> BTreeSet<PathBuf> {
    let Depth::Everything(path) = depth else {
        return BTreeSet::new();
    };
    let letters = |c: char| !(c.is_ascii_alphanumeric() || "_.+-".contains(c));
    let words: BTreeSet<&str> = text.split(letters).filter(|w| !w.is_empty()).collect();
    let programs = words.into_iter().take(WORDS);
    programs.filter_map(|w| find_on_path(w, path)).collect()
}

/// By which a program that was replaced is known.
fn state(path: &Path) -> Option<(u64, u64, u32, i64, i64)> {
    let meta = std::fs::metadata(path).ok()?;
    let changed = (meta.ctime(), meta.ctime_nsec());
    Some((meta.ino(), meta.len(), meta.mode(), changed.0, changed.1))
}

/// The existing files that a text names.
fn named(text: &str, home: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for found in PATH.find_iter(text) {
        let found = found.as_str();
        let from_home = ["~/", "$HOME/", "${HOME}/"]
            .iter()
            .find_map(|p| found.strip_prefix(p));
        let path = from_home.map_or_else(|| PathBuf::from(found), |rest| home.join(rest));
        if path.is_file() {
            all.push(path);
        }
    }
    all
}

/// A log is written with every call.
fn changes_by_itself(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str());
    matches!(extension, Some("log" | "jsonl"))
}

fn content(path: &Path) -> [u8; 32] {
    let Ok(meta) = std::fs::metadata(path) else {
        return [0; 32];
    };
    let mut hash = Sha256::new();
    hash.update(meta.permissions().mode().to_le_bytes());
    match std::fs::read(path) {
        Ok(bytes) if meta.len() <= LARGEST => hash.update(&bytes),
        _ => hash.update(format!("{} {:?}", meta.len(), meta.modified().ok()).as_bytes()),
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that can be run.
    fn put(path: &Path, text: &str) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn whatever_a_hook_reads_makes_it_another() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path();
        let put = |name: &str, text: &str| put(&home.join(name), text);
        put(
            "hooks/guard.sh",
            ". \"$HOME/lib/list.sh\"; date >> ~/asked.log\n",
        );
        put("lib/list.sh", "deny='rm'\n");
        put("other", "x");
        let digest = || hook_digest("~/hooks/guard.sh --strict", home, &Depth::Own);
        let first = digest();
        put("other", "y");
        put("hooks/audit.jsonl", "{}");
        put("asked.log", "today");
        assert_eq!(digest(), first);
        let mut seen = vec![first];
        for (name, text) in [
            ("hooks/guard.sh", ". ~/lib/list.sh\n"),
            ("lib/list.sh", "deny='rm|dd'\n"),
            ("hooks/words.txt", "new beside it\n"),
        ] {
            put(name, text);
            let now = digest();
            assert!(!seen.contains(&now), "{name}");
            seen.push(now);
        }
        assert_ne!(hook_digest("~/hooks/guard.sh", home, &Depth::Own), digest());
    }

    #[test]
    fn a_measure_sees_its_logs_and_the_programs_that_it_names_too() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path();
        let put = |name: &str, text: &str| put(&home.join(name), text);
        put("hooks/guard.sh", "ask --all <~/words.jsonl | (sort)\n");
        put("words.jsonl", "{}");
        for name in ["bin/ask", "bin/sort", "bin/other"] {
            put(name, "#!/bin/sh\n");
        }
        let depth = Depth::Everything(home.join("bin").into());
        let digest = || hook_digest("~/hooks/guard.sh", home, &depth);
        let mut seen = vec![digest()];
        put("bin/other", "#!/bin/bash\n");
        assert_eq!(digest(), seen[0]);
        for (name, text) in [("words.jsonl", "{1}"), ("bin/ask", "#"), ("bin/sort", "x")] {
            put(name, text);
            let now = digest();
            assert!(!seen.contains(&now), "{name}");
            seen.push(now);
        }
        std::fs::remove_file(home.join("bin/sort")).unwrap();
        assert!(!seen.contains(&digest()));
    }
}
