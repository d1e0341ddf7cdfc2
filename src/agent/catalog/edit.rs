//! Edits at named places of a file: all of an entry's, or none.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// One edit of a file of the role.
#[derive(Debug, Clone)]
pub(super) enum Edit {
    /// Puts a block behind the line `# -- PLACE`, unless it is there already.
    Insert {
        file: &'static str,
        place: &'static str,
        block: &'static str,
    },
    /// Puts one text in the place of another, which must be there exactly `times` times.
    Replace {
        file: &'static str,
        old: &'static str,
        new: &'static str,
        times: usize,
    },
    /// Takes a line out that a block makes superfluous, if it is there.
    Remove {
        file: &'static str,
        line: &'static str,
    },
}

/// Makes the edits; `false` when a place is missing, and then nothing was changed.
pub(super) fn apply(role: &Path, edits: &[Edit]) -> Result<bool, String> {
    let mut files: BTreeMap<PathBuf, String> = BTreeMap::new();
    for edit in edits {
        let (Edit::Insert { file, .. } | Edit::Replace { file, .. } | Edit::Remove { file, .. }) =
            edit;
        let path = role.join(file);
        let text = match files.get(&path) {
            Some(text) => text.clone(),
            None => match std::fs::read_to_string(&path) {
                Ok(text) => text,
                Err(_) => return Ok(false),
            },
        };
        let Some(text) = edited(&text, edit) else {
            return Ok(false);
        };
        files.insert(path, text);
    }
    for (path, text) in files {
        std::fs::write(&path, text).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(true)
}

fn edited(text: &str, edit: &Edit) -> Option<String> {
    match edit {
        Edit::Insert { place, block, .. } => {
            if text.contains(block.trim_end()) {
                return Some(text.to_owned());
            }
            let line = text.lines().find(|l| l.trim() == format!("# -- {place}"))?;
            let anchor = format!("{line}\n");
            let at = text.find(&anchor)? + anchor.len();
            let (before, after) = text.split_at(at);
            // Code at the left margin stands apart; an indented block continues what is there.
            let gap = if block.starts_with(' ') { "" } else { "\n" };
            let after = if gap.is_empty() {
                after
            } else {
                after.trim_start_matches('\n')
            };
            Some(format!("{before}{gap}{}\n{gap}{after}", block.trim_end()))
        }
        Edit::Replace {
            old, new, times, ..
        } => (text.matches(old).count() == *times).then(|| text.replace(old, new)),
        Edit::Remove { line, .. } => Some(text.replace(&format!("\n{line}\n"), "\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_place_leaves_every_file_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a"), "one\n# -- rules\ntwo\n").unwrap();
        let here = Edit::Insert {
            file: "a",
            place: "rules",
            block: "new\n",
        };
        let gone = Edit::Insert {
            file: "a",
            place: "nowhere",
            block: "other\n",
        };
        assert_eq!(apply(dir.path(), &[here.clone(), gone]), Ok(false));
        let read = || std::fs::read_to_string(dir.path().join("a")).unwrap();
        assert_eq!(read(), "one\n# -- rules\ntwo\n");
        assert_eq!(apply(dir.path(), std::slice::from_ref(&here)), Ok(true));
        assert_eq!(read(), "one\n# -- rules\n\nnew\n\ntwo\n");
        assert_eq!(apply(dir.path(), &[here]), Ok(true));
        assert_eq!(
            read(),
            "one\n# -- rules\n\nnew\n\ntwo\n",
            "the same block is put in once"
        );
    }
}
