//! All that it takes to put a machine back: files and states, taken before an apply.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::services;
use super::snapshot::{self, Coverage, Snapshot};
use super::states::{Machine, States, Step};
use crate::turn::Left;
use crate::whole;

/// A pre-state on disk.
#[derive(Debug, Clone)]
pub struct PreState {
    dir: PathBuf,
    /// Of the files.
    pub files: Snapshot,
    states: Option<Described>,
}

/// States, and of which machine.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Described {
    pub(super) machine: Machine,
    pub(super) states: States,
}

/// What is not as it was.
#[derive(Debug, Clone, Default)]
pub struct NotAsBefore {
    /// What has to be put back.
    pub left: Vec<Left>,
    /// What came or went by itself, and is only told.
    pub told: Vec<String>,
}

impl PreState {
    /// Takes one into `dir`; without a machine, of files only. The files' manifest is written last,
    /// so that a pre-state that can be loaded is whole.
    ///
    /// # Errors
    /// When something can't be read or written; then nothing may be applied.
    pub async fn take(
        covers: Coverage,
        machine: Option<Machine>,
        dir: &Path,
    ) -> std::io::Result<Self> {
        crate::world::make_private(dir).map_err(std::io::Error::other)?;
        let states = match machine {
            None => None,
            Some(machine) => {
                let states = States::take(&machine).await;
                let described = Described { machine, states };
                let text = serde_json::to_vec(&described).map_err(std::io::Error::other)?;
                whole::replace(&dir.join(STATES), &text, 0o600)?;
                Some(described)
            }
        };
        Ok(Self {
            dir: dir.to_owned(),
            files: snapshot::take_of(covers, dir)?,
            states,
        })
    }

    /// Reads one back from disk.
    ///
    /// # Errors
    /// When it is not whole.
    pub fn load(dir: &Path) -> std::io::Result<Self> {
        let states = match std::fs::read(dir.join(STATES)) {
            Ok(text) => Some(serde_json::from_slice(&text).map_err(std::io::Error::other)?),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
            Err(e) => return Err(e),
        };
        Ok(Self {
            dir: dir.to_owned(),
            files: Snapshot::load(dir)?,
            states,
        })
    }

    /// The states, where they are covered.
    pub(super) fn described(&self) -> Option<&Described> {
        self.states.as_ref()
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What it does not cover, for a receipt.
    pub fn not_covered(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let beyond: Vec<String> = self
            .files
            .beyond()
            .map(|p| p.display().to_string())
            .collect();
        if !beyond.is_empty() {
            notes.push(format!(
                "not covered by the snapshot (unreadable, or beyond its bounds): {}",
                crate::text::clamp(&beyond.join(", "), 500)
            ));
        }
        let unread: Vec<String> = self
            .files
            .unread()
            .map(|p| p.display().to_string())
            .collect();
        if !unread.is_empty() {
            notes.push(format!(
                "this user may not read them: a change is seen by size and time, and can't be put \
                 back: {}",
                crate::text::clamp(&unread.join(", "), 500)
            ));
        }
        let large = self.files.not_restorable().len();
        if large > 0 {
            notes.push(format!(
                "{large} files are too large to be kept: a change of them is seen and can't be put \
                 back"
            ));
        }
        if let Some(described) = &self.states {
            notes.extend(
                described
                    .states
                    .notes
                    .iter()
                    .map(|note| format!("states that can't be asked for: {note}")),
            );
        }
        notes
    }

    /// Puts the machine back, as far as possible; may be interrupted and repeated. Gives what was
    /// done, and what failed on the way: [`Self::now()`] tells what is left.
    pub async fn restore(&self) -> Vec<String> {
        let mut done = Vec::new();
        if let Some(Described { machine, states }) = &self.states {
            states.restore(machine, Step::BeforeFiles, &mut done).await;
        }
        let restored = self.files.restore_all();
        tell(&restored, &mut done);
        let Some(Described { machine, states }) = &self.states else {
            return done;
        };
        let changed: Vec<&Path> = restored.changed.iter().map(|d| d.path.as_path()).collect();
        machine
            .perform(&services::reread(&changed), &mut done)
            .await;
        states.restore(machine, Step::AfterFiles, &mut done).await;
        // A program that was just used may have written its file in its own way.
        tell(&self.files.restore_all(), &mut done);
        let active = states.active_units();
        let commands = services::restart(&changed, &active, machine);
        machine.perform(&commands, &mut done).await;
        done
    }

    /// What is not as it was.
    pub async fn now(&self) -> NotAsBefore {
        let mut found = NotAsBefore::default();
        match self.files.left() {
            Ok(left) => found.left.extend(left),
            Err(e) => found.left.push(Left::new(
                "files".to_owned(),
                "known",
                &format!("not known: {e}"),
                "see why they can't be read, then start secloop again",
            )),
        }
        if let Some(Described { machine, states }) = &self.states {
            let (left, told) = states.differences(machine).await;
            found.left.extend(left);
            found.told.extend(told);
        }
        found
    }

    /// What it holds, for people.
    pub fn describe(&self) -> String {
        let (entries, bytes) = self.files.size();
        let counts = self.states.as_ref().map(|d| d.states.counts());
        let counts = counts.filter(|c| !c.is_empty());
        format!(
            "{entries} paths, {} KiB{}",
            bytes >> 10,
            counts.map_or_else(String::new, |c| format!("; {c}"))
        )
    }
}

const STATES: &str = "states.json";

pub(super) fn tell(restored: &snapshot::Restored, done: &mut Vec<String>) {
    done.extend(restored.changed.iter().map(|d| format!("{d} put back")));
    let failed = restored.failed.iter();
    done.extend(failed.map(|(path, why)| format!("{}: {why}", path.display())));
}
