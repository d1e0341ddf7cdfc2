//! The permission rules of the settings that refuse a call, or ask a person who is not there:
//! `Tool`, `Bash(git push:*)`, `Read(~/.ssh/**)`, `mcp__server`.

use std::path::{Component, Path, PathBuf};

use regex::Regex;
use serde_json::{Map, Value};

/// One rule that stands in the way of calls.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    tool: String,
    what: Option<Regex>,
}

/// The rules of `permissions.deny` and `permissions.ask`. `home` is what `~` means.
pub(super) fn rules(top: &Map<String, Value>, home: &Path) -> Result<Vec<Rule>, String> {
    let Some(permissions) = top.get("permissions") else {
        return Ok(Vec::new());
    };
    let permissions = permissions.as_object().ok_or("permissions is no object")?;
    let mut rules = Vec::new();
    for name in ["deny", "ask"] {
        let Some(list) = permissions.get(name) else {
            continue;
        };
        let wrong = || format!("permissions.{name} is no list of texts");
        for text in list.as_array().ok_or_else(wrong)? {
            rules.push(rule(text.as_str().ok_or_else(wrong)?.trim(), home)?);
        }
    }
    Ok(rules)
}

fn rule(text: &str, home: &Path) -> Result<Rule, String> {
    let (tool, what) = match text.split_once('(') {
        Some((tool, rest)) => (tool, rest.strip_suffix(')').unwrap_or(rest)),
        None => (text, ""),
    };
    let what = match what {
        "" | "*" => None,
        what if tool == "Bash" => Some(command(what)),
        what => Some(path(what, home)),
    };
    let what = what
        .map(|pattern| Regex::new(&pattern))
        .transpose()
        .map_err(|_| format!("the permission rule \"{text}\" can't be read"))?;
    Ok(Rule {
        tool: tool.to_owned(),
        what,
    })
}

impl Rule {
    /// Whether it stands in the way of a call that is made in `cwd`.
    pub(super) fn stops(&self, tool: &str, input: &Value, cwd: &Path) -> bool {
        let Some(what) = &self.what else {
            let wild = Regex::new(&format!("^{}$", glob(&self.tool)));
            return wild.is_ok_and(|w| w.is_match(tool))
                || (self.tool.starts_with("mcp__")
                    && tool.starts_with(&format!("{}__", self.tool)));
        };
        let covered: &[&str] = match self.tool.as_str() {
            "Edit" => &["Edit", "MultiEdit", "Write", "NotebookEdit"],
            "Read" => &["Read", "Grep", "Glob"],
            other => &[other],
        };
        if !covered.contains(&tool) {
            return false;
        }
        let named = |names: &[&str]| {
            let mut found = names.iter().filter_map(|n| input.get(n)?.as_str());
            found.next().unwrap_or_default().to_owned()
        };
        if tool == "Bash" {
            return what.is_match(named(&["command"]).trim());
        }
        let path = cwd.join(named(&["file_path", "notebook_path", "path"]));
        let plain: PathBuf = path
            .components()
            .filter(|c| *c != Component::CurDir)
            .collect();
        what.is_match(&plain.to_string_lossy())
    }
}

/// `git push:*` is a beginning; a star elsewhere stands for anything.
fn command(text: &str) -> String {
    match text.strip_suffix(":*") {
        Some(beginning) => format!("(?s)^{}", regex::escape(beginning)),
        None => format!("(?s)^{}$", regex::escape(text).replace(r"\*", ".*")),
    }
}

/// As in a `.gitignore`: what is below a matching directory matches too.
fn path(text: &str, home: &Path) -> String {
    let home = home.to_string_lossy();
    let (base, rest) = if let Some(rest) = text.strip_prefix("//") {
        (String::new(), rest)
    } else if let Some(rest) = text.strip_prefix("~/") {
        (regex::escape(&home), rest)
    } else if let Some(rest) = text.strip_prefix('/') {
        (regex::escape(&format!("{home}/.claude")), rest)
    } else {
        // Relative to wherever the agent works.
        (".*".to_owned(), text.strip_prefix("./").unwrap_or(text))
    };
    format!("(?s)^{base}/{}(?:/.*)?$", glob(rest))
}

fn glob(text: &str) -> String {
    regex::escape(text)
        .replace(r"\*\*/", "\u{0}")
        .replace(r"\*\*", ".*")
        .replace(r"\*", "[^/]*")
        .replace(r"\?", "[^/]")
        .replace('\u{0}', "(?:.*/)?")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rule_stops_what_it_names() {
        let home = Path::new("/home/a");
        let bash = json!({ "command": "git push --force origin" });
        let key = json!({ "file_path": "/home/a/.ssh/id_ed25519" });
        let env = json!({ "file_path": "/home/a/project/.env" });
        let plain = json!({ "file_path": "/home/a/project/src/main.rs" });
        for (text, tool, input, stops) in [
            ("Bash", "Bash", &bash, true),
            ("Bash(*)", "Bash", &bash, true),
            ("*", "Read", &plain, true),
            ("Bash", "BashOutput", &bash, false),
            ("Bash(git push:*)", "Bash", &bash, true),
            ("Bash(git push)", "Bash", &bash, false),
            ("Bash(git * origin)", "Bash", &bash, true),
            ("Bash(rm:*)", "Bash", &bash, false),
            ("Read(~/.ssh/**)", "Read", &key, true),
            ("Read(~/.ssh/**)", "Edit", &key, false),
            ("Read(~/.ssh)", "Read", &key, true),
            ("Read(//home/a/.ssh/*)", "Read", &key, true),
            ("Read(.env)", "Read", &env, true),
            ("Read(./**)", "Read", &plain, true),
            ("Read(**/*.rs)", "Read", &plain, true),
            ("Read(*.py)", "Read", &plain, false),
            ("Edit(**)", "Write", &plain, true),
            ("mcp__discord", "mcp__discord__send", &json!({}), true),
            ("mcp__disc", "mcp__discord__send", &json!({}), false),
        ] {
            let rule = rule(text, home).unwrap();
            assert_eq!(
                rule.stops(tool, input, home),
                stops,
                "{text} {tool} {input}"
            );
        }
    }

    #[test]
    fn rules_that_are_none_are_broken() {
        for text in [
            r#"{"permissions": 1}"#,
            r#"{"permissions": {"deny": "Bash"}}"#,
            r#"{"permissions": {"ask": [1]}}"#,
        ] {
            let top: Map<String, Value> = serde_json::from_str(text).unwrap();
            assert!(
                rules(&top, Path::new("/"))
                    .unwrap_err()
                    .contains("permissions"),
                "{text}"
            );
        }
    }
}
