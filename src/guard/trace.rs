//! What a script runs and writes, for a reader that has rules of its own.

use brush_parser::ast;

use super::walk::Walk;
use super::{Verdict, caught, marks, parse, verdict};

/// The verdict on a script, and what was met on the way to it.
#[derive(Debug)]
pub(crate) struct Trace {
    pub(crate) verdict: Verdict,
    /// Every program with its words after expansion; `…` stands for what only a run tells.
    pub(crate) ran: Vec<Vec<String>>,
    /// The files that redirections write.
    pub(crate) written: Vec<String>,
}

/// Judges a script and says what it runs.
pub(crate) fn trace(script: &str) -> Trace {
    let mut walk = Walk::new();
    let ended = caught(|| walk.script(script).map(drop));
    let verdict = verdict(&walk, ended);
    let words = |words: &[String]| words.iter().map(|w| readable(w)).collect();
    Trace {
        verdict,
        ran: walk.ran.iter().map(|argv| words(argv)).collect(),
        written: words(&walk.written),
    }
}

fn readable(word: &str) -> String {
    word.chars()
        .map(|c| match c {
            marks::HOLE => '…',
            marks::STAR => '*',
            marks::ONE => '?',
            marks::HOME => '~',
            marks::SPLIT => ' ',
            c => c,
        })
        .collect()
}

/// The line of an unconditional end with success behind which there is more; lines count from 1.
pub(crate) fn ends_at(script: &str) -> Option<usize> {
    let read = std::panic::catch_unwind(|| parse::program(script));
    let program = read.ok()?.ok()?;
    let items: Vec<_> = program
        .complete_commands
        .iter()
        .flat_map(|list| &list.0)
        .collect();
    let (_, before) = items.split_last()?;
    before.iter().find_map(|item| ends(&item.0))
}

fn ends(list: &ast::AndOrList) -> Option<usize> {
    let [ast::Command::Simple(simple)] = list.first.seq.as_slice() else {
        return None;
    };
    if !list.additional.is_empty() {
        return None;
    }
    let name = simple.word_or_name.as_ref()?;
    let words: Vec<&str> = simple
        .suffix
        .iter()
        .flat_map(|s| &s.0)
        .filter_map(|item| match item {
            ast::CommandPrefixOrSuffixItem::Word(word) => {
                Some(word.value.trim_matches(['"', '\'']))
            }
            _ => None,
        })
        .collect();
    let success = matches!(
        (name.value.as_str(), words.as_slice()),
        ("exit" | "return", [] | ["0" | ""]) | ("exec", ["true" | ":" | "/bin/true", ..])
    );
    success.then(|| name.loc.as_ref().map_or(1, |l| l.start.line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_is_told_also_within_substitutions_and_wrappers() {
        let traced = trace("x=$(jq -r .a); sudo ls \"$x\" > /tmp/l; f() { grep a; }; f | head");
        let names: Vec<&str> = traced.ran.iter().map(|r| r[0].as_str()).collect();
        assert_eq!(names, ["jq", "sudo", "ls", "grep", "head"]);
        assert_eq!(traced.ran[2][1], "…");
        assert_eq!(traced.written, ["/tmp/l"]);
    }

    #[test]
    fn an_early_end_is_found() {
        for (script, line) in [
            ("a\nexit 0\nb\n", Some(2)),
            ("exit\nb", Some(1)),
            ("exec true\nb", Some(1)),
            ("a || exit 0\nb", None),
            ("if a; then exit 0; fi\nb", None),
            ("exit 2\nb", None),
            ("a\nexit 0\n", None),
        ] {
            assert_eq!(ends_at(script), line, "{script}");
        }
    }
}
