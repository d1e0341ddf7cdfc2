//! Takes an archive apart that a container gave: hostile, and unpacked by nobody but these lines.
//!
//! Plain files and directories, and links as links, below one directory, each made by a descriptor
//! of the directory above and over nothing that is there. Whatever else an archive can hold is an
//! error. What is unpacked still has to pass the gates of every working copy.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Mode, OFlags, mkdirat, open, openat, symlinkat};
use tar::EntryType;

/// Most entries.
const MAX_ENTRIES: usize = 100_000;
/// Most bytes of all files together.
pub(super) const MAX_BYTES: u64 = 256 << 20;
/// Longest path, in bytes.
const MAX_PATH: usize = 1024;
/// Deepest nesting.
const MAX_DEPTH: usize = 64;

const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
const NEW: OFlags = OFlags::WRONLY
    .union(OFlags::CREATE)
    .union(OFlags::EXCL)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Unpacks the archive into `to`, a private and empty directory. Of `repo/.git` only the log of its
/// head is taken.
///
/// # Errors
/// A sentence for the receipt: what there is that can't be taken, or that it can't be read.
pub fn unpack(archive: &[u8], to: &Path) -> Result<(), String> {
    let broken = |e: std::io::Error| format!("the archive of the working copy: {e}");
    let top = open(to, DIRECTORY, Mode::empty()).map_err(|e| format!("{}: {e}", to.display()))?;
    let mut links = BTreeMap::new();
    let mut left = MAX_BYTES;
    let mut archive = tar::Archive::new(archive);
    for (count, entry) in archive.entries().map_err(broken)?.enumerate() {
        if count >= MAX_ENTRIES {
            return Err(format!("more than {MAX_ENTRIES} files in the working copy"));
        }
        let entry = entry.map_err(broken)?;
        let path = inside(&entry.path_bytes())?;
        if path.as_os_str().is_empty() || is_gits(&path) {
            continue;
        }
        let shown = path.display();
        match entry.header().entry_type() {
            EntryType::Directory => drop(directory(&top, &path)?),
            EntryType::Symlink => {
                let to = entry.link_name_bytes().unwrap_or_default().into_owned();
                links.insert(path, to);
            }
            EntryType::Regular | EntryType::Continuous => {
                let mode = entry.header().mode().map_err(broken)?;
                let size = entry.size();
                left = left
                    .checked_sub(size)
                    .ok_or_else(|| format!("more than {MAX_BYTES} bytes in the working copy"))?;
                file(&top, &path, mode, entry.take(size))?;
            }
            EntryType::Link => {
                return Err(format!("{shown}: a file with a second name (hard link)"));
            }
            _ => return Err(format!("{shown}: neither a file nor a directory")),
        }
    }
    // Last, so that nothing is ever made by way of one.
    for (path, to) in links {
        let (dir, name) = place(&top, &path)?;
        symlinkat(&*to, &dir, name).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(())
}

/// A path that stays below the top.
fn inside(bytes: &[u8]) -> Result<PathBuf, String> {
    let odd = || "the archive of the working copy has a strange path".to_owned();
    let text = std::str::from_utf8(bytes).map_err(|_| odd())?;
    let mut path = PathBuf::new();
    for part in Path::new(text).components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::CurDir => (),
            _ => return Err(odd()),
        }
    }
    if text.len() > MAX_PATH || text.contains('\0') || path.components().count() > MAX_DEPTH {
        return Err(odd());
    }
    Ok(path)
}

fn is_gits(path: &Path) -> bool {
    path.starts_with("repo/.git")
        && !["repo/.git", "repo/.git/logs", "repo/.git/logs/HEAD"]
            .iter()
            .any(|kept| path == Path::new(kept))
}

fn file(
    top: &OwnedFd,
    path: &Path,
    mode: u32,
    mut content: impl std::io::Read,
) -> Result<(), String> {
    let named = |e: std::io::Error| format!("{}: {e}", path.display());
    let (dir, name) = place(top, path)?;
    let mode = if mode & 0o100 == 0 { 0o600 } else { 0o700 };
    let made = openat(&dir, name, NEW, Mode::from_raw_mode(mode)).map_err(|e| named(e.into()))?;
    std::io::copy(&mut content, &mut std::fs::File::from(made)).map_err(named)?;
    Ok(())
}

/// The directory that a path lies in, and its last name.
fn place<'a>(top: &OwnedFd, path: &'a Path) -> Result<(OwnedFd, &'a std::ffi::OsStr), String> {
    let dir = directory(top, path.parent().unwrap_or(Path::new("")))?;
    Ok((dir, path.file_name().unwrap_or_default()))
}

/// Goes to a directory, name by name, and makes what is not there.
fn directory(top: &OwnedFd, path: &Path) -> Result<OwnedFd, String> {
    let named = |e: rustix::io::Errno| format!("{}: {e}", path.display());
    let mut dir = top.try_clone().map_err(|e| e.to_string())?;
    for name in path {
        match mkdirat(&dir, name, Mode::from_raw_mode(0o700)) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => (),
            Err(e) => return Err(named(e)),
        }
        dir = openat(&dir, name, DIRECTORY, Mode::empty()).map_err(named)?;
    }
    Ok(dir)
}
