//! Integration tests: one binary, one module per subject.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test that can't go on fails, also in a helper; a table or a story is read in one piece"
)]

mod agent_claude;
mod bad_input;
#[cfg(target_os = "linux")]
mod boundary;
mod catalog;
mod container;
#[cfg(target_os = "linux")]
mod convergence;
mod crash;
mod decisions;
mod discord;
mod drift;
mod egress;
mod environment;
mod faults;
mod gates;
mod guard;
mod host;
#[cfg(target_os = "linux")]
mod idle_hour;
mod init;
mod ledger_file;
mod lock;
#[cfg(target_os = "linux")]
mod long_run;
mod looking;
mod options;
mod overlap;
mod places;
mod playbook;
mod process;
mod prove;
mod real_agent;
mod repo;
mod sandbox;
#[cfg(target_os = "linux")]
mod scan;
mod scenarios;
mod spend;
mod starter;
mod support;
mod turns;
mod wiki;
