//! The state directory must be ours alone.

use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::Path;

use crate::error::Fatal;
use crate::process::effective_uid;

/// Makes the state directory (mode 0700) where it is missing, and makes sure that nobody else can
/// write to it: whoever can, could let the supervisor apply what was never proven.
///
/// # Errors
/// [`Fatal::State`] with the cure.
pub fn check_dir(dir: &Path) -> Result<(), Fatal> {
    let wrong = |why: String| Fatal::State {
        path: dir.to_owned(),
        why,
    };
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|e| {
            wrong(format!(
                "it can't be made ({e}); make it, or set SECLOOP_STATE_DIR to another one"
            ))
        })?;
    let meta = std::fs::metadata(dir).map_err(|e| wrong(format!("it can't be looked at ({e})")))?;
    let (owner, us) = (meta.uid(), effective_uid());
    if owner != us {
        return Err(wrong(format!(
            "it belongs to user {owner} and not to us ({us}); `chown` it, or set \
             SECLOOP_STATE_DIR to another one"
        )));
    }
    let mode = meta.permissions().mode() & 0o7777;
    if mode & 0o022 != 0 {
        return Err(wrong(format!(
            "others can write to it (mode {mode:04o}); `chmod 700` it after a look at what is in it"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(dir: &Path) -> u32 {
        std::fs::metadata(dir).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_missing_directory_is_made_for_us_alone() {
        let at = tempfile::tempdir().unwrap();
        let dir = at.path().join("a/b");
        check_dir(&dir).unwrap();
        assert_eq!(mode(&dir), 0o700);
        check_dir(&dir).unwrap();
    }

    #[test]
    fn a_directory_that_others_can_write_to_is_refused_with_the_cure() {
        let at = tempfile::tempdir().unwrap();
        for bits in [0o770, 0o707, 0o1777] {
            std::fs::set_permissions(at.path(), PermissionsExt::from_mode(bits)).unwrap();
            let error = check_dir(at.path()).unwrap_err();
            assert!(matches!(error, Fatal::State { .. }));
            assert!(error.to_string().contains("chmod 700"), "{error}");
        }
        std::fs::set_permissions(at.path(), PermissionsExt::from_mode(0o755)).unwrap();
        check_dir(at.path()).unwrap();
    }

    #[test]
    fn a_file_in_its_place_or_another_owner_is_refused() {
        let at = tempfile::tempdir().unwrap();
        let file = at.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(matches!(check_dir(&file), Err(Fatal::State { .. })));
        if effective_uid() == 0 {
            let theirs = at.path().join("theirs");
            std::fs::create_dir(&theirs).unwrap();
            std::os::unix::fs::chown(&theirs, Some(12_345), None).unwrap();
            let error = check_dir(&theirs).unwrap_err().to_string();
            assert!(error.contains("belongs to user 12345"), "{error}");
        } else {
            let error = check_dir(Path::new("/")).unwrap_err().to_string();
            assert!(error.contains("belongs to user 0"), "{error}");
        }
    }
}
