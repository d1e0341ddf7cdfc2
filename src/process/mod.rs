//! The only place that spawns. One [`Spec`] in, one [`Finished`] out; the whole group is gone by
//! the time [`run()`] returns, and on Linux whoever left the group too.
//!
//! Output is drained while the child runs and for a bounded time after it ends, since a
//! grandchild may hold the pipe open. Ends: the child's own exit, a deadline, silence, too much
//! output, or cancellation; how the tree is ended then is in `terminate.rs`.

mod at_work;
#[cfg(target_os = "linux")]
pub mod attack_process;
mod confine;
mod descend;
mod detached;
mod family;
mod find;
mod flags;
mod guardian;
mod identity;
mod other;
mod output;
mod own;
#[cfg(any(test, not(target_os = "linux")))]
mod procargs;
mod room;
mod run;
mod spec;
mod sys;
mod terminate;
mod tree;
mod watch;
mod working;

pub use at_work::{AtWork, at_work};
pub use confine::{Confinement, Limits, become_program, confine, start_beside};
#[cfg(target_os = "linux")]
pub(crate) use descend::give;
pub use descend::{Descent, Place, descend};
pub use detached::{leave_session, spawn_detached};
pub use family::{end_own, end_survivors, end_tree_of};
pub use find::{find_on_path, is_executable};
pub use flags::{inode_flags, set_inode_flags};
pub use guardian::{Guardian, stand_guard};
pub use identity::{Identity, Likeness, boot_id, likeness, own_identity};
pub use other::terminate_tree;
pub use output::{Line, Stream};
pub use own::{OwnFile, own_program, secloop_is_at};
pub use room::Room;
pub use run::run;
pub use spec::{Done, Ended, Finished, Spec};
#[cfg(target_os = "linux")]
pub use sys::{Attempt, attempt};
pub use sys::{account_home, effective_uid, user_ids};
pub(crate) use sys::{asleep, hide_from_children, landlock_version};
pub use working::{below_this, working_in};
