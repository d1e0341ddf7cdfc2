//! What is deployed on the machine for the client: its settings, and which of the live call's tools
//! their hooks guard.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::command::Deployed;
use crate::sandbox::CREDENTIALS;
use crate::turn::Verdict;

/// The longest settings that are read, in bytes.
const MAX_SETTINGS: u64 = 1 << 20;
/// Tools of the live call.
const TOOLS: [&str; 2] = ["Bash", "Read"];
/// Where an administrator sets what every user's client has to do.
const MANAGED: [&str; 2] = [
    "/etc/claude-code",
    "/Library/Application Support/ClaudeCode",
];
/// What the machine has.
pub(super) struct Found {
    /// For the command.
    pub(super) deployed: Deployed,
    /// Tools before which a hook has to run.
    pub(super) guarded: Vec<&'static str>,
}

/// Looks at `home`. The client silently goes without hooks when it can't read its settings, so
/// they are read here first.
///
/// # Errors
/// The verdict on what can't be used.
pub(super) fn find(home: &Path) -> Result<Found, Verdict> {
    let home = std::fs::canonicalize(home)
        .map_err(|e| Verdict::Held(format!("home: {}: {e}", home.display())))?;
    let path = home.join(".claude/settings.json");
    let (settings, guarded) = match std::fs::metadata(&path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => (None, Vec::new()),
        Err(e) => return Err(Verdict::Held(format!("{}: {e}", path.display()))),
        Ok(meta) if meta.len() > MAX_SETTINGS => {
            let why = format!("{} is longer than {MAX_SETTINGS} bytes", path.display());
            return Err(Verdict::Refused(why));
        }
        Ok(_) => {
            let guarded = std::fs::read_to_string(&path)
                .map_err(|e| e.to_string())
                .and_then(|text| guarded(&text))
                .map_err(|why| Verdict::Refused(format!("{}: {why}", path.display())))?;
            (Some(path), guarded)
        }
    };
    let below = |names: &[&str]| -> Vec<PathBuf> {
        names
            .iter()
            .filter_map(|name| std::fs::canonicalize(home.join(name)).ok())
            .filter(|path| path.is_dir() && path.starts_with(&home))
            .collect()
    };
    let deployed = Deployed {
        settings,
        managed: MANAGED
            .map(PathBuf::from)
            .into_iter()
            .filter(|path| path.is_dir())
            .collect(),
        hide: below(&CREDENTIALS),
        write: below(&[".claude/logs"]),
        home,
    };
    Ok(Found { deployed, guarded })
}

/// The tools that the settings' hooks guard without a condition.
fn guarded(settings: &str) -> Result<Vec<&'static str>, String> {
    let without = "the client would work without its hooks";
    let settings: Map<String, Value> =
        serde_json::from_str(settings).map_err(|e| format!("no JSON object ({e}); {without}"))?;
    let Some(hooks) = settings.get("hooks") else {
        return Ok(Vec::new());
    };
    let wrong = |what: &str| format!("{what}; {without}");
    let hooks = hooks
        .as_object()
        .ok_or_else(|| wrong("\"hooks\" is no object"))?;
    let Some(entries) = hooks.get("PreToolUse") else {
        return Ok(Vec::new());
    };
    let entries = entries
        .as_array()
        .ok_or_else(|| wrong("\"hooks.PreToolUse\" is no list"))?;
    let mut guarded = Vec::new();
    for entry in entries {
        let commands = entry["hooks"]
            .as_array()
            .ok_or_else(|| wrong("an entry of \"hooks.PreToolUse\" has no list \"hooks\""))?;
        if commands.iter().any(|command| command.get("if").is_none()) {
            guarded.extend(
                TOOLS
                    .iter()
                    .filter(|tool| matches(entry.get("matcher"), tool)),
            );
        }
    }
    guarded.sort_unstable();
    guarded.dedup();
    Ok(guarded)
}

/// Whether a matcher names the tool for certain: nothing, everything, or names. What other
/// patterns mean is the client's to say.
fn matches(matcher: Option<&Value>, tool: &str) -> bool {
    match matcher.map(Value::as_str) {
        None => true,
        Some(Some(pattern)) => {
            matches!(pattern, "" | "*" | ".*") || pattern.split('|').any(|name| name == tool)
        }
        Some(None) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(entries: &Value) -> Vec<&'static str> {
        guarded(&json!({"hooks": {"PreToolUse": entries}}).to_string()).unwrap()
    }

    #[test]
    fn knows_what_the_hooks_guard_for_certain() {
        let run = json!([{"type": "command", "command": "x"}]);
        for all in [json!(""), json!("*"), json!(".*"), json!("Read|Bash")] {
            assert_eq!(of(&json!([{"matcher": all, "hooks": run}])), TOOLS);
        }
        assert_eq!(of(&json!([{"hooks": run}, {"hooks": run}])), TOOLS);
        let two = json!([{"matcher": "Edit|Read", "hooks": run}, {"matcher": "Bas", "hooks": run}]);
        assert_eq!(of(&two), ["Read"]);
        let conditional = json!([{"type": "command", "command": "x", "if": "Bash(git *)"}]);
        for hooks in [json!([]), conditional] {
            assert!(of(&json!([{"matcher": "*", "hooks": hooks}])).is_empty());
        }
        assert!(of(&json!([{"matcher": 7, "hooks": run}])).is_empty());
        for none in ["{}", "{\"hooks\":{}}", "{\"hooks\":{\"Stop\":[]}}"] {
            assert!(guarded(none).unwrap().is_empty());
        }
    }

    #[test]
    fn names_what_makes_the_client_forget_its_hooks() {
        for (settings, words) in [
            ("", "no JSON object"),
            ("[]", "no JSON object"),
            ("{\"hooks\": []}", "\"hooks\" is no object"),
            ("{\"hooks\": {\"PreToolUse\": {}}}", "is no list"),
            ("{\"hooks\": {\"PreToolUse\": [{}]}}", "has no list"),
            ("{\"hooks\": {\"PreToolUse\": [7]}}", "has no list"),
        ] {
            let why = guarded(settings).unwrap_err();
            assert!(
                why.contains(words) && why.contains("without its hooks"),
                "{why}"
            );
        }
    }
}
