//! What must never be in a profile, whatever it is for.

use super::read::{Expr, read};

/// Operations that a profile may name. The profile is refused as a whole where one is unknown.
const OPERATIONS: [&str; 19] = [
    "default",
    "file-read*",
    "file-read-data",
    "file-read-metadata",
    "file-write*",
    "file-write-create",
    "file-write-data",
    "file-write-setugid",
    "file-write-unlink",
    "ipc-posix-sem",
    "mach-lookup",
    "network-outbound",
    "process-exec",
    "process-fork",
    "process-info*",
    "signal",
    "sysctl-read",
    "version",
    "import",
];
const FILTERS: [&str; 13] = [
    "global-name",
    "literal",
    "param",
    "remote",
    "require-all",
    "require-any",
    "require-not",
    "subpath",
    "sysctl-name",
    "sysctl-name-prefix",
    "target",
    "vnode-type",
    "regex",
];
/// Never without a filter.
const BARE: [&str; 6] = [
    "network-outbound",
    "file-write*",
    "mach-lookup",
    "sysctl-read",
    "signal",
    "process-info*",
];

/// What is wrong with it.
pub(crate) fn lint(profile: &str) -> Result<(), String> {
    let rules = read(profile)?;
    let head = |e: &Expr| e.list().first().map(|s| s.symbol().to_owned());
    let is = |at: usize, text: &str| rules.get(at) == read(text).unwrap().first();
    if !is(0, "(version 1)") || !is(1, "(deny default)") {
        return Err("it does not begin by denying".to_owned());
    }
    for rule in &rules[1..] {
        let shown = format!("{rule:?}");
        let Some("allow" | "deny") = head(rule).as_deref() else {
            return Err(format!("no rule: {shown}"));
        };
        let operations = rule.list()[1..]
            .iter()
            .take_while(|e| matches!(e, Expr::Symbol(_)));
        let operations: Vec<&str> = operations.map(Expr::symbol).collect();
        let filters = &rule.list()[1 + operations.len()..];
        if let Some(odd) = operations.iter().find(|o| !OPERATIONS.contains(o)) {
            return Err(format!("the operation {odd}"));
        }
        let allows = head(rule).as_deref() == Some("allow");
        if allows && operations.contains(&"default") {
            return Err("it allows everything".to_owned());
        }
        if allows && filters.is_empty() && operations.iter().any(|o| BARE.contains(o)) {
            return Err(format!("without a filter: {shown}"));
        }
        let network = allows && operations.iter().any(|o| o.starts_with("network"));
        for filter in filters {
            if network && head(filter).as_deref() != Some("remote") {
                return Err(format!("the network otherwise than by address: {shown}"));
            }
            look(filter)?;
        }
    }
    Ok(())
}

fn look(expr: &Expr) -> Result<(), String> {
    match expr {
        Expr::Text(text) | Expr::Regex(text) if text.len() > 900 => {
            Err(format!("a text of {} bytes", text.len()))
        }
        Expr::Symbol(name) if ["no-sandbox", "unix-socket", "unix", "with"].contains(&&**name) => {
            Err(format!("the word {name}"))
        }
        Expr::List(list) => {
            let known = matches!(list.first(), Some(Expr::Symbol(s)) if FILTERS.contains(&&**s));
            if !known {
                return Err(format!("the filter {list:?}"));
            }
            list[1..].iter().try_for_each(look)
        }
        _ => Ok(()),
    }
}

#[test]
fn finds_what_must_not_be() {
    let good = "(version 1)(deny default)(allow network-outbound (remote ip \"localhost:1\"))";
    assert_eq!(lint(good), Ok(()));
    let long = format!("(allow file-read* (subpath \"/{}\"))", "x".repeat(900));
    for bad in [
        "(allow default)",
        "(allow network-outbound)",
        "(allow network*)",
        "(allow network-bind (local ip \"localhost:*\"))",
        "(allow network-outbound (literal \"/private/var/run/mDNSResponder\"))",
        "(allow network-outbound (remote unix-socket (path-literal \"/x\")))",
        "(allow process-exec (literal \"/bin/ps\") (with no-sandbox))",
        "(allow mach-lookup)",
        "(allow file-write*)",
        "(allow file-reed* (literal \"/x\"))",
        "(allow file-read* (litteral \"/x\"))",
        "(import \"system.sb\")",
        "(allow file-read* (literal \"/x\")",
        &long,
    ] {
        assert!(lint(&format!("{good}{bad}")).is_err(), "{bad}");
    }
    assert!(lint("(version 1)(allow default)(deny default)").is_err());
    assert!(lint("(deny default)").is_err());
}
