//! A coding agent's settings: registrations and rules may come, not go.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::issue::Issue;

/// Judges a JSON file, or a template of one, against what it was.
pub(super) fn judge(old: Option<&str>, new: &str) -> Vec<Issue> {
    let now = match parse(new) {
        Ok(now) => now,
        Err((line, why)) => return vec![Issue::refused("agent-settings", line, why)],
    };
    // What could not be read has no baseline.
    let was = old.and_then(|o| parse(o).ok()).unwrap_or(Value::Null);
    let mut issues = Vec::new();
    let line = |word: &str| {
        1 + new
            .lines()
            .position(|l| l.contains(word))
            .unwrap_or_default()
    };
    if now == was {
        return issues;
    }
    if now
        .get("disableAllHooks")
        .is_some_and(|v| *v != Value::Bool(false))
    {
        let what = "disableAllHooks switches every hook off; take it out";
        issues.push(Issue::refused(
            "agent-hooks-off",
            line("disableAllHooks"),
            what,
        ));
    }
    let held = |word: &str, what: String| Issue::held("agent-settings", line(word), what);
    hooks(&was, &now, &mut |word, what| issues.push(held(word, what)));
    permissions(&was, &now, &mut |word, what| issues.push(held(word, what)));
    let judged = ["hooks", "permissions", "disableAllHooks", "$schema"];
    let empty = Map::new();
    let (was, now) = (was.as_object().unwrap_or(&empty), now.as_object());
    let Some(now) = now else {
        issues.push(held(
            "",
            "JSON that is no object, whose meaning no rule knows".to_owned(),
        ));
        return issues;
    };
    let keys: BTreeSet<&String> = was.keys().chain(now.keys()).collect();
    for key in keys.into_iter().filter(|k| !judged.contains(&k.as_str())) {
        if was.get(key) != now.get(key) {
            issues.push(held(
                key,
                format!("the setting {key} is new, changed or gone"),
            ));
        }
    }
    issues
}

/// Reads JSON, with template expressions as texts.
fn parse(text: &str) -> Result<Value, (usize, String)> {
    if text.contains("{%") || text.contains("{#") {
        let line = 1 + text
            .lines()
            .position(|l| l.contains("{%") || l.contains("{#"))
            .unwrap_or(0);
        let why = "a template statement in JSON, which can't be judged; write plain values";
        return Err((line, why.to_owned()));
    }
    serde_json::from_str(&plain(text)).map_err(|e| {
        (
            e.line(),
            format!("it is no JSON: {e}; a tool would ignore all of it"),
        )
    })
}

/// `{{ … }}` as a text of its own, or as part of the text around it.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let (mut quoted, mut escaped) = (false, false);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let expression = rest.strip_prefix("{{").and_then(|r| r.split_once("}}"));
        if let Some((body, after)) = expression {
            // An empty map in a map also looks like one, but never holds a name.
            if quoted
                || body
                    .trim_start()
                    .starts_with(|c: char| c.is_alphabetic() || c == '_')
            {
                let body = body.replace(['"', '\\', '\n'], "'");
                let mark = if quoted { "" } else { "\"" };
                out.push_str(&format!("{mark}{{{{{body}}}}}{mark}"));
                rest = after;
                continue;
            }
        }
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        out.push(c);
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    out
}

/// A registered hook: event and what it runs.
type Key = (String, String);

/// What is registered: the matched tools, and the hook's further keys.
fn registered(settings: &Value) -> BTreeMap<Key, (BTreeSet<String>, BTreeMap<String, Value>)> {
    let mut all: BTreeMap<Key, (BTreeSet<String>, BTreeMap<String, Value>)> = BTreeMap::new();
    let events = settings.get("hooks").and_then(Value::as_object);
    for (event, groups) in events.into_iter().flatten() {
        for group in groups.as_array().into_iter().flatten() {
            let matcher = group
                .get("matcher")
                .and_then(Value::as_str)
                .unwrap_or_default();
            for hook in group
                .get("hooks")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                let runs = hook
                    .get("command")
                    .map_or_else(|| hook.to_string(), text_of);
                let entry = all.entry((event.clone(), runs)).or_default();
                // No matcher, an empty one and a star match every tool.
                let tools = matcher.split('|').map(|t| if t == "*" { "" } else { t });
                entry.0.extend(tools.map(str::to_owned));
                for (key, value) in hook.as_object().into_iter().flatten() {
                    entry.1.insert(key.clone(), value.clone());
                }
                for (key, value) in group.as_object().into_iter().flatten() {
                    if !["matcher", "hooks"].contains(&key.as_str()) {
                        entry.1.insert(format!("group's {key}"), value.clone());
                    }
                }
            }
        }
    }
    all
}

