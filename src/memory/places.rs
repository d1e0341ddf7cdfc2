//! Places in a text: files and directories, in one spelling.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

/// What people write for the home directory, and for other directories whose place is not known.
#[expect(
    clippy::expect_used,
    reason = "constant expressions, compiled by a test"
)]
static VARIABLE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\{\{([^{}]*)\}\}|\$\{([^{}]*)\}|\$([A-Za-z_][A-Za-z0-9_]*)")
        .expect("constant expression")
});

/// Ends of names that a file has; a word with another dot in it is no place.
const ENDINGS: [&str; 26] = [
    "bash", "cfg", "cnf", "conf", "config", "d", "db", "env", "ini", "j2", "json", "key", "list",
    "local", "lock", "log", "pem", "plist", "pub", "rules", "sh", "sock", "toml", "txt", "yaml",
    "yml",
];

/// Writes paths below the home directory as `~/…`: who a person is at home says nothing about a
/// hole, and a home that moves does not make it new.
pub fn home_relative(text: &str, home: &Path) -> String {
    let home = home.to_string_lossy();
    let home = home.trim_end_matches('/');
    if home.is_empty() {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(home) {
        let (before, found) = rest.split_at(at);
        let after = found.get(home.len()..).unwrap_or_default();
        out.push_str(before);
        // A whole path, and not the middle of another one.
        let begins = !out.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '-'));
        let ends =
            !after.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'));
        out.push_str(if begins && ends { "~" } else { home });
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The places that a text names, and its other words.
pub(super) fn split(text: &str) -> (BTreeSet<String>, String) {
    let text = VARIABLE.replace_all(text, |found: &regex::Captures<'_>| {
        let name = found.iter().skip(1).flatten().next();
        let name = name.map_or("", |m| m.as_str()).to_lowercase();
        // Of the others it is not known where they lead.
        if name.contains("home") { "~" } else { "." }
    });
    let apart = |c: char| c.is_whitespace() || ",;()[]{}\"'`<>|=".contains(c);
    let mut places = BTreeSet::new();
    let mut words = Vec::new();
    for token in text.split(apart) {
        match place(token) {
            Some(place) => {
                places.insert(place);
            }
            None => words.push(token),
        }
    }
    (places, words.join(" "))
}

/// One spelling of a path: lower case, since some systems know no other; no empty or `.` part, no
/// `..`, no line number, no `/private`. `None`: it is no path.
fn place(token: &str) -> Option<String> {
    let token = token.strip_prefix("file:").unwrap_or(token);
    let token = token.trim_end_matches(|c: char| ".,:;!?*".contains(c));
    let token = match token.rsplit_once(':') {
        Some((path, line)) if !line.is_empty() && line.chars().all(|c| c.is_ascii_digit()) => path,
        _ => token,
    };
    if !is_path(token) {
        return None;
    }
    let absolute = token.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in token.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    if absolute && parts.len() > 1 && parts.first() == Some(&"private") {
        parts.remove(0);
    }
    let path = parts.join("/").to_lowercase();
    match (absolute, path.is_empty()) {
        (true, _) => Some(format!("/{path}")),
        (false, true) => None,
        (false, false) => Some(path),
    }
}

fn is_path(token: &str) -> bool {
    if token.contains("://") || !token.contains(|c: char| c.is_alphanumeric() || c == '~') {
        return false;
    }
    let name = token.trim_end_matches('/').rsplit('/').next().unwrap_or("");
    let named = |name: &str| {
        let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
        // `.mcp`, `.ssh`: a hidden name; `v2.1`, `e.g` and the like are words.
        (stem.is_empty() && ending.len() > 1) || ENDINGS.contains(&ending.to_lowercase().as_str())
    };
    match token.find('/') {
        Some(0) => true,
        Some(_) if token.starts_with('~') || token.starts_with('.') => true,
        // `read/write` is no path, `roles/x/tasks/main.yml` and `etc/ssh/` are.
        Some(_) => token.matches('/').count() > 1 || named(name) || token.ends_with('/'),
        None => token == "~" || named(token),
    }
}

