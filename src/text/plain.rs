//! Bounded, printable text.

/// Whether a character changes how a line is read without being seen: controls, bidirectional
/// overrides, zero-width ones.
fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// At most `max` characters; what is too long ends in `…`.
pub fn clamp(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let mut out: String = text.chars().take(max.saturating_sub(1)).collect();
    out.push('…');
    out
}

/// One readable line of at most `max` characters: white space is folded, the rest as [`plain`].
pub fn one_line(text: &str, max: usize) -> String {
    plain(&text.split_whitespace().collect::<Vec<_>>().join(" "), max)
}

/// Lines for a terminal: line breaks and tabs stay, other characters that a terminal would act
/// on become escapes.
pub fn terminal_safe(text: &str) -> String {
    text.chars()
        .flat_map(|c| -> Vec<char> {
            if c == '\n' || c == '\t' || !hidden(c) {
                vec![c]
            } else {
                c.escape_default().collect()
            }
        })
        .collect()
}

/// One printable line of at most `max` characters: control, format and line-breaking characters
/// become escapes such as `\n` or `\u{1b}`, what is too long ends in `…`.
pub fn plain(text: &str, max: usize) -> String {
    let mut out = String::new();
    let mut room = max;
    for c in text.chars() {
        let piece: String = if hidden(c) {
            c.escape_default().collect()
        } else {
            c.to_string()
        };
        let width = piece.chars().count();
        if width > room {
            // Room for the mark is taken from the end of what is there.
            if room == 0 {
                out.pop();
            }
            out.push('…');
            break;
        }
        room -= width;
        out.push_str(&piece);
    }
    out
}

/// `1 turn`, `2 turns`.
pub fn counted(count: impl Into<u64>, word: &str) -> String {
    let count = count.into();
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {word}{s}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_does_not_print_and_cuts_what_is_long() {
        assert_eq!(plain("a\nb\u{1b}[31m", 40), "a\\nb\\u{1b}[31m");
        assert_eq!(plain("x\u{202e}y", 40), "x\\u{202e}y");
        assert_eq!(plain("abcdef", 6), "abcdef");
        assert_eq!(plain("abcdefg", 6), "abcde…");
        assert_eq!(plain("", 6), "");
        assert!(plain("a\n\n\n\n", 4).chars().count() <= 4);
    }

    #[test]
    fn folds_clamps_and_defuses() {
        assert_eq!(one_line("  a\n\tb  ", 40), "a b");
        assert_eq!(clamp("äöü", 3), "äöü");
        assert_eq!(clamp("äöüß", 3), "äö…");
        assert_eq!(
            terminal_safe("a\n\u{1b}]0;x\u{7}b\r"),
            "a\n\\u{1b}]0;x\\u{7}b\\r"
        );
    }
}
