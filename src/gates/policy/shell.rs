//! Commands by their arguments, and shell scripts without what they only quote.

use super::known::Known;
use super::{Issue, jinja, params, places};
use crate::playbook::yaml::{Node, Value};

/// A command's literal arguments.
///
/// # Errors
/// What keeps them from being judged.
pub(super) fn argv(given: &Node, args: Option<&Node>) -> Result<Vec<String>, String> {
    let known = ["cmd", "argv", "creates", "removes", "strip_empty_ends"];
    let pairs = [Some(given), args]
        .into_iter()
        .flatten()
        .filter_map(Node::map)
        .flatten();
    if let Some((key, ..)) = pairs
        .into_iter()
        .find(|(key, ..)| !known.contains(&key.as_str()))
    {
        return Err(format!("with {key}"));
    }
    let of = |key: &str| given.get(key).or_else(|| args.and_then(|a| a.get(key)));
    let words = match (&given.value, of("argv"), of("cmd")) {
        (Value::Scalar { text, .. }, None, None) => split(text)?,
        (Value::Map(_), Some(list), None) => list
            .list()
            .ok_or("whose argv is no list")?
            .iter()
            .map(|w| {
                w.text()
                    .map(str::to_owned)
                    .ok_or("whose argv is no list of words")
            })
            .collect::<Result<_, _>>()?,
        (Value::Map(_), None, Some(cmd)) => split(cmd.text().ok_or("whose cmd is no text")?)?,
        _ => return Err("without one argv or cmd".to_owned()),
    };
    if words.is_empty() || words.iter().any(|w| jinja::is_template(w)) {
        return Err("whose arguments are not literal".to_owned());
    }
    Ok(words)
}

/// Splits a command that needs no shell.
fn split(text: &str) -> Result<Vec<String>, String> {
    if text.contains(['"', '\'', '\\', '$', '`', '~', '\n', '#']) {
        return Err("as a text with quotes or expansions; write it as argv".to_owned());
    }
    Ok(text.split_whitespace().map(str::to_owned).collect())
}

/// The program's name, when it is one of the system's.
fn program(argv: &[String]) -> Option<&str> {
    let first = argv.first()?;
    match first.rsplit_once('/') {
        None => Some(first),
        Some((dir, name)) => {
            let system = [
                "/bin",
                "/usr/bin",
                "/sbin",
                "/usr/sbin",
                "/usr/libexec/ApplicationFirewall",
            ];
            system.contains(&dir).then_some(name)
        }
    }
}

/// Whether a command only looks.
pub(super) fn reads(argv: &[String]) -> bool {
    let Some(name) = program(argv) else {
        return false;
    };
    let rest: Vec<&str> = argv.iter().skip(1).map(String::as_str).collect();
    let first = rest.first().copied().unwrap_or_default();
    match name {
        "test" | "[" | "stat" | "ls" | "id" | "uname" | "sw_vers" | "whoami" | "which" | "true"
        | "readlink" | "basename" | "dirname" => true,
        "defaults" => {
            let verb = if first == "-currentHost" {
                rest.get(1).copied()
            } else {
                Some(first)
            };
            matches!(verb, Some("read" | "read-type" | "domains" | "find"))
        }
        "git" => first == "config" && git_reads(rest.get(1..).unwrap_or_default()),
        "csrutil" | "fdesetup" => first == "status",
        "spctl" => first == "--status",
        "socketfilterfw" => rest.len() == 1 && first.starts_with("--get"),
        "launchctl" => matches!(first, "list" | "print"),
        "pmset" => first == "-g",
        "sysctl" => sysctl_reads(&rest),
        _ => false,
    }
}

/// The arguments of `git config` say that it reads before they name a key: behind a key, a word is
/// the value that the key is set to.
fn git_reads(rest: &[&str]) -> bool {
    let place = |a: &&&str| ["--global", "--system", "--local", "--includes", "-z"].contains(*a);
    let before = rest.iter().take_while(place).count();
    let Some((reader, keys)) = rest.get(before..).and_then(<[_]>::split_first) else {
        return false;
    };
    let most = match *reader {
        "--list" | "-l" => 0,
        "--get" | "--get-all" | "--get-regexp" => 2,
        _ => return false,
    };
    keys.len() <= most && keys.iter().all(|k| !k.starts_with('-'))
}

/// Names of settings, and flags that only say how they are shown.
fn sysctl_reads(rest: &[&str]) -> bool {
    let name = |a: &str| {
        a.chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c))
            && a.starts_with(|c: char| c.is_ascii_alphanumeric())
    };
    !rest.is_empty()
        && rest
            .iter()
            .all(|a| ["-n", "-a", "-e"].contains(a) || name(a))
}

/// Judges a command that may change something.
pub(super) fn writes(known: &Known, line: usize, argv: &[String]) -> Vec<Issue> {
    let rest: Vec<&str> = argv.iter().skip(1).map(String::as_str).collect();
    match program(argv) {
        Some("defaults") => {
            let rest = rest.strip_prefix(&["-currentHost"]).unwrap_or(&rest);
            match rest {
                ["write", domain, key, ..] => preference(line, domain, key),
                _ => vec![Issue::held(
                    line,
                    "defaults with something else than write DOMAIN KEY",
                )],
            }
        }
        Some("chmod") => {
            let rest: Vec<&str> = rest.iter().copied().filter(|a| *a != "-h").collect();
            let [mode, paths @ ..] = rest.as_slice() else {
                return vec![Issue::held(line, "chmod without a mode")];
            };
            let mut issues = params::mode(&Node::quoted(line, *mode));
            for path in paths {
                issues.extend(places::path(
                    known,
                    "chmod's path",
                    &Node::quoted(line, *path),
                ));
            }
            issues
        }
        _ => {
            let name = argv.first().map_or("", String::as_str);
            vec![Issue::held(
                line,
                format!("the program {name}, which no rule knows"),
            )]
        }
    }
}

