//! Which hosts may be reached, by name and port: the deny list, then the allow list, then the port.
//! What is not on the allow list is refused; an empty one refuses everything.

use super::host::{Host, Target};

/// An entry of a list: a host, or whatever is below a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// This host.
    Host(Host),
    /// `*.example.org`: whatever ends so, and not the name itself.
    Below(String),
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Host(host) => write!(f, "{host}"),
            Self::Below(name) => write!(f, "*.{name}"),
        }
    }
}

impl Pattern {
    /// Reads an entry as it stands in the configuration.
    ///
    /// # Errors
    /// What is wrong.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let Some(below) = text.strip_prefix("*.") else {
            return Host::parse(text).map(Self::Host);
        };
        match Host::parse(below)? {
            Host::Name(name) => Ok(Self::Below(name)),
            Host::Address(_) => Err("nothing is below an address"),
        }
    }

    /// Whether it is about `host`.
    pub fn matches(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Host(own), host) => own == host,
            (Self::Below(name), Host::Name(host)) => host
                .strip_suffix(name.as_str())
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
            (Self::Below(_), Host::Address(_)) => false,
        }
    }
}

/// The lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// Refused, whatever else says.
    pub deny: Vec<Pattern>,
    /// Let through. Empty: nothing is.
    pub allow: Vec<Pattern>,
    /// The ports that may be reached.
    pub ports: Vec<u16>,
}

impl Rules {
    /// The entry by which a target is let through.
    ///
    /// # Errors
    /// The rule by which it is not.
    pub fn judge(&self, target: &Target) -> Result<String, String> {
        let find = |list: &[Pattern]| list.iter().find(|p| p.matches(&target.host)).cloned();
        if let Some(entry) = find(&self.deny) {
            return Err(format!("deny {entry}"));
        }
        let entry = find(&self.allow).ok_or("not in egress.allow")?;
        if !self.ports.contains(&target.port) {
            return Err("not in egress.ports".to_owned());
        }
        Ok(format!("allow {entry}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rules(deny: &[&str], allow: &[&str], ports: &[u16]) -> Rules {
        let read = |list: &[&str]| list.iter().map(|t| Pattern::parse(t).unwrap()).collect();
        Rules {
            deny: read(deny),
            allow: read(allow),
            ports: ports.to_vec(),
        }
    }

    fn judge(rules: &Rules, target: &str) -> Result<String, String> {
        rules.judge(&Target::parse(target).unwrap())
    }

    #[test]
    fn an_empty_list_lets_nothing_through() {
        let none = rules(&[], &[], &[443]);
        let why = judge(&none, "example.org:443").unwrap_err();
        assert_eq!(why, "not in egress.allow");
    }

    #[test]
    fn an_entry_is_a_host_or_what_is_below_a_name() {
        let some = rules(&[], &["example.org", "*.pypi.org", "93.184.216.34"], &[443]);
        for (target, entry) in [
            ("example.org:443", Some("allow example.org")),
            ("EXAMPLE.ORG:443", Some("allow example.org")),
            ("a.pypi.org:443", Some("allow *.pypi.org")),
            ("a.b.pypi.org:443", Some("allow *.pypi.org")),
            ("93.184.216.34:443", Some("allow 93.184.216.34")),
            ("pypi.org:443", None),
            ("evilpypi.org:443", None),
            ("a.example.org:443", None),
            ("example.org.evil.net:443", None),
            ("93.184.216.35:443", None),
        ] {
            assert_eq!(judge(&some, target).ok().as_deref(), entry, "{target}");
        }
    }

    #[test]
    fn deny_wins_and_ports_count() {
        let both = rules(&["bad.example.org"], &["*.example.org"], &[443, 8443]);
        let why = judge(&both, "bad.example.org:443").unwrap_err();
        assert_eq!(why, "deny bad.example.org");
        assert!(judge(&both, "good.example.org:8443").is_ok());
        let why = judge(&both, "good.example.org:22").unwrap_err();
        assert_eq!(why, "not in egress.ports");
    }

    #[test]
    fn entries_that_mean_too_much_are_none() {
        for text in [
            "*",
            "*.",
            "*.org",
            "*.*.org",
            "a.*.org",
            "*example.org",
            "",
            "*.1.2.3.4",
        ] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        /// Nothing but what is below the name matches.
        #[test]
        fn below_is_below(name in "[a-z]{1,6}(\\.[a-z]{1,6}){0,4}") {
            let pattern = Pattern::parse("*.example.org").unwrap();
            if let Ok(host) = Host::parse(&name) {
                prop_assert!(!pattern.matches(&host) || name.ends_with(".example.org"));
            }
            let below = Host::parse(&format!("{name}.example.org")).unwrap();
            prop_assert!(pattern.matches(&below));
        }
    }
}
