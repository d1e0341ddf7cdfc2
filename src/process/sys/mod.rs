//! Operating system calls; the only `unsafe` of the program.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub(super) use linux::prepare;

#[cfg(not(target_os = "linux"))]
mod macos;
#[cfg(not(target_os = "linux"))]
pub(super) use macos::prepare;

mod unix;
pub(super) use unix::{Signal, signal_group};
pub use unix::{account_home, effective_uid, terminate_tree, user_ids};
