//! Places that modules write to: those with rules for what they hold, and the rest.

use super::Issue;
use super::known::{Known, is_home_fact};
use crate::playbook::yaml::Node;

/// Places below a home directory where a file starts programs or lets somebody in.
const PERSISTENT: [&str; 44] = [
    "/.ssh/",
    "/library/launchagents",
    "/library/launchdaemons",
    "/library/startupitems",
    "/library/application scripts",
    "/.zshrc",
    "/.zshenv",
    "/.zprofile",
    "/.zlogin",
    "/.zlogout",
    "/.oh-my-zsh",
    "/.bash",
    "/.profile",
    "/.login",
    "/.cshrc",
    "/.tcshrc",
    "/.kshrc",
    "/.inputrc",
    "/.config/fish",
    "/.config/autostart",
    "/.config/systemd",
    "/.config/environment.d",
    "/.config/git",
    "/.config/nvim",
    "/.config/tmux",
    "/.git/",
    "/.gitconfig",
    "/.netrc",
    "/.npmrc",
    "/.xprofile",
    "/.xinitrc",
    "/.xsession",
    "/.pam_environment",
    "/.tmux.conf",
    "/.vim",
    "/.emacs",
    "/.local/bin",
    "/bin/",
    "/.claude/claude.md",
    "/.claude/commands",
    "/.claude/agents",
    "/.claude/skills",
    "/.claude/plugins",
    "/.claude.json",
];
/// Places that the supervisor and its Ansible live in.
const OWN: [&str; 6] = [
    "/.config/secloop",
    "/.local/state/secloop",
    "/.cache/secloop",
    "/library/application support/secloop",
    "/library/caches/secloop",
    "/.ansible",
];
/// The directories that are made below the home directory, and the one file of settings.
const HOOKS: &str = "/.claude/hooks";
const LOGS: &str = "/.claude/logs";
const SETTINGS: &str = "/.claude/settings.json";

/// Whether a path, from the home directory on, belongs to the supervisor.
pub(super) fn is_own(path: &str) -> bool {
    let folded = path.to_lowercase();
    OWN.iter().any(|own| folded.contains(own))
}

/// Whether a file at this path starts programs or lets somebody in.
pub(super) fn is_persistent(path: &str) -> bool {
    let folded = path.to_lowercase();
    PERSISTENT.iter().any(|place| folded.contains(place))
}

/// Whether a path is a file that the rules for hooks and settings judge as a whole.
pub(super) fn is_judged(path: &str) -> bool {
    path.contains("/.claude/hooks/") || path.ends_with(SETTINGS)
}

/// Whether a path names one of the known directories.
pub(super) fn is_directory(path: &str) -> bool {
    [HOOKS, LOGS, "/"].iter().any(|dir| path.ends_with(dir))
}

/// Judges a path that a module writes to.
pub(super) fn path(known: &Known, key: &str, value: &Node) -> Vec<Issue> {
    let line = value.line;
    let Some(text) = value.text() else {
        return vec![Issue::refused(line, format!("{key} that is no text"))];
    };
    if is_own(text) {
        return vec![Issue::refused(
            line,
            format!("{key} {text} belongs to the supervisor; leave it alone"),
        )];
    }
    let held = |why: &str| vec![Issue::held(line, format!("{key} {text} {why}"))];
    let Some(rest) = below_home(known, text) else {
        return held(
            "is not below the home directory, as ~/ or a variable known to be it; a person decides",
        );
    };
    if !is_plain(rest) {
        return held("is no plain path: nobody can tell beforehand where it leads");
    }
    if is_persistent(rest) {
        return held(
            "starts programs, steers an agent or grants access; a person decides about it",
        );
    }
    let hook = rest.starts_with("/.claude/hooks/") && rest.to_lowercase().ends_with(".sh");
    let trimmed = rest.trim_end_matches('/');
    if hook || [HOOKS, LOGS, SETTINGS].contains(&trimmed) || known.writes(rest) {
        return Vec::new();
    }
    held("is no place that a rule knows or the playbook writes already; a person decides about it")
}

