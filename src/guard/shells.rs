//! Shells: a script as argument, in a file, or on standard input.

use super::Stop;
use super::marks::has_hole;
use super::simple::input_from;
use super::walk::{Flow, Walk, quoted};

const SHELLS: &[&str] = &[
    "sh",
    "bash",
    "zsh",
    "dash",
    "ksh",
    "mksh",
    "ash",
    "rbash",
    "fish",
    "csh",
    "tcsh",
    "yash",
    "pwsh",
    "powershell",
    "elvish",
    "nu",
    "xonsh",
    "iex",
    "invoke-expression",
];

/// A text and words as one script: the words can't be mistaken for syntax.
pub(super) fn joined(text: &str, words: &[String]) -> String {
    let mut script = text.to_owned();
    for word in words {
        script.push_str(" '");
        script.push_str(&word.replace('\'', "'\\''"));
        script.push('\'');
    }
    script
}

/// Judges what a shell runs; none where the name is not a shell's.
pub(super) fn run(walk: &mut Walk, name: &str, args: &[String]) -> Result<Option<Flow>, Stop> {
    // zsh's own network: a module of it, and what it brings.
    if name == "zmodload" && args.iter().any(|a| a == "zsh/net/tcp") || name == "ztcp" {
        return Err(Stop::deny("reverse-shell", quoted(&args.join(" "))));
    }
    if !SHELLS.contains(&name) {
        return Ok(None);
    }
    if name == "iex" || name == "invoke-expression" {
        return match walk.scope.stdin {
            Flow::Unknown { .. } => Err(Stop::deny("pipe-to-shell", "`… | iex`")),
            _ => Ok(Some(Flow::UNKNOWN)),
        };
    }
    // A shell for somebody to type into, where nobody here does.
    if matches!(args, [only] if only == "-i") {
        return Err(Stop::deny("reverse-shell", format!("`{name} -i`")));
    }
    if matches!(name, "pwsh" | "powershell") {
        return power_shell(walk, args).map(Some);
    }
    let mut rest = args;
    let (mut code, mut only_checks, mut from_input) = (false, false, false);
    while let Some((first, more)) = rest.split_first() {
        match first.as_str() {
            "--help" | "--version" => return Ok(Some(Flow::UNKNOWN)),
            "--rcfile" | "--init-file" | "-o" | "-O" | "+o" | "+O" => {
                rest = more.get(1..).unwrap_or_default();
                continue;
            }
            "--command" | "--init-command" => code = true,
            "--" | "-" => {
                rest = more;
                break;
            }
            option if option.starts_with("--") => {}
            option if option.starts_with('-') || option.starts_with('+') => {
                let flags = option.get(1..).unwrap_or_default();
                code |= flags.contains('c') && option.starts_with('-');
                only_checks |= flags.contains('n') && option.starts_with('-');
                from_input |= flags.contains('s');
                if flags.ends_with(['o', 'O']) && flags.len() > 1 {
                    rest = more.get(1..).unwrap_or_default();
                    continue;
                }
            }
            _ => break,
        }
        rest = more;
    }
    if only_checks {
        return Ok(Some(Flow::UNKNOWN));
    }
    if code {
        let Some((text, positional)) = rest.split_first() else {
            return Err(Stop::deny(
                "eval-data",
                format!("{name} -c without its text"),
            ));
        };
        if has_hole(text) {
            return Err(Stop::deny("eval-data", quoted(text)));
        }
        return walk
            .apart(|walk| {
                walk.scope.positional = positional.iter().skip(1).cloned().collect();
                walk.script(text)
            })
            .map(Some);
    }
    match rest.first() {
        Some(file) if !from_input && super::program::from_elsewhere(walk, file) => {
            Err(Stop::deny("download-exec", quoted(file)))
        }
        Some(file) if !from_input && file != "/dev/stdin" && file != "/dev/fd/0" => {
            match input_from(walk, file) {
                Flow::Text(text) => {
                    let positional = rest[1..].to_vec();
                    walk.apart(|walk| {
                        walk.scope.positional = positional;
                        walk.script(&text)
                    })
                    .map(Some)
                }
                Flow::Unknown { .. } => Err(Stop::deny("download-exec", quoted(file))),
                Flow::None if file.starts_with("/dev/") => {
                    Err(Stop::deny("eval-data", quoted(file)))
                }
                Flow::None => Ok(Some(Flow::UNKNOWN)),
            }
        }
        _ => input(walk, name).map(Some),
    }
}

/// Judges what a shell reads from its standard input.
pub(super) fn input(walk: &mut Walk, name: &str) -> Result<Flow, Stop> {
    match walk.scope.stdin.clone() {
        Flow::None => Ok(Flow::UNKNOWN),
        Flow::Text(text) if has_hole(&text) => Err(Stop::deny(
            "eval-data",
            format!("{name} with {}", quoted(&text)),
        )),
        Flow::Text(text) => walk.apart(|walk| {
            walk.scope.stdin = Flow::None;
            walk.script(&text)
        }),
        Flow::Unknown { .. } => Err(Stop::deny("pipe-to-shell", format!("`… | {name}`"))),
    }
}

fn power_shell(walk: &mut Walk, args: &[String]) -> Result<Flow, Stop> {
    let text = args.join(" ").to_lowercase();
    let encoded = args.iter().any(|a| {
        let a = a.to_lowercase();
        a.len() > 1 && "-encodedcommand".starts_with(&a) && a.starts_with("-e") && a != "-ex"
    });
    if encoded || text.contains("frombase64string") {
        return Err(Stop::deny("decode-to-shell", quoted(&text)));
    }
    if ["iex", "invoke-expression", "downloadstring"]
        .iter()
        .any(|w| text.contains(w))
    {
        return Err(Stop::deny("download-exec", quoted(&text)));
    }
    if text.contains("remove-item") && text.contains("-r") {
        return Err(Stop::deny("file-destroy", quoted(&text)));
    }
    if text.contains("-c") || text.contains(".ps1") {
        return Ok(Flow::UNKNOWN);
    }
    input(walk, "pwsh")
}
