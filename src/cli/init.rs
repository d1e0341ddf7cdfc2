//! `secloop init`.

use std::path::Path;

use super::{Surroundings, print};
use crate::config::{discover, render};
use crate::error::{Exit, Fatal};
use crate::whole;

/// Looks at a repository and writes `secloop.toml` into it.
pub(super) fn init(
    around: &Surroundings,
    repo: Option<&Path>,
    force: bool,
    stdout: bool,
) -> Result<Exit, Fatal> {
    let repo = repo.map_or_else(|| around.cwd.clone(), |r| around.cwd.join(r));
    let found = discover(&repo)?;
    let text = render(&found);
    if stdout {
        print(&text);
        return Ok(Exit::Done);
    }
    let file = found.top.join("secloop.toml");
    if file.exists() && !force {
        return Err(Fatal::Config(format!(
            "{} is there already; --force replaces it, --stdout only shows the new one",
            file.display()
        )));
    }
    whole::replace(&file, text.as_bytes(), 0o644)
        .map_err(Fatal::io(format!("writing {}", file.display())))?;
    print(&format!(
        "Wrote {}.\n\n{}\nLook it over, then check the machine with `secloop doctor`, try one turn \
         with `secloop run --once --dry-run`, and start with `secloop run`.\n",
        file.display(),
        found.summary()
    ));
    Ok(Exit::Done)
}
