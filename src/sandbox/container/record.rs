//! What was started is written down first: whoever finds the record of a dead secloop removes the
//! containers and the volume that it names.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::arguments::{Arguments, Name};
use super::engine::Engine;
use crate::process::{self, Identity, Likeness, Spec, likeness, own_identity};

const DEADLINE: Duration = Duration::from_mins(1);

#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Record {
    owner: Identity,
    engine: Engine,
    name: Name,
}

impl Record {
    /// Writes down a run of this process's.
    pub(super) fn write(dir: &Path, engine: &Engine, name: &Name) -> Result<Self, String> {
        let record = Self {
            owner: own_identity(),
            engine: engine.clone(),
            name: name.clone(),
        };
        let text = serde_json::to_vec(&record).map_err(|e| e.to_string())?;
        let path = record.path(dir);
        crate::whole::replace(&path, &text, 0o600)
            .map_err(|e| format!("{}: {e}", path.display()))?;
        Ok(record)
    }

    fn path(&self, dir: &Path) -> PathBuf {
        dir.join(format!("{}.json", self.name.0))
    }

    /// Kills and removes everything. The record stays where something can't be removed.
    pub(super) async fn remove(&self, dir: &Path) -> bool {
        let mut gone = true;
        for container in self.name.containers() {
            self.ask(Arguments::remove(self.engine.kind, &container))
                .await;
            // The proof: an engine that can't be asked proves nothing.
            gone &= self
                .ask(Arguments::is_there(self.engine.kind, &container))
                .await
                == Some(false);
            let _ = std::fs::remove_file(dir.join(format!("{container}.cid")));
        }
        gone &= self
            .ask(Arguments::remove_volume(&self.name))
            .await
            .is_some();
        if gone {
            let _ = std::fs::remove_file(self.path(dir));
        }
        gone
    }

    /// Whether the engine did it; `None` where it can't be asked.
    async fn ask(&self, args: Arguments) -> Option<bool> {
        let spec = Spec::new(&self.engine.program, "/", DEADLINE)
            .args(args.words)
            .envs(&self.engine.env);
        let done = process::run(&spec, &CancellationToken::new(), |_| ())
            .await
            .ok()?;
        done.code().map(|code| code == 0)
    }
}

/// Removes the containers of dead secloops. Whether none of them is left.
pub async fn sweep(state_dir: &Path) -> bool {
    let dir = state_dir.join("containers");
    let mut none_left = true;
    for entry in std::fs::read_dir(&dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|e| e != "json") || path.ends_with("seccomp.json") {
            continue;
        }
        let Some(record) = std::fs::read(&path)
            .ok()
            .and_then(|text| serde_json::from_slice::<Record>(&text).ok())
        else {
            continue;
        };
        if likeness(&record.owner) == Likeness::Gone {
            none_left &= record.remove(&dir).await;
        }
    }
    none_left
}
