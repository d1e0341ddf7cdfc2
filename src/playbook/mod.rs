//! Everything about Ansible: bringing one, running a playbook, judging the events of a run
//! against a baseline, and snapshots of what a run may change.

mod ansible;
mod baseline;
pub mod bootstrap;
mod declared;
mod environment;
mod events;
mod judge;
mod others;
mod prestate;
mod services;
pub mod snapshot;
pub mod states;
mod system;
mod way_back;
pub(crate) mod yaml;

pub use ansible::{Ansible, AnsibleRun, Mode};
pub use baseline::Baseline;
pub use declared::{declared_entries, declared_paths};
pub use environment::{env_lookups_below, missing_env};
pub use events::{Events, Status, TaskRun};
pub use judge::{Judgement, agreement, judge_apply, judge_check, judge_second_run, judge_syntax};
pub use others::{as_left, may_work, scratch_prefix, still_at_work};
pub use prestate::{NotAsBefore, PreState};
pub(crate) use system::{is_implied, program_trees, system_trees};
pub use way_back::WayBack;
