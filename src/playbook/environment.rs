//! The variables that a playbook reads from its surroundings. A `lookup('env', …)` of one that is
//! not set gives an empty string, and the playbook writes it: an empty token where a good one was.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

use crate::config::Secret;

/// Variables that every run has.
const ALWAYS: [&str; 5] = ["HOME", "LANG", "LC_ALL", "PATH", "TMPDIR"];
/// Largest file that is looked at, in bytes.
const MAX_FILE: u64 = 1 << 20;
/// Most files that are looked at.
const MAX_FILES: usize = 5_000;

#[expect(
    clippy::expect_used,
    reason = "constant expressions, compiled by a test"
)]
static LOOKUP: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"(?s)\b(?:lookup|query|q)\(\s*['"](?:ansible\.builtin\.)?env['"]\s*,\s*((?:['"][A-Za-z_][A-Za-z0-9_]*['"]\s*,?\s*)+)(\)\s*\|\s*(?:ansible\.builtin\.)?(?:default|d)\(|default\s*=)?"#,
    )
    .expect("constant expression")
});

/// The variables that `text` reads without naming a value to use in their place.
fn env_lookups(text: &str) -> BTreeSet<String> {
    LOOKUP
        .captures_iter(text)
        .filter(|found| found.get(2).is_none())
        .filter_map(|found| found.get(1))
        .flat_map(|names| names.as_str().split([',', '\'', '"', ' ', '\n', '\t']))
        .filter(|name| !name.is_empty() && !ALWAYS.contains(name))
        .map(str::to_owned)
        .collect()
}

/// The variables that the playbook and what lies beside it read.
///
/// # Errors
/// When a directory can't be read, naming it.
pub fn env_lookups_below(dir: &Path) -> Result<BTreeSet<String>, String> {
    let mut found = BTreeSet::new();
    let mut open = vec![dir.to_owned()];
    let mut seen = 0;
    while let Some(dir) = open.pop() {
        let named = |e: std::io::Error| format!("{}: {e}", dir.display());
        for entry in std::fs::read_dir(&dir).map_err(named)? {
            let entry = entry.map_err(named)?;
            let path = entry.path();
            let kind = entry.file_type().map_err(named)?;
            let name = entry.file_name();
            if kind.is_dir() && !name.to_string_lossy().starts_with('.') {
                open.push(path);
                continue;
            }
            let ends = path
                .extension()
                .and_then(|e| e.to_str())
                .unwrap_or_default();
            let small = entry.metadata().is_ok_and(|m| m.len() <= MAX_FILE);
            if !kind.is_file() || !small || !["yml", "yaml", "j2", "jinja"].contains(&ends) {
                continue;
            }
            seen += 1;
            if seen > MAX_FILES {
                return Ok(found);
            }
            if let Ok(text) = std::fs::read_to_string(&path) {
                found.extend(env_lookups(&text));
            }
        }
    }
    Ok(found)
}

/// What the playbook in `dir` reads and `passed` has no value for.
///
/// # Errors
/// When a directory can't be read, naming it.
pub fn missing_env(dir: &Path, passed: &[(String, Secret)]) -> Result<Vec<String>, String> {
    let known = |name: &String| passed.iter().any(|(n, v)| n == name && !v.is_empty());
    let read = env_lookups_below(dir)?;
    Ok(read.into_iter().filter(|name| !known(name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_a_playbook_would_write_empty() {
        for (text, names) in [
            ("{{ lookup('env', 'API_KEY') }}", &["API_KEY"][..]),
            ("{{ lookup(\"ansible.builtin.env\",\"A_B\") }}", &["A_B"]),
            ("{{ query('env', 'ONE', 'TWO') }}", &["ONE", "TWO"]),
            ("{{ lookup('env', 'HOME') }}/x", &[]),
            ("{{ lookup('env', 'X', default='y') }}", &[]),
            ("{{ lookup('env', 'X') | default('y', true) }}", &[]),
            ("{{ lookup('file', 'API_KEY') }}", &[]),
            ("environment: API_KEY", &[]),
        ] {
            let found: Vec<String> = env_lookups(text).into_iter().collect();
            assert_eq!(found, names, "{text}");
        }
    }
}
