//! Lines of files: continued ones joined, keys told from values, what is gone.

use std::collections::BTreeSet;

use super::table::{Word, check};
use super::{GIT, Grammar, squeezed};

/// Lines with those that a backslash continues joined, and where each begins.
pub(super) fn logical(text: &str) -> Vec<(usize, String)> {
    let mut all: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (at, line) in text.lines().enumerate() {
        let ends = line.ends_with('\\');
        let line = line.strip_suffix('\\').unwrap_or(line);
        match all.last_mut() {
            Some((_, last)) if open => last.push_str(line),
            _ => all.push((at, line.to_owned())),
        }
        open = ends;
    }
    all
}

/// What earlier lines mean for later ones.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Within a `Match` block, or one that another line began.
    inside: bool,
}

impl State {
    pub(super) fn line(&mut self, grammar: Grammar, path: &str, section: &str, text: &str) -> Word {
        let comment = text.is_empty() || text.starts_with('#');
        match grammar {
            Grammar::Prose => Word::Good,
            _ if comment => Word::Good,
            _ if text.contains("{{") || text.contains("{%") => {
                if text == "{{ ansible_managed | comment }}" || text == "# {{ ansible_managed }}" || text.starts_with("{#") {
                    return Word::Good;
                }
                Word::Held(format!(
                    "\"{}\" is only known in the run; write the text itself",
                    crate::text::plain(text, 100)
                ))
            }
            Grammar::Words(_, table) => {
                if self.inside {
                    return Word::Held("a line of a Match block, which counts for some logins only".to_owned());
                }
                let (key, value) = words(text);
                self.inside = key.eq_ignore_ascii_case("match");
                check(table, key, &squeezed(value.trim_matches('"')))
            }
            Grammar::Equals(rule, table) => {
                if text.starts_with(';') || text.starts_with('[') && text.ends_with(']') {
                    return Word::Good;
                }
                let (key, value) = text.split_once('=').unwrap_or((text, ""));
                let key = key.trim();
                let value = squeezed(value.trim().trim_matches('"'));
                match rule {
                    "schema-sysctl" => super::sysctl(key, &value),
                    "schema-coredump" if key.eq_ignore_ascii_case("storage") => {
                        check(table, "coredump/Storage", &value)
                    }
                    _ => check(table, key, &value),
                }
            }
            Grammar::Git => {
                if text.starts_with(';') || text.starts_with('[') && text.ends_with(']') {
                    return Word::Good;
                }
                let (key, value) = text.split_once('=').unwrap_or((text, "true"));
                let section = section.split(['"', ' ']).next().unwrap_or_default();
                let _ = path;
                check(GIT, &format!("{section}.{}", key.trim()), value.trim().trim_matches('"'))
            }
            Grammar::Lines(_, judge) => judge(text),
        }
    }
}

/// A key and what follows it: divided by blanks, or by one `=` as ssh takes it.
fn words(text: &str) -> (&str, &str) {
    let at = text
        .find(|c: char| c.is_whitespace() || c == '=')
        .unwrap_or(text.len());
    let (key, rest) = text.split_at(at);
    (key, rest.trim_start_matches([' ', '\t', '=']))
}

/// Settings that the old text made and that the new one does not make any more.
pub(super) fn gone(grammar: Grammar, old: &str, new: &str) -> Vec<String> {
    let key = |line: &str| -> Option<String> {
        let text = line.trim();
        if text.is_empty() || text.starts_with(['#', ';', '[']) || text.starts_with("{%") || text.starts_with("{#") {
            return None;
        }
        Some(match grammar {
            Grammar::Words(..) => words(text).0.to_lowercase(),
            Grammar::Equals(..) | Grammar::Git => {
                text.split('=').next().unwrap_or(text).trim().to_lowercase()
            }
            Grammar::Lines("schema-sudoers" | "schema-shell-startup" | "schema-editor", _) | Grammar::Prose => return None,
            Grammar::Lines(..) => squeezed(text.trim_end_matches(|c: char| c.is_ascii_digit() || "\";".contains(c))),
        })
    };
    let now: BTreeSet<String> = logical(new).iter().filter_map(|(_, l)| key(l)).collect();
    let mut found: Vec<String> = Vec::new();
    for (_, line) in logical(old) {
        if let Some(name) = key(&line)
            && !now.contains(&name)
        {
            found.push(line.trim().to_owned());
        }
    }
    found
}
