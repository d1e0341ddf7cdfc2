//! The starter playbook, embedded: `--trial` runs on it, and a person without a playbook starts
//! from it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// One file: its path below `ansible-hooks/`, its content, its mode.
type Embedded = (&'static str, &'static str, u32);

macro_rules! embedded {
    ($($mode:literal $path:literal),+ $(,)?) => {
        [$(($path, include_str!(concat!("../../../ansible-hooks/", $path)), $mode)),+]
    };
}

/// Every file of `ansible-hooks/`.
pub const FILES: [Embedded; 9] = embedded![
    0o644 "README.md",
    0o644 "playbook.yml",
    0o644 "roles/agent_hooks/defaults/main.yml",
    0o644 "roles/agent_hooks/tasks/main.yml",
    0o644 "roles/agent_hooks/tasks/macos.yml",
    0o644 "roles/agent_hooks/templates/settings.json.j2",
    0o755 "roles/agent_hooks/files/audit-log.sh",
    0o755 "roles/agent_hooks/files/block-destructive.sh",
    0o755 "roles/agent_hooks/files/protect-sensitive.sh",
];

/// Writes the starter playbook into `dir`.
///
/// # Errors
/// When a file can't be written.
pub fn write_to(dir: &Path) -> std::io::Result<()> {
    for (path, content, mode) in FILES {
        let path = dir.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&path, content)?;
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode))?;
    }
    Ok(())
}
