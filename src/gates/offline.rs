//! A change judged by two directories, without git or configuration.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::policy::{self, Standing};
use super::{Finding, Findings, scope, secrets};
use crate::repo::{Change, Kind};

/// Largest file that is read, most files, and most bytes of all.
const LARGEST: u64 = 1 << 20;
const MOST_FILES: usize = 20_000;
const MOST_BYTES: u64 = 128 << 20;

/// A file's mode as git has it, and its content; a link's is where it leads.
type Files = BTreeMap<PathBuf, (u32, Vec<u8>)>;

/// What is different between two directories, and what is not.
///
/// # Errors
/// The file that can't be read, and why.
pub fn between(old: &Path, new: &Path) -> Result<(Vec<Change>, Standing), String> {
    let (mut before, after) = (files(old)?, files(new)?);
    let (mut changes, mut standing) = (Vec::new(), Standing::new());
    for (path, (mode, content)) in after {
        let was = before.remove(&path);
        match was {
            Some((old_mode, old)) if old_mode == mode && old == content => {
                standing.insert(path, content);
            }
            was => changes.push(change(path, was, Some((mode, content)))),
        }
    }
    changes.extend(
        before
            .into_iter()
            .map(|(path, was)| change(path, Some(was), None)),
    );
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    Ok((changes, standing))
}

fn change(path: PathBuf, old: Option<(u32, Vec<u8>)>, new: Option<(u32, Vec<u8>)>) -> Change {
    let kind = match (&old, &new) {
        (None, _) => Kind::Added,
        (_, None) => Kind::Deleted,
        (Some((_, a)), Some((_, b))) if a == b => Kind::ModeChanged,
        _ => Kind::Modified,
    };
    let mode = |side: &Option<(u32, Vec<u8>)>| side.as_ref().map_or(0, |(mode, _)| *mode);
    Change {
        kind,
        old_mode: mode(&old),
        new_mode: mode(&new),
        path,
        old: old.map(|(_, content)| content),
        new: new.map(|(_, content)| content),
    }
}

fn files(top: &Path) -> Result<Files, String> {
    let meta =
        std::fs::metadata(top).map_err(|e| format!("{}: {e}; name a directory", top.display()))?;
    if !meta.is_dir() {
        return Err(format!(
            "{}: no directory; name the playbook's directory",
            top.display()
        ));
    }
    let (mut found, mut bytes) = (Files::new(), 0);
    walk(top, Path::new(""), &mut found, &mut bytes)?;
    Ok(found)
}

fn walk(top: &Path, below: &Path, found: &mut Files, bytes: &mut u64) -> Result<(), String> {
    let dir = top.join(below);
    let named = |path: &Path, e: &std::io::Error| format!("{}: {e}", top.join(path).display());
    for entry in std::fs::read_dir(&dir).map_err(|e| named(below, &e))? {
        let entry = entry.map_err(|e| named(below, &e))?;
        let path = below.join(entry.file_name());
        if path == Path::new(".git") {
            continue;
        }
        let meta = std::fs::symlink_metadata(entry.path()).map_err(|e| named(&path, &e))?;
        if meta.is_dir() {
            walk(top, &path, found, bytes)?;
            continue;
        }
        let (mode, content) = if meta.is_symlink() {
            let to = std::fs::read_link(entry.path()).map_err(|e| named(&path, &e))?;
            (0o120_000, to.into_os_string().into_encoded_bytes())
        } else if !meta.is_file() {
            return Err(format!(
                "{}: neither a file nor a directory",
                top.join(&path).display()
            ));
        } else if meta.len() > LARGEST {
            return Err(format!(
                "{}: larger than {LARGEST} bytes; judge the playbook's directory alone",
                top.join(&path).display()
            ));
        } else {
            let mode = if meta.permissions().mode() & 0o100 == 0 {
                0o100_644
            } else {
                0o100_755
            };
            (
                mode,
                std::fs::read(entry.path()).map_err(|e| named(&path, &e))?,
            )
        };
        *bytes += content.len() as u64;
        found.insert(path, (mode, content));
        if found.len() > MOST_FILES || *bytes > MOST_BYTES {
            return Err(format!(
                "{}: more files than a playbook has; judge the playbook's directory alone",
                top.display()
            ));
        }
    }
    Ok(())
}

/// Everything that the static gates say of a change, refusals first.
///
/// # Errors
/// Why it could not be judged.
pub fn offline(changes: &[Change], standing: &Standing) -> Result<Vec<Finding>, String> {
    let mut found = Findings::default();
    scope::judge(changes, &[String::new()], &[], &mut found);
    found.0.extend(policy::findings(changes, standing, None)?.0);
    secrets::judge(changes, standing, &mut found)?;
    let mut all = found.0;
    all.sort_by(|a, b| (!a.refused, &a.file, a.line).cmp(&(!b.refused, &b.file, b.line)));
    all.dedup();
    Ok(all)
}
