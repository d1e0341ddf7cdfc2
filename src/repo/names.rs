//! Names as file systems compare them: without case, decomposed, and blind to some characters. Two
//! names with the same fold may be one file somewhere.

use unicode_normalization::UnicodeNormalization as _;

/// A name, or a whole path, as the least exact file system would compare it.
pub fn folded(name: &str) -> String {
    name.chars()
        .filter(|c| !is_ignored(*c))
        .nfd()
        // By way of the upper case: `ſ` is an `s` to a file system without case, `ﬁ` is `fi`.
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .nfd()
        .collect()
}

/// What HFS+ leaves out of a comparison.
fn is_ignored(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

/// Whether a file system somewhere takes this name for `.git`.
pub fn is_dot_git(name: &str) -> bool {
    let folded = folded(name);
    // Windows drops what is at the end, and has a short name for it.
    let plain = folded.split(':').next().unwrap_or_default();
    plain.trim_end_matches([' ', '.']) == ".git" || plain.trim_end_matches([' ', '.']) == "git~1"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_one_somewhere_have_one_fold() {
        for (one, other) in [
            (".GIT", ".git"),
            (".git\u{200c}", ".git"),
            (".g\u{feff}it", ".git"),
            (".v\u{17f}code", ".vscode"),
            ("\u{212a}ey", "key"),
            ("con\u{fb01}g", "config"),
            ("caf\u{e9}", "cafe\u{301}"),
            ("CAF\u{c9}", "cafe\u{301}"),
            ("STRASSE", "stra\u{df}e"),
        ] {
            assert_eq!(folded(one), folded(other), "{one:?} {other:?}");
        }
        for (one, other) in [("git", ".git"), ("cafe", "caf\u{e9}"), ("a", "b")] {
            assert_ne!(folded(one), folded(other));
        }
    }

    #[test]
    fn what_somewhere_is_dot_git() {
        for name in [
            ".git",
            ".GIT",
            ".Git\u{200d}",
            "\u{206a}.git",
            ".git.",
            ".git ",
            "GIT~1",
            ".git::$INDEX",
        ] {
            assert!(is_dot_git(name), "{name:?}");
        }
        for name in [".gitignore", "git", "agit", "..git", ".git2"] {
            assert!(!is_dot_git(name), "{name:?}");
        }
    }
}
