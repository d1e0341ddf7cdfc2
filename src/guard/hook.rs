//! Claude Code's question before a tool runs, answered: nothing, or one line why not. Whatever is not
//! understood is refused.

use serde_json::Value;

use super::walk::Walk;
use super::{Stop, Verdict, judge, reads, rules};

/// Tools that neither run, read nor write anything on this machine by a name that they are given.
const HARMLESS: &[&str] = &[
    "AskUserQuestion",
    "BashOutput",
    "EnterPlanMode",
    "ExitPlanMode",
    "KillBash",
    "KillShell",
    "ListMcpResourcesTool",
    "Skill",
    "SlashCommand",
    "StructuredOutput",
    "Task",
    "TaskOutput",
    "TaskStop",
    "Agent",
    "TodoRead",
    "TodoWrite",
    "ToolSearch",
    "WebSearch",
];

/// The largest question that is read.
pub const LARGEST: usize = 8 * 1024 * 1024;

/// Answers the question; none: the tool may run.
pub fn refusal(question: &[u8]) -> Option<String> {
    match answer(question) {
        Ok(()) => None,
        Err(line) => Some(format!(
            "secloop guard: {}",
            line.replace(['\n', '\r'], " ")
        )),
    }
}

fn answer(question: &[u8]) -> Result<(), String> {
    if question.len() > LARGEST {
        return Err("the question is too large to read; the tool was not run".to_owned());
    }
    let value: Value = serde_json::from_slice(question)
        .map_err(|_| "the question is no JSON; the tool was not run".to_owned())?;
    let tool = value
        .get("tool_name")
        .and_then(Value::as_str)
        .ok_or("the question names no tool; it was not run")?;
    let cwd = value.get("cwd").and_then(Value::as_str).unwrap_or_default();
    if HARMLESS.contains(&tool) {
        return Ok(());
    }
    let input = value
        .get("tool_input")
        .filter(|i| i.is_object())
        .ok_or_else(|| format!("{} without tool_input; it was not run", shown(tool)))?;
    let text = |key: &str| {
        input
            .get(key)
            .and_then(Value::as_str)
            .filter(|t| !t.is_empty())
            .ok_or_else(|| format!("{tool} without a text as {key}; it was not run"))
    };
    match tool {
        "Bash" => match judge(text("command")?).line() {
            Some(line) => Err(line),
            None => Ok(()),
        },
        "Read" => path(text("file_path")?, cwd, false),
        "NotebookRead" => path(text("notebook_path")?, cwd, false),
        "Edit" | "Write" | "MultiEdit" => path(text("file_path")?, cwd, true),
        "NotebookEdit" => path(text("notebook_path")?, cwd, true),
        "Glob" | "Grep" | "LS" => {
            for key in ["path", "glob", "pattern"] {
                let pattern_of_text = tool == "Grep" && key == "pattern";
                match input.get(key) {
                    None | Some(Value::Null) => {}
                    Some(Value::String(_)) if pattern_of_text || tool == "Glob" => {}
                    Some(Value::String(given)) => path(given, cwd, false)?,
                    Some(_) => return Err(format!("{tool} with an odd {key}; it was not run")),
                }
            }
            Ok(())
        }
        "WebFetch" => url(text("url")?),
        _ if tool.starts_with("mcp__") => foreign(input, "", cwd, 0),
        _ => Err(format!(
            "the tool {} is not known here; it was not run",
            shown(tool)
        )),
    }
}

fn shown(text: &str) -> String {
    crate::text::terminal_safe(&text.chars().take(60).collect::<String>())
}

/// Judges a file that a tool reads or writes.
fn path(given: &str, cwd: &str, writes: bool) -> Result<(), String> {
    if given.contains('\0') {
        return Err("a path with a NUL character".to_owned());
    }
    let given = given.strip_prefix("file://").unwrap_or(given);
    let below = given
        .strip_prefix(cwd)
        .filter(|rest| cwd.len() > 1 && rest.starts_with('/') && !rest.contains("/.."))
        .map(|rest| format!(".{rest}"));
    let given = below.as_deref().unwrap_or(given);
    let given: String = given
        .chars()
        .map(|c| if c == '*' { super::marks::STAR } else { c })
        .collect();
    let walk = Walk::new();
    let judged = reads::check_read(&walk, "a tool", &given).and_then(|()| {
        if writes {
            reads::check_write(&walk, &given)
        } else {
            Ok(())
        }
    });
    match judged {
        Ok(()) => Ok(()),
        Err(Stop::Deny { rule, what }) => {
            let found = rules::rule(rule);
            let (why, instead) = found.map_or(("", ""), |r| (r.why, r.instead));
            Err(format!("{rule}: {what}: {why}. Instead: {instead}."))
        }
        Err(Stop::Unprovable(what)) => Err(what.to_owned()),
    }
}

