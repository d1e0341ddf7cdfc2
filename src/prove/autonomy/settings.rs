//! The deployed `settings.json`: which hooks run for which tool.

use std::path::Path;

use regex::Regex;
use serde_json::Value;

use super::permissions::{Rule, rules};
use crate::text::one_line;

/// Largest settings file that is read, in bytes.
const MAX: u64 = 1 << 20;

/// What is deployed at a home directory.
#[derive(Debug)]
pub(super) enum Deployed {
    /// No settings.
    None,
    /// Settings that Claude Code would not take, or that switch the hooks off.
    Broken(String),
    /// Settings.
    Settings(Settings),
}

/// The hooks of settings, and the rules that refuse calls.
#[derive(Debug, Clone, Default)]
pub(super) struct Settings {
    hooks: Vec<Hook>,
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Hook {
    event: String,
    matcher: Option<Regex>,
    command: String,
}

impl Settings {
    /// The commands that run for an event of a tool, in order.
    pub(super) fn commands(&self, event: &str, tool: &str) -> Vec<String> {
        self.hooks
            .iter()
            .filter(|h| h.event == event)
            .filter(|h| h.matcher.as_ref().is_none_or(|m| m.is_match(tool)))
            .map(|h| h.command.clone())
            .collect()
    }

    /// The commands of an event, for whatever tool.
    pub(super) fn all(&self, event: &str) -> Vec<String> {
        let hooks = self.hooks.iter().filter(|h| h.event == event);
        hooks.map(|h| h.command.clone()).collect()
    }

    /// Whether a permission rule stands in the way of a call that is made in `cwd`.
    pub(super) fn stops(&self, tool: &str, input: &Value, cwd: &Path) -> bool {
        self.rules.iter().any(|rule| rule.stops(tool, input, cwd))
    }
}

/// Reads `<home>/.claude/settings.json`.
pub(super) fn deployed(home: &Path) -> Deployed {
    let file = home.join(".claude/settings.json");
    match std::fs::metadata(&file) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Deployed::None,
        Ok(meta) if meta.len() <= MAX => {}
        Ok(_) => return Deployed::Broken("settings.json is larger than 1 MiB".to_owned()),
        Err(e) => return Deployed::Broken(format!("settings.json: {e}")),
    }
    let parsed = std::fs::read_to_string(&file)
        .map_err(|e| e.to_string())
        .and_then(|text| parse(&text, home));
    match parsed {
        Ok(settings) => Deployed::Settings(settings),
        Err(why) => Deployed::Broken(format!("settings.json: {}", one_line(&why, 300))),
    }
}

fn parse(text: &str, home: &Path) -> Result<Settings, String> {
    let value: Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let top = value.as_object().ok_or("is no JSON object")?;
    if top
        .get("disableAllHooks")
        .is_some_and(|v| *v != Value::Bool(false))
    {
        return Err("disableAllHooks switches every hook off".to_owned());
    }
    let mut settings = Settings {
        rules: rules(top, home)?,
        hooks: Vec::new(),
    };
    let Some(hooks) = top.get("hooks") else {
        return Ok(settings);
    };
    let events = hooks.as_object().ok_or("hooks is no object")?;
    for (event, groups) in events {
        for group in groups
            .as_array()
            .ok_or_else(|| format!("hooks.{event} is no list"))?
        {
            let matcher = matcher(group.get("matcher"), event)?;
            let list = group
                .get("hooks")
                .and_then(Value::as_array)
                .ok_or_else(|| format!("a group of hooks.{event} has no list of hooks"))?;
            for hook in list {
                let command = hook
                    .get("command")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                // Other kinds (prompt, agent, http) need a model or a network.
                if hook.get("type").and_then(Value::as_str) != Some("command") {
                    continue;
                }
                if command.trim().is_empty() {
                    return Err(format!("a hook of hooks.{event} has no command"));
                }
                settings.hooks.push(Hook {
                    event: event.clone(),
                    matcher: matcher.clone(),
                    command: command.to_owned(),
                });
            }
        }
    }
    Ok(settings)
}

/// Absent, empty and `*` match every tool; anything else is matched against the whole name.
fn matcher(value: Option<&Value>, event: &str) -> Result<Option<Regex>, String> {
    let text = match value {
        None => return Ok(None),
        Some(Value::String(text)) => text.trim(),
        Some(_) => return Err(format!("a matcher of hooks.{event} is no text")),
    };
    if text.is_empty() || text == "*" {
        return Ok(None);
    }
    Regex::new(&format!("^(?:{text})$"))
        .map(Some)
        .map_err(|_| format!("the matcher \"{text}\" of hooks.{event} is no regular expression"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matchers_name_tools_wholly() {
        let text = r#"{"hooks": {"PreToolUse": [
            {"matcher": "Bash", "hooks": [{"type": "command", "command": "a"}]},
            {"matcher": "Read|mcp__.*", "hooks": [{"type": "command", "command": "b"}]},
            {"matcher": "*", "hooks": [{"type": "command", "command": "c"}]},
            {"hooks": [{"type": "prompt", "prompt": "d"}]}]}}"#;
        let settings = parse(text, Path::new("/home/a")).unwrap();
        assert_eq!(settings.commands("PreToolUse", "Bash"), ["a", "c"]);
        assert_eq!(settings.commands("PreToolUse", "BashOutput"), ["c"]);
        assert_eq!(settings.commands("PreToolUse", "mcp__x__y"), ["b", "c"]);
        assert!(settings.commands("PostToolUse", "Bash").is_empty());
    }

    #[test]
    fn settings_that_the_agent_would_not_take_are_broken() {
        for (text, why) in [
            ("{", "EOF"),
            ("[]", "no JSON object"),
            (r#"{"disableAllHooks": true}"#, "switches every hook off"),
            (r#"{"hooks": []}"#, "no object"),
            (r#"{"hooks": {"PreToolUse": {}}}"#, "no list"),
            (
                r#"{"hooks": {"PreToolUse": [{"matcher": "("}]}}"#,
                "no regular expression",
            ),
            (
                r#"{"hooks": {"PreToolUse": [{"hooks": [{"type": "command"}]}]}}"#,
                "no command",
            ),
        ] {
            let error = parse(text, Path::new("/home/a")).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
