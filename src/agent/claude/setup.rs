//! What has to be there before the first run: the program, an account.

use std::path::{Path, PathBuf};

use crate::config::Env;
use crate::process::{find_on_path, is_executable, user_ids};
use crate::sandbox::Sandbox;

/// The program: an absolute path, or a name on `PATH`.
pub(super) fn find(program: &Path, env: &Env) -> Result<PathBuf, String> {
    let cure = "install Claude Code (https://claude.com/claude-code), or set agent.program to it";
    let found = if program.is_absolute() {
        is_executable(program).then(|| program.to_owned())
    } else {
        let path = env.get("PATH").map(String::as_str).unwrap_or_default();
        find_on_path(&program.to_string_lossy(), path.as_ref())
    };
    let found = found.ok_or_else(|| {
        let place = if program.is_absolute() {
            "is no program"
        } else {
            "is not on PATH"
        };
        format!("{} {place}: {cure}", program.display())
    })?;
    std::fs::canonicalize(&found).map_err(|e| format!("{}: {e}; {cure}", found.display()))
}

/// Who the agent is where secloop itself is root. The client refuses to work as root without
/// asking, and rightly so.
pub(super) fn unprivileged(sandbox: &Sandbox, user: &str) -> Result<Option<(u32, u32)>, String> {
    match sandbox {
        Sandbox::Off => Ok(None),
        Sandbox::Seatbelt(_) => Err(
            "as root the agent can't be confined on macOS: run secloop as the workstation's user"
                .to_owned(),
        ),
        Sandbox::Bwrap(_) => match user_ids(user) {
            Some((0, _)) => Err(format!(
                "sandbox.user: {user} is root; name an unprivileged account"
            )),
            Some(ids) => Ok(Some(ids)),
            None => Err(format!(
                "sandbox.user: there is no account {user}; create it, or name another"
            )),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_cure_when_the_program_is_missing() {
        for program in ["claude", "/nowhere/claude"] {
            let why = find(Path::new(program), &Env::new()).unwrap_err();
            assert!(
                why.contains(program) && why.contains("agent.program"),
                "{why}"
            );
        }
    }

    #[test]
    fn is_never_root_inside_the_confinement() {
        let bwrap = Sandbox::Bwrap(crate::sandbox::Bwrap {
            program: "/usr/bin/bwrap".into(),
            version: (0, 8),
            secloop: "/usr/bin/secloop".into(),
            scope: Err(String::new()),
        });
        assert!(
            unprivileged(&bwrap, "root")
                .unwrap_err()
                .contains("sandbox.user")
        );
        assert!(
            unprivileged(&bwrap, "no such account")
                .unwrap_err()
                .contains("sandbox.user")
        );
        assert!(unprivileged(&Sandbox::Seatbelt("/x".into()), "nobody").is_err());
    }
}
