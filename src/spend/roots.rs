//! Where transcripts are.

use std::path::{Path, PathBuf};

/// The transcript roots: both default places under `home`, every entry of `config_dir` (the value
/// of `CLAUDE_CONFIG_DIR`, a comma list; empty: none), and `extra`. `CLAUDE_CONFIG_DIR` adds to
/// the default places, since other sessions on the machine may not have it set. `~/` stands for
/// `home`. Each path once, in this order; none needs to exist.
pub fn roots(config_dir: &str, home: &Path, extra: &[PathBuf]) -> Vec<PathBuf> {
    let listed = config_dir
        .split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(PathBuf::from);
    let mut all: Vec<PathBuf> = Vec::new();
    let candidates = [home.join(".claude"), home.join(".config").join("claude")]
        .into_iter()
        .chain(listed)
        .chain(extra.iter().cloned());
    for path in candidates {
        let path = match path.strip_prefix("~") {
            Ok(rest) => home.join(rest),
            Err(_) => path,
        };
        if !all.contains(&path) {
            all.push(path);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_adds_to_the_default_places() {
        let home = Path::new("/home/u");
        let all = roots(
            "/srv/a, ~/b,,/home/u/.claude",
            home,
            &[PathBuf::from("/srv/c"), PathBuf::from("/srv/a")],
        );
        let shown: Vec<&str> = all.iter().filter_map(|p| p.to_str()).collect();
        assert_eq!(
            shown,
            [
                "/home/u/.claude",
                "/home/u/.config/claude",
                "/srv/a",
                "/home/u/b",
                "/srv/c"
            ]
        );
        assert_eq!(roots("", home, &[]).len(), 2);
    }
}
