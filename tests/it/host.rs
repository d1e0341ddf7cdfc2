//! The host is put back, not only the repository: on machines of the tests' own.

mod deadman;
mod hardening;
mod machine;
mod roles;
mod states;
#[cfg(target_os = "linux")]
mod user;
