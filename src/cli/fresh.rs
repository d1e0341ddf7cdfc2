//! What a revision of the playbook gives in an empty home directory: for the commands that compare with
//! it.

use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::Surroundings;
use crate::config::Config;
use crate::error::Fatal;
use crate::playbook::{Ansible, AnsibleRun, Mode, bootstrap};
use crate::prepare::passed_through;
use crate::repo::Repo;
use crate::report::console::Console;
use crate::sandbox::Sandbox;

/// A home directory that a playbook was run in; gone when dropped.
pub(super) struct Fresh {
    dir: tempfile::TempDir,
    /// The run.
    pub(super) run: AnsibleRun,
}

impl Fresh {
    /// The directory.
    pub(super) fn home(&self) -> &Path {
        self.dir.path()
    }
}

/// Runs the playbook of `rev` with an empty home directory, confined: whatever else it would change
/// stays as it is.
pub(super) async fn deploy(
    around: &Surroundings,
    config: &Config,
    sandbox: &Sandbox,
    rev: &str,
    cancel: &CancellationToken,
) -> Result<Fresh, Fatal> {
    if !sandbox.confines() {
        return Err(Fatal::Sandbox(
            "a playbook is run in an empty home directory only where it can be confined".to_owned(),
        ));
    }
    let path = around.path();
    let repo = Repo::reader(&config.repo, &config.state_dir, &path).await?;
    let commit = repo.named(rev).await?;
    let mut console = Console::new(false, false);
    let mut progress = |line: &str| console.progress(line);
    let runtime = bootstrap::obtain(
        config.ansible.runtime,
        &config.cache_dir,
        &path,
        passed_through(around),
        &mut progress,
        cancel,
    )
    .await?;
    let made = |e| Fatal::io("making a temporary directory")(e);
    let (support, tree) = (
        tempfile::tempdir().map_err(made)?,
        tempfile::tempdir().map_err(made)?,
    );
    let dir = tempfile::tempdir().map_err(made)?;
    repo.export(&commit, tree.path()).await?;
    let ansible = Ansible::new(runtime, sandbox.clone(), config, support.path(), path)?;
    let run = ansible
        .in_empty_home(dir.path())
        .run(tree.path(), Mode::Apply, cancel)
        .await;
    if run.events.stats.is_none() {
        return Err(Fatal::Ansible(format!(
            "the playbook of {rev} does not come to its end in an empty home directory: {}",
            run.complaint()
        )));
    }
    Ok(Fresh { dir, run })
}