/// What follows the home directory: `~/…`, `$HOME/…`, `{{ variable }}/…`, or a user's directory
/// by its name.
pub(super) fn below_home<'a>(known: &Known, text: &'a str) -> Option<&'a str> {
    let rest = if let Some((name, rest)) = leading(text) {
        (known.is_home(name) || is_home_fact(name)).then_some(rest)?
    } else if let Some(rest) = text.strip_prefix('~').or(text.strip_prefix("$HOME")) {
        rest
    } else {
        let user = text
            .strip_prefix("/home/")
            .or_else(|| text.strip_prefix("/Users/"))?;
        let at = user.find('/').filter(|at| *at > 0)?;
        let (name, rest) = user.split_at(at);
        (name != "Shared").then_some(rest)?
    };
    (rest.starts_with('/') && rest.len() > 1).then_some(rest)
}

/// The name in `{{ name }}…` and what follows it.
pub(super) fn leading(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.strip_prefix("{{")?.split_once("}}")?;
    Some((name.trim(), rest))
}

/// Letters, digits and little else, and no way up: what is written is what it leads to.
fn is_plain(rest: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || "/._-+@ ".contains(c);
    let trimmed = rest.strip_suffix('/').unwrap_or(rest);
    rest.chars().all(good)
        && trimmed
            .split('/')
            .skip(1)
            .all(|part| !["", ".", ".."].contains(&part.trim()))
}

#[cfg(test)]
mod tests {
    use super::super::assert_issue;
    use super::*;

    #[test]
    fn paths() {
        let known = Known::with(&["h", "agent_hooks_home"], &["/.config/x.toml", "/.zshrc"]);
        for (text, says) in [
            ("~/.claude/hooks/a.sh", ""),
            ("~/.claude/hooks", ""),
            ("~/.claude/hooks/", ""),
            ("~/.claude/logs", ""),
            ("{{ agent_hooks_home }}/.claude/settings.json", ""),
            ("{{ ansible_facts['env']['HOME'] }}/.claude/hooks/a.sh", ""),
            ("{{ ansible_facts.user_dir }}/.claude/hooks/a.sh", ""),
            ("$HOME/.claude/hooks/a.sh", ""),
            ("/Users/pai/.claude/settings.json", ""),
            ("/home/kyle/.config/x.toml", ""),
            ("~/.config/x.toml", ""),
            ("~/.config/y.toml", "held: no place that a rule knows"),
            ("~/.claude/hooks/a.py", "held: no place that a rule knows"),
            ("~/.claude/logs/x", "held: no place that a rule knows"),
            ("~/.claude", "held: no place that a rule knows"),
            ("~/x", "held: no place that a rule knows"),
            ("{{ x }}/.claude/hooks/a.sh", "held: not below the home"),
            ("{{ h | f }}/.claude/hooks/a.sh", "held: not below the home"),
            ("{{ h }}etc/x", "held: not below the home"),
            ("{{ h }}{{ '/etc' }}", "held: not below the home"),
            ("/etc/ssh/sshd_config.d/x", "held: not below the home"),
            ("/Users/Shared/x", "held: not below"),
            ("/tmp/x", "held: not below"),
            ("~root/.claude/hooks/a.sh", "held: not below"),
            ("{{ anything }}", "held: not below"),
            ("relative", "held: not below"),
            ("~/../other/x", "held: no plain path"),
            ("~/.claude//hooks/a.sh", "held: no plain path"),
            ("~/.claude/./hooks/a.sh", "held: no plain path"),
            ("~/.claude/hooks/{{ x }}.sh", "held: no plain path"),
            ("~/.claude/hooks/$X/a.sh", "held: no plain path"),
            ("~/.bash{{ 'rc' }}", "held: no plain path"),
            (
                "~/.local/state/sec{{ '' }}loop/ansible/plugins/x.py",
                "held: no plain path",
            ),
            ("~/.ssh/authorized_keys", "held: grants access"),
            ("~/.ssh/config", "held: grants access"),
            ("~/Library/LaunchAgents/a.plist", "held: starts programs"),
            ("{{ h }}/.zshrc", "held: starts programs"),
            ("~/.bash_aliases", "held: starts programs"),
            ("~/.config/fish/config.fish", "held: starts programs"),
            ("~/.xprofile", "held: starts programs"),
            ("~/.tmux.conf", "held: starts programs"),
            ("~/.vimrc", "held: starts programs"),
            ("~/.local/bin/x", "held: starts programs"),
            ("~/.claude/CLAUDE.md", "held: steers an agent"),
            ("~/.claude/commands/x.md", "held: steers an agent"),
            ("~/.config/secloop/config.toml", "refused: supervisor"),
            (
                "~/Library/Application Support/secloop/x",
                "refused: supervisor",
            ),
        ] {
            assert_issue(text, &path(&known, "dest", &Node::quoted(1, text)), says);
        }
    }
}