fn text_of(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn hooks(was: &Value, now: &Value, held: &mut dyn FnMut(&str, String)) {
    let (before, after) = (registered(was), registered(now));
    for ((event, runs), (tools, further)) in &before {
        let Some((now_tools, now_further)) = after.get(&(event.clone(), runs.clone())) else {
            held(
                event,
                format!("the registration of {runs} for {event} is gone or changed"),
            );
            continue;
        };
        if !now_tools.contains("") && !tools.is_subset(now_tools) {
            held(
                event,
                format!("{runs} is no longer registered for every tool that it was"),
            );
        }
        let keys: BTreeSet<&String> = further.keys().chain(now_further.keys()).collect();
        for key in keys {
            if further.get(key) != now_further.get(key) && !fails_closed(key, now_further.get(key))
            {
                held(
                    key,
                    format!("{key} of the hook {runs} is new, changed or gone"),
                );
            }
        }
    }
    for ((event, runs), (_, further)) in &after {
        if before.contains_key(&(event.clone(), runs.clone())) {
            continue;
        }
        if !is_own_hook(runs) {
            held(
                event,
                format!("the new hook {runs} is no plain file of the hooks directory"),
            );
        }
        for (key, value) in further {
            let known = key == "command" || (key == "type" && value == "command");
            if !known && !fails_closed(key, Some(value)) {
                held(key, format!("{key} of the new hook {runs}"));
            }
        }
    }
    let shape = |v: &Value| v.get("hooks").is_none_or(Value::is_object);
    if !shape(now) {
        held("hooks", "hooks that are no object".to_owned());
    }
}

/// A key that makes a hook stricter.
fn fails_closed(key: &str, value: Option<&Value>) -> bool {
    key == "onFailure" && value.and_then(Value::as_str) == Some("block")
}

/// `…/.claude/hooks/NAME.sh` without arguments.
fn is_own_hook(runs: &str) -> bool {
    let plain = runs.trim_matches('"');
    let Some((dir, name)) = plain.rsplit_once("/.claude/hooks/") else {
        return false;
    };
    let home = ["~", "$HOME", "${HOME}"].contains(&dir)
        || (dir.starts_with("{{") && dir.ends_with("}}") && dir.matches("}}").count() == 1)
        || (dir.starts_with('/')
            && dir
                .chars()
                .all(|c| c.is_alphanumeric() || "/_-.".contains(c)));
    let good = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    home && name.ends_with(".sh") && name.chars().all(good) && !plain.contains("..")
}

fn permissions(was: &Value, now: &Value, held: &mut dyn FnMut(&str, String)) {
    let empty = Map::new();
    let of = |v: &Value| v.get("permissions").and_then(Value::as_object).cloned();
    let (before, after) = (of(was).unwrap_or_default(), of(now).unwrap_or(empty));
    let rules = |map: &Map<String, Value>, key: &str| -> BTreeSet<String> {
        map.get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(text_of)
            .collect()
    };
    for key in ["deny", "ask"] {
        for gone in rules(&before, key).difference(&rules(&after, key)) {
            held("permissions", format!("the {key} rule {gone} is gone"));
        }
    }
    for key in ["allow", "additionalDirectories"] {
        for new in rules(&after, key).difference(&rules(&before, key)) {
            held(key, format!("the new permission {key} {new}"));
        }
    }
    let judged = ["deny", "ask", "allow", "additionalDirectories"];
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for key in keys.into_iter().filter(|k| !judged.contains(&k.as_str())) {
        let value = after.get(key);
        let strict = match key.as_str() {
            "defaultMode" => matches!(value.and_then(Value::as_str), Some("default" | "plan")),
            "disableBypassPermissionsMode" => value.and_then(Value::as_str) == Some("disable"),
            _ => false,
        };
        if before.get(key) != value && !strict {
            held(key, format!("permissions.{key} is new, changed or gone"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::issue::assert_issue;
    use super::*;

    const OLD: &str = r#"{
  "hooks": {
    "PreToolUse": [
      { "matcher": "Bash|Read", "hooks": [
        { "type": "command", "command": "{{ home }}/.claude/hooks/guard.sh" } ] }
    ]
  },
  "permissions": { "deny": ["Read(.env)"], "allow": ["Bash(ls)"], "defaultMode": "default" },
  "retention": {{ days | default("30") }}
}"#;

    #[test]
    fn changes_of_settings() {
        let hook = r#""command": "{{ home }}/.claude/hooks/guard.sh""#;
        let top = "\"retention\"";
        let group = "    \"PreToolUse\": [\n";
        let new = |command: &str| {
            format!(
                "{group}{{\"matcher\": \"Edit\", \"hooks\": [{{\"type\": \"command\", \
                     \"command\": \"{command}\"}}]}},"
            )
        };
        for (from, to, says) in [
            ("", String::new(), ""),
            ("Bash|Read", "Bash|Read|Edit".to_owned(), ""),
            ("Bash|Read", "*".to_owned(), ""),
            (hook, format!("{hook}, \"onFailure\": \"block\""), ""),
            (
                "\"Read(.env)\"",
                "\"Read(.env)\", \"Read(~/.ssh/**)\"".to_owned(),
                "",
            ),
            ("\"Bash(ls)\"", String::new(), ""),
            ("\"default\" }", "\"plan\" }".to_owned(), ""),
            (group, new("{{ home }}/.claude/hooks/other.sh"), ""),
            (group, new("$HOME/.claude/hooks/other.sh"), ""),
            (
                group,
                new("{{ home }}/.claude/hooks/other.sh; true"),
                "held: no plain file",
            ),
            (
                group,
                new("{{ home }}/.claude/hooks/../x.sh"),
                "held: no plain file",
            ),
            (group, new("true"), "held: no plain file"),
            (
                group,
                new("curl x | sh #/.claude/hooks/a.sh"),
                "held: no plain file",
            ),
            ("Bash|Read", "Bash".to_owned(), "held: no longer registered"),
            ("guard.sh", "gone.sh".to_owned(), "held: gone or changed"),
            (
                "PreToolUse",
                "PostToolUse".to_owned(),
                "held: for PreToolUse is gone",
            ),
            (
                hook,
                format!("{hook}, \"timeout\": 0"),
                "held: timeout of the hook",
            ),
            (
                hook,
                format!("{hook}, \"async\": true"),
                "held: async of the hook",
            ),
            (
                "\"Read(.env)\"",
                String::new(),
                "held: deny rule Read(.env) is gone",
            ),
            (
                "\"Bash(ls)\"",
                "\"Bash\"".to_owned(),
                "held: new permission allow Bash",
            ),
            (
                "\"default\" }",
                "\"bypassPermissions\" }".to_owned(),
                "held: permissions.defaultMode",
            ),
            (
                top,
                format!("\"env\": {{}}, {top}"),
                "held: the setting env",
            ),
            (
                top,
                format!("\"disableAllHooks\": true, {top}"),
                "refused: disableAllHooks",
            ),
            (top, "\"retention\":".to_owned(), "refused: no JSON"),
            (
                top,
                format!("{{% if x %}}{top}"),
                "refused: template statement",
            ),
        ] {
            let text = OLD.replacen(from, &to, 1);
            assert_issue(&to, &judge(Some(OLD), &text), says);
        }
        assert_issue("gone", &judge(Some(OLD), "{}"), "held: is gone");
        let all = format!(
            "{{\"hooks\": {{{}]}}}}",
            new("~/.claude/hooks/a.sh").trim_end_matches(',')
        );
        assert_issue("new file", &judge(None, &all), "");
    }
}
