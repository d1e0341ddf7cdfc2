//! What whoever asks the proxy has to know: made for one run, worth nothing after it, and nothing
//! outside of this machine.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::config::Secret;

/// The user that stands before the token in a proxy's address.
const USER: &str = "secloop";

/// A run's token.
#[derive(Debug, Clone)]
pub(super) struct Token(Secret);

impl Token {
    /// A new one: 244 random bits.
    pub(super) fn new() -> Self {
        let half = || uuid::Uuid::new_v4().simple();
        Self(Secret::new(format!("run-{}{}", half(), half())))
    }

    pub(super) fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Whether it is what somebody gave. Takes the same time for every wrong one.
    pub(super) fn is(&self, given: &[u8]) -> bool {
        Sha256::digest(given) == Sha256::digest(self.expose())
    }

    /// Whether a `Proxy-Authorization` carries it.
    pub(super) fn is_in(&self, header: &[u8]) -> bool {
        let own = STANDARD.encode(format!("{USER}:{}", self.expose()));
        let Some((scheme, given)) = header.split_at_checked(6) else {
            return false;
        };
        scheme.eq_ignore_ascii_case(b"basic ")
            && Sha256::digest(given.trim_ascii()) == Sha256::digest(own)
    }

    /// The proxy's address with it, as programs take it from `HTTPS_PROXY`.
    pub(super) fn url(&self, port: u16) -> String {
        format!("http://{USER}:{}@127.0.0.1:{port}", self.expose())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_told_from_any_other() {
        let (own, other) = (Token::new(), Token::new());
        assert!(own.is(own.expose().as_bytes()) && !own.is(other.expose().as_bytes()));
        assert!(!own.is(b""));
        let basic = |user: &str, token: &Token| {
            format!(
                "Basic {}",
                STANDARD.encode(format!("{user}:{}", token.expose()))
            )
        };
        assert!(own.is_in(basic(USER, &own).as_bytes()));
        assert!(own.is_in(basic(USER, &own).replace("Basic", "basic").as_bytes()));
        for wrong in [
            basic(USER, &other),
            basic("root", &own),
            own.expose().to_owned(),
            format!("Bearer {}", own.expose()),
            String::new(),
        ] {
            assert!(!own.is_in(wrong.as_bytes()), "{wrong}");
        }
        assert!(!format!("{own:?}").contains(own.expose()));
    }
}
