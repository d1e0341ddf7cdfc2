//! What a client leaves in its configuration directory stays on disk, since its transcripts count
//! as spend, and is read at every wake. The agent could write there, so only plain files of a
//! plausible size stay.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Largest transcript that is believed, in bytes; real ones have a few megabytes.
const MAX_FILE: u64 = 128 << 20;
/// Most entries that are looked at.
const MAX_ENTRIES: usize = 50_000;

/// Removes what is no plain directory or file from `dir`. `false`: it was among the transcripts, so
/// that they may not tell all.
pub(super) fn tidy(dir: &Path) -> bool {
    let transcripts = dir.join("projects");
    let mut clean = true;
    let mut open = vec![dir.to_owned()];
    let mut seen = 0;
    while let Some(dir) = open.pop() {
        let mode = std::fs::Permissions::from_mode(0o700);
        if std::fs::set_permissions(&dir, mode).is_err() {
            continue;
        }
        let Ok(entries) = std::fs::read_dir(&dir) else {
            clean = false;
            continue;
        };
        for entry in entries.flatten() {
            seen += 1;
            let path = entry.path();
            let Ok(meta) = std::fs::symlink_metadata(&path) else {
                continue;
            };
            let fits = seen <= MAX_ENTRIES && meta.len() <= MAX_FILE;
            if meta.is_dir() && seen <= MAX_ENTRIES {
                open.push(path);
            } else if meta.is_file() && fits {
                let mode = std::fs::Permissions::from_mode(0o600);
                clean &= std::fs::set_permissions(&path, mode).is_ok();
            } else {
                // Elsewhere the client makes links itself.
                clean &= !path.starts_with(&transcripts);
                let _ = if meta.is_dir() {
                    std::fs::remove_dir_all(&path)
                } else {
                    std::fs::remove_file(&path)
                };
            }
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_huge_files_go_and_what_is_locked_is_opened() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::create_dir_all(at("projects/p")).unwrap();
        std::fs::write(at("projects/p/a.jsonl"), "{}\n").unwrap();
        assert!(tidy(dir.path()));
        assert!(at("projects/p/a.jsonl").exists());

        std::os::unix::fs::symlink("/", at("projects/all")).unwrap();
        let huge = std::fs::File::create(at("projects/p/huge.jsonl")).unwrap();
        huge.set_len(1 << 40).unwrap();
        let closed = std::fs::Permissions::from_mode(0o000);
        std::fs::set_permissions(at("projects/p/a.jsonl"), closed).unwrap();
        assert!(!tidy(dir.path()));
        assert!(!at("projects/all").is_symlink() && !at("projects/p/huge.jsonl").exists());
        assert_eq!(std::fs::read(at("projects/p/a.jsonl")).unwrap(), b"{}\n");
        assert!(tidy(dir.path()));
    }
}
