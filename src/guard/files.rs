//! Deleting and moving files, and writing over them.

use super::marks::{HOLE, STAR};
use super::options::{before_end, long, operands, short, value, without_values};
use super::paths::{Base, Place};
use super::walk::{Walk, quoted};
use super::{Stop, emptying};

/// Judges the programs that can destroy files.
pub(super) fn check(walk: &mut Walk, name: &str, args: &[String]) -> Result<(), Stop> {
    match name {
        "rm" | "grm" | "trash" | "rmdir" | "srm" => {
            let recursive =
                name == "srm" || short(args, 'r') || short(args, 'R') || long(args, "recursive", 1);
            for path in operands(args) {
                check_removal(walk, path, recursive)?;
            }
            Ok(())
        }
        "rimraf" | "del-cli" | "del" => operands(args)
            .into_iter()
            .try_for_each(|path| check_removal(walk, path, true)),
        "cmake" if args.first().is_some_and(|a| a == "-E") => {
            let removes = ["rm", "remove", "remove_directory"];
            if args
                .get(1)
                .is_some_and(|verb| removes.contains(&verb.as_str()))
            {
                for path in operands(&args[2..]) {
                    check_removal(walk, path, true)?;
                }
            }
            Ok(())
        }
        "unlink" => operands(args)
            .into_iter()
            .try_for_each(|p| check_removal(walk, p, false)),
        "find" | "gfind" => super::find::check(walk, args),
        "mv" => moves(walk, args),
        "chmod" | "chown" | "chgrp" | "chflags" | "setfacl" | "chattr" => {
            super::modes::check(walk, name, args)
        }
        "rsync" => rsync(walk, args),
        "truncate" | "shred" | "dd" | "sed" | "gsed" | "touch" | "mkdir" | "ln" | "patch"
        | "ed" | "ex" => in_place(walk, name, args),
        "tar" | "bsdtar" | "unzip" | "cpio" | "unar" => {
            let to = ["-C", "-d", "-D", "-o", "--directory", "--cd"]
                .iter()
                .find_map(|o| value(args, o).filter(|to| to.contains(['/', super::marks::HOME])));
            if let Some(to) = to {
                super::reads::check_write(walk, to)?;
                super::reads::check_write(walk, &format!("{}/x.sh", to.trim_end_matches('/')))?;
            }
            if long(args, "remove-files", 8) {
                let archive = value(args, "-f").or_else(|| value(args, "--file"));
                let members = operands(args).into_iter().filter(|p| p.contains('/'));
                for path in members.filter(|p| archive != Some(p.as_str())) {
                    check_removal(walk, path, true)?;
                }
            }
            Ok(())
        }
        "cp" | "install" => match operands(args).as_slice() {
            [.., from, to] if *from == "/dev/null" => emptying::emptied_by(walk, name, to),
            _ => Ok(()),
        },
        "zip" if short(args, 'm') || long(args, "move", 4) => operands(args)
            .into_iter()
            .skip(1)
            .try_for_each(|path| check_removal(walk, path, true)),
        "plistbuddy" | "plutil" => {
            let changes = |a: &String| {
                ["add ", "set ", "delete ", "merge ", "copy ", "import "]
                    .iter()
                    .any(|verb| a.to_lowercase().starts_with(verb))
                    || ["-replace", "-insert", "-remove"].contains(&a.as_str())
            };
            match args.last().filter(|_| args.iter().any(changes)) {
                Some(file) => super::reads::check_write(walk, file),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// Refuses a removal that takes more than files of the work at hand.
pub(super) fn check_removal(walk: &Walk, path: &str, recursive: bool) -> Result<(), Stop> {
    let place = Place::of(path, &walk.scope.cwd);
    let deny = || {
        Err(Stop::deny(
            "file-destroy",
            format!("removing {}", quoted(path)),
        ))
    };
    if place.parts.iter().any(|p| p == ".git") {
        return Err(Stop::deny(
            "git-destroy",
            format!("removing {}", quoted(path)),
        ));
    }
    if recursive {
        return if place.is_below() || place.is_temporary() || place.is_cache() {
            Ok(())
        } else {
            deny()
        };
    }
    let everything = path.rsplit('/').next().is_some_and(|n| {
        n.chars().all(|c| c == STAR) || path.contains('/') && n.chars().all(|c| c == HOLE)
    });
    if place.is_system()
        || place.switch().is_some()
        || everything && !place.is_below() && !place.is_temporary()
    {
        return deny();
    }
    if place.secret().is_some() && place.base == Base::Home {
        return deny();
    }
    // Files of a whole tree, one by one.
    if place.deep && !place.is_below() && !place.is_temporary() && !place.is_cache() {
        return deny();
    }
    Ok(())
}

fn moves(walk: &Walk, args: &[String]) -> Result<(), Stop> {
    let words = operands(args);
    let Some((to, from)) = words.split_last() else {
        return Ok(());
    };
    for path in from {
        let place = Place::of(path, &walk.scope.cwd);
        let whole = place.parts.is_empty()
            || path.ends_with(STAR)
                && !place.is_below()
                && !place.is_temporary()
                && place.base != Base::Here;
        if whole || place.is_system() || to.as_str() == "/dev/null" || place.switch().is_some() {
            return Err(Stop::deny(
                "file-destroy",
                format!("moving {}", quoted(path)),
            ));
        }
        if place.parts.last().is_some_and(|p| p == ".git") {
            return Err(Stop::deny(
                "git-destroy",
                format!("moving {}", quoted(path)),
            ));
        }
    }
    Ok(())
}

fn rsync(walk: &Walk, args: &[String]) -> Result<(), Stop> {
    let deletes = args
        .iter()
        .any(|a| a.starts_with("--del") || a == "--remove-source-files");
    if !deletes || short(args, 'n') || long(args, "dry-run", 3) {
        return Ok(());
    }
    let valued = [
        "--exclude",
        "--include",
        "-e",
        "--rsh",
        "--filter",
        "-f",
        "--exclude-from",
        "--include-from",
    ];
    if let Some(to) = without_values(args, &valued).last() {
        let place = Place::of(to, &walk.scope.cwd);
        // On another machine: what is there is known by its path alone.
        let there = to.split_once(':');
        let there = there.map(|(_, path)| Place::of(path, &Place::top(Base::Home)));
        let whole = there.is_some_and(|place| {
            let known = matches!(place.base, Base::Root | Base::Home);
            let first = place.parts.first().map_or("", String::as_str);
            let system = place.is_system() || ["home", "users", "root"].contains(&first);
            known
                && (place.parts.is_empty()
                    || place.parts.len() == 1 && place.base == Base::Root && system)
        });
        if !place.is_below() && !place.is_temporary() || whole {
            return Err(Stop::deny(
                "file-destroy",
                format!("rsync --delete to {}", quoted(to)),
            ));
        }
    }
    Ok(())
}

/// Programs that write to the files they are named.
fn in_place(walk: &Walk, name: &str, args: &[String]) -> Result<(), Stop> {
    let writes = match name {
        "sed" | "gsed" => before_end(args).iter().any(|a| {
            a.starts_with("-i")
                || a.starts_with("--in-place")
                || a.starts_with("-n") && a.contains('i')
        }),
        "dd" => {
            for word in args {
                if let Some(file) = word.strip_prefix("of=") {
                    super::reads::check_write(walk, file)?;
                }
                if let Some(file) = word.strip_prefix("if=") {
                    super::reads::check_read(walk, "dd", file)?;
                }
            }
            return Ok(());
        }
        "mkdir" => return Ok(()),
        "ln" => {
            for word in operands(args) {
                super::reads::check_read(walk, name, word)?;
            }
            return match operands(args).last() {
                Some(to) if operands(args).len() > 1 => super::reads::check_write(walk, to),
                _ => Ok(()),
            };
        }
        _ => true,
    };
    if !writes {
        return Ok(());
    }
    let words = match name {
        "shred" => without_values(
            args,
            &["-n", "-s", "--iterations", "--size", "--random-source"],
        ),
        _ => operands(args),
    };
    for word in words {
        if word.contains('/') || word.starts_with('.') || word.starts_with(super::marks::HOME) {
            super::reads::check_write(walk, word)?;
            let place = Place::of(word, &walk.scope.cwd);
            let several = word.contains(STAR) && matches!(place.base, Base::Home | Base::Root);
            let outside = place.base != Base::Here && !place.is_temporary();
            let whole = outside && (place.is_everything() || several);
            let last = place.parts.last().map_or("", String::as_str);
            let sources = last.starts_with(STAR)
                && last.len() > STAR.len_utf8()
                && ![".log", ".out", ".tmp", ".pid"]
                    .iter()
                    .any(|end| last.ends_with(end));
            let data = emptying::is_data(last) || sources && !place.is_temporary();
            let size = value(args, "-s").or_else(|| value(args, "--size"));
            if name == "truncate" && outside && size == Some("0") {
                emptying::check_emptying(walk, word)?;
            }
            if name == "truncate" && (whole || data) {
                return Err(Stop::deny(
                    "file-destroy",
                    format!("emptying {}", quoted(word)),
                ));
            }
        }
        if name == "shred" {
            emptying::check_shred(walk, word)?;
        }
    }
    Ok(())
}
