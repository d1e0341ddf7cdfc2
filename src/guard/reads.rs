//! Files that a command reads or writes: secrets, switches, the system.

use super::Stop;
use super::marks::has_hole;
use super::options::operands;
use super::paths::Place;
use super::walk::{Walk, quoted};

/// Programs that are named a file without showing what is in it.
const NAMING_ONLY: &[&str] = &[
    "[",
    "alias",
    "basename",
    "cd",
    "chgrp",
    "chmod",
    "chown",
    "command",
    "dirname",
    "du",
    "echo",
    "export",
    "exit",
    "eza",
    "false",
    "fd",
    "file",
    "find",
    "gh",
    "git",
    "hash",
    "help",
    "kill",
    "ls",
    "man",
    "mkdir",
    "open",
    "openssl",
    "popd",
    "printf",
    "pushd",
    "readlink",
    "realpath",
    "return",
    "rm",
    "rmdir",
    "set",
    "shred",
    "ssh",
    "ssh-add",
    "ssh-copy-id",
    "ssh-keygen",
    "stat",
    "test",
    "touch",
    "tree",
    "true",
    "type",
    "unlink",
    "unset",
    "whereis",
    "which",
    ":",
    "declare",
    "local",
    "typeset",
    "readonly",
    "trap",
    "gpg",
    "glab",
    "say",
    "notify-send",
    "dcg",
    "logger",
    "mktemp",
    "lsattr",
    "chattr",
    "chflags",
    "getfacl",
    "setfacl",
    "icacls",
    "kubectl",
    "ansible-vault",
];

/// The first operand of these is a pattern or a program, not a file.
const PATTERN_FIRST: &[&str] = &[
    "grep", "egrep", "fgrep", "rg", "ag", "ack", "sed", "gsed", "awk", "gawk", "mawk", "nawk",
    "jq", "yq", "zgrep",
];

/// Programs whose `-o` names no file that is written.
const ASKING_WITH_O: &[&str] = &[
    "grep", "egrep", "fgrep", "rg", "ps", "ls", "mount", "lsof", "ag", "find", "od", "xargs",
];

/// Options whose value is a text, or a file that is used and not shown.
const TEXT_OPTIONS: &[&str] = &[
    "--env-file",
    "--title",
    "--body",
    "--message",
    "--identity",
    "--exclude",
    "--include",
    "--glob",
    "--ignore",
    "--exclude-dir",
    "--name",
];

/// Whether this program's words may be files that it reads.
pub(super) fn opens_files(name: &str) -> bool {
    !NAMING_ONLY.contains(&name)
}

/// Refuses to read a secret.
pub(super) fn check_read(walk: &Walk, program: &str, path: &str) -> Result<(), Stop> {
    match Place::of(path, &walk.scope.cwd).secret() {
        Some(secret) => Err(Stop::deny(
            "secret-read",
            format!("{program} with {} ({secret})", quoted(path)),
        )),
        None => Ok(()),
    }
}

/// Refuses to write where the system, start-up or a guard is decided.
pub(super) fn check_write(walk: &Walk, path: &str) -> Result<(), Stop> {
    let place = Place::of(path, &walk.scope.cwd);
    if place.is_device() {
        return Err(Stop::deny("disk-destroy", quoted(path)));
    }
    if let Some(switch) = place.switch() {
        return Err(Stop::deny(
            "persistence",
            format!("{} ({switch})", quoted(path)),
        ));
    }
    if place.is_system() {
        return Err(Stop::deny("system-write", quoted(path)));
    }
    Ok(())
}

/// Judges all words of a program that reads what it is given.
pub(super) fn check_words(walk: &Walk, name: &str, args: &[String]) -> Result<(), Stop> {
    if !opens_files(name) {
        return Ok(());
    }
    let pattern_first = PATTERN_FIRST.contains(&name)
        && !args
            .iter()
            .any(|a| a == "-e" || a == "-f" || a.starts_with("--regexp"));
    let first = pattern_first
        .then(|| operands(args).first().copied().cloned())
        .flatten();
    let mut skipped = false;
    let copies = matches!(
        name,
        "cp" | "mv" | "install" | "ln" | "rsync" | "scp" | "ditto"
    );
    let destination = if copies {
        operands(args).last().copied().cloned()
    } else {
        None
    };
    if !ASKING_WITH_O.contains(&name)
        && let Some(file) = ["-o", "--output", "--out", "--output-file"]
            .iter()
            .find_map(|o| super::options::value(args, o))
        && file.starts_with(['/', super::marks::HOME])
    {
        check_write(walk, file)?;
    }
    let remote = |word: &String| word.contains(':');
    for (index, word) in args.iter().enumerate() {
        if !skipped && first.as_ref() == Some(word) {
            skipped = true;
            // Behind a long option it may be that option's value.
            if index == 0 || !args[index - 1].starts_with("--") || args[index - 1] == "--" {
                continue;
            }
        }
        if index > 0 && TEXT_OPTIONS.contains(&args[index - 1].as_str()) {
            continue;
        }
        if index > 0 && args[index - 1] == "-i" && matches!(name, "scp" | "sftp" | "rsync") {
            continue;
        }
        if TEXT_OPTIONS
            .iter()
            .any(|o| word.starts_with(o) && word[o.len()..].starts_with('='))
        {
            continue;
        }
        if index + 1 == args.len() && destination.as_ref() == Some(word) && !remote(word) {
            if !(name == "rsync" && args.iter().any(|a| a == "--dry-run" || a == "-n")) {
                check_write(walk, word)?;
                for source in operands(args) {
                    let inside =
                        format!("{word}/{}", source.rsplit('/').next().unwrap_or_default());
                    check_write(walk, &inside)?;
                }
            }
            continue;
        }
        if name == "tee" || name == "sponge" {
            if !word.starts_with('-') {
                check_write(walk, word)?;
            }
            continue;
        }
        for part in readings(word) {
            check_read(walk, name, part)?;
        }
    }
    Ok(())
}

/// The ways in which a word may name a file: `--opt=FILE`, `@FILE`, `name=@FILE`, `REV:FILE`, `-oFILE`.
fn readings(word: &str) -> Vec<&str> {
    let mut found = vec![word.trim_start_matches('@')];
    if let Some((_, value)) = word.split_once('=') {
        found.push(value.trim_start_matches('@'));
    }
    if let Some((_, value)) = word.split_once('@') {
        found.push(value);
    }
    for part in word.split([':', ',']).skip(1) {
        found.push(part.trim_start_matches('@'));
    }
    if let Some((before, _)) = word.split_once(':')
        && before.starts_with(['/', '.', super::marks::HOME])
    {
        found.push(before);
    }
    if word.starts_with('-') && !word.starts_with("--") && word.len() > 2 {
        found.push(word.get(2..).unwrap_or_default().trim_start_matches('@'));
    }
    found.retain(|f| !f.is_empty() && !f.starts_with('-') && !has_only_hole(f));
    found
}

fn has_only_hole(text: &str) -> bool {
    has_hole(text) && text.chars().count() == 1
}
