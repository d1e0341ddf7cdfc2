//! Who a process is: pid, start time and boot id together, since a pid alone is reused.

use serde::{Deserialize, Serialize};

use super::sys;

/// Names one process for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Process id.
    pub pid: u32,
    /// When it started, in the kernel's own unit: it stays what it is when the wall clock is set.
    #[serde(rename = "start")]
    pub started: u64,
    /// Identifies the boot of the machine.
    pub boot: String,
}

/// Whether a recorded identity is a process that lives now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// That very process is alive: it may be signalled.
    Same,
    /// It is gone: the pid is free or belongs to another process.
    Gone,
    /// Can't be told. Never signalled, never taken for dead.
    Unknown,
}

/// This process.
pub fn own_identity() -> Identity {
    let pid = std::process::id();
    Identity {
        pid,
        started: sys::row(pid).map_or(0, |row| row.started),
        boot: boot_id(),
    }
}

/// Compares a recorded identity with the process table.
pub fn likeness(of: &Identity) -> Likeness {
    let there = match sys::row(of.pid) {
        Some(row) => There::Row(row),
        None if sys::is_there(of.pid) => There::Hidden,
        None => There::Nobody,
    };
    compare(of, &boot_id(), &there)
}

/// What the process table says about a pid.
#[derive(Debug)]
enum There {
    Row(sys::Row),
    /// Somebody whom we may not look at.
    Hidden,
    Nobody,
}

fn compare(of: &Identity, boot: &str, there: &There) -> Likeness {
    if boot.is_empty() || of.boot.is_empty() || of.started == 0 {
        return Likeness::Unknown;
    }
    if of.boot != boot {
        // This machine before it was started anew, or another one that shares the directory.
        return Likeness::Unknown;
    }
    match there {
        // A zombie has ended; nobody has taken note of it yet.
        There::Row(row) if row.started == of.started && !row.zombie => Likeness::Same,
        There::Row(_) | There::Nobody => Likeness::Gone,
        There::Hidden => Likeness::Unknown,
    }
}

/// Identifies this boot; empty where it can't be told.
pub fn boot_id() -> String {
    sys::boot_id().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_answers() {
        use Likeness::{Gone, Same, Unknown};
        let who = |started, boot: &str| Identity {
            pid: 7,
            started,
            boot: boot.to_owned(),
        };
        let row = |started, zombie| {
            There::Row(sys::Row {
                pid: 7,
                parent: 1,
                group: 7,
                session: 7,
                started,
                zombie,
            })
        };
        for (of, boot, there, expected) in [
            (who(5, "b"), "b", row(5, false), Same),
            (who(5, "b"), "b", row(5, true), Gone),
            (who(5, "b"), "b", row(6, false), Gone),
            (who(5, "b"), "b", There::Nobody, Gone),
            (who(5, "b"), "b", There::Hidden, Unknown),
            (who(5, "b"), "c", row(5, false), Unknown),
            (who(5, "b"), "c", There::Nobody, Unknown),
            (who(5, "b"), "c", There::Hidden, Unknown),
            (who(5, "b"), "", row(5, false), Unknown),
            (who(5, ""), "b", row(5, false), Unknown),
            (who(0, "b"), "b", row(5, false), Unknown),
            (who(0, "b"), "b", There::Nobody, Unknown),
        ] {
            assert_eq!(compare(&of, boot, &there), expected, "{of:?} {there:?}");
        }
    }

    #[test]
    fn this_process_is_itself() {
        let me = own_identity();
        assert_eq!(likeness(&me), Likeness::Same);
        let other = Identity {
            started: me.started + 1,
            ..me
        };
        assert_eq!(likeness(&other), Likeness::Gone);
    }
}
