//! Files that are there as a whole or as before, whatever ends the program and however full the
//! disk is: written beside, synchronised, renamed, and the directory synchronised.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::turn::hex;

/// Replaces a file's content and mode.
///
/// # Errors
/// The file is as before then, but for a directory that could not be synchronised.
pub(crate) fn replace(path: &Path, content: &[u8], mode: u32) -> std::io::Result<()> {
    replace_with(path, mode, |file| file.write_all(content))
}

/// As [`replace`], with what `fill` writes. `fill` may change owner and times of the file.
///
/// # Errors
/// As [`replace`].
pub(crate) fn replace_with(
    path: &Path,
    mode: u32,
    fill: impl FnOnce(&mut File) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let beside = beside(path);
    let written = write(&beside, mode, fill).and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
        return written;
    }
    File::open(parent(path))?.sync_all()
}

/// Where a file is made before it takes the place of `path`: always the same, so that what a crash
/// left there is replaced and does not add up.
pub(crate) fn beside(path: &Path) -> PathBuf {
    let digest = hex(&Sha256::digest(path.as_os_str().as_bytes()));
    parent(path).join(format!(".secloop-{}", digest.get(..16).unwrap_or(&digest)))
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) => Path::new("."),
        None => Path::new("/"),
    }
}

fn write(
    path: &Path,
    mode: u32,
    fill: impl FnOnce(&mut File) -> std::io::Result<()>,
) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    // New: no link that somebody put there is followed.
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    fill(&mut file)?;
    file.set_permissions(PermissionsExt::from_mode(mode))?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> usize {
        std::fs::read_dir(dir).unwrap().count()
    }

    #[test]
    fn a_file_is_replaced_with_its_mode_and_nothing_else_is_left() {
        let at = tempfile::tempdir().unwrap();
        let path = at.path().join("page.md");
        for (text, mode) in [("one", 0o644), ("two", 0o600)] {
            replace(&path, text.as_bytes(), mode).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
            let now = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(now & 0o7777, mode);
        }
        assert_eq!(names(at.path()), 1);
    }

    #[test]
    fn what_fails_leaves_the_file_as_it_was() {
        let at = tempfile::tempdir().unwrap();
        let path = at.path().join("page.md");
        replace(&path, b"one", 0o644).unwrap();
        let full = |_: &mut File| Err(ErrorKind::StorageFull.into());
        let error = replace_with(&path, 0o644, full).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StorageFull);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one");
        assert_eq!(names(at.path()), 1);
    }

    #[test]
    fn what_a_crash_left_is_replaced_and_a_link_is_not_followed() {
        let at = tempfile::tempdir().unwrap();
        let (path, other) = (at.path().join("page.md"), at.path().join("other"));
        std::fs::write(&other, "theirs").unwrap();
        std::os::unix::fs::symlink(&other, beside(&path)).unwrap();
        replace(&path, b"one", 0o644).unwrap();
        assert_eq!(std::fs::read_to_string(&other).unwrap(), "theirs");
        assert!(std::fs::symlink_metadata(&path).unwrap().is_file());
        assert_eq!(names(at.path()), 2);
    }
}
