//! Debian packages for a machine of a test's own: fetched on this one, which stays as it is, and
//! installed there.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use super::bed::sh;

/// One at a time: they share what they have fetched.
static FETCHING: Mutex<()> = Mutex::new(());

pub(crate) fn archive(packages: &[&str]) -> PathBuf {
    let name = format!("debs-{}", packages.join("-"));
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Fetches packages with all that they need and this machine has not. `Err`: why that can't be.
#[expect(
    clippy::disallowed_methods,
    reason = "the system's own package manager"
)]
pub(crate) fn fetch(packages: &[&str]) -> Result<(), String> {
    let dir = archive(packages);
    if packages.is_empty() || dir.join("complete").exists() {
        return Ok(());
    }
    let _one = FETCHING.lock().unwrap();
    std::fs::create_dir_all(dir.join("partial")).map_err(|e| e.to_string())?;
    let mut apt = Command::new("apt-get");
    apt.args(["-qy", "--no-install-recommends", "--download-only"])
        .args(["-o", "APT::Sandbox::User=root", "-o"])
        .arg(format!("Dir::Cache::archives={}", dir.display()))
        .arg("install")
        .args(packages);
    let done = apt.output().map_err(|e| format!("it needs apt-get: {e}"))?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        return Err(format!(
            "apt-get can't fetch {}: {said}",
            packages.join(" ")
        ));
    }
    std::fs::write(dir.join("complete"), "").map_err(|e| e.to_string())
}

/// Installs them in the bed.
pub(crate) fn install(packages: &[&str]) {
    let dir = archive(packages);
    let dir = dir.display();
    sh(&format!(
        "set -- {dir}/*.deb; [ ! -e \"$1\" ] || DEBIAN_FRONTEND=noninteractive dpkg -i \"$@\" >/dev/null"
    ));
}
