//! The only place that spawns. One [`Spec`] in, one [`Finished`] out; the whole group is gone by
//! the time [`run()`] returns, and on Linux whoever left the group too.
//!
//! Output is drained while the child runs and for a bounded time after it ends, since a
//! grandchild may hold the pipe open. Ends: the child's own exit, a deadline, silence, too much
//! output, or cancellation; in all but the first the group gets TERM, a grace period in which
//! output is still drained, and KILL.

mod detached;
mod family;
mod find;
mod flags;
mod identity;
mod output;
mod run;
mod sys;

pub use detached::{leave_session, spawn_detached};
pub use family::{end_survivors, end_tree_of};
pub use find::{find_on_path, is_executable};
pub use flags::{inode_flags, set_inode_flags};
pub use identity::{Identity, Likeness, boot_id, likeness, own_identity};
pub use output::{Line, Stream};
pub use run::{Ended, Finished, Spec, run};
pub use sys::{account_home, effective_uid, terminate_tree, user_ids};
