//! `secloop stop`.

use std::path::PathBuf;

use super::{Surroundings, print};
use crate::config::{Overrides, load};
use crate::error::{Exit, Fatal};
use crate::lock;
use crate::records::stop_file;

/// Leaves a request for the running loop, which looks for it every two seconds.
pub(super) async fn stop(
    around: &Surroundings,
    config: Option<PathBuf>,
    now: bool,
) -> Result<Exit, Fatal> {
    let flags = Overrides {
        config,
        ..Overrides::default()
    };
    let config = load(&around.env, &around.cwd, &flags)?;
    let Some(holder) = lock::active(&config.state_dir) else {
        print("No loop is running.\n");
        return Ok(Exit::Done);
    };
    let file = stop_file(&config.state_dir);
    tokio::fs::write(&file, if now { "now" } else { "after-turn" })
        .await
        .map_err(Fatal::io(format!("writing {}", file.display())))?;
    let when = if now {
        "takes its turn back and ends"
    } else {
        "ends after its current turn"
    };
    print(&format!(
        "Asked the loop (pid {}): it {when}.\n",
        holder.identity.pid
    ));
    Ok(Exit::Done)
}
