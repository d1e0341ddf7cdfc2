//! Programs with a shell inside: debuggers, database clients, editors, make, ad-hoc Ansible.

use super::Stop;
use super::call::Call;
use super::marks::has_hole;
use super::walk::{Flow, Walk, quoted};

/// Programs whose commands, as words or on their input, can start a shell.
const INTERACTIVE: &[&str] = &[
    "gdb", "lldb", "sqlite3", "sqlite", "ftp", "sftp", "tftp", "ed", "red", "ex", "mysql",
    "mariadb", "psql", "mail", "telnet", "bc", "vi", "vim", "nvim", "gnuplot", "octave", "nmap",
    "aria2c", "r2", "radare2", "busctl", "jdb", "jshell", "irb", "pry", "ghci", "scala", "gimp",
];

/// How such a command begins.
const ESCAPES: &[&str] = &[
    "!",
    ":!",
    ".shell",
    ".system",
    ".sh ",
    "\\!",
    "shell ",
    "system ",
    "system(",
    "platform shell",
    "~!",
    "make_directory!",
    "python import os",
    ":r !",
    ":%!",
    "e !",
    "r !",
    "w !",
];

/// Judges them.
pub(super) fn check(walk: &mut Walk, call: &Call<'_>) -> Result<(), Stop> {
    match call.name {
        name if INTERACTIVE.contains(&name) => interactive(walk, call),
        "make" | "gmake" | "bmake" => make(walk, call),
        "ansible" => ansible(walk, call),
        _ => Ok(()),
    }
}

fn interactive(walk: &Walk, call: &Call<'_>) -> Result<(), Stop> {
    let input = match &walk.scope.stdin {
        Flow::Text(text) => text.as_str(),
        _ => "",
    };
    let editor = matches!(call.name, "vi" | "vim" | "nvim" | "ex");
    let lines = call
        .args
        .iter()
        .flat_map(|a| a.lines())
        .chain(input.lines());
    for line in lines {
        let line = line.trim_start_matches(['+', ' ', '\t', '"', '\'']);
        let line = if editor {
            line.trim_start_matches(':')
        } else {
            line
        };
        // `-ex=shell x`, and the like.
        let value = line.split_once('=').map_or(line, |(_, v)| v.trim_start());
        let escapes = |text: &str| {
            ESCAPES.iter().any(|e| {
                text.strip_prefix(e)
                    .is_some_and(|rest| !rest.starts_with('='))
            })
        };
        if escapes(line) || line.starts_with("--") && escapes(value) {
            let what = format!("{} {}", call.name, quoted(line));
            return Err(Stop::deny("program-option", what));
        }
    }
    Ok(())
}

/// A makefile that the script itself has written, or gives on the input.
fn make(walk: &mut Walk, call: &Call<'_>) -> Result<(), Stop> {
    let mut text = String::new();
    if let Some(eval) = call.value("--eval").or_else(|| call.value("-E")) {
        text.push_str(eval);
    }
    let file = ["-f", "--file", "--makefile"]
        .iter()
        .find_map(|o| call.value(o));
    let flow = match file {
        Some("-" | "/dev/stdin") => walk.scope.stdin.clone(),
        other => super::simple::input_from(walk, other.unwrap_or("Makefile")),
    };
    match flow {
        Flow::Text(more) => {
            text.push('\n');
            text.push_str(&more);
        }
        Flow::Unknown { .. } => {
            return Err(Stop::deny("pipe-to-shell", "a makefile from elsewhere"));
        }
        Flow::None => {}
    }
    for recipe in recipes(&text) {
        walk.apart(|walk| walk.script(&recipe))?;
    }
    Ok(())
}

/// The commands of a makefile's rules.
fn recipes(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| match line.strip_prefix('\t') {
            Some(recipe) => Some(recipe),
            None if line.contains(':') => line.split_once(';').map(|(_, recipe)| recipe),
            None => None,
        })
        .map(|r| {
            r.trim_start_matches(['@', '-', '+', ' '])
                .replace("$$", "$")
        })
        .filter(|r| !r.is_empty())
        .collect()
}

/// `ansible HOSTS -m shell -a TEXT`.
fn ansible(walk: &mut Walk, call: &Call<'_>) -> Result<(), Stop> {
    let module = call
        .value("-m")
        .or_else(|| call.value("--module-name"))
        .unwrap_or("command");
    let module = module.rsplit('.').next().unwrap_or(module);
    let Some(text) = call.value("-a").or_else(|| call.value("--args")) else {
        return Ok(());
    };
    if !matches!(module, "command" | "shell" | "raw" | "script" | "expect") {
        return Ok(());
    }
    if has_hole(text) {
        return Err(Stop::deny("eval-data", quoted(text)));
    }
    let text = text.to_owned();
    walk.apart(|walk| walk.script(&text)).map(drop)
}
