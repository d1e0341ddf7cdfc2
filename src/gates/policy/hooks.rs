//! The hooks of an agent that a change changes, as they are deployed.

use std::collections::BTreeMap;

use super::lists::Pair;
use super::puts::texts;
use super::tasks::At;
use super::{places, schema};
use crate::playbook::yaml::Node;

/// A hook that may let more through: running it settles that.
pub(super) const HOOK_LOOSENS: &str = "hook-loosens";

/// An agent's hook as it was and as it would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// Where it is deployed.
    pub place: String,
    /// As it was, if it was there.
    pub old: Option<String>,
    /// As it would be.
    pub new: String,
}

/// The hooks that a change changes, with every value put in that is known.
pub(super) fn of(known: &super::known::Known) -> Vec<Hook> {
    let locals = BTreeMap::new();
    let all = |side: &super::known::Side, new: bool| -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        for list in side.tree.lists() {
            let pair = Pair::of(known, list.path, &locals);
            below(
                if new { pair.new } else { pair.old },
                list.tasks,
                &mut found,
            );
        }
        found
    };
    let (was, is) = (all(&known.old, false), all(&known.new, true));
    is.into_iter()
        .filter(|(place, text)| was.get(place) != Some(text))
        .map(|(place, new)| Hook {
            old: was.get(&place).cloned(),
            place,
            new,
        })
        .collect()
}

fn below(at: At<'_>, list: &[Node], found: &mut BTreeMap<String, String>) {
    for task in list {
        for text in texts(at, task) {
            let (place, _) = places::class(at.known, &text.to);
            if schema::is_agent_shell(&place) {
                found.insert(place, text.text);
            }
        }
        for key in ["block", "rescue", "always"] {
            below(
                at,
                task.get(key).and_then(Node::list).unwrap_or_default(),
                found,
            );
        }
    }
}
