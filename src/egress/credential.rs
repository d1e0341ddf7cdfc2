//! The model's credential: which kind it is. Where it comes from is in `source.rs`.

use crate::config::Secret;

/// How the service wants a credential, and what the client calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `x-api-key`.
    ApiKey,
    /// `Authorization: Bearer`, of a gateway.
    Bearer,
    /// `Authorization: Bearer`, of a subscription.
    Oauth,
}

impl Kind {
    /// The variable by which Claude Code takes one.
    pub fn variable(self) -> &'static str {
        match self {
            Self::ApiKey => "ANTHROPIC_API_KEY",
            Self::Bearer => "ANTHROPIC_AUTH_TOKEN",
            Self::Oauth => "CLAUDE_CODE_OAUTH_TOKEN",
        }
    }

    /// The kind of a credential whose variable says nothing: subscription tokens are told by their
    /// beginning.
    pub fn of(value: &str) -> Self {
        if value.starts_with("sk-ant-oat") {
            Self::Oauth
        } else {
            Self::ApiKey
        }
    }
}

/// A credential.
#[derive(Debug, Clone)]
pub struct Credential {
    /// Which kind.
    pub kind: Kind,
    /// Itself.
    pub value: Secret,
}

impl Credential {
    /// Takes a text for a credential, without the white space around it.
    ///
    /// # Errors
    /// What is wrong, without the text.
    pub fn new(kind: Option<Kind>, text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("it is empty".to_owned());
        }
        if text.len() > MAX || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(format!(
                "it is no credential: one line of printable characters, at most {MAX}"
            ));
        }
        Ok(Self {
            kind: kind.unwrap_or_else(|| Kind::of(text)),
            value: Secret::new(text),
        })
    }
}

/// Longest credential, in bytes.
const MAX: usize = 8 << 10;
