//! Modes of the agent's hooks and settings: whether they can still be used.

use super::Call;
use crate::gates::policy::issue::Issue;

/// A hook that its owner can't run, or settings that the agent can't read, stop nothing: the agent
/// works on without them.
pub(super) fn unusable(call: &Call<'_>, place: &str) -> Option<Issue> {
    let hook = place.starts_with("~/.claude/hooks/");
    if !hook && !place.starts_with("~/.claude/settings") || call.text("state") == "absent" {
        return None;
    }
    let mode = call.text("mode");
    let needed = if hook { 0o500 } else { 0o400 };
    let good = match u32::from_str_radix(mode, 8) {
        Ok(bits) => bits & needed == needed,
        Err(_) => mode.split(',').all(|part| leaves(part, hook)),
    };
    let directory = call.text("state") == "directory";
    (!good && !directory).then(|| {
        call.refused(
            "agent-hooks-off",
            format!("mode {mode} of {place}: its owner could not use it"),
        )
    })
}

/// Whether a part of a symbolic mode leaves the owner what a hook or settings need.
fn leaves(part: &str, hook: bool) -> bool {
    let Some(at) = part.find(['=', '+', '-']) else {
        return true;
    };
    let (who, what) = part.split_at(at);
    let owner = who.is_empty() || who.contains(['u', 'a']);
    match what.as_bytes().first() {
        Some(b'=') if owner => what.contains('r') && (!hook || what.contains('x')),
        Some(b'-') if owner => !(what.contains('r') || hook && what.contains('x')),
        _ => true,
    }
}
