//! Gaps of `settings.json` and of the audit log.

use super::edit::Edit;
use super::entry::{Detector, Entry, finding, probe};
use crate::turn::Severity;

const TEMPLATE: &str = "templates/settings.json.j2";

pub(super) fn entries() -> Vec<Entry> {
    vec![on_failure(), matcher(), log_permissions()]
}

fn on_failure() -> Entry {
    let script = "file=${SECLOOP_SETTINGS:-$HOME/.claude/settings.json}\n\
                  [ -r \"$file\" ] || exit 126\n\
                  count=$(grep -c '\"onFailure\": *\"block\"' \"$file\")\n\
                  [ \"$count\" -ge 2 ] || { echo \"$count hooks block on failure\"; exit 1; }\n";
    let end = [
        "hooks/block-destructive.sh\" }",
        "hooks/block-destructive.sh\", \"onFailure\": \"block\" }",
        "hooks/protect-sensitive.sh\" }",
        "hooks/protect-sensitive.sh\", \"onFailure\": \"block\" }",
    ];
    Entry {
        finding: finding(
            Severity::P1,
            "settings.json",
            "a hook that fails blocks",
            [
                "A hook that crashes or times out lets the tool run",
                "Claude Code runs the tool when a hook is missing, is killed or runs past its \
             timeout, unless the hook says onFailure: block.",
            ],
        ),
        detector: Detector::Probe,
        edits: vec![
            Edit::Replace {
                file: TEMPLATE,
                old: end[0],
                new: end[1],
                times: 1,
            },
            Edit::Replace {
                file: TEMPLATE,
                old: end[2],
                new: end[3],
                times: 1,
            },
        ],
        probe: probe("a failing hook blocks", script.to_owned()),
        change: "settings.json registers both guards with onFailure: block.".to_owned(),
    }
}

fn matcher() -> Entry {
    let script = "settings=${SECLOOP_SETTINGS:-$HOME/.claude/settings.json}\n\
                  hook=${SECLOOP_HOOKS:-$HOME/.claude/hooks}/protect-sensitive.sh\n\
                  [ -r \"$settings\" ] && [ -r \"$hook\" ] || exit 126\n\
                  for tool in NotebookEdit MultiEdit Grep; do\n    \
                  grep -q \"\\\"matcher\\\": *\\\"[^\\\"]*$tool\" \"$settings\" || \
                  { echo \"$tool is not matched\"; exit 1; }\ndone\n\
                  for field in notebook_path path; do\n    \
                  printf '{\"tool_name\":\"Grep\",\"tool_input\":{\"%s\":\"/x/.env\"}}' \"$field\" | \
                  sh \"$hook\" >/dev/null 2>&1\n    \
                  [ $? -eq 2 ] || { echo \"let through: $field\"; exit 1; }\ndone\nexit 0\n";
    Entry {
        finding: finding(
            Severity::P1,
            "settings.json",
            "every file tool is matched",
            [
                "Notebook edits and searches reach credentials unjudged",
                "protect-sensitive is registered for Read, Edit, Write and Bash only; NotebookEdit, \
             MultiEdit, Grep and Glob name their path in other fields and are never asked about.",
            ],
        ),
        detector: Detector::Probe,
        edits: vec![
            Edit::Replace {
                file: TEMPLATE,
                old: "\"Read|Edit|Write|Bash\"",
                new: "\"Read|Edit|Write|MultiEdit|NotebookEdit|Grep|Glob|Bash\"",
                times: 1,
            },
            Edit::Insert {
                file: "files/protect-sensitive.sh",
                place: "other path fields",
                block: include_str!("blocks/path_fields.sh"),
            },
        ],
        probe: probe("every file tool is judged", script.to_owned()),
        change: "protect-sensitive is registered for every tool with a path and reads its field."
            .to_owned(),
    }
}

fn log_permissions() -> Entry {
    let script = "dir=$HOME/.claude/logs\n\
                  [ -d \"$dir\" ] || exit 126\n\
                  mode=$(ls -ld \"$dir\" | cut -c1-10)\n\
                  [ \"$mode\" = drwx------ ] || { echo \"$mode\"; exit 1; }\n";
    Entry {
        finding: finding(
            Severity::P2,
            "audit log",
            "only its owner reads the log",
            [
                "Every user of the machine can read the audit log",
                "The log holds command lines, which hold tokens and host names, in a directory that \
             is open to everybody.",
            ],
        ),
        detector: Detector::Contains {
            file: "tasks/main.yml",
            text: "/.claude/logs\"\n      mode: \"0755\"",
        },
        edits: vec![Edit::Replace {
            file: "tasks/main.yml",
            old: "/.claude/logs\"\n      mode: \"0755\"",
            new: "/.claude/logs\"\n      mode: \"0700\"",
            times: 1,
        }],
        probe: probe("only its owner reads the audit log", script.to_owned()),
        change: "The playbook makes the log's directory with mode 0700.".to_owned(),
    }
}
