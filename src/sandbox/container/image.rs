//! The image that agents run in, embedded, and the filter of system calls.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::agent::claude::registration::document;

/// The image's usual name.
pub const IMAGE: &str = concat!("localhost/secloop-agent:", env!("CARGO_PKG_VERSION"));

/// Where the guard is in it.
const GUARD: &str = "/usr/local/bin/secloop";

const CONTAINERFILE: &str = include_str!("image/Containerfile");
const ENTRYPOINT: &str = include_str!("image/entrypoint");
const FILTER: &str = include_str!("image/seccomp.json");

/// Writes what an image is built from into a directory.
///
/// # Errors
/// When a file can't be written, naming it.
pub fn write_image(dir: &Path) -> Result<(), String> {
    write(&dir.join("Containerfile"), CONTAINERFILE, 0o644)?;
    write(&dir.join("entrypoint"), ENTRYPOINT, 0o755)?;
    let settings = format!("{:#}\n", document(GUARD));
    write(&dir.join("managed-settings.json"), &settings, 0o644)
}

/// Copies this program beside them, for the guard.
///
/// # Errors
/// When it can't be copied, or is none for Linux, which containers run.
pub fn copy_guard(dir: &Path) -> Result<(), String> {
    let to = dir.join("secloop");
    if std::env::consts::OS != "linux" {
        return Err(format!(
            "containers run Linux, and this program does not: build secloop on Linux and copy it to {}",
            to.display()
        ));
    }
    crate::process::own_program()
        .and_then(|own| std::fs::copy(own, &to))
        .map(drop)
        .map_err(|e| format!("{}: {e}", to.display()))
}

/// Writes the filter of system calls for the engine to read.
pub(super) fn write_filter(dir: &Path) -> Result<(), String> {
    write(&dir.join("seccomp.json"), FILTER, 0o644)
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), String> {
    let named = |e: std::io::Error| format!("{}: {e}", path.display());
    std::fs::write(path, text).map_err(named)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).map_err(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No setting by which the agent asks nobody is in a file: it is an argument of one command.
    #[test]
    fn the_image_starts_nothing_by_itself_and_has_no_rights() {
        for word in ["sudo", "bypassPermissions", "skip-permissions", "curl"] {
            let words = |line: &str| !line.starts_with('#') && line.contains(word);
            assert!(!CONTAINERFILE.lines().any(words), "{word}");
            assert!(!ENTRYPOINT.lines().any(words), "{word}");
        }
        assert!(CONTAINERFILE.contains("\nUSER 1000:1000\n"));
        assert!(
            !CONTAINERFILE.contains("AGENT_SANDBOX"),
            "only the supervisor says so"
        );
    }

    #[test]
    fn the_filter_names_what_podmans_own_lets_through() {
        let filter: serde_json::Value = serde_json::from_str(FILTER).unwrap();
        let names: Vec<&str> = filter["syscalls"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|rule| rule["names"].as_array().unwrap())
            .filter_map(serde_json::Value::as_str)
            .collect();
        for name in [
            "unshare",
            "setns",
            "mount",
            "clone3",
            "clone",
            "io_uring_setup",
            "keyctl",
            "bpf",
        ] {
            assert!(names.contains(&name), "{name}");
        }
        // No foreign ABI: whoever calls by one is killed.
        for arch in filter["archMap"].as_array().unwrap() {
            assert_eq!(arch["subArchitectures"], serde_json::json!([]));
        }
    }
}
