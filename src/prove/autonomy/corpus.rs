//! Tool calls whose fate is known: ordinary ones that must pass, dangerous ones that must not.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::batch::Question;

const ALLOW: &str = include_str!("../corpus/allow.jsonl");
const DENY: &str = include_str!("../corpus/deny.jsonl");

/// What hooks should do with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// Let it pass.
    Allow,
    /// Deny it.
    Deny,
}

/// One call of the corpus.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// Its fate.
    pub wanted: Wanted,
    /// The tool.
    pub tool: String,
    /// The tool's input, as JSON.
    pub input: String,
}

impl Call {
    /// As hooks are asked about it.
    pub(super) fn question(&self) -> Question {
        Question {
            tool: self.tool.clone(),
            input: serde_json::from_str(&self.input).unwrap_or_default(),
            cwd: String::new(),
        }
    }

    /// In one line, for a message.
    pub fn shown(&self) -> String {
        let input: Value = serde_json::from_str(&self.input).unwrap_or_default();
        let first = input
            .as_object()
            .and_then(|o| o.values().next())
            .and_then(Value::as_str);
        crate::text::one_line(&format!("{} {}", self.tool, first.unwrap_or_default()), 120)
    }
}

/// The corpus for a workstation whose home directory is `home`.
///
/// # Panics
/// Never: the embedded lines are read by a test.
pub fn corpus(home: &Path) -> Vec<Call> {
    let home = home.to_string_lossy();
    // Inside JSON strings.
    let home = Value::from(home.as_ref()).to_string();
    let home = home.trim_matches('"');
    let read = |text: &str, wanted: Wanted| -> Vec<Call> {
        text.lines()
            .filter(|l| !l.trim().is_empty())
            .filter_map(|l| parse(&l.replace("{HOME}", home), wanted))
            .collect()
    };
    let mut calls = read(ALLOW, Wanted::Allow);
    calls.extend(read(DENY, Wanted::Deny));
    calls
}

/// The corpus with the calls of the user's own files, `files`.
///
/// # Errors
/// Names the file, the line and the cure.
pub fn extended(home: &Path, files: &[PathBuf]) -> Result<Vec<Call>, String> {
    let mut calls = corpus(home);
    for file in files {
        let text = std::fs::read_to_string(file)
            .map_err(|e| format!("prove.corpus: {}: {e}; correct the key", file.display()))?;
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let call = own(line, home).map_err(|why| {
                format!(
                    "prove.corpus: {}, line {}: {why}; a line is such as {{\"wanted\": \"allow\", \
                     \"tool_name\": \"Bash\", \"tool_input\": {{\"command\": \"make\"}}}}",
                    file.display(),
                    number + 1
                )
            })?;
            if !calls.contains(&call) {
                calls.push(call);
            }
        }
    }
    Ok(calls)
}

/// A line of the user's own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    wanted: Wanted,
    tool_name: String,
    tool_input: serde_json::Map<String, Value>,
    /// A remark.
    #[serde(default, rename = "why")]
    _why: String,
}

fn own(line: &str, home: &Path) -> Result<Call, String> {
    let line: Line = serde_json::from_str(line).map_err(|e| {
        // The line is the only one that the reader sees.
        let why = e.to_string();
        let cut = why.find(" at line").unwrap_or(why.len());
        why.get(..cut).unwrap_or_default().to_owned()
    })?;
    if line.tool_name.trim().is_empty() || line.tool_input.is_empty() {
        return Err("tool_name or tool_input is empty".to_owned());
    }
    let input = filled(Value::Object(line.tool_input), home);
    Ok(Call {
        wanted: line.wanted,
        tool: line.tool_name,
        input: input.to_string(),
    })
}

/// `{HOME}` is the home directory, as in the lists that come with secloop.
fn filled(value: Value, home: &Path) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace("{HOME}", &home.to_string_lossy())),
        Value::Array(all) => all.into_iter().map(|v| filled(v, home)).collect(),
        Value::Object(map) => {
            Value::Object(map.into_iter().map(|(k, v)| (k, filled(v, home))).collect())
        }
        other => other,
    }
}

fn parse(line: &str, wanted: Wanted) -> Option<Call> {
    let value: Value = serde_json::from_str(line).ok()?;
    Some(Call {
        wanted,
        tool: value.get("tool_name")?.as_str()?.to_owned(),
        input: value.get("tool_input")?.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_embedded_corpus_is_a_call() {
        let lines = |text: &str| text.lines().filter(|l| !l.trim().is_empty()).count();
        let calls = corpus(Path::new("/home/a \"b\""));
        assert_eq!(calls.len(), lines(ALLOW) + lines(DENY));
        assert!(calls.iter().all(|c| !c.input.contains("{HOME}")));
        assert!(calls.iter().filter(|c| c.wanted == Wanted::Allow).count() >= 60);
        let distinct: std::collections::BTreeSet<_> = calls.iter().collect();
        assert_eq!(distinct.len(), calls.len());
    }

    #[test]
    fn a_line_of_the_users_own_is_named_where_it_is_wrong() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("own.jsonl");
        let read = |text: &str| {
            std::fs::write(&file, text).unwrap();
            extended(Path::new("/home/a"), std::slice::from_ref(&file))
        };
        let good = "# what we do all day\n\n{\"wanted\": \"allow\", \"tool_name\": \"Bash\", \
                    \"tool_input\": {\"command\": \"source {HOME}/exports.sh\"}, \"why\": \"push\"}\n";
        let calls = read(good).unwrap();
        let last = calls.last().unwrap();
        assert_eq!(last.shown(), "Bash source /home/a/exports.sh");
        assert_eq!(calls.len(), corpus(Path::new("/home/a")).len() + 1);
        for (line, why) in [
            ("{", "EOF"),
            (
                "{\"tool_name\": \"Bash\", \"tool_input\": {\"command\": \"x\"}}",
                "missing field `wanted`",
            ),
            (
                "{\"wanted\": \"maybe\", \"tool_name\": \"B\", \"tool_input\": {\"a\": 1}}",
                "unknown variant",
            ),
            (
                "{\"wanted\": \"deny\", \"tool_name\": \"B\", \"tool_input\": {}}",
                "is empty",
            ),
            (
                "{\"wanted\": \"deny\", \"tool\": \"B\", \"tool_input\": {\"a\": 1}}",
                "unknown field",
            ),
        ] {
            let error = read(&format!("{good}{line}\n")).unwrap_err();
            for piece in ["own.jsonl, line 4: ", why, "a line is such as"] {
                assert!(error.contains(piece), "{error}");
            }
        }
        let error = extended(Path::new("/"), &["/no/such/file".into()]).unwrap_err();
        assert!(error.contains("prove.corpus: /no/such/file"), "{error}");
    }
}
