//! No credential comes in with a change or a report.

use std::path::Path;
use std::sync::OnceLock;

use regex::Regex;

use super::{Findings, Standing, Unknown};
use crate::repo::{Change, Changes};
use crate::text::entropy;
use crate::turn::Verdict;

/// What is judged as a whole by its shape.
const SHAPES: [(&str, &str); 14] = [
    (
        "an AWS access key",
        r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b",
    ),
    ("a GitHub token", r"\bgh[pousr]_[A-Za-z0-9]{36,}"),
    ("a GitHub token", r"\bgithub_pat_[A-Za-z0-9_]{40,}"),
    (
        "a GitLab token",
        r"\bgl(?:pat|dt|rt|cbt)-[A-Za-z0-9_-]{20,}",
    ),
    ("a Slack token", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    (
        "a Slack webhook",
        r"hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{20,}",
    ),
    ("an Anthropic key", r"\bsk-ant-[A-Za-z0-9_-]{20,}"),
    (
        "an OpenAI key",
        r"\bsk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{32,}",
    ),
    (
        "a Discord token",
        r"\b[MNO][A-Za-z0-9_-]{22,28}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}",
    ),
    (
        "a Discord webhook",
        r"discord(?:app)?\.com/api/webhooks/[0-9]{17,}/[A-Za-z0-9_-]{40,}",
    ),
    ("a Google API key", r"\bAIza[A-Za-z0-9_-]{35}"),
    (
        "an npm or PyPI token",
        r"\b(?:npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,})",
    ),
    (
        "a JSON web token",
        r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
    ),
    (
        "a password in a URL",
        r#"\b[a-z][a-z0-9+.-]*://[^\s/:@"'$<{]+:[^\s/:@"'$<{}]{8,}@"#,
    ),
];
/// A private key: its header with its body behind it, on the line or escaped.
const KEY_HEADER: &str = r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----";
const KEY_BODY: &str = r"[A-Za-z0-9+/=]{20}|Proc-Type:|Version:";
/// A name that speaks of a secret, and the literal that it gets.
const NAMED: &str = r#"(?i)(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential)s?[A-Za-z0-9_-]*["']?\s*(?::=|=>|=|:)\s*["']?([A-Za-z0-9+/=_.~!@#%^&*-]{16,})"#;

struct Shapes {
    whole: Vec<(&'static str, Regex)>,
    header: Regex,
    body: Regex,
    named: Regex,
}

impl Shapes {
    fn new() -> Result<Self, regex::Error> {
        let whole = SHAPES
            .iter()
            .map(|(kind, shape)| Ok((*kind, Regex::new(shape)?)));
        Ok(Self {
            whole: whole.collect::<Result<_, regex::Error>>()?,
            header: Regex::new(KEY_HEADER)?,
            body: Regex::new(KEY_BODY)?,
            named: Regex::new(NAMED)?,
        })
    }

    /// The secrets of a line, as kind and text; `next` is the line behind it.
    fn find<'t>(&self, line: &'t str, next: &'t str) -> Vec<(&'static str, &'t str)> {
        let mut hits = Vec::new();
        for (kind, shape) in &self.whole {
            let real = shape.find_iter(line).filter(|m| !placeholder(m.as_str()));
            hits.extend(real.map(|m| (*kind, m.as_str())));
        }
        if let Some(header) = self.header.find(line) {
            let behind = line.get(header.end()..).unwrap_or_default();
            if self.body.is_match(behind) || (behind.trim().len() < 4 && self.body.is_match(next)) {
                hits.push((
                    "a private key",
                    if behind.len() < 4 {
                        next.trim()
                    } else {
                        behind
                    },
                ));
            }
        }
        for named in self.named.captures_iter(line) {
            if let Some(value) = named.get(1).filter(|v| random(v.as_str())) {
                hits.push(("a password, secret or token in plain text", value.as_str()));
            }
        }
        hits
    }
}

fn shapes() -> Result<&'static Shapes, String> {
    static SHAPES: OnceLock<Result<Shapes, regex::Error>> = OnceLock::new();
    SHAPES
        .get_or_init(Shapes::new)
        .as_ref()
        .map_err(ToString::to_string)
}

