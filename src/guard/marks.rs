//! Text of which parts are not known: a word after expansion keeps a private character where the
//! script alone doesn't say what stands there. No script that is read has these characters itself.

/// Something that only running it would tell.
pub(super) const HOLE: char = '\u{f0000}';
/// An unquoted `*`.
pub(super) const STAR: char = '\u{f0001}';
/// An unquoted `?` or bracket expression.
pub(super) const ONE: char = '\u{f0002}';
/// The home directory.
pub(super) const HOME: char = '\u{f0003}';
/// As a part of a path: any number of directories.
pub(super) const DEEP: char = '\u{f0005}';
/// A place where an unquoted expansion is split into words.
pub(super) const SPLIT: char = '\u{f0004}';

/// Whether a text stands for one text only.
pub(super) fn is_known(text: &str) -> bool {
    !text.contains([HOLE, STAR, ONE])
}

/// Whether a part of it is unknown.
pub(super) fn has_hole(text: &str) -> bool {
    text.contains(HOLE)
}

/// A text for a message: what is unknown shows as `…`.
pub(super) fn shown(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| match c {
            HOLE => '…',
            STAR | DEEP => '*',
            ONE => '?',
            HOME => '~',
            SPLIT => ' ',
            c => c,
        })
        .take(80)
        .collect();
    crate::text::terminal_safe(&text)
}

/// Whether two patterns have a text in common; `*` and an unknown part match any run of characters.
pub(super) fn overlap(a: &str, b: &str) -> bool {
    let a: Vec<char> = a.chars().take(300).collect();
    let b: Vec<char> = b.chars().take(300).collect();
    let any = |c: char| c == STAR || c == HOLE;
    // reach[j]: the first i characters of `a` overlap the first j of `b`.
    let mut reach = vec![false; b.len() + 1];
    for i in 0..=a.len() {
        let mut next = vec![false; b.len() + 1];
        for j in 0..=b.len() {
            next[j] = if i == 0 && j == 0 {
                true
            } else {
                let from_a = i > 0 && any(a[i - 1]) && reach[j];
                let from_b = j > 0 && any(b[j - 1]) && next[j - 1];
                let both = i > 0 && j > 0 && reach[j - 1] && {
                    let (x, y) = (a[i - 1], b[j - 1]);
                    x == y || x == ONE || y == ONE || any(x) || any(y)
                };
                // A wildcard goes on over the other side's character.
                let over_a = i > 0 && j > 0 && any(b[j - 1]) && reach[j];
                let over_b = i > 0 && j > 0 && any(a[i - 1]) && next[j - 1];
                from_a || from_b || both || over_a || over_b
            };
        }
        reach = next;
    }
    reach[b.len()]
}

/// A pattern written with `*` in our own tables.
pub(super) fn pattern(text: &str) -> String {
    text.replace('*', &STAR.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_that_have_a_text_in_common_overlap() {
        for (a, b, want) in [
            ("id_rsa", "id_*", true),
            ("credential\u{f0002}", "credentials", true),
            ("credential\u{f0002}", "credential", false),
            ("a*z", "*b*", true),
            ("a*", "b*", false),
            ("", "*", true),
            ("", "", true),
            ("x", "", false),
        ] {
            assert_eq!(overlap(&pattern(a), &pattern(b)), want, "{a} {b}");
        }
    }
}
