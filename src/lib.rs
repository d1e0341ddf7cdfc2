//! secloop: unattended, supervised security improvement of a workstation through its Ansible
//! playbook. The agent proposes; the supervisor decides and owns every fact.
//!
//! ```text
//! wake ─► lock ─► gate ─► iterate ─► propose ─► check ─► apply ─► prove ─► commit ─► record ─► next
//!          │       │                              │        └────────┴─ refused ─► roll back
//!      kill/wait/  closed:                   scope policy secrets
//!        skip      the loop ends             syntax dry-run red
//! ```
//!
//! Start reading at [`supervise::supervise`] and [`stages::turn`]. The vocabulary is in [`turn`].

pub mod agent;
#[cfg(target_os = "linux")]
pub mod boundary;
pub mod classes;
pub mod cli;
pub mod clock;
pub mod config;
pub mod deadman;
pub mod egress;
pub mod error;
pub mod gate;
pub mod gates;
pub mod guard;
pub mod ledger;
pub mod lock;
pub mod memory;
pub mod next;
pub mod outbox;
mod overlap;
pub mod pages;
pub mod playbook;
pub mod prepare;
pub mod process;
pub mod prove;
pub mod rebuild;
pub mod records;
pub mod recover;
pub mod repo;
pub mod report;
mod room;
pub mod sandbox;
pub mod scan;
pub mod signals;
pub mod spend;
pub mod stages;
pub mod supervise;
pub mod text;
pub mod trial;
pub mod turn;
mod wait;
mod whole;
pub mod world;
