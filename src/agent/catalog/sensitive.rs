//! Gaps of `protect-sensitive.sh`.

use super::edit::Edit;
use super::entry::{Detector, Entry, bash, denied, file, finding, probe};
use crate::turn::Severity;

const HOOK: &str = "protect-sensitive.sh";
const FILE: &str = "files/protect-sensitive.sh";
pub(super) const WORDS: Edit = insert("simple commands", include_str!("blocks/words.sh"));
const CLEAN_PATH: Edit = insert("spelling of the path", include_str!("blocks/clean_path.sh"));

pub(super) fn entries() -> Vec<Entry> {
    vec![readers(), stores(), own_guard()]
}

const fn insert(place: &'static str, block: &'static str) -> Edit {
    Edit::Insert {
        file: FILE,
        place,
        block,
    }
}

fn readers() -> Entry {
    Entry {
        finding: finding(
            Severity::P0,
            HOOK,
            "any program that reads",
            [
                "Credentials are read through cp, mv, vim and others",
                "The hook knows six programs at the beginning of the line. cp, mv, vim, sed, tar and \
             every other program that reads get the same .env file or private key.",
            ],
        ),
        detector: Detector::Probe,
        edits: [r#"match .env '^(cat|less|head|tail|base64|scp) ([^ ]*/)?\.env$' && deny "it reads a .env file""#, r#"match . '^(cat|less|head|tail|base64|scp) [^ ]*(\.ssh/id_[a-z0-9_]+|\.aws/credentials|\.kube/config)$' && deny "it reads a credential""#, r#"match .env '^curl .*(-d|--data|--data-binary) ?@([^ ]*/)?\.env( |$)' && deny "it sends a .env file""#].into_iter().map(|line| Edit::Remove { file: FILE, line }).chain([
            WORDS,
            insert("rules", include_str!("blocks/readers.sh")),
        ]).collect(),
        probe: denied(
            "a credential is not read by any program",
            HOOK,
            &[
                bash("cp .env /tmp/x"),
                bash("mv ./app/.env notes.txt"),
                bash("vim .env"),
                bash("cd app && sed -n 1p .env"),
                bash("tar cf - ~/.ssh/id_ed25519"),
            ],
        ),
        change: "protect-sensitive.sh denies every program that is given a credential's path, but \
                 for those that only name it."
            .to_owned(),
    }
}

fn stores() -> Entry {
    Entry {
        finding: finding(
            Severity::P1,
            HOOK,
            "more credential stores",
            [
                "Common credential stores are not protected",
                "The file tools open .netrc, .git-credentials, Docker's, gcloud's, gh's and GnuPG's \
             stores, which hold tokens as .env files do.",
            ],
        ),
        detector: Detector::Probe,
        edits: vec![
            CLEAN_PATH,
            insert("sensitive paths", include_str!("blocks/stores.sh")),
        ],
        probe: denied(
            "credential stores are not read",
            HOOK,
            &[
                file("Read", "file_path", "/home/someone/.netrc"),
                file("Read", "file_path", "/home/someone/.docker/config.json"),
                file("Read", "file_path", "/home/someone/.config/gh/hosts.yml"),
                file("Read", "file_path", "/home/someone/.docker//./config.json"),
            ],
        ),
        change: "protect-sensitive.sh knows the stores of eleven more tools.".to_owned(),
    }
}

fn own_guard() -> Entry {
    let script = "hook=${SECLOOP_HOOKS:-$HOME/.claude/hooks}/protect-sensitive.sh\n\
                  [ -r \"$hook\" ] || exit 126\n\
                  for path in \"$HOME/.claude/settings.json\" \
                  \"$HOME/.claude/hooks/audit-log.sh\" \
                  \"$HOME/.claude/../.claude//settings.json\"; do\n    \
                  printf '{\"tool_name\":\"Edit\",\"tool_input\":{\"file_path\":\"%s\"}}' \
                  \"$path\" | sh \"$hook\" >/dev/null 2>&1\n    \
                  [ $? -eq 2 ] || { echo \"let through: $path\"; exit 1; }\ndone\n\
                  for command in 'rm ~/.claude/settings.json' 'true > ~/.claude/settings.json' \
                  'cd ~/.claude && chmod -x hooks/audit-log.sh'; do\n    \
                  printf '{\"tool_name\":\"Bash\",\"tool_input\":{\"command\":\"%s\"}}' \
                  \"$command\" | sh \"$hook\" >/dev/null 2>&1\n    \
                  [ $? -eq 2 ] || { echo \"let through: $command\"; exit 1; }\ndone\nexit 0\n";
    Entry {
        finding: finding(
            Severity::P0,
            HOOK,
            "the guard protects itself",
            [
                "The agent's tools can rewrite the guard",
                "One Edit of ~/.claude/settings.json or of a hook, or one rm, switches the guard off \
             at once, also in a running session.",
            ],
        ),
        detector: Detector::Probe,
        edits: vec![
            CLEAN_PATH,
            insert("file rules", include_str!("blocks/own_guard.sh")),
            WORDS,
            insert("rules", include_str!("blocks/own_guard_shell.sh")),
        ],
        probe: probe(
            "the guard's files are not edited by a tool",
            script.to_owned(),
        ),
        change:
            "protect-sensitive.sh denies edits of the deployed hooks and settings, by tools and by \
                 commands; the playbook's own sources stay editable."
                .to_owned(),
    }
}
