//! Taking credentials out of text, by their well-known shapes.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// Shapes of whole credentials.
const SHAPES: [&str; 12] = [
    r"sk-(?:ant-|proj-)?[A-Za-z0-9_-]{16,}",
    r"gh[pousr]_[A-Za-z0-9]{20,}",
    r"github_pat_[A-Za-z0-9_]{20,}",
    r"glpat-[A-Za-z0-9_-]{16,}",
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    r"xox[abposr]-[A-Za-z0-9-]{10,}",
    r"\bAIza[A-Za-z0-9_-]{30,}",
    // A Discord bot token: user id, timestamp, signature.
    r"\b[A-Za-z0-9_-]{23,28}\.[A-Za-z0-9_-]{6,7}\.[A-Za-z0-9_-]{27,}",
    // A JSON Web Token.
    r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+",
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.)*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)",
    r"(?i:\bbearer\s+)[A-Za-z0-9._~+/=-]{8,}",
    r"(?i:\bbot\s+)[A-Za-z0-9._-]{40,}",
];

#[expect(
    clippy::expect_used,
    reason = "constant expressions, compiled by a test"
)]
static WHOLE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(&SHAPES.join("|")).expect("constant expression"));

/// `NAME_TOKEN=value`, `"password": "value"`, and URLs with a password.
#[expect(
    clippy::expect_used,
    reason = "constant expressions, compiled by a test"
)]
static ASSIGNED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"(?i)([A-Za-z0-9_-]*(?:token|secret|passw(?:or)?d|api_?key|access_?key)"?\s*[=:]\s*["']?)([^\s"'{}$<>,;]{6,})|(://[^/\s:@]+:)([^@\s/]+)(@)"#,
    )
    .expect("constant expression")
});

/// Replaces what looks like a credential by `[redacted]`.
pub fn redact(text: &str) -> String {
    let text = WHOLE.replace_all(text, "[redacted]");
    let text = without_credentials(&text);
    ASSIGNED
        .replace_all(&text, |found: &Captures<'_>| {
            let part = |n: usize| found.get(n).map_or("", |m| m.as_str());
            if found.get(3).is_some() {
                format!("{}[redacted]{}", part(3), part(5))
            } else {
                format!("{}[redacted]", part(1))
            }
        })
        .into_owned()
}

/// Takes out what the rules for credentials find.
fn without_credentials(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for found in super::secrets::find(text) {
        if found.at.start < from {
            continue;
        }
        out.push_str(text.get(from..found.at.start).unwrap_or_default());
        out.push_str("[redacted]");
        from = found.at.end;
    }
    out + text.get(from..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn credentials_of_known_shapes_go_and_the_rest_stays() {
        // Put together here, so that no scanner takes this file for a leak.
        let body = "a1B2".repeat(10);
        for secret in [
            format!("sk-ant-{body}"),
            format!("ghp_{body}"),
            format!("AKIA{}", "ABCD1234EFGH5678"),
            format!("xoxb-{body}"),
            format!("{}.{}.{}", "M".repeat(24), "abc123", "z".repeat(30)),
            format!(
                "-----BEGIN {} KEY-----\n{body}\n-----END {} KEY-----",
                "PRIVATE", "PRIVATE"
            ),
        ] {
            let shown = redact(&format!("before {secret} after"));
            assert_eq!(shown, "before [redacted] after", "{secret}");
        }
        assert_eq!(
            redact("DISCORD_BOT_TOKEN=hunter2x"),
            "DISCORD_BOT_TOKEN=[redacted]"
        );
        assert_eq!(
            redact("https://me:hunter2@host/x"),
            "https://me:[redacted]@host/x"
        );
        assert_eq!(redact("password: \"hunter22\""), "password: \"[redacted]\"");
        for harmless in [
            "a token is needed",
            "path=/etc/hosts",
            "token: {{ vault_token }}",
            "ok=12",
        ] {
            assert_eq!(redact(harmless), harmless);
        }
    }
}
