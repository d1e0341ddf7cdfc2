//! docker's daemon.json: which settings it may hold.

use serde_json::{Map, Value};

use super::super::issue::Issue;
use super::table::{Word, check, weaker};

const DAEMON: &str = include_str!("daemon.txt");
const RULE: &str = "schema-docker";

/// Judges the file against what it was.
pub(in super::super) fn judge(old: Option<&str>, new: &str) -> Vec<Issue> {
    let now: Map<String, Value> = match serde_json::from_str(new) {
        Ok(now) => now,
        Err(e) => {
            let what = format!("it is no JSON that docker would start with: {e}");
            return vec![Issue::refused(RULE, e.line().max(1), what)];
        }
    };
    let was = old.and_then(|o| serde_json::from_str(o).ok());
    let was: Map<String, Value> = was.unwrap_or_default();
    let line = |key: &str| {
        1 + new
            .lines()
            .position(|l| l.contains(key))
            .unwrap_or_default()
    };
    let (was, now) = (flat(&was), flat(&now));
    let mut issues = Vec::new();
    for (key, value) in &now {
        if was.iter().any(|old| old == &(key.clone(), value.clone())) {
            continue;
        }
        let word = key.rsplit('/').next().unwrap_or(key);
        match check(DAEMON, key, &value.to_string()) {
            Word::Good => {
                let before = was.iter().find(|(old, _)| old == key);
                if before.is_some_and(|(_, old)| {
                    weaker(DAEMON, key, &old.to_string(), &value.to_string())
                }) {
                    let what = format!("{key} is less strict than before");
                    issues.push(Issue::held("weakened", line(word), what));
                }
            }
            Word::Refused(why) => issues.push(Issue::refused(RULE, line(word), why)),
            Word::Held(why) => issues.push(Issue::held(RULE, line(word), why)),
        }
    }
    for (key, _) in &was {
        if !now.iter().any(|(new, _)| new == key) {
            let what = format!("docker's setting {} is gone", crate::text::plain(key, 80));
            issues.push(Issue::held("protection-removed", 1, what));
        }
    }
    issues
}

/// Settings with those of one level below them.
fn flat(map: &Map<String, Value>) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for (key, value) in map {
        match value.as_object() {
            Some(inner) => {
                let below = inner.iter().map(|(k, v)| (format!("{key}/{k}"), v.clone()));
                all.extend(below);
            }
            None => all.push((key.clone(), value.clone())),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::super::issue::assert_issue;
    use super::*;

    #[test]
    fn settings_of_the_daemon() {
        let old = r#"{ "icc": false, "log-opts": { "max-size": "10m" } }"#;
        for (new, says) in [
            (
                r#"{ "icc": false, "log-opts": { "max-size": "10m" }, "userland-proxy": false }"#,
                "",
            ),
            (r#"{ "icc": false, "log-opts": { "max-size": "20m" } }"#, ""),
            (
                r#"{ "icc": true, "log-opts": { "max-size": "10m" } }"#,
                "refused: no value that protects",
            ),
            (
                r#"{ "log-opts": { "max-size": "10m" } }"#,
                "held: icc is gone",
            ),
            (
                r#"{ "icc": false, "log-opts": {} }"#,
                "held: log-opts/max-size is gone",
            ),
            (
                r#"{ "icc": false, "log-opts": { "max-size": "10m" }, "hosts": ["tcp://0.0.0.0:2375"] }"#,
                "refused: opens the daemon",
            ),
            (r#"{ "icc": false "#, "refused: no JSON"),
        ] {
            assert_issue(new, &judge(Some(old), new), says);
        }
    }
}
