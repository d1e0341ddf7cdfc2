//! The judge: of the rules that match, the last one holds.

use std::collections::BTreeMap;

use super::read::{Expr, read};

/// What a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Directory,
    Device,
}

/// What something is asked of.
#[derive(Debug, Clone)]
pub(crate) enum Subject<'a> {
    Path(&'a str, Kind),
    /// `tcp` or `udp`, an address, a port.
    Remote(&'a str, &'a str, u16),
    Socket(&'a str),
    Name(&'a str),
    /// A process; whether it is in the same sandbox.
    Process(bool),
    Nothing,
}

/// A question.
#[derive(Debug, Clone)]
pub(crate) struct Query<'a>(pub(crate) &'a str, pub(crate) Subject<'a>);

/// A profile with its parameters.
pub(crate) struct Profile {
    rules: Vec<Expr>,
    parameters: BTreeMap<String, String>,
}

impl Profile {
    /// Of the arguments of `sandbox-exec`.
    pub(crate) fn of(args: &[&str]) -> Self {
        assert_eq!(args[0], "-p");
        let parameters = args[2..].iter().map_while(|a| a.strip_prefix("-D"));
        let parameters = parameters.map(|a| a.split_once('=').unwrap());
        Self {
            rules: read(args[1]).unwrap(),
            parameters: parameters
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .collect(),
        }
    }

    /// Whether it may be done.
    pub(crate) fn allows(&self, query: &Query<'_>) -> bool {
        let mut verdict = false;
        for rule in &self.rules {
            let [head, rest @ ..] = rule.list() else {
                continue;
            };
            let allow = match head.symbol() {
                "allow" => true,
                "deny" => false,
                _ => continue,
            };
            let symbol = |e: &&Expr| matches!(e, Expr::Symbol(_));
            let operations: Vec<&Expr> = rest.iter().take_while(symbol).collect();
            let filters = &rest[operations.len()..];
            let named = operations.iter().any(|o| covers(o.symbol(), query.0));
            let matches = filters.is_empty() || filters.iter().any(|f| self.matches(f, &query.1));
            if named && matches {
                verdict = allow;
            }
        }
        verdict
    }

    fn text<'a>(&'a self, value: &'a Expr) -> &'a str {
        match value {
            Expr::Text(text) => text,
            Expr::List(list) if list[0].symbol() == "param" => {
                let Expr::Text(name) = &list[1] else {
                    panic!("{list:?}")
                };
                self.parameters
                    .get(name)
                    .unwrap_or_else(|| panic!("no parameter {name}"))
            }
            other => panic!("no text: {other:?}"),
        }
    }

    fn matches(&self, filter: &Expr, subject: &Subject<'_>) -> bool {
        let [name, values @ ..] = filter.list() else {
            panic!("{filter:?}")
        };
        let path = match subject {
            Subject::Path(path, _) | Subject::Socket(path) => Some(*path),
            _ => None,
        };
        match name.symbol() {
            "require-all" => values.iter().all(|f| self.matches(f, subject)),
            "require-any" => values.iter().any(|f| self.matches(f, subject)),
            "require-not" => !self.matches(&values[0], subject),
            "literal" => path == Some(self.text(&values[0])),
            "subpath" => {
                let top = self.text(&values[0]);
                path.and_then(|p| p.strip_prefix(top))
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            "regex" => {
                let Expr::Regex(regex) = &values[0] else {
                    panic!("{filter:?}")
                };
                path.is_some_and(|p| regex::Regex::new(regex).unwrap().is_match(p))
            }
            "vnode-type" => {
                let kind = match values[0].symbol() {
                    "DIRECTORY" => Kind::Directory,
                    "CHARACTER-DEVICE" => Kind::Device,
                    "REGULAR-FILE" => Kind::File,
                    other => panic!("{other}"),
                };
                matches!(subject, Subject::Path(_, k) if *k == kind)
            }
            "global-name" | "sysctl-name" | "ipc-posix-name" => {
                matches!(subject, Subject::Name(n) if *n == self.text(&values[0]))
            }
            "sysctl-name-prefix" => {
                matches!(subject, Subject::Name(n) if n.starts_with(self.text(&values[0])))
            }
            "target" => {
                assert_eq!(values[0].symbol(), "same-sandbox");
                matches!(subject, Subject::Process(true))
            }
            "remote" => {
                let Subject::Remote(protocol, address, port) = subject else {
                    return false;
                };
                let known = values[0].symbol();
                let (host, ports) = self.text(&values[1]).split_once(':').unwrap();
                let local = ["127.0.0.1", "::1"].contains(address);
                (known == "ip" || known == *protocol)
                    && (host == "*" || host == "localhost" && local)
                    && (ports == "*" || ports == port.to_string())
            }
            other => panic!("an unknown filter: {other}"),
        }
    }
}

/// Whether an operation of a rule covers one that is asked for.
fn covers(rule: &str, asked: &str) -> bool {
    match rule.strip_suffix('*') {
        _ if rule == "default" => true,
        Some(start) => asked.starts_with(start),
        None => rule == asked,
    }
}

#[test]
fn the_last_matching_rule_holds() {
    let text = "(version 1)(deny default)(allow file-read* (subpath (param \"A\")))\
                (deny file-read-data (require-all (subpath \"/a/b\") (require-not (literal \"/a/b/c\"))))\
                (deny file-read* (regex #\"/\\.git(/|$)\"))\
                (allow network-outbound (remote ip \"localhost:80\"))";
    let profile = Profile::of(&["-p", text, "-DA=/a", "--", "/bin/x"]);
    let may = |what, subject| profile.allows(&Query(what, subject));
    let file = |path| Subject::Path(path, Kind::File);
    assert!(may("file-read-data", file("/a/x")) && may("file-read-data", file("/a")));
    assert!(!may("file-read-data", file("/ab")) && !may("file-write-data", file("/a/x")));
    assert!(!may("file-read-data", file("/a/b/x")) && may("file-read-data", file("/a/b/c")));
    assert!(may("file-read-metadata", file("/a/b/x")));
    assert!(!may("file-read-data", file("/a/.git/x")) && may("file-read-data", file("/a/.gitx")));
    assert!(may("network-outbound", Subject::Remote("tcp", "::1", 80)));
    assert!(!may(
        "network-outbound",
        Subject::Remote("tcp", "127.0.0.1", 81)
    ));
    assert!(!may(
        "network-outbound",
        Subject::Remote("tcp", "1.1.1.1", 80)
    ));
    assert!(!may("network-bind", Subject::Nothing) && !may("mach-lookup", Subject::Name("x")));
}
