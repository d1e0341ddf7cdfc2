//! Whether a change does anything on the machine. Comments, names, formatting, documentation and the
//! loop's own files are no improvement, and only so much of them may come along with one.

mod same;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::shown;
use crate::repo::{Change, Changes, Kind};
use crate::turn::Verdict;

/// What a changed file comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// It does something.
    Substance,
    /// The loop's own configuration, prompts or log.
    Own,
    /// Text for people.
    Documentation,
    /// The same file under another name.
    Rename,
    /// Comments, names of tasks, white space, the order of keys.
    Cosmetic,
}

impl Work {
    fn words(self) -> &'static str {
        match self {
            Self::Substance => "a change",
            Self::Own => "the loop's own file",
            Self::Documentation => "documentation",
            Self::Rename => "a renamed file",
            Self::Cosmetic => "comments, names or formatting",
        }
    }
}

/// Files that are the loop's own.
#[derive(Debug, Clone, Default)]
pub struct Own {
    /// Relative to the repository: files, and directories with all that is in them.
    pub paths: Vec<PathBuf>,
}

/// Judges what the files come to; `most`: lines that do nothing and may come along.
pub fn substance(changes: &Changes, own: &Own, most: usize) -> Verdict {
    let works = classify(changes, own);
    let meta: Vec<String> = works
        .iter()
        .filter(|(_, work)| *work != Work::Substance)
        .map(|(change, work)| format!("{}: {}", shown(&change.path), work.words()))
        .collect();
    if meta.len() == works.len() {
        return Verdict::Refused(format!(
            "it changes nothing on the machine ({})",
            meta.join("; ")
        ));
    }
    let mut idle = 0;
    let mut doing = 0;
    for (change, work) in &works {
        let (all, idly) = same::lines(change);
        idle += if *work == Work::Substance { idly } else { all };
        doing += if *work == Work::Substance {
            all - idly
        } else {
            0
        };
    }
    // A block of code may have as many lines of comment as it has itself.
    if idle > most.max(doing) {
        return Verdict::Refused(format!(
            "beside {doing} lines that do something it changes {idle} that don't (comments, names, \
             formatting, documentation), and at most {} are taken: leave them as they are",
            most.max(doing)
        ));
    }
    Verdict::Passed
}

/// Each changed file with what it comes to.
pub fn classify<'a>(changes: &'a Changes, own: &Own) -> Vec<(&'a Change, Work)> {
    let renamed = renamed(changes.all());
    let classify = |change: &'a Change| {
        let work = if own.paths.iter().any(|path| change.path.starts_with(path)) {
            Work::Own
        } else if documentation(&change.path) {
            Work::Documentation
        } else if renamed.contains(&change.path) {
            Work::Rename
        } else if same::is_cosmetic(change) {
            Work::Cosmetic
        } else {
            Work::Substance
        };
        (change, work)
    };
    changes.all().iter().map(classify).collect()
}

/// Text for people, but not what a role brings to the machine.
fn documentation(path: &Path) -> bool {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    let brought = path.components().any(|part| {
        ["files", "templates"]
            .iter()
            .any(|dir| part.as_os_str() == *dir)
    });
    let text = [".md", ".rst", ".adoc"]
        .iter()
        .any(|end| name.ends_with(end));
    !brought && (text || ["license", "notice", "authors"].contains(&name.as_str()))
}

/// Files that went and came with the same content and mode.
fn renamed(all: &[Change]) -> BTreeSet<PathBuf> {
    let gone = all.iter().filter(|c| c.kind == Kind::Deleted);
    gone.flat_map(|old| {
        let same = |new: &&Change| {
            new.kind == Kind::Added && new.new == old.old && new.new_mode == old.old_mode
        };
        let new = all.iter().find(same);
        new.into_iter()
            .flat_map(|new| [old.path.clone(), new.path.clone()])
    })
    .collect()
}
