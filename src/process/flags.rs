//! The flags of a file that keep it from being changed (`chattr +i`, `+a`).

use std::path::Path;

/// The flags that are set of those two; 0 where the file system has none.
#[cfg(target_os = "linux")]
pub fn inode_flags(path: &Path) -> u32 {
    use rustix::fs::{IFlags, ioctl_getflags};
    let kept = IFlags::IMMUTABLE | IFlags::APPEND;
    open(path)
        .and_then(|file| Ok(ioctl_getflags(&file)?))
        .map_or(0, |flags| (flags & kept).bits())
}

/// Sets those two flags, and no others.
///
/// # Errors
/// When they can't be set.
#[cfg(target_os = "linux")]
pub fn set_inode_flags(path: &Path, flags: u32) -> std::io::Result<()> {
    use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
    let kept = IFlags::IMMUTABLE | IFlags::APPEND;
    let file = open(path)?;
    let others = ioctl_getflags(&file)? - kept;
    ioctl_setflags(&file, others | (IFlags::from_bits_truncate(flags) & kept))?;
    Ok(())
}

#[cfg(target_os = "linux")]
fn open(path: &Path) -> std::io::Result<std::fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let kind = std::fs::symlink_metadata(path)?.file_type();
    if !kind.is_file() && !kind.is_dir() {
        // To open a device may do something.
        return Err(std::io::ErrorKind::Unsupported.into());
    }
    // Neither through a link, nor hanging on a pipe.
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).unwrap_or(0);
    std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)
}

/// macOS: not looked at.
#[cfg(not(target_os = "linux"))]
pub fn inode_flags(_path: &Path) -> u32 {
    0
}

/// macOS: there is nothing to set, since nothing was looked at.
///
/// # Errors
/// None.
#[cfg(not(target_os = "linux"))]
pub fn set_inode_flags(_path: &Path, _flags: u32) -> std::io::Result<()> {
    Ok(())
}
