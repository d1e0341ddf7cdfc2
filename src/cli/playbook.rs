//! `secloop guard playbook`: a change judged for people, from two directories.

use std::path::Path;

use serde_json::json;

use super::{print, print_json};
use crate::error::{Exit, Fatal};
use crate::gates::{self, Finding};

/// Judges the change from one directory to another.
pub(super) fn judge(old: &Path, new: &Path, json: bool) -> Exit {
    let read = gates::between(old, new);
    let judged = read.and_then(|(changes, standing)| {
        let files = changes.len();
        gates::offline(&changes, &standing).map(|found| (files, found))
    });
    let (files, found) = match judged {
        Ok(judged) => judged,
        Err(why) => {
            if json {
                print_json(&json!({"version": 1, "verdict": "unreadable", "why": why}));
            } else {
                super::say_error(&Fatal::Repo(why));
            }
            return Exit::Fatal;
        }
    };
    let refused = found.iter().filter(|f| f.refused).count();
    let held = found.len() - refused;
    let (word, exit) = match (refused, held) {
        (0, 0) => ("passed", Exit::Done),
        (0, _) => ("held", Exit::Held),
        _ => ("refused", Exit::Refused),
    };
    if json {
        let findings: Vec<_> = found.iter().map(document).collect();
        print_json(&json!({
            "version": 1,
            "verdict": word,
            "files": files,
            "refused": refused,
            "held": held,
            "findings": findings,
        }));
    } else {
        print(&text(files, refused, held, &found));
    }
    exit
}

fn document(finding: &Finding) -> serde_json::Value {
    json!({
        "verdict": if finding.refused { "refused" } else { "held" },
        "file": finding.file,
        "line": finding.line,
        "rule": finding.rule,
        "why": finding.why,
        "instead": finding.instead,
    })
}

fn text(files: usize, refused: usize, held: usize, found: &[Finding]) -> String {
    let mut out = String::new();
    for finding in found {
        let word = if finding.refused {
            "refused"
        } else {
            "held   "
        };
        let line = finding.line.map(|l| format!(":{l}")).unwrap_or_default();
        out.push_str(&format!(
            "{word}  {}{line}  [{}]\n         {}\n         instead: {}\n",
            finding.file, finding.rule, finding.why, finding.instead
        ));
    }
    let changed = match files {
        0 => "nothing is changed".to_owned(),
        1 => "1 file changed".to_owned(),
        n => format!("{n} files changed"),
    };
    let end = match (refused, held) {
        (0, 0) => format!("passed: {changed}\n"),
        (0, held) => format!("held for a person: {changed}, {held} to decide about\n"),
        (refused, 0) => format!("refused: {changed}, {refused} refused\n"),
        (refused, held) => format!("refused: {changed}, {refused} refused, {held} held\n"),
    };
    crate::text::terminal_safe(&(out + &end))
}
