//! How a playbook behaves as it stands. Only what a change adds to it counts.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::ansible::AnsibleRun;

/// Standing failures and always-changing tasks, by task key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    /// Tasks that fail in a dry run, ignored or not.
    pub check_failed: BTreeSet<String>,
    /// Tasks that fail when applied, ignored or not.
    pub apply_failed: BTreeSet<String>,
    /// Tasks that report a change on every run.
    pub always_changed: BTreeSet<String>,
    /// How many tasks the playbook has.
    pub tasks: usize,
}

impl Baseline {
    /// From a dry run and two applies, in that order.
    pub fn of(check: &AnsibleRun, first: &AnsibleRun, second: &AnsibleRun) -> Self {
        let failed = |run: &AnsibleRun| -> BTreeSet<String> {
            run.events
                .tasks
                .iter()
                .filter(|t| t.went_wrong())
                .map(|t| t.key.clone())
                .collect()
        };
        let mut apply_failed = failed(first);
        apply_failed.extend(failed(second));
        Self {
            check_failed: failed(check),
            apply_failed,
            always_changed: second
                .events
                .tasks
                .iter()
                .filter(|t| t.changed)
                .map(|t| t.key.clone())
                .collect(),
            tasks: second.events.tasks.len(),
        }
    }

    /// In one line, as shown to people.
    pub fn describe(&self) -> String {
        let mut text = format!("{} tasks", self.tasks);
        for (count, what) in [
            (self.apply_failed.len(), "standing failures"),
            (self.check_failed.len(), "fail in a dry run"),
            (self.always_changed.len(), "always changed"),
        ] {
            if count > 0 {
                text.push_str(&format!(", {count} {what}"));
            }
        }
        text
    }
}
