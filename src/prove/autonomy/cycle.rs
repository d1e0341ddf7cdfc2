//! One real tool call and one real file read, with everything that the deployed settings put
//! around them: hooks before, the act itself, hooks after.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::batch::Question;
use super::hooks::{Answer, ask, event};
use super::settings::Settings;
use crate::process;
use crate::prove::probe::ProbeContext;

/// The steps that failed, each with its reason.
pub(super) async fn run(
    context: &ProbeContext,
    settings: &Settings,
    cancel: &CancellationToken,
) -> BTreeMap<String, String> {
    let nonce = uuid::Uuid::new_v4().simple().to_string();
    let mut failed = BTreeMap::new();
    let file = context.home().join(".claude/settings.json");
    let file = if file.exists() {
        file
    } else {
        PathBuf::from("/etc/hosts")
    };
    let command = format!("printf %s {nonce}");
    let shell = json!({ "command": command, "description": "print a word" });
    let read = json!({ "file_path": file });
    let cat = format!(
        "cat -- '{}'",
        file.display().to_string().replace('\'', r"'\''")
    );
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    for (what, tool, input, script, wanted) in [
        ("a tool call", "Bash", shell, command, nonce.as_str()),
        ("a file read", "Read", read, cat, text.as_str()),
    ] {
        let act = Act {
            context,
            settings,
            cancel,
            tool,
            input,
        };
        if let Err(why) = act.run(&script, wanted).await {
            failed.insert(what.to_owned(), why);
        }
    }
    failed
}

struct Act<'a> {
    context: &'a ProbeContext,
    settings: &'a Settings,
    cancel: &'a CancellationToken,
    tool: &'a str,
    input: Value,
}

impl Act<'_> {
    async fn run(&self, script: &str, wanted: &str) -> Result<(), String> {
        let home = self.context.home();
        if self.settings.stops(self.tool, &self.input, home) {
            return Err("a permission rule of the settings is in the way".to_owned());
        }
        self.hooks("PreToolUse", &Value::Null).await?;
        let spec = self
            .context
            .spec("/bin/sh", Duration::from_secs(10))
            .args(["-c", script]);
        let done = process::run(
            &self.context.confined(spec, Vec::new()),
            self.cancel,
            |_| (),
        )
        .await
        .map_err(|e| format!("can't be started: {e}"))?;
        if !done.ok() || done.out() != wanted {
            return Err(format!("{script}: gave something else ({:?})", done.ended));
        }
        self.hooks("PostToolUse", &json!({ "stdout": wanted, "stderr": "" }))
            .await
    }

    async fn hooks(&self, name: &str, response: &Value) -> Result<(), String> {
        let question = Question {
            tool: self.tool.to_owned(),
            input: self.input.clone(),
            cwd: String::new(),
        };
        let mut event = event(self.context, name, &question);
        if let (false, Some(object)) = (response.is_null(), event.as_object_mut()) {
            object.insert("tool_response".to_owned(), response.clone());
        }
        // An audit hook may write its log: into a directory that is gone afterwards.
        let logs = self.context.home().join(".claude/logs");
        let hide: Vec<PathBuf> = Some(logs).filter(|d| d.is_dir()).into_iter().collect();
        for command in self.settings.commands(name, self.tool) {
            match ask(self.context, &command, &event, hide.clone(), self.cancel)
                .await
                .0
            {
                Answer::Allowed => {}
                Answer::Denied => return Err(format!("{name} hook denies it: {command}")),
                Answer::Broken(why) => return Err(format!("{name} hook fails: {command}: {why}")),
            }
        }
        Ok(())
    }
}