fn url(given: &str) -> Result<(), String> {
    let lower = given.trim().to_lowercase();
    let Some((scheme, rest)) = lower.split_once("://") else {
        return Err("WebFetch without an http address; give the whole address".to_owned());
    };
    if scheme != "http" && scheme != "https" {
        return Err("WebFetch of something else than http; use https".to_owned());
    }
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("secret-send: an address with credentials; leave them away".to_owned());
    }
    let host = authority
        .rsplit_once(':')
        .map_or(authority, |(host, port)| {
            if port.chars().all(|c| c.is_ascii_digit()) {
                host
            } else {
                authority
            }
        });
    if host.is_empty() || super::sends::METADATA.contains(&host.trim_end_matches('.')) {
        return Err("secret-read: an address that hands out this machine's credentials".to_owned());
    }
    Ok(())
}

/// Judges what a foreign tool is given: commands by their key, everything else as a path.
fn foreign(value: &Value, key: &str, cwd: &str, depth: usize) -> Result<(), String> {
    if depth > 32 {
        return Err("input nested deeper than is read; the tool was not run".to_owned());
    }
    match value {
        Value::String(text) => {
            let key = key.to_lowercase();
            let code = ["command", "cmd", "script", "shell", "bash"];
            if code
                .iter()
                .any(|c| key == *c || key.ends_with(&format!("_{c}")))
            {
                return match judge(text) {
                    Verdict::Allowed => Ok(()),
                    refused => Err(refused.line().unwrap_or_default()),
                };
            }
            if text.contains(['\n', ' ']) || text.is_empty() {
                return Ok(());
            }
            let is_path = ["path", "file", "uri", "filename", "destination", "target"]
                .iter()
                .any(|p| key.contains(p));
            path(text, cwd, is_path)
        }
        Value::Array(items) => items
            .iter()
            .try_for_each(|item| foreign(item, key, cwd, depth + 1)),
        Value::Object(map) => map
            .iter()
            .try_for_each(|(key, item)| foreign(item, key, cwd, depth + 1)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(tool: &str, input: &str) -> Option<String> {
        refusal(format!(r#"{{"tool_name":"{tool}","tool_input":{input},"cwd":"/w/p"}}"#).as_bytes())
    }

    #[test]
    fn questions_that_are_not_understood_are_refused() {
        for question in [
            "",
            "{",
            "null",
            "[]",
            "{}",
            r#"{"tool_name":"Bash"}"#,
            r#"{"tool_name":"Bash","tool_input":{}}"#,
            r#"{"tool_name":"Bash","tool_input":{"command":["ls"]}}"#,
            r#"{"tool_name":"Bash","tool_input":"ls"}"#,
            r#"{"tool_name":7,"tool_input":{"command":"ls"}}"#,
            r#"{"tool_name":"Bsah","tool_input":{"command":"ls"}}"#,
        ] {
            assert!(refusal(question.as_bytes()).is_some(), "{question}");
        }
        assert!(
            refusal(b"{\"tool_name\":\"Bash\",\"tool_input\":{\"command\":\"ls\xff\"}}").is_some()
        );
    }

    #[test]
    fn tools_are_judged_by_what_they_are_given() {
        for (tool, input, refused) in [
            ("Bash", r#"{"command":"ls -l"}"#, false),
            ("Bash", r#"{"command":"rm -rf /"}"#, true),
            ("Read", r#"{"file_path":"/w/p/src/main.rs"}"#, false),
            ("Read", r#"{"file_path":"/w/p/.env"}"#, true),
            ("Read", r#"{"file_path":"/home/u/.ssh/id_rsa"}"#, true),
            ("Read", r#"{"path":"x"}"#, true),
            ("Edit", r#"{"file_path":"/home/u/.bashrc"}"#, true),
            ("Edit", r#"{"file_path":"/w/p/a.yml"}"#, false),
            ("Write", r#"{"file_path":"/etc/hosts"}"#, true),
            (
                "Write",
                r#"{"file_path":"/w/p/.claude/settings.json"}"#,
                true,
            ),
            ("NotebookEdit", r#"{"notebook_path":"/w/p/a.ipynb"}"#, false),
            ("Grep", r#"{"pattern":".env","path":"src"}"#, false),
            ("Grep", r#"{"pattern":"x","path":"/home/u/.ssh"}"#, true),
            ("WebFetch", r#"{"url":"https://a.example/x"}"#, false),
            ("WebFetch", r#"{"url":"file:///etc/passwd"}"#, true),
            (
                "WebFetch",
                r#"{"url":"http://169.254.169.254/latest"}"#,
                true,
            ),
            ("WebFetch", r#"{"url":"https://u:p@a.example/"}"#, true),
            ("mcp__shell__run", r#"{"command":"rm -rf /"}"#, true),
            ("mcp__files__read", r#"{"path":"~/.aws/credentials"}"#, true),
            (
                "mcp__wiki__get",
                r#"{"title":"Rules for .env files"}"#,
                false,
            ),
            ("TodoWrite", r#"{"todos":[]}"#, false),
        ] {
            assert_eq!(ask(tool, input).is_some(), refused, "{tool} {input}");
        }
    }

    #[test]
    fn a_refusal_is_one_line() {
        let line = ask("Bash", r#"{"command":"echo a\nrm -rf /"}"#).unwrap();
        assert!(!line.contains('\n') && line.contains("file-destroy") && line.contains("Instead"));
    }
}
