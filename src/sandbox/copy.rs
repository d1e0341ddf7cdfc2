//! A private copy of a directory: what is in it, and nothing that leads back.

use std::io;
use std::path::Path;

/// Most entries that are copied.
const MAX_ENTRIES: usize = 200_000;

/// Copies what is in `from` into `to`, which is there and empty: directories, files and links as
/// they are, modes too. What is known by two names becomes two files; sockets, pipes and devices are
/// left out. Gives how many bytes it takes, which are at most `most`.
///
/// # Errors
/// What can't be read or written, or is too much.
pub fn copy(from: &Path, to: &Path, most: u64) -> Result<u64, String> {
    let mut open = vec![(from.to_owned(), to.to_owned())];
    let mut modes = Vec::new();
    let (mut entries, mut bytes) = (0, 0);
    while let Some((from, to)) = open.pop() {
        let naming = |e: io::Error| format!("{}: {e}", from.display());
        for entry in std::fs::read_dir(&from).map_err(naming)? {
            let entry = entry.map_err(naming)?;
            let (from, to) = (entry.path(), to.join(entry.file_name()));
            let naming = |e: io::Error| format!("{}: {e}", from.display());
            let meta = entry.metadata().map_err(naming)?;
            entries += 1;
            bytes += room(&meta);
            if entries > MAX_ENTRIES || bytes > most {
                return Err(format!(
                    "there is more than {MAX_ENTRIES} entries or {} MiB in it",
                    most >> 20
                ));
            }
            let kind = meta.file_type();
            if kind.is_dir() {
                std::fs::create_dir(&to).map_err(naming)?;
                modes.push((to.clone(), meta.permissions()));
                open.push((from, to));
            } else if kind.is_symlink() {
                let target = std::fs::read_link(&from).map_err(naming)?;
                std::os::unix::fs::symlink(target, &to).map_err(naming)?;
            } else if kind.is_file() {
                std::fs::copy(&from, &to).map_err(naming)?;
            }
        }
    }
    // Last, since one may not be writable.
    for (dir, mode) in modes.into_iter().rev() {
        std::fs::set_permissions(&dir, mode).map_err(|e| format!("{}: {e}", dir.display()))?;
    }
    Ok(bytes)
}

/// What an entry takes at most, where files have whole pages.
fn room(meta: &std::fs::Metadata) -> u64 {
    const PAGE: u64 = 4096;
    meta.len().div_ceil(PAGE).max(1) * PAGE
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn nothing_in_the_copy_leads_back() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        for dir in [&from.join("closed"), &to] {
            std::fs::create_dir_all(dir).unwrap();
        }
        std::fs::write(dir.path().join("outside"), "outside").unwrap();
        std::fs::hard_link(dir.path().join("outside"), from.join("hard")).unwrap();
        symlink("../outside", from.join("soft")).unwrap();
        std::fs::write(from.join("closed/run"), "run").unwrap();
        let mode = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        mode(&from.join("closed/run"), 0o751);
        mode(&from.join("closed"), 0o555);
        let _socket = std::os::unix::net::UnixListener::bind(from.join("socket")).unwrap();

        assert!(copy(&from, &to, 1 << 20).unwrap() >= 4 * 4096);
        let hard = std::fs::metadata(to.join("hard")).unwrap();
        assert_eq!((hard.nlink(), hard.len()), (1, 7));
        assert_eq!(
            std::fs::read_link(to.join("soft")).unwrap(),
            Path::new("../outside")
        );
        assert!(!to.join("socket").exists());
        let meta = |name: &str| std::fs::metadata(to.join(name)).unwrap().mode() & 0o777;
        assert_eq!((meta("closed"), meta("closed/run")), (0o555, 0o751));
        mode(&from.join("closed"), 0o755);
        mode(&to.join("closed"), 0o755);

        let small = dir.path().join("small");
        std::fs::create_dir(&small).unwrap();
        let why = copy(&from, &small, 8192).unwrap_err();
        assert!(why.contains("more than"), "{why}");
    }
}
