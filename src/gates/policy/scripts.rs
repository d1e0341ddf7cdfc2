//! Scripts that are deployed, an agent's hooks above all: a change must not switch one off, make it
//! a downloader, or let it run what it did not run.

use std::collections::BTreeSet;

use super::issue::Issue;
use crate::guard::{self, Verdict};

/// Programs that a hook may run.
const PROGRAMS: &str = " jq cat grep egrep fgrep sed cut tr head tail sort uniq wc echo printf test [ [[ : true false exit return \
    read shift set local export declare readonly unset case esac basename dirname realpath readlink date mktemp rm \
    mkdir touch chmod cd pwd id whoami uname hostname command type trap umask tee awk shopt break continue \
    stat ls flock logger sleep let expr seq rev paste comm diff cmp od xxd sha256sum shasum mapfile getopts printenv ";

/// What bash 3.2, the one of macOS, does not know.
const NEWER: [(&str, &str); 8] = [
    (",,}", "${x,,}"),
    ("^^}", "${x^^}"),
    ("declare -A", "declare -A"),
    ("local -A", "local -A"),
    ("mapfile", "mapfile"),
    ("readarray", "readarray"),
    ("&>>", "&>>"),
    ("|&", "|&"),
];

/// Judges a script against what it was.
pub(super) fn judge(old: Option<&str>, new: &str) -> Vec<Issue> {
    let before = old.unwrap_or_default();
    let mut issues = Vec::new();
    let (was, now) = (guard::trace(before), guard::trace(new));
    match &now.verdict {
        Verdict::Allowed => {}
        Verdict::Denied(denial) => {
            let same = matches!(&was.verdict, Verdict::Denied(old) if old.rule == denial.rule && old.why == denial.why);
            if !same {
                let line = denial.span.as_ref().map_or(1, |span| {
                    1 + new.chars().take(span.start).filter(|c| *c == '\n').count()
                });
                let why = denial.why.replace("; ", ", ");
                issues.push(Issue::refused(
                    denial.rule,
                    line,
                    format!("the script would do what is refused: {why}"),
                ));
            }
        }
        Verdict::Unprovable(what) => {
            let same = matches!(&was.verdict, Verdict::Unprovable(old) if old == what)
                && !before.is_empty();
            if !same {
                issues.push(Issue::held(
                    "script-unprovable",
                    1,
                    format!("a script that has {what}"),
                ));
            } else {
                // What nobody can follow has no list of programs either.
                issues.push(Issue::held(
                    "script-unprovable",
                    1,
                    format!("a changed script that has {what}, as it had before"),
                ));
            }
        }
    }
    let names = |trace: &guard::Trace| -> BTreeSet<String> {
        trace
            .ran
            .iter()
            .filter_map(|argv| argv.first().cloned())
            .collect()
    };
    for name in names(&now).difference(&names(&was)) {
        let bare = name
            .strip_prefix("/usr/bin/")
            .or_else(|| name.strip_prefix("/bin/"))
            .unwrap_or(name);
        if !PROGRAMS.split_whitespace().any(|p| p == bare) {
            issues.push(Issue::held(
                "script-program",
                line_of(new, name),
                format!(
                    "the script runs {}, which hooks do not need",
                    crate::text::plain(name, 60)
                ),
            ));
        }
    }
    if let Some(at) = guard::ends_at(new)
        && guard::ends_at(before).is_none()
    {
        issues.push(Issue::refused(
            "script-ends",
            at,
            "it ends here with success, so that nothing behind it runs; take the exit out",
        ));
    }
    for (mark, shown) in NEWER {
        if new.contains(mark) && !before.contains(mark) && shebang(new).contains("sh") {
            issues.push(Issue::held(
                "script-shell",
                line_of(new, mark),
                format!("{shown} is unknown to the bash of macOS, where the script would fail and let everything pass"),
            ));
        }
    }
    if let Some(line) = lost(before, new) {
        issues.push(Issue::held(
            LOOSENS,
            1,
            format!(
                "what the old script does in \"{}\" is gone",
                crate::text::plain(line, 80)
            ),
        ));
    }
    if old.is_some() && new.len() * 2 < before.len() {
        issues.push(Issue::held(
            "script-shrinks",
            1,
            "the script shrinks by more than half",
        ));
    }
    for word in ["exit 2", "deny "] {
        let of = |text: &str| {
            text.lines()
                .filter(|l| !l.trim_start().starts_with('#') && l.contains(word))
                .count()
        };
        if of(before) > of(new) {
            let what = format!("the script has fewer of `{}` than before", word.trim());
            issues.push(Issue::held("script-shrinks", 1, what));
        }
    }
    issues
}

/// The rule that only running both scripts can settle.
pub(super) const LOOSENS: &str = "script-loosens";

/// The first line of the old script of which not every word is left, in order, in a line of the new one.
fn lost<'s>(old: &'s str, new: &str) -> Option<&'s str> {
    let words = |line: &str| -> Vec<String> {
        let split = line.split(|c: char| c.is_whitespace() || "|();".contains(c));
        split.filter(|w| !w.is_empty()).map(str::to_owned).collect()
    };
    let code = |text: &'s str| {
        text.lines()
            .map(str::trim)
            .filter(|l| !l.is_empty() && !l.starts_with('#'))
    };
    let now: Vec<Vec<String>> = new.lines().map(words).collect();
    let within = |part: &[String], whole: &[String]| {
        let mut rest = whole.iter();
        part.iter()
            .all(|w| rest.any(|r| r == w || r.contains(w.as_str()) && w.len() > 3))
    };
    code(old).find(|line| {
        let part = words(line);
        !now.iter().any(|whole| within(&part, whole))
    })
}

fn shebang(script: &str) -> &str {
    script
        .lines()
        .next()
        .filter(|l| l.starts_with("#!"))
        .unwrap_or("sh")
}

fn line_of(script: &str, word: &str) -> usize {
    script
        .lines()
        .position(|l| !l.trim_start().starts_with('#') && l.contains(word))
        .map_or(1, |at| at + 1)
}
