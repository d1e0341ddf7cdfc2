//! secloop.
pub mod agent;
pub mod clock;
pub mod config;
pub mod error;
pub mod gate;
pub mod gates;
pub mod ledger;
pub mod lock;
pub mod next;
pub mod playbook;
pub mod process;
pub mod prove;
pub mod repo;
pub mod report;
pub mod sandbox;
pub mod spend;
pub mod turn;
