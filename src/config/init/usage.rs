//! How people run a playbook, from what the repository's documents and scripts say.

use std::path::{Path, PathBuf};

/// Largest file that is looked at, in bytes.
const MAX_FILE: u64 = 512 * 1024;
/// Options that say how the playbook is meant to be run; each takes a value.
const KEPT: [&str; 11] = [
    "-i",
    "--inventory",
    "--inventory-file",
    "-l",
    "--limit",
    "-t",
    "--tags",
    "--skip-tags",
    "-e",
    "--extra-vars",
    "--vault-id",
];
/// Those that wait for a person.
const ASKING: [&str; 5] = [
    "-K",
    "--ask-become-pass",
    "-k",
    "--ask-pass",
    "--ask-vault-pass",
];

/// How a playbook is run.
#[derive(Debug, Default)]
pub(super) struct Usage {
    pub(super) args: Vec<String>,
    pub(super) said_in: Option<PathBuf>,
    pub(super) notes: Vec<String>,
}

/// Looks for the command in documents and scripts, those next to the playbook first.
pub(super) fn of(top: &Path, playbook: &Path, files: &[PathBuf]) -> Usage {
    let around = playbook.parent().unwrap_or(Path::new(""));
    let mut texts: Vec<&PathBuf> = files.iter().filter(|f| may_say(f)).collect();
    texts.sort_by_key(|f| (f.parent() != Some(around), f.components().count()));
    for file in texts {
        let path = top.join(file);
        let small = std::fs::metadata(&path).is_ok_and(|m| m.len() <= MAX_FILE);
        let Some(text) = small.then(|| std::fs::read_to_string(&path).ok()).flatten() else {
            continue;
        };
        let joined = text.replace("\\\n", " ");
        if let Some(mut usage) = joined.lines().find_map(|line| command(line, playbook)) {
            usage.said_in = Some(file.clone());
            return usage;
        }
    }
    Usage::default()
}

fn may_say(file: &Path) -> bool {
    let name = file
        .file_name()
        .and_then(|n| n.to_str())
        .unwrap_or_default();
    let ends = file
        .extension()
        .and_then(|e| e.to_str())
        .unwrap_or_default();
    ["md", "txt", "sh", "mk"].contains(&ends)
        || ["Makefile", "makefile", "justfile", "Justfile"].contains(&name)
}

/// Reads one line that runs the playbook. Only plain words are taken over.
fn command(line: &str, playbook: &Path) -> Option<Usage> {
    let start = line.find("ansible-playbook")?;
    let line = line.get(start..)?;
    let end = line
        .find(['`', '|', ';', '&', '>', '#'])
        .unwrap_or(line.len());
    let words = shlex::split(line.get(..end)?)?;
    let name = playbook.file_name()?.to_str()?;
    let named = |word: &String| {
        let path = Path::new(word.trim_start_matches("./"));
        path.file_name().and_then(|n| n.to_str()) == Some(name)
            && (playbook.ends_with(path) || path.ends_with(playbook))
    };
    words.iter().skip(1).find(|w| named(w))?;
    let mut usage = Usage::default();
    let mut words = words.into_iter().skip(1).peekable();
    while let Some(word) = words.next() {
        let (option, value) = match word.split_once('=') {
            Some((option, value)) if option.starts_with("--") => {
                (option.to_owned(), Some(value.to_owned()))
            }
            _ => (word.clone(), None),
        };
        if KEPT.contains(&option.as_str()) {
            let value = value.or_else(|| words.next());
            match value {
                Some(value) if plain(&value) => usage.args.extend([option, value]),
                _ => usage.notes.push(format!(
                    "{option} is given with something that depends on the shell: add it to \
                     playbook.args by hand"
                )),
            }
        } else if ASKING.contains(&option.as_str()) {
            usage.notes.push(format!(
                "{option} asks a person and is left out: what runs unattended needs its rights \
                 beforehand"
            ));
        }
    }
    Some(usage)
}

/// A value that means the same without a shell.
fn plain(value: &str) -> bool {
    !value.is_empty()
        && !value.starts_with('-')
        && !value.contains(['$', '`', '<', '{', '*', '\n'])
        && !value.to_ascii_lowercase().contains("pass")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_usual_ways_to_run_it() {
        let playbook = Path::new("infra/mac/playbook.yml");
        for (line, args) in [
            ("    ansible-playbook infra/mac/playbook.yml", Some("")),
            (
                "run `ansible-playbook -i hosts playbook.yml`.",
                Some("-i hosts"),
            ),
            (
                "ansible-playbook --tags=a,b ./infra/mac/playbook.yml | tail -20",
                Some("--tags a,b"),
            ),
            (
                "ansible-playbook -K --check playbook.yml -e \"a=b c=d\"",
                Some("-e a=b c=d"),
            ),
            ("ansible-playbook -e \"x=$X\" playbook.yml", Some("")),
            ("ansible-playbook other.yml", None),
            ("ansible-playbook infra/linux/playbook.yml", None),
            ("brew install ansible", None),
        ] {
            let found = command(line, playbook).map(|u| u.args.join(" "));
            assert_eq!(found.as_deref(), args, "{line}");
        }
        let asks = command("ansible-playbook -K playbook.yml", playbook).unwrap();
        assert!(asks.notes[0].contains("-K"), "{:?}", asks.notes);
    }
}
