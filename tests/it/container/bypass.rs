//! By which an agent acts without asking: an argument of one confined command, and written nowhere.

use std::path::{Path, PathBuf};

/// The words that switch the asking off.
pub(super) const WORDS: [&str; 3] = [
    "dangerously-skip-permissions",
    "bypassPermissions",
    "skipDangerousModePermissionPrompt",
];

/// Files below a directory in which such a word stands.
pub(super) fn with_words(dir: &Path) -> Vec<PathBuf> {
    let text = |path: &Path| {
        let bytes = std::fs::read(path).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        WORDS.iter().any(|word| text.contains(word))
    };
    let all = crate::support::git::files(dir)
        .into_keys()
        .map(|path| dir.join(path));
    all.filter(|path| text(path)).collect()
}

/// One place in the whole program, which is an argument and is given only where it is confined; what
/// judges knows the words to refuse them, and of that the flag stands in one rule alone.
#[test]
fn only_one_line_of_the_program_switches_the_asking_off() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut switches = Vec::new();
    for path in with_words(&src) {
        let name = path.strip_prefix(&src).unwrap().display().to_string();
        let judges = ["gates/", "guard/", "prove/"]
            .iter()
            .any(|dir| name.starts_with(dir));
        let text = std::fs::read_to_string(&path).unwrap();
        // Behind it are the tests of a file.
        let text = text.split("#[cfg(test)]").next().unwrap();
        for line in text
            .lines()
            .filter(|line| WORDS.iter().any(|word| line.contains(word)))
        {
            if line.contains(WORDS[0]) || !judges {
                switches.push(format!("{name}: {}", line.trim()));
            }
        }
    }
    let given = "agent/claude/command.rs: more(&[\"--dangerously-skip-permissions\"]);";
    assert!(switches.iter().any(|line| line == given), "{switches:?}");
    let refuses = "guard/table.rs: [\"claude\"] \"\" [\"--dangerously-skip-permissions\",";
    let others: Vec<_> = switches
        .iter()
        .filter(|line| *line != given && !line.starts_with(refuses))
        .collect();
    assert_eq!(others, [""; 0]);
    assert_eq!(switches.len(), 2, "{switches:?}");
    for dir in ["ansible-hooks", "prompts"] {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
        assert_eq!(with_words(&dir), [""; 0].map(PathBuf::from));
    }
}
