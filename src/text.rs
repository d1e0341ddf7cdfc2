//! Showing text that others wrote.

/// One printable line of at most `max` characters: control, format and line-breaking characters
/// become escapes such as `\n` or `\u{1b}`, what is too long ends in `…`.
pub fn plain(text: &str, max: usize) -> String {
    let mut out = String::new();
    let mut room = max;
    for c in text.chars() {
        // Bidirectional overrides and their like change how the rest of a line is read.
        let hidden = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}');
        let piece: String = if c.is_control() || hidden {
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

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn escapes_what_does_not_print_and_cuts_what_is_long() {
        assert_eq!(plain("a\nb\u{1b}[31m", 40), "a\\nb\\u{1b}[31m");
        assert_eq!(plain("x\u{202e}y", 40), "x\\u{202e}y");
        assert_eq!(plain("abcdef", 6), "abcdef");
        assert_eq!(plain("abcdefg", 6), "abcde…");
        assert_eq!(plain("", 6), "");
        assert!(plain("a\n\n\n\n", 4).chars().count() <= 4);
    }
}