/// Whether two spellings are of the same place. One that says not where it begins is the same as any
/// that ends with it, and a role's own copy of a file is the file.
pub(super) fn same_place(a: &str, b: &str) -> bool {
    let rooted = |p: &str| p.starts_with('/') || p.starts_with('~');
    let ends = |long: &str, short: &str| {
        long.strip_suffix(short)
            .is_some_and(|before| before.is_empty() || before.ends_with('/'))
    };
    let source = |p: &str| {
        let inside = ["files/", "templates/"].iter();
        let mut found = inside.filter_map(|dir| {
            let at = p.find(dir)?;
            let starts = at == 0 || p.as_bytes().get(at - 1) == Some(&b'/');
            let name = p.get(at + dir.len()..)?;
            starts.then(|| name.strip_suffix(".j2").unwrap_or(name).to_owned())
        });
        (!rooted(p)).then(|| found.next()).flatten()
    };
    if a == b || (!rooted(b) && ends(a, b)) || (!rooted(a) && ends(b, a)) {
        return true;
    }
    match (source(a), source(b)) {
        (Some(a), Some(b)) => a == b,
        (Some(a), None) => ends(b, &a),
        (None, Some(b)) => ends(a, &b),
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Vec<String> {
        split(text).0.into_iter().collect()
    }

    #[test]
    fn finds_places_in_every_spelling() {
        for (text, expected) in [
            ("~/.mcp.json", "~/.mcp.json"),
            ("$HOME/.mcp.json", "~/.mcp.json"),
            ("${HOME}//.mcp.json/", "~/.mcp.json"),
            (
                "{{ ansible_facts['env']['HOME'] }}/.mcp.json",
                "~/.mcp.json",
            ),
            ("{{ lookup('env', 'HOME') }}/./.mcp.json.", "~/.mcp.json"),
            ("{{ repo_dir }}/.mcp.json", ".mcp.json"),
            ("$REPO/.mcp.json", ".mcp.json"),
            ("the file `.mcp.json` (mode)", ".mcp.json"),
            (
                "/private/etc/ssh/../ssh/sshd_config:17",
                "/etc/ssh/sshd_config",
            ),
            ("block-destructive.sh", "block-destructive.sh"),
            ("dest=/etc/X", "/etc/x"),
            ("file:///etc/hosts", "/etc/hosts"),
        ] {
            assert_eq!(places(text), [expected], "{text}");
        }
        for none in [
            "Application Firewall",
            "read/write",
            "v2.1",
            "e.g. this",
            "https://x.y/z",
            "/ ",
        ] {
            let found = places(none);
            assert!(found.is_empty() || found == ["/"], "{none}: {found:?}");
        }
    }

    #[test]
    fn a_place_without_its_beginning_is_any_that_ends_so() {
        for (a, b, same) in [
            (".mcp.json", "~/.mcp.json", true),
            ("~/.mcp.json", "/srv/x/.mcp.json", false),
            ("mcp.json", "~/.mcp.json", false),
            ("hooks/a.sh", "~/.claude/hooks/a.sh", true),
            ("roles/agent/files/a.sh", "~/.claude/hooks/a.sh", true),
            ("roles/agent/templates/s.json.j2", "~/.claude/s.json", true),
            ("/x/files/a.sh", "~/.claude/hooks/a.sh", false),
            ("b.sh", "~/.claude/hooks/a.sh", false),
        ] {
            assert_eq!(
                (same_place(a, b), same_place(b, a)),
                (same, same),
                "{a} {b}"
            );
        }
    }

    #[test]
    fn the_home_directory_is_written_as_a_tilde() {
        let home = Path::new("/home/kyle");
        for (text, expected) in [
            ("/home/kyle/.ssh and /home/kyle", "~/.ssh and ~"),
            ("/home/kyles/x", "/home/kyles/x"),
            ("/srv/home/kyle/x", "/srv/home/kyle/x"),
            ("mode of \"/home/kyle/x\"", "mode of \"~/x\""),
            ("/home/kyle-old", "/home/kyle-old"),
        ] {
            assert_eq!(home_relative(text, home), expected);
        }
        assert_eq!(home_relative("/x", Path::new("/")), "/x");
    }
}
