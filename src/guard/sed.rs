//! sed scripts can run commands, and read and write files.

use super::call::Call;
use super::walk::{Walk, quoted};
use super::{Stop, reads};

/// Judges the scripts of a sed.
pub(super) fn check(walk: &Walk, call: &Call<'_>) -> Result<(), Stop> {
    if !matches!(call.name, "sed" | "gsed" | "ssed") {
        return Ok(());
    }
    let given = ["-e", "--expression"]
        .iter()
        .find_map(|o| call.value(o))
        .or_else(|| call.words.first().copied());
    let in_place = call.any(|a| a.starts_with("-i") || a.starts_with("--in-place"));
    let all = ["1,$d", "d", "1,$ d", "/.*/d", "/^/d"];
    if in_place && given.is_some_and(|script| all.contains(&script.trim())) {
        return Err(Stop::deny("file-destroy", "sed that deletes every line"));
    }
    for piece in given.unwrap_or_default().split(['\n', ';']) {
        let command = after_address(piece);
        if runs(command) {
            let what = format!("sed {}", quoted(piece));
            return Err(Stop::deny("program-option", what));
        }
        if let Some(file) = written(command) {
            reads::check_write(walk, file)?;
        }
        if let Some(file) = command.strip_prefix(['r', 'R']) {
            reads::check_read(walk, "sed", file.trim())?;
        }
    }
    Ok(())
}

/// What follows the lines that a command is for.
fn after_address(piece: &str) -> &str {
    let mut rest = piece.trim_start();
    loop {
        rest = rest.trim_start_matches(|c: char| {
            c.is_ascii_digit() || matches!(c, '$' | ',' | '!' | '~' | '+' | '{' | ' ' | '\t')
        });
        let Some(pattern) = rest.strip_prefix('/') else {
            return rest;
        };
        match end_of(pattern, '/') {
            Some(end) => rest = pattern[end..].trim_start_matches(['I', 'M']),
            None => return "",
        }
    }
}

/// Where a text ends at an unescaped delimiter; behind it.
fn end_of(text: &str, delimiter: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if c == delimiter && !escaped {
            return Some(at + c.len_utf8());
        }
        escaped = c == '\\' && !escaped;
    }
    None
}

/// The flags behind `s/…/…/`.
fn flags(command: &str) -> Option<&str> {
    let rest = command.strip_prefix('s')?;
    let delimiter = rest.chars().next()?;
    let rest = &rest[delimiter.len_utf8()..];
    let rest = &rest[end_of(rest, delimiter)?..];
    Some(&rest[end_of(rest, delimiter)?..])
}

fn runs(command: &str) -> bool {
    let word = command.trim_end();
    word == "e"
        || word.starts_with("e ")
        || flags(command).is_some_and(|f| {
            f.split('w').next().is_some_and(|f| f.contains('e'))
                && f.chars()
                    .take_while(|c| *c != 'w')
                    .all(|c| c.is_ascii_alphanumeric())
        })
}

fn written(command: &str) -> Option<&str> {
    let file = match flags(command) {
        Some(flags) => flags.split_once('w')?.1,
        None => command.strip_prefix(['w', 'W'])?,
    };
    Some(file.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_found_behind_their_addresses() {
        for (script, expected) in [
            ("1e id", true),
            ("/x/e", true),
            ("s/a/b/e", true),
            ("s|a|b|ge", true),
            ("2,$ s/a/b/ge", true),
            ("s/e/x/", false),
            ("s/a/e e/g", false),
            ("/end/d", false),
            ("$!N", false),
            ("s/a/b/w e.txt", false),
            ("end", false),
        ] {
            assert_eq!(runs(after_address(script)), expected, "{script}");
        }
        assert_eq!(written(after_address("s/a/b/w /etc/x")), Some("/etc/x"));
        assert_eq!(written(after_address("1w out")), Some("out"));
        assert_eq!(written(after_address("s/w/x/")), None);
    }
}
