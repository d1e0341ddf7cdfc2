//! Ansible: real runs and what they prove, the baseline, snapshots, and how Ansible is brought.

mod baseline;
mod bench;
mod bootstrap;
mod compiled;
mod declared;
mod honest;
mod runs;
mod snapshot;
