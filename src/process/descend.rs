//! From root to another user, for good, with some places at hand that only root could reach.

use std::path::{Path, PathBuf};

/// Who to become, and what to bring along.
#[derive(Debug, PartialEq, Eq)]
pub struct Descent {
    /// The user.
    pub uid: u32,
    /// Its group; it has no others.
    pub gid: u32,
    /// Where the places are bound.
    pub stage: PathBuf,
    /// The places.
    pub places: Vec<Place>,
}

/// A place, and where it is found.
#[derive(Debug, PartialEq, Eq)]
pub struct Place {
    /// Where root finds it.
    pub path: PathBuf,
    /// Where the other finds it, directly below the stage.
    pub to: PathBuf,
    /// Whether it becomes the other's, with all below.
    pub own: bool,
}

/// Takes the other's place, which can't be undone. This process must have one thread only.
///
/// # Errors
/// What can't be done. Some of it may be done then; the process has to end.
#[cfg(target_os = "linux")]
pub fn descend(descent: &Descent) -> Result<(), String> {
    use rustix::fs::{Gid, Mode, OFlags, Uid};
    use rustix::mount::{
        MountFlags, MountPropagationFlags, mount, mount_bind_recursive, mount_change,
    };
    use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

    let naming = |path: &Path| {
        let path = path.display().to_string();
        move |e: rustix::io::Errno| format!("{path}: {e}")
    };
    super::sys::leave_mounts().map_err(|e| format!("a mount namespace of its own: {e}"))?;
    let quiet = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
    mount_change("/", quiet).map_err(naming(Path::new("/")))?;
    // Opened before anything is hidden by the stage.
    let mut found = Vec::new();
    for place in &descent.places {
        if place.own {
            give(&place.path, descent.uid, descent.gid)?;
        }
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let file = rustix::fs::open(&place.path, flags, Mode::empty());
        found.push((place, file.map_err(naming(&place.path))?));
    }
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    mount("tmpfs", &descent.stage, "tmpfs", flags, c"mode=755,size=1m")
        .map_err(naming(&descent.stage))?;
    for (place, file) in &found {
        use std::os::fd::AsRawFd as _;
        let source = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
        let made = if source.is_dir() {
            std::fs::create_dir(&place.to)
        } else {
            std::fs::write(&place.to, "")
        };
        made.map_err(|e| format!("{}: {e}", place.to.display()))?;
        mount_bind_recursive(&source, &place.to).map_err(naming(&place.path))?;
    }
    let (uid, gid) = (Uid::from_raw(descent.uid), Gid::from_raw(descent.gid));
    set_thread_groups(&[])
        .and_then(|()| set_thread_res_gid(gid, gid, gid))
        .and_then(|()| set_thread_res_uid(uid, uid, uid))
        .map_err(|e| e.to_string())?;
    super::sys::close_on_exec();
    // The change of user has cleared it.
    super::sys::die_with_parent().map_err(|e| e.to_string())
}

/// Only Linux has the means.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn descend(_descent: &Descent) -> Result<(), String> {
    let _ = give;
    Err("only Linux has this".to_owned())
}

/// Makes somebody the owner of a path with all below; follows no link.
///
/// # Errors
/// What can't be given.
pub(crate) fn give(path: &Path, uid: u32, gid: u32) -> Result<(), String> {
    let mut open = vec![path.to_owned()];
    while let Some(path) = open.pop() {
        let naming = |e: std::io::Error| format!("{}: {e}", path.display());
        std::os::unix::fs::lchown(&path, Some(uid), Some(gid)).map_err(naming)?;
        if std::fs::symlink_metadata(&path).map_err(naming)?.is_dir() {
            for entry in std::fs::read_dir(&path).map_err(naming)? {
                open.push(entry.map_err(naming)?.path());
            }
        }
    }
    Ok(())
}