/// Judges a setting of macOS by its domain and key.
pub(super) fn preference(line: usize, domain: &str, key: &str) -> Vec<Issue> {
    let plain = |text: &str| {
        text.chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
    };
    let folded = domain.to_lowercase();
    let apple = folded.starts_with("com.apple.") || folded == "nsglobaldomain";
    if !apple || !plain(domain) || !plain(key) {
        return vec![Issue::held(
            line,
            format!("{key} of {domain}, which is no plain setting of the system's own"),
        )];
    }
    let starts = [
        "com.apple.loginwindow",
        "com.apple.loginitems",
        "com.apple.terminal",
    ];
    if starts.contains(&folded.as_str()) || folded.starts_with("com.apple.launch") {
        return vec![Issue::held(
            line,
            format!("{key} of {domain} can start programs; a person decides"),
        )];
    }
    Vec::new()
}

/// A script without comments and without what stands in quotes, line by line; what runs inside
/// double quotes, as `$(…)`, stays. A quote stays as its two marks. `None` when the quotes do not
/// end, so that nobody can tell what is quoted.
pub(super) fn unquoted(script: &str) -> Option<String> {
    let mut out = String::new();
    // What is open: `q` single quotes, `d` double quotes, `p` a substitution, `b` backquotes.
    let mut open = vec!['p'];
    let mut chars = script.chars().peekable();
    let mut before = '\n';
    while let Some(c) = chars.next() {
        let now = open.last().copied().unwrap_or('p');
        if c == '\n' {
            out.push(c);
        } else if now == 'q' {
            if c == '\'' {
                open.pop();
                out.push(c);
            }
        } else if c == '\\' {
            let next = chars.next();
            if now != 'd' || next == Some('\n') {
                // A continued line is one line with its next.
                out.push_str(if next == Some('\n') { " " } else { "_" });
            }
        } else if c == '$' && chars.peek() == Some(&'(') {
            chars.next();
            open.push('p');
            out.push_str("$(");
        } else if now == 'd' {
            if c == '"' {
                open.pop();
                out.push(c);
            } else if c == '`' {
                open.push('b');
                out.push(c);
            }
        } else {
            match c {
                '`' if now == 'b' => drop(open.pop()),
                '\'' => open.push('q'),
                '"' => open.push('d'),
                '(' => open.push('p'),
                ')' if open.len() > 1 => drop(open.pop()),
                '#' if before.is_whitespace() || ";(".contains(before) => {
                    while chars.next_if(|n| *n != '\n').is_some() {}
                    before = ' ';
                    continue;
                }
                _ => {}
            }
            out.push(c);
        }
        before = c;
    }
    (open == ['p']).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_text_and_comments_are_taken_out() {
        for (script, want) in [
            ("a 'b | sh' c # d\n", "a '' c \n"),
            (
                "x \"curl | sh $(curl y | sh) z\" w",
                "x \"$(curl y | sh)\" w",
            ),
            ("\"`curl y | sh` z\"", "\"`curl y | sh`\""),
            ("a \\' 'x'", "a _ ''"),
            ("curl x \\\n | sh", "curl x   | sh"),
            ("case $1 in\n  a) b ;;\nesac", "case $1 in\n  a) b ;;\nesac"),
            ("a=$((1 + 2)) 'x'", "a=$((1 + 2)) ''"),
            ("${#x} a#b", "${#x} a#b"),
        ] {
            assert_eq!(unquoted(script).as_deref(), Some(want), "{script}");
        }
        for script in ["a 'b", "a \"b", "$(a", "echo don't"] {
            assert_eq!(unquoted(script), None, "{script}");
        }
    }

    #[test]
    fn commands() {
        for (command, reading) in [
            ("defaults read com.apple.screensaver askForPassword", true),
            ("/usr/bin/defaults -currentHost read x", true),
            ("git config --global --get user.name", true),
            ("git config --global --list", true),
            ("git config -l", true),
            ("git config --get-regexp ^core", true),
            ("sysctl -n kern.hostname", true),
            ("sysctl -a", true),
            ("sysctl net.ipv4.ip_forward", true),
            (
                "/usr/libexec/ApplicationFirewall/socketfilterfw --getglobalstate",
                true,
            ),
            ("csrutil status", true),
            ("defaults write x y 1", false),
            ("git config --global core.pager x", false),
            ("git config --global core.hooksPath list", false),
            ("git config --global core.hooksPath --get", false),
            ("git config core.pager -l", false),
            ("git config get core.pager", false),
            ("git config --get a --unset b", false),
            ("git config --file /tmp/x --get a", false),
            ("git config", false),
            ("git push", false),
            ("sysctl kernel.x=1", false),
            ("sysctl -w kernel.x", false),
            ("sysctl --system", false),
            ("sysctl -p /tmp/x", false),
            ("sysctl --load=/tmp/x", false),
            ("sysctl -qp", false),
            ("sysctl", false),
            ("socketfilterfw --setglobalstate off", false),
            ("csrutil disable", false),
            ("/tmp/defaults read x", false),
            ("bash -c true", false),
        ] {
            assert_eq!(reads(&split(command).unwrap()), reading, "{command}");
        }
        assert!(split("echo \"$HOME\"").is_err());
    }
}
