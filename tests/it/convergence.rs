//! The loop comes to an end: what is known is not found again, and nobody's single word ends it.

mod holes;
mod opinion;
mod places;
mod scanners;

use crate::support::scripted::Scripted;
use crate::support::station::Station;

/// Where the role sets the mode of the log's directory.
const TASKS: &str = "ansible-hooks/roles/agent_hooks/tasks/main.yml";
/// The one gap that is open.
const GAP: &str = "only its owner reads the log";

/// A workstation with one gap, and a scripted agent.
fn station() -> (Station, Scripted) {
    Scripted::on(Station::with_gaps(&[GAP]))
}

/// A shell command that closes the gap.
fn close() -> String {
    format!("sed -i '/claude\\/logs\"/{{n;s/0755/0700/}}' {TASKS}")
}
