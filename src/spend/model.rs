//! The many spellings of a model's name.

/// A name as the price table writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Canonical {
    /// `opus`, `sonnet`…; empty when no family is named.
    pub(super) family: String,
    /// Family and version, such as `opus-4-6`; empty without a version.
    pub(super) name: String,
    /// Nothing was left over that could mean another price.
    pub(super) exact: bool,
}

/// Reads a name in any known spelling: dated (`-20251101`, `@20251101`), Bedrock
/// (`us.anthropic.…-v1:0`), a gateway's (`anthropic/…`, `4.5`), `[1m]`, `-latest`, version before
/// the family (`claude-3-5-haiku`).
pub(super) fn canonical(model: &str, families: &[&str]) -> Canonical {
    let lower = model.trim().to_ascii_lowercase();
    let (prefix, rest) = lower
        .rfind("claude-")
        .map_or(("?", lower.as_str()), |at| lower.split_at(at));
    let rest = rest.strip_prefix("claude-").unwrap_or(rest);
    let rest = rest.split(['@', ':', '[']).next().unwrap_or_default();
    let mut exact = prefix.is_empty() || prefix.ends_with(['.', '/']);
    let mut family = String::new();
    let mut version: Vec<&str> = Vec::new();
    for word in rest.split(['-', '.', '_', '/']).filter(|w| !w.is_empty()) {
        let digits = word.bytes().all(|b| b.is_ascii_digit());
        if families.contains(&word) && family.is_empty() {
            word.clone_into(&mut family);
        } else if digits && word.len() <= 2 && version.len() < 2 {
            version.push(word);
        } else if !(is_date(word) || word == "latest" || is_revision(word)) {
            exact = false;
        }
    }
    if family.is_empty() {
        // A proxy's own name may still tell the family.
        if let Some(found) = families.iter().find(|f| lower.contains(**f)) {
            (*found).clone_into(&mut family);
        }
        return Canonical {
            family,
            name: String::new(),
            exact: false,
        };
    }
    let name = match version.as_slice() {
        [] => String::new(),
        [major] => format!("{family}-{major}"),
        [major, minor, ..] => format!("{family}-{major}-{minor}"),
    };
    Canonical {
        family,
        name,
        exact,
    }
}

fn is_date(word: &str) -> bool {
    word.len() == 8 && word.bytes().all(|b| b.is_ascii_digit())
}

fn is_revision(word: &str) -> bool {
    word.strip_prefix('v')
        .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::canonical;

    const FAMILIES: [&str; 5] = ["opus", "sonnet", "haiku", "fable", "mythos"];

    #[test]
    fn every_spelling_of_a_model_is_the_same_model() {
        for (spelling, name) in [
            ("claude-opus-4-6", "opus-4-6"),
            ("claude-opus-4-5-20251101", "opus-4-5"),
            ("claude-opus-4-5@20251101", "opus-4-5"),
            ("us.anthropic.claude-opus-4-6-v1:0", "opus-4-6"),
            (
                "arn:aws:bedrock:us-east-1:1:inference-profile/eu.anthropic.claude-opus-4-6-20260101-v1:0",
                "opus-4-6",
            ),
            ("anthropic/claude-sonnet-4.5", "sonnet-4-5"),
            ("claude-sonnet-4-6[1m]", "sonnet-4-6"),
            ("Claude-Haiku-4-5", "haiku-4-5"),
            ("claude-3-5-haiku-20241022", "haiku-3-5"),
            ("claude-3-7-sonnet-latest", "sonnet-3-7"),
            ("claude-opus-4-20250514", "opus-4"),
            ("claude-opus-5", "opus-5"),
        ] {
            let read = canonical(spelling, &FAMILIES);
            assert_eq!(read.name, name, "{spelling}");
            assert!(read.exact, "{spelling}");
        }
    }

    #[test]
    fn a_name_that_says_more_or_less_is_no_exact_match() {
        for (spelling, family) in [
            ("claude-opus-5-5-preview", "opus"),
            ("my-opus-proxy", "opus"),
            ("opus", "opus"),
            ("not-claude-opus-4-6", "opus"),
            ("myopus4", "opus"),
            ("gpt-9", ""),
            ("", ""),
        ] {
            let read = canonical(spelling, &FAMILIES);
            assert_eq!(read.family, family, "{spelling}");
            assert!(!read.exact, "{spelling}");
        }
    }
}
