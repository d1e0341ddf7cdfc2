//! Resource limits, soft and hard alike: they can't be raised again.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::Limits;

/// Of one byte: a program that handles cores, which runs outside, is started for 0 too.
const NO_CORE: u64 = 1;

/// Sets them all.
pub(super) fn set(limits: &Limits) -> Result<(), String> {
    for (what, name, most) in [
        (Resource::Nproc, "processes", limits.processes),
        (Resource::Data, "memory", limits.memory),
        (Resource::Fsize, "size of a file", limits.file),
        (Resource::Nofile, "open files", limits.files),
        (Resource::Core, "size of a core", NO_CORE),
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
