//! Integration tests: one binary, one module per subject.

mod agent_claude;
mod catalog;
mod discord;
mod lock;
mod playbook;
mod prove;
mod repo;
mod sandbox;
mod spend;
mod starter;
mod support;
mod wiki;
