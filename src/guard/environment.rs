//! Variables that decide what other programs run.

use super::Stop;
use super::marks::{has_hole, is_known};
use super::walk::{Walk, quoted};

/// A library, start-up file or option that every program started afterwards would take.
const LOADERS: &[&str] = &[
    "LD_PRELOAD",
    "LD_AUDIT",
    "LD_LIBRARY_PATH",
    "DYLD_INSERT_LIBRARIES",
    "BASH_ENV",
    "ENV",
    "PROMPT_COMMAND",
    "PERL5OPT",
    "PYTHONSTARTUP",
    "RUBYOPT",
    "GIT_EXEC_PATH",
    "GIT_TEMPLATE_DIR",
    "ZDOTDIR",
    "PYTHONHOME",
    "PYTHONINSPECT",
    "PERL5DB",
    "GCONV_PATH",
];

/// A command.
const COMMANDS: &[&str] = &[
    "GIT_SSH_COMMAND",
    "GIT_SSH",
    "GIT_EXTERNAL_DIFF",
    "GIT_PAGER",
    "GIT_EDITOR",
    "GIT_SEQUENCE_EDITOR",
    "GIT_ASKPASS",
    "GIT_PROXY_COMMAND",
    "SSH_ASKPASS",
    "PAGER",
    "MANPAGER",
    "EDITOR",
    "VISUAL",
    "LESSOPEN",
    "LESSCLOSE",
    "BROWSER",
    "RSYNC_RSH",
];

/// Judges an assignment; `passed`: the command it stands before sees it.
pub(super) fn check(walk: &mut Walk, name: &str, value: &str, passed: bool) -> Result<(), Stop> {
    let upper = name.to_uppercase();
    if upper == "PATH" && value.starts_with(['.', '/']) {
        let first = value.split(':').next().unwrap_or_default();
        if is_known(first)
            && (passed || first.starts_with("/tmp"))
            && (first == "." || first.starts_with("/tmp"))
        {
            return Err(Stop::deny("environment", name));
        }
    }
    // What stands in a prompt is expanded each time it is shown.
    let prompt = ["PS0", "PS1", "PS2", "PS4"].contains(&name);
    let unknown = has_hole(value) && matches!(name, "PS0" | "PS4");
    if prompt && (value.contains("$(") || value.contains('`') || unknown) {
        return Err(Stop::deny("environment", name));
    }
    let off = matches!(value, "0" | "false" | "off");
    if name == "HUSKY_SKIP_HOOKS"
        || name == "SKIP" && passed && !value.is_empty()
        || ["HUSKY", "LEFTHOOK"].contains(&name) && off
    {
        return Err(Stop::deny("protection-off", name));
    }
    if LOADERS.contains(&upper.as_str()) && !value.is_empty() && upper != "LD_LIBRARY_PATH" {
        return Err(Stop::deny("environment", name));
    }
    if upper == "HISTFILE" && matches!(value, "" | "/dev/null") {
        return Err(Stop::deny("protection-off", name));
    }
    if upper == "NODE_OPTIONS"
        && ["--require", "-r", "--import", "--loader"]
            .iter()
            .any(|o| value.contains(o))
    {
        return Err(Stop::deny("environment", name));
    }
    if upper.starts_with("GIT_CONFIG_") && value.contains('!') {
        return Err(Stop::deny("environment", name));
    }
    if COMMANDS.contains(&upper.as_str()) && passed && !value.is_empty() {
        if has_hole(value) {
            return Err(Stop::deny("environment", name));
        }
        let first = value.split_whitespace().next().unwrap_or_default();
        if first.contains('/') && !first.starts_with("/usr/bin/") && !first.starts_with("/bin/") {
            return Err(Stop::deny("environment", quoted(value)));
        }
        walk.apart(|walk| walk.script(value))?;
    }
    Ok(())
}
