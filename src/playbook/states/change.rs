//! States that one change made different, and their way back.

use serde::{Deserialize, Serialize};

use super::{Change, Machine, States, Step, kinds, look};

/// An item of a kind that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateChange {
    /// The kind, such as `unit`.
    pub kind: String,
    /// The item.
    pub item: String,
    /// Its value before; none: it was not there.
    pub was: Option<String>,
    /// Its value after.
    pub is: Option<String>,
}

impl std::fmt::Display for StateChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown =
            |value: &Option<String>| value.clone().unwrap_or_else(|| "not there".to_owned());
        let Self {
            kind,
            item,
            was,
            is,
        } = self;
        write!(f, "{kind} {item}: {} → {}", shown(was), shown(is))
    }
}

impl States {
    /// What is not as it was, but for what comes and goes by itself or can't be asked.
    pub async fn changes(&self, machine: &Machine) -> Vec<StateChange> {
        let mut all = Vec::new();
        for kind in kinds(machine) {
            let Some(before) = self
                .tables
                .get(kind.name())
                .filter(|_| !kind.is_only_told())
            else {
                continue;
            };
            let Ok(Some(now)) = look(kind.as_ref(), machine).await else {
                continue;
            };
            let changes = kind.differences(before, &now).into_iter();
            all.extend(changes.map(|Change { item, was, is }| StateChange {
                kind: kind.name().to_owned(),
                item,
                was,
                is,
            }));
        }
        all
    }
}

/// Puts back what belongs to this step and still is as the change left it.
pub(in crate::playbook) async fn undo_changes(
    machine: &Machine,
    changes: &[StateChange],
    step: Step,
    done: &mut Vec<String>,
) {
    for kind in kinds(machine) {
        let ours = changes.iter().filter(|c| c.kind == kind.name());
        let ours: Vec<&StateChange> = ours.collect();
        if ours.is_empty() || kind.step() != step {
            continue;
        }
        let Ok(Some(now)) = look(kind.as_ref(), machine).await else {
            continue;
        };
        let still: Vec<Change> = ours
            .into_iter()
            .filter(|c| now.get(&c.item) == c.is.as_ref())
            .map(|c| Change {
                item: c.item.clone(),
                was: c.was.clone(),
                is: c.is.clone(),
            })
            .collect();
        for undo in kind.undo(&still) {
            machine.undo(&undo, done).await;
        }
    }
}
