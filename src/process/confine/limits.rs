//! Resource limits, soft and hard alike: they can't be raised again.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::Limits;

/// Sets them all. No core is ever dumped: the host's handler of cores would run outside.
pub(super) fn set(limits: &Limits) -> Result<(), String> {
    for (what, name, most) in [
        (Resource::Nproc, "processes", limits.processes),
        (Resource::Data, "memory", limits.memory),
        (Resource::Fsize, "size of a file", limits.file),
        (Resource::Nofile, "open files", limits.files),
        (Resource::Core, "size of a core", 0),
    ] {
        // What is bounded more tightly stays so.
        let most = getrlimit(what).maximum.map_or(most, |now| now.min(most));
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        setrlimit(what, limit).map_err(|e| format!("limit on {name}: {e}"))?;
    }
    Ok(())
}
