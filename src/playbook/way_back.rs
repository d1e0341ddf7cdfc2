//! The way back of a change that landed: kept with it, as long as it may be taken back.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::prestate::{Described, PreState, tell};
use super::services;
use super::snapshot::{Manifest, Part};
use super::states::{Machine, StateChange, Step, undo_changes};
use crate::whole;

/// The name of the file with what is no file.
const STATES: &str = "changes.json";

/// What a change made of a machine.
#[derive(Debug, Clone)]
pub struct WayBack {
    files: Part,
    states: Option<Stated>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Stated {
    machine: Machine,
    changes: Vec<StateChange>,
}

impl PreState {
    /// The states that are not as they were; those that come and go by themselves left out.
    pub async fn changed_states(&self) -> Vec<StateChange> {
        match self.described() {
            None => Vec::new(),
            Some(Described { machine, states }) => states.changes(machine).await,
        }
    }

    /// Keeps in `dir` what is different now.
    ///
    /// # Errors
    /// When something can't be read or written.
    pub async fn keep_way_back(&self, dir: &Path) -> std::io::Result<()> {
        let now: Manifest = self.files.now()?;
        if let Some(Described { machine, .. }) = self.described() {
            let stated = Stated {
                machine: machine.clone(),
                changes: self.changed_states().await,
            };
            crate::world::make_private(dir).map_err(std::io::Error::other)?;
            let text = serde_json::to_vec(&stated).map_err(std::io::Error::other)?;
            whole::replace(&dir.join(STATES), &text, 0o600)?;
        }
        // Last, so that what can be loaded is whole.
        self.files.keep_changed(&now, dir).map(drop)
    }
}

impl WayBack {
    /// Reads one back.
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
            files: Part::load(dir)?,
            states,
        })
    }

    /// The paths that it may change.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.files.paths()
    }

    /// Puts back what still is as the change left it. Gives what was done, and what failed.
    pub async fn restore(&self) -> Vec<String> {
        let mut done = Vec::new();
        if let Some(Stated { machine, changes }) = &self.states {
            undo_changes(machine, changes, Step::BeforeFiles, &mut done).await;
        }
        let restored = self.files.restore();
        tell(&restored, &mut done);
        if let Some(Stated { machine, changes }) = &self.states {
            let paths: Vec<&Path> = restored.changed.iter().map(|d| d.path.as_path()).collect();
            machine.perform(&services::reread(&paths), &mut done).await;
            undo_changes(machine, changes, Step::AfterFiles, &mut done).await;
        }
        done
    }
}
