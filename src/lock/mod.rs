//! One run at a time.
//!
//! An advisory lock on `<state>/lock` decides, and the operating system lets go of it when its
//! holder dies, however it dies: a crash, a reboot or a reused pid can't block. Beside it stands
//! `holder.json`, which tells the next run whom it met; it informs, and decides nothing.
//! [`coordinate`] decides what to do about a holder that lives.

pub mod coordinate;
mod dir;
mod guard;
mod holder;

pub use dir::check_dir;
pub use guard::{Acquired, Lock, acquire};
pub use holder::{Holder, holder};

use crate::process::{Likeness, likeness};

/// The run that holds the lock now, as far as its record tells. For looking: nothing is locked.
pub fn active(dir: &std::path::Path) -> Option<Holder> {
    holder(dir).filter(|h| match likeness(&h.identity) {
        Likeness::Same => true,
        Likeness::Gone => false,
        // A record may be left from before a reboot.
        Likeness::Unknown => guard::is_taken(dir),
    })
}
