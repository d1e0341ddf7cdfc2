//! What code in other languages deletes below a home that it asks for.

use super::code::{DELETES_TREES, literals};
use super::marks::{HOME, pattern};
use super::walk::Walk;
use super::{Stop, files};

/// How code asks where the home is.
const HOMES: &[&str] = &[
    ".home()",
    "dir.home",
    "env.home",
    "env{home}",
    "env['home']",
    "env[\"home\"]",
    "environ['home']",
    "environ[\"home\"]",
    "environ.get('home",
    "environ.get(\"home",
    "getenv('home",
    "getenv(\"home",
    "homedir()",
];

/// What it deletes below a home that it asks for: `rmtree(Path.home() / "x")`.
pub(super) fn deletes_at_home(walk: &Walk, text: &str) -> Result<(), Stop> {
    for statement in statements(text) {
        let lower = statement.to_ascii_lowercase();
        let home = HOMES
            .iter()
            .filter_map(|asks| Some((lower.find(asks)?, asks.len())));
        let Some((at, length)) = home.min().filter(|_| deletes_many(&lower)) else {
            continue;
        };
        let (before, rest) = statement.split_at(at);
        let behind = rest.get(length..).unwrap_or_default();
        let inside = ['"', '\'']
            .iter()
            .any(|quote| before.matches(*quote).count() % 2 == 1);
        let below = if inside {
            let text = behind.split(['"', '\'']).next().unwrap_or_default();
            text.trim_start_matches(['}', ']', '/']).to_owned()
        } else {
            literals(behind).join("/")
        };
        let path = format!("{HOME}/{below}");
        files::check_removal(walk, &pattern(&path), true)?;
    }
    Ok(())
}

/// The statements of a text, a loop's or block's first line with what follows it.
fn statements(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for piece in text.split(['\n', ';']) {
        match all.last_mut() {
            Some(last) if last.trim_end().ends_with([':', '{', '(', ',', '|', '>']) => {
                last.push(' ');
                last.push_str(piece);
            }
            _ => all.push(piece.to_owned()),
        }
    }
    all
}

/// Whether a statement deletes a tree, or files that a pattern or a loop finds.
fn deletes_many(lower: &str) -> bool {
    let called = |word: &&str| {
        lower.match_indices(*word).any(|(at, _)| {
            let before = lower.get(..at).and_then(|text| text.chars().next_back());
            !before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
        })
    };
    let each = [
        "glob", "for ", "foreach", "each", "walk", "iterdir", "readdir", "*",
    ];
    let files = ["unlink", "remove(", "delete(", "rm("];
    let trees = DELETES_TREES.iter().filter(|word| **word != "unlink(");
    let several = each.iter().any(|word| lower.contains(word));
    trees.into_iter().any(called) || several && files.iter().any(called)
}
