//! Whether a line of a hook finds more than it did: further alternatives in a pattern, or in an arm of a
//! `case`, of a line that denies; and nothing else.

/// What is known of the script that a line stands in.
pub(super) struct Script<'a> {
    /// Whether what stands there denies.
    pub(super) denies: &'a dyn Fn(&str) -> bool,
    /// Whether every grep of the script takes `|` for "or".
    pub(super) extended: bool,
}

/// Whether `by` does what `line` did, and more of it; `next` is the line behind it.
pub(super) fn finds_more(script: &Script<'_>, line: &str, by: &str, next: &str) -> bool {
    more_arms(script, line, by, next) || more_patterns(script, line, by, next)
}

/// Whether every grep of a script has a flag by which `|` is "or".
pub(super) fn is_extended(script: &str) -> bool {
    let code = script
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    let greps = code.flat_map(|line| line.split("grep ").skip(1).collect::<Vec<_>>());
    let mut flags = greps.map(|behind| behind.split_whitespace().next().unwrap_or_default());
    flags.all(|flag| flag.starts_with('-') && flag.contains(['E', 'P']))
}

/// `A | B) deny ;;` with more in front of the bracket.
fn more_arms(script: &Script<'_>, line: &str, by: &str, next: &str) -> bool {
    let arm = |line: &str| -> Option<(Vec<String>, String)> {
        let at = outside(line).find(|(_, c)| *c == ')')?.0;
        let (patterns, action) = (line.get(..at)?, line.get(at + 1..)?);
        let mut all = vec![String::new()];
        let mut from = 0;
        for (at, c) in outside(patterns) {
            if c == '|' {
                all.last_mut()?.push_str(patterns.get(from..at)?);
                all.push(String::new());
                from = at + 1;
            }
        }
        all.last_mut()?.push_str(patterns.get(from..)?);
        let all = all.iter().map(|one| one.trim().to_owned()).collect();
        Some((all, action.trim().to_owned()))
    };
    let (Some((old, action)), Some((new, same))) = (arm(line), arm(by)) else {
        return false;
    };
    let plain = !new.iter().any(|one| one.is_empty() || one.contains("$("));
    // The action may stand behind it.
    let acts = match action.as_str() {
        "" => next,
        action if action.ends_with(";;") => action,
        _ => return false,
    };
    action == same && (script.denies)(acts) && plain && within(&old, &new)
}

/// The same line but for its quoted texts, of which some have more alternatives.
fn more_patterns(script: &Script<'_>, line: &str, by: &str, next: &str) -> bool {
    let (Some((around, old)), Some((same, new))) = (quoted(line), quoted(by)) else {
        return false;
    };
    let bare = around.concat();
    // Where a text is taken apart or looked for in order to let it through, more of it is less.
    let other = bare.contains("||")
        || bare.contains("=$(")
        || bare.contains(" -v")
        || bare.contains('!')
        || ["sed ", "tr ", "cut ", "jq ", "awk "]
            .iter()
            .any(|word| bare.contains(word));
    let acts = match bare.split_once("&&") {
        Some((_, action)) => (script.denies)(action),
        None => bare.trim_end().ends_with("then") && (script.denies)(next),
    };
    !other
        && acts
        && script.extended
        && around == same
        && old.len() == new.len()
        && old
            .iter()
            .zip(&new)
            .all(|(old, new)| old == new || extends(old, new))
}

/// The characters of a line that stand outside of quotes.
pub(super) fn outside(line: &str) -> impl Iterator<Item = (usize, char)> {
    let (mut quote, mut escaped) = (None, false);
    line.char_indices().filter(move |(_, c)| {
        if escaped {
            escaped = false;
            return false;
        }
        match (quote, *c) {
            (None | Some('"'), '\\') => escaped = true,
            (None, '\'' | '"') => quote = Some(*c),
            (Some(open), c) if open == c => quote = None,
            (None, _) => return true,
            _ => {}
        }
        false
    })
}

/// What stands around quoted texts, and the texts; none where a quote does not end.
fn quoted(line: &str) -> Option<(Vec<String>, Vec<String>)> {
    let (mut around, mut texts) = (vec![String::new()], Vec::new());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        let place = around.last_mut()?;
        place.push(c);
        if c == '\\' {
            place.extend(chars.next());
        } else if c == '\'' || c == '"' {
            let mut text = String::new();
            loop {
                match chars.next()? {
                    '\\' if c == '"' => {
                        text.push('\\');
                        text.push(chars.next()?);
                    }
                    end if end == c => break,
                    inner => text.push(inner),
                }
            }
            texts.push(text);
            around.push(String::new());
        }
    }
    Some((around, texts))
}

/// Whether an extended regular expression is another one with more alternatives, at its top or in one
/// of its groups.
fn extends(old: &str, new: &str) -> bool {
    if regex::Regex::new(new).is_err() || regex::Regex::new(old).is_err() {
        return false;
    }
    let more = |old: &str, new: &str| match (alternatives(old), alternatives(new)) {
        (Some(old), Some(new)) => !new.iter().any(String::is_empty) && within(&old, &new),
        _ => false,
    };
    more(old, new)
        || groups(old).iter().any(|(open, close)| {
            let Some((_, end)) = groups(new).into_iter().find(|(start, _)| start == open) else {
                return false;
            };
            old.get(..=*open) == new.get(..=*open)
                && old.get(*close..) == new.get(end..)
                && more(
                    old.get(open + 1..*close).unwrap_or_default(),
                    new.get(open + 1..end).unwrap_or_default(),
                )
        })
}

