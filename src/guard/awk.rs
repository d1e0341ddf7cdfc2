//! awk programs can run commands and write files.

use super::Stop;
use super::options::{value, without_values};
use super::reads;
use super::walk::{Walk, quoted};

/// Judges the program of an awk.
pub(super) fn check(walk: &mut Walk, name: &str, args: &[String]) -> Result<(), Stop> {
    if !matches!(name, "awk" | "gawk" | "mawk" | "nawk") {
        return Ok(());
    }
    let valued = [
        "-v",
        "-F",
        "-f",
        "-i",
        "-l",
        "--assign",
        "--field-separator",
        "--file",
    ];
    let given = ["-e", "--source"]
        .iter()
        .find_map(|option| value(args, option));
    let first = without_values(args, &valued).first().map(|p| p.as_str());
    let Some(program) = given.or(first).map(str::to_owned) else {
        return Ok(());
    };
    if program.contains("in ENVIRON") {
        return Err(Stop::deny(
            "secret-read",
            format!("{name} with the environment"),
        ));
    }
    if hands_on(&program) {
        return Err(Stop::deny(
            "pipe-to-shell",
            format!("{name} {}", quoted(&program)),
        ));
    }
    let runs = program.contains("system") || program.contains('|');
    for literal in super::code::literals(&program) {
        if runs && let Err(stop @ Stop::Deny { .. }) = walk.attempt(&literal) {
            return Err(stop);
        }
        // `system("cat " ENVIRON["HOME"] "/.ssh/id_rsa")`
        if runs && literal.starts_with("/.") {
            reads::check_read(walk, name, &format!("{}{literal}", super::marks::HOME))?;
        }
        if program.contains('>') && literal.contains('/') {
            reads::check_write(walk, &literal)?;
        }
        if program.contains("getline") || program.contains("ARGV") {
            reads::check_read(walk, name, &literal)?;
        }
        if literal.contains("/inet/") {
            return Err(Stop::deny("reverse-shell", literal));
        }
    }
    Ok(())
}

/// Whether it hands what it reads to a shell: `{ print | "sh" }`, `{ system($0) }`.
fn hands_on(program: &str) -> bool {
    let mut quoted = false;
    let mut escaped = false;
    for (at, c) in program.char_indices() {
        let (before, rest) = program.split_at(at);
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            '|' if !quoted && !before.ends_with('|') && !rest.starts_with("||") => {
                let to = rest[1..].trim_start_matches('&').trim_start();
                let command = to.strip_prefix('"').and_then(|text| text.split('"').next());
                let mut words = command.unwrap_or_default().split_whitespace();
                let mut first = words.next().unwrap_or_default();
                if first.ends_with("env") {
                    first = words.next().unwrap_or_default();
                }
                let shells = ["sh", "bash", "zsh", "dash", "ksh"];
                if shells.contains(&super::program::base_name(first).as_str())
                    && words
                        .next()
                        .is_none_or(|w| w.starts_with('-') && !w.contains('c'))
                {
                    return true;
                }
            }
            's' if !quoted && rest.starts_with("system") => {
                let call = rest["system".len()..].trim_start();
                let given = call.strip_prefix('(').map(str::trim_start);
                if given.is_some_and(|given| given.starts_with('$')) {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}
