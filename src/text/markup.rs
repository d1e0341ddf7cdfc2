//! Text inside markup: a Markdown page, a Discord message.

use super::one_line;

/// Escapes what Markdown or an HTML renderer would act on.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' | '{' | '}' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

/// A table cell of at most `max` characters of content: one line, no column break, no markup.
pub fn markdown_cell(text: &str, max: usize) -> String {
    let line = one_line(text, max);
    if line.is_empty() {
        "–".to_owned()
    } else {
        escaped(&line)
    }
}

/// A paragraph of at most `max` characters of content: one line, no markup, and nothing at its
/// start that would make it a list, a heading or a quote.
pub fn markdown_text(text: &str, max: usize) -> String {
    let line = escaped(&one_line(text, max));
    match line.chars().next() {
        Some('-' | '+' | '=') => format!("\\{line}"),
        Some(c) if c.is_ascii_digit() => line.replacen(". ", "\\. ", 1),
        _ => line,
    }
}

/// One line for Discord of at most `max` characters of content: no mention, no markup, no link.
pub fn discord_plain(text: &str, max: usize) -> String {
    let mut out = String::with_capacity(text.len());
    for c in one_line(text, max).chars() {
        match c {
            // A zero-width space ends a mention before it begins.
            '@' => out.push_str("@\u{200b}"),
            '<' => out.push('‹'),
            '>' => out.push('›'),
            '\\' | '`' | '*' | '_' | '|' | '~' | '#' | '[' | ']' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out.replace("://", ":/\u{200b}/")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cell_never_breaks_its_row(text in "(?s).{0,200}") {
            let row = format!("| {} |", markdown_cell(&text, 80));
            let mut bars = 0;
            let mut escape = false;
            for c in row.chars() {
                prop_assert!(c != '\n' && c != '\r' && c != '<');
                bars += usize::from(c == '|' && !escape);
                escape = c == '\\' && !escape;
            }
            prop_assert_eq!(bars, 2);
        }

        #[test]
        fn a_message_never_mentions(text in "(?s)[@a-z<>#&!0-9: ]{0,60}") {
            let shown = discord_plain(&text, 200);
            for mention in ["@everyone", "@here", "<@", "<#", "://"] {
                prop_assert!(!shown.contains(mention));
            }
        }
    }

    #[test]
    fn a_paragraph_is_no_list_or_heading() {
        assert_eq!(markdown_text("- a\n# b", 80), "\\- a \\# b");
        assert_eq!(markdown_text("1. a", 80), "1\\. a");
        assert_eq!(markdown_cell("", 80), "–");
    }
}
