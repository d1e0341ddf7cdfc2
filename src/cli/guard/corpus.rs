//! `secloop guard test`: the guard on labelled commands.

use std::path::Path;

use serde::Deserialize;
use serde_json::json;

use crate::cli::{print, print_json};
use crate::error::Exit;
use crate::guard::judge;

/// One labelled command; whatever else a line says is not looked at.
#[derive(Deserialize)]
struct Line {
    command: String,
    label: Label,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Label {
    Deny,
    Allow,
}

/// A verdict that is not what the label says.
struct Disagreement {
    line: usize,
    command: String,
    /// Why it was refused; none: it was let through.
    refused: Option<String>,
}

/// How many there are of a label, and how many of those were refused.
#[derive(Default, Clone, Copy)]
struct Count {
    all: usize,
    refused: usize,
}

impl Count {
    fn rate(self) -> f64 {
        // A corpus has some thousand lines.
        let number = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
        100.0 * number(self.refused) / number(self.all.max(1))
    }
}

/// Judges every command of a file.
pub(super) fn test(file: &Path, as_json: bool) -> Exit {
    let lines = match read(file) {
        Ok(lines) => lines,
        Err(why) => return super::complain(&why),
    };
    let (mut deny, mut allow) = (Count::default(), Count::default());
    let mut wrong = Vec::new();
    for (line, Line { command, label }) in lines {
        let refused = judge(&command).line();
        let count = match label {
            Label::Deny => &mut deny,
            Label::Allow => &mut allow,
        };
        count.all += 1;
        count.refused += usize::from(refused.is_some());
        if refused.is_some() != (label == Label::Deny) {
            wrong.push(Disagreement {
                line,
                command,
                refused,
            });
        }
    }
    if as_json {
        print_json(&document(deny, allow, &wrong));
    } else {
        print(&page(deny, allow, &wrong));
    }
    if wrong.is_empty() {
        Exit::Done
    } else {
        Exit::Refused
    }
}

fn read(file: &Path) -> Result<Vec<(usize, Line)>, String> {
    let text = std::fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(at, line)| {
            let parsed = serde_json::from_str(line).map_err(|e| {
                format!(
                    "{}:{}: {e}; a line is an object with `command` and `label` (\"deny\" or \
                     \"allow\")",
                    file.display(),
                    at + 1
                )
            })?;
            Ok((at + 1, parsed))
        })
        .collect()
}

fn document(deny: Count, allow: Count, wrong: &[Disagreement]) -> serde_json::Value {
    let disagreements: Vec<_> = wrong
        .iter()
        .map(|d| json!({"line": d.line, "command": d.command, "refused": d.refused}))
        .collect();
    json!({
        "version": 1,
        "dangerous": {"all": deny.all, "refused": deny.refused, "percent": deny.rate()},
        "harmless": {"all": allow.all, "refused": allow.refused, "percent": allow.rate()},
        "disagreements": disagreements,
    })
}

fn page(deny: Count, allow: Count, wrong: &[Disagreement]) -> String {
    let mut page = String::new();
    for Disagreement {
        line,
        command,
        refused,
    } in wrong
    {
        let text = match refused {
            None => format!("line {line}: missed: {command}"),
            Some(why) => format!("line {line}: refused: {command}: {why}"),
        };
        let text = crate::text::one_line(&text, 400);
        page.push_str(&format!("{}\n", crate::text::terminal_safe(&text)));
    }
    for (what, count) in [("dangerous", deny), ("harmless", allow)] {
        let Count { all, refused } = count;
        let rate = count.rate();
        page.push_str(&format!(
            "{what}: {refused} of {all} refused ({rate:.2} %)\n"
        ));
    }
    page
}
