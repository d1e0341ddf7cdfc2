//! What modules are given: sources and modes.

use super::issue::Issue;
use crate::playbook::yaml::Node;

/// Judges a source in the repository.
pub(super) fn source(key: &str, value: &Node) -> Vec<Issue> {
    let text = value.text().unwrap_or_default();
    let inside = !text.is_empty()
        && !text.starts_with(['/', '~', '$'])
        && !text.contains("{{")
        && text.split('/').all(|part| part != "..");
    if inside {
        return Vec::new();
    }
    vec![Issue::held(
        "source",
        value.line,
        format!("{key} {text} is no file of the repository by its name"),
    )]
}

/// Judges a file's mode.
pub(super) fn mode(value: &Node) -> Vec<Issue> {
    let line = value.line;
    let text = value.text().unwrap_or_default();
    if text == "preserve" {
        return Vec::new();
    }
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_digit()) {
        if value.is_plain() && !text.starts_with('0') {
            return vec![Issue::refused(
                "mode",
                line,
                format!("mode {text} is read as a decimal number; write \"0{text}\" in quotes"),
            )];
        }
        return match u32::from_str_radix(text, 8) {
            Ok(bits) if bits & !0o7777 == 0 => of_bits(line, bits),
            _ => vec![Issue::refused(
                "mode",
                line,
                format!("mode {text} is no octal mode"),
            )],
        };
    }
    symbolic(line, text)
}

fn of_bits(line: usize, bits: u32) -> Vec<Issue> {
    let mut issues = Vec::new();
    if bits & 0o6000 != 0 {
        issues.push(Issue::refused(
            "mode",
            line,
            "a setuid or setgid mode; take the bit off",
        ));
    }
    if bits & 0o002 != 0 {
        issues.push(Issue::refused(
            "mode",
            line,
            "a mode that lets everybody write; take the bit off",
        ));
    }
    issues
}

/// `u=rw,g=r,o=` and the like.
fn symbolic(line: usize, text: &str) -> Vec<Issue> {
    let mut bits = 0;
    for clause in text.split(',') {
        let at = clause.find(['+', '-', '=']).unwrap_or(clause.len());
        let (who, rest) = clause.split_at(at);
        let good = |part: &str, known: &str| part.chars().all(|c| known.contains(c));
        if rest.is_empty() || !good(who, "ugoa") || !good(rest, "+-=rwxXst") {
            return vec![Issue::held(
                "mode",
                line,
                format!("mode {text}, which no rule can read"),
            )];
        }
        let mut gives = false;
        for c in rest.chars() {
            match c {
                '+' | '=' => gives = true,
                '-' => gives = false,
                's' if gives => bits |= 0o6000,
                'w' if gives && (who.is_empty() || who.contains(['o', 'a'])) => bits |= 0o002,
                _ => {}
            }
        }
    }
    of_bits(line, bits)
}

#[cfg(test)]
mod tests {
    use super::super::issue::assert_issue;
    use super::*;
    use crate::playbook::yaml::parse;

    #[test]
    fn modes() {
        for (text, says) in [
            ("\"0755\"", ""),
            ("'0600'", ""),
            ("0644", ""),
            ("\"755\"", ""),
            ("preserve", ""),
            ("u=rw,g=r,o=", ""),
            ("u+x", ""),
            ("o-w", ""),
            ("755", "refused: decimal"),
            ("\"4755\"", "refused: setuid"),
            ("\"2755\"", "refused: setgid"),
            ("\"0777\"", "refused: everybody write"),
            ("\"1777\"", "refused: everybody write"),
            ("\"0666\"", "refused: everybody write"),
            ("u+s", "refused: setuid"),
            ("a+rw", "refused: everybody"),
            ("+w", "refused: everybody"),
            ("o=w", "refused: everybody"),
            ("u-w+r,o+w", "refused: everybody"),
            ("\"0999\"", "refused: no octal"),
            ("\"{{ mode }}\"", "held: no rule can read"),
        ] {
            assert_issue(text, &mode(&parse(text).unwrap().root), says);
        }
    }
}