/// Whether all of the old ones are among the new, in their order.
fn within(old: &[String], new: &[String]) -> bool {
    let mut rest = new.iter();
    new.len() > old.len() && old.iter().all(|one| rest.any(|other| other == one))
}

/// The signs of a regular expression that mean something: not escaped, and in no class.
fn signs(text: &str) -> Vec<(usize, char)> {
    let mut all = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '[' => {
                chars.next_if(|(_, c)| *c == '^');
                chars.next_if(|(_, c)| *c == ']');
                // `[:space:]` within.
                let mut named = false;
                while let Some((_, inner)) = chars.next() {
                    let next = chars.peek().map(|(_, c)| *c);
                    match inner {
                        '[' if next == Some(':') => named = true,
                        ':' if named && next == Some(']') => {
                            chars.next();
                            named = false;
                        }
                        ']' if !named => break,
                        _ => {}
                    }
                }
            }
            '(' | ')' | '|' => all.push((at, c)),
            _ => {}
        }
    }
    all
}

/// Where groups begin and end.
fn groups(text: &str) -> Vec<(usize, usize)> {
    let (mut open, mut all) = (Vec::new(), Vec::new());
    for (at, sign) in signs(text) {
        match sign {
            '(' => open.push(at),
            ')' => all.extend(open.pop().map(|from| (from, at))),
            _ => {}
        }
    }
    all
}

/// What stands between the bars that are in no group; none where groups don't end.
fn alternatives(text: &str) -> Option<Vec<String>> {
    let (mut depth, mut from, mut all) = (0_usize, 0, Vec::new());
    for (at, sign) in signs(text) {
        match sign {
            '(' => depth += 1,
            ')' => depth = depth.checked_sub(1)?,
            _ if depth == 0 => {
                all.push(text.get(from..at)?.to_owned());
                from = at + 1;
            }
            _ => {}
        }
    }
    all.push(text.get(from..)?.to_owned());
    (depth == 0).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_alternatives_find_more() {
        for (old, new, more) in [
            ("rm|dd", "rm|mkfs|dd", true),
            ("(^|[;&| ])rm( |$)", "(^|[;&| ])(rm|dd)( |$)", false),
            ("(curl|wget) x", "(curl|wget|fetch) x", true),
            ("a(b|c)?d", "a(b|c|e)?d", true),
            ("(sudo +)?(ba|z)?sh", "(sudo| +)?(ba|z)?sh", false),
            ("(sudo +)?(ba|z)?sh", "(sudo +)?(ba|z|da)?sh", true),
            ("(^|[;&|] *)mkfs", "(i^|[;&|] *)mkfs", false),
            ("of=/dev", "of=i/dev", false),
            ("[a-zA-Z]x", "[a|-zA-Z]x", false),
            ("/dev/(sd|nvme)", "/dev/|)(/(sd|nvme)", false),
            ("/dev/(sd|nvme)", "/dev/(sd|nvme|)", false),
            ("rm", "rm|[z-a]", false),
            ("a\\|b", "a\\|c|b", false),
            ("[(|]x|y", "[(|]x|z|y", true),
            ("[[:space:]|]a|b", "[[:space:]|]a|b|c", true),
        ] {
            assert_eq!(extends(old, new), more, "{old} {new}");
        }
    }

    #[test]
    fn a_line_finds_more_by_its_patterns_alone() {
        let script = Script {
            denies: &|text| text.contains("deny "),
            extended: true,
        };
        for (old, new, next, more) in [
            (
                "has 'a|b' && deny \"it\"",
                "has 'a|b|c' && deny \"it\"",
                "",
                true,
            ),
            (
                "has 'a|b' && deny \"it\"",
                "has 'a|b' | false && deny \"it\"",
                "",
                false,
            ),
            (
                "has 'a|b' && deny \"it\"",
                "has 'a|b' && deny \"it\" | cat",
                "",
                false,
            ),
            ("has 'a|b' && exit 0", "has 'a|b|c' && exit 0", "", false),
            (
                "has 'a|b' || deny \"it\"",
                "has 'a|b|c' || deny \"it\"",
                "",
                false,
            ),
            (
                "! has 'a|b' && deny \"it\"",
                "! has 'a|b|c' && deny \"it\"",
                "",
                false,
            ),
            (
                "if has 'a|b'; then",
                "if has 'a|b|c'; then",
                "deny \"it\"",
                true,
            ),
            (
                "if has 'a|b'; then",
                "if has 'a|b|c'; then",
                "exit 0",
                false,
            ),
            (
                "*.env | *.key) deny \"it\" ;;",
                "*.env | *.pem | *.key) deny \"it\" ;;",
                "",
                true,
            ),
            (
                "*.env | *.key) exit 0 ;;",
                "*.env | *.pem | *.key) exit 0 ;;",
                "",
                false,
            ),
            (
                "*\"rm -rf /\"*) deny \"it\" ;;",
                "*\"rm -rf /|\"*) deny \"it\" ;;",
                "",
                false,
            ),
            (
                "*\"a\"*) deny \"it\" ;;",
                "*\"a\"* | *\"b\"*) deny \"it\" ;;",
                "",
                true,
            ),
            ("x=$(grep -E 'a|b')", "x=$(grep -E 'a|b|c')", "", false),
        ] {
            assert_eq!(finds_more(&script, old, new, next), more, "{old} -> {new}");
        }
        assert!(is_extended("grep -Eq -- \"$1\"\n# grep x\n"));
        assert!(!is_extended("grep -q 'a'\n"));
    }
}