/// Judges what is new in `changes`, and `texts`, which are the report's. A secret is never shown.
pub fn secrets(changes: &Changes, texts: &[String]) -> Verdict {
    let mut found = Findings::default();
    let judged = judge(changes.all(), changes.standing(), &mut found)
        .and_then(|()| texts_in(texts, &mut found));
    match judged {
        Ok(()) => found.verdict(Unknown::Refuse),
        Err(why) => Verdict::NotRun(format!("the credential shapes are broken: {why}")),
    }
}

/// The kind of the first secret in texts that are to be shown or kept.
///
/// # Errors
/// When the shapes can't be read.
pub fn texts_hold(texts: &[&str]) -> Result<Option<&'static str>, String> {
    let shapes = shapes()?;
    let mut kind = None;
    for text in texts {
        look(shapes, text, &[], |_, found| kind = kind.or(Some(found)));
    }
    Ok(kind)
}

/// Judges what is new in the files.
pub(super) fn judge(changes: &[Change], _: &Standing, found: &mut Findings) -> Result<(), String> {
    let shapes = shapes()?;
    let text = |side: &[u8]| String::from_utf8_lossy(side).into_owned();
    // What the repository has already is no news, also when it moves.
    let old = changes.iter().filter_map(|c| c.old.as_deref());
    let known: Vec<String> = old.map(text).collect();
    for change in changes {
        let new = text(change.new.as_deref().unwrap_or_default());
        look(shapes, &new, &known, |line, kind| {
            refuse(found, &change.path, line, kind);
        });
    }
    Ok(())
}

fn texts_in(texts: &[String], found: &mut Findings) -> Result<(), String> {
    let shapes = shapes()?;
    for text in texts {
        // JSON in a report has its line ends escaped; a key's body stands on the same line.
        look(shapes, text, &[], |_, kind| {
            let what = format!(
                "it holds {kind}; take it out, name where it is instead, and have it replaced"
            );
            found.refuse("secret", Path::new("the report"), None, &what);
        });
    }
    Ok(())
}

fn refuse(found: &mut Findings, path: &Path, line: usize, kind: &str) {
    let what =
        format!("it looks like {kind}; take it from the environment or a vault by a variable");
    found.refuse("secret", path, Some(line), &what);
}

fn look(shapes: &Shapes, text: &str, known: &[String], mut hit: impl FnMut(usize, &'static str)) {
    let new = |secret: &str| !known.iter().any(|old| old.contains(secret));
    let lines: Vec<&str> = text.lines().collect();
    let mut seen = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let next = lines.get(at + 1).copied().unwrap_or_default();
        for (kind, secret) in shapes.find(line, next) {
            if new(secret) {
                seen.push(at + 1);
                hit(at + 1, kind);
            }
        }
    }
    for found in crate::text::credentials(text) {
        let secret = text.get(found.at.clone()).unwrap_or_default();
        let line = 1 + text
            .get(..found.at.start)
            .unwrap_or_default()
            .matches('\n')
            .count();
        if new(secret) && !placeholder(secret) && !seen.contains(&line) {
            hit(line, found.kind);
        }
    }
}

/// Whether a text only stands for a secret.
fn placeholder(text: &str) -> bool {
    let folded = text.to_lowercase();
    let words = [
        "example",
        "placeholder",
        "changeme",
        "change-me",
        "change_me",
        "dummy",
        "redacted",
    ];
    words.iter().any(|w| folded.contains(w))
        || [
            "your-", "your_", "xxxx", "0000000", "1234567", "abcdef", "...", "****",
        ]
        .iter()
        .any(|w| folded.contains(w) && entropy(text) < 4.2)
        || entropy(text) < 2.6
}

/// Whether a literal looks as if a machine made it up.
fn random(text: &str) -> bool {
    if placeholder(text) || text.starts_with(['/', '~', '.']) {
        return false;
    }
    let has = |f: fn(&char) -> bool| text.chars().any(|c| f(&c));
    let digit = has(char::is_ascii_digit);
    let hex = text.chars().all(|c| c.is_ascii_hexdigit());
    if hex {
        return text.len() >= 24 && digit && entropy(text) > 2.8;
    }
    let mixed = has(char::is_ascii_lowercase) && has(char::is_ascii_uppercase);
    digit && entropy(text) > if mixed { 3.4 } else { 3.9 }
}
