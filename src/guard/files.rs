//! Deleting, moving and opening up files.

use super::marks::{DEEP, HOLE, STAR};
use super::options::{before_end, long, operands, short, value};
use super::paths::{Base, Place};
use super::walk::{Walk, quoted};
use super::{Stop, program};

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
        "find" | "gfind" => find(walk, args),
        "mv" => moves(walk, args),
        "chmod" | "chown" | "chgrp" | "chflags" | "setfacl" | "chattr" => modes(walk, name, args),
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
            [.., from, to] if *from == "/dev/null" => emptied_by(walk, name, to),
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

/// A copy of nothing. By `install` a file is made, too, with its mode; where its name ends as those of
/// documents do, it was there.
fn emptied_by(walk: &Walk, name: &str, path: &str) -> Result<(), Stop> {
    check_removal(walk, path, false)?;
    let place = Place::of(path, &walk.scope.cwd);
    let named = place
        .parts
        .last()
        .is_some_and(|p| p.contains('.') && !p.starts_with('.'));
    let others = place.base == Base::Home && !place.is_cache();
    if others && (name == "cp" || named) {
        return emptying(path);
    }
    Ok(())
}

fn emptying(path: &str) -> Result<(), Stop> {
    Err(Stop::deny(
        "file-destroy",
        format!("emptying {}", quoted(path)),
    ))
}

/// Refuses to empty a file of somebody's by writing nothing to it: what begins with a dot may be one
/// that is only made, and logs are emptied to be read anew.
pub(super) fn check_emptying(walk: &Walk, path: &str) -> Result<(), Stop> {
    check_removal(walk, path, false)?;
    let place = Place::of(path, &walk.scope.cwd);
    let last = place.parts.last().map_or("", String::as_str);
    let hidden = place.parts.first().is_some_and(|p| p.starts_with('.'));
    let logs = last.ends_with(".log") || last.ends_with(".out");
    if place.base == Base::Home && !place.is_cache() && !logs && !hidden || is_data(last) {
        return emptying(path);
    }
    Ok(())
}

/// Whether a name is one of a database, and of none for tests.
fn is_data(name: &str) -> bool {
    let ends = [".db", ".sqlite", ".sqlite3", ".mdb"];
    let test = ["test", "tmp", "temp", "cache", "dev."];
    ends.iter().any(|end| name.ends_with(end)) && !test.iter().any(|word| name.contains(word))
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

/// Tests of find that take a value.
const FIND_VALUED: &[&str] = &[
    "-name",
    "-iname",
    "-path",
    "-ipath",
    "-wholename",
    "-regex",
    "-iregex",
    "-type",
    "-size",
    "-mtime",
    "-mmin",
    "-atime",
    "-amin",
    "-ctime",
    "-cmin",
    "-newer",
    "-user",
    "-group",
    "-perm",
    "-maxdepth",
    "-mindepth",
    "-lname",
    "-printf",
    "-fstype",
    "-inum",
    "-links",
    "-newermt",
    "-samefile",
    "-xtype",
    "-regextype",
    "-used",
    "-uid",
    "-gid",
];

/// What find would name: its roots, with the pattern that narrows it.
pub(super) fn found(walk: &Walk, args: &[String]) -> Vec<String> {
    let roots = args.iter().take_while(|a| !a.starts_with(['-', '(', '!']));
    let roots: Vec<&str> = roots.map(String::as_str).collect();
    let name = ["-name", "-iname"]
        .iter()
        .find_map(|o| value(args, o))
        .map_or(HOLE.to_string(), super::marks::pattern);
    let roots = if roots.is_empty() { vec!["."] } else { roots };
    let one = |root| below(walk, root, &name, !shallow(args));
    roots.into_iter().map(one).collect()
}

/// Whether find looks at what is right below its roots, and no deeper.
fn shallow(args: &[String]) -> bool {
    ["-maxdepth", "-depth"]
        .iter()
        .any(|option| value(args, option) == Some("1"))
}

/// What lies below a root, `deep` any number of directories below. In the work at hand and among
/// temporary files that makes no difference.
pub(super) fn below(walk: &Walk, root: &str, name: &str, deep: bool) -> String {
    let root = root.trim_end_matches('/');
    let place = Place::of(&format!("{root}/x"), &walk.scope.cwd);
    let outside = matches!(place.base, Base::Root | Base::Home | Base::Above);
    if deep && outside && !place.is_temporary() {
        format!("{root}/{DEEP}/{name}")
    } else {
        format!("{root}/{name}")
    }
}

fn find(walk: &mut Walk, args: &[String]) -> Result<(), Stop> {
    let mut roots: Vec<String> = Vec::new();
    let mut index = 0;
    while let Some(arg) = args.get(index).filter(|a| !a.starts_with(['-', '(', '!'])) {
        roots.push(arg.clone());
        index += 1;
    }
    if roots.is_empty() {
        roots.push(".".to_owned());
    }
    let mut narrowed = false;
    // What `{}` stands for below a root.
    let mut name = STAR.to_string();
    while let Some(arg) = args.get(index) {
        index += 1;
        match arg.as_str() {
            "-name" | "-iname" | "-path" | "-ipath" | "-regex" | "-wholename" => {
                let all = args
                    .get(index)
                    .is_none_or(|n| n.chars().all(|c| c == '*' || c == STAR || c == '.'));
                let git = args.get(index).is_some_and(|n| n.contains(".git"));
                let not = index > 1 && matches!(args[index - 2].as_str(), "-not" | "!");
                if !all && !git && !not {
                    narrowed = true;
                    name = match args.get(index) {
                        Some(given) if arg.ends_with("name") => super::marks::pattern(given),
                        _ => "found".to_owned(),
                    };
                }
                index += 1;
            }
            valued if FIND_VALUED.contains(&valued) => index += 1,
            "-fprint" | "-fprintf" | "-fls" | "-fprint0" => {
                if let Some(file) = args.get(index) {
                    super::reads::check_write(walk, file)?;
                }
                index += 1;
            }
            "-delete" => {
                for root in &roots {
                    let place = Place::of(root, &walk.scope.cwd);
                    let inside = place.base == Base::Here || place.is_temporary();
                    let below = place.is_below() || place.is_temporary();
                    if !(inside && narrowed || below) {
                        return Err(Stop::deny(
                            "file-destroy",
                            format!("find {} -delete", quoted(root)),
                        ));
                    }
                }
            }
            "-exec" | "-execdir" | "-ok" | "-okdir" => {
                let end = args[index..]
                    .iter()
                    .position(|a| a == ";" || a == "+")
                    .unwrap_or(args.len() - index);
                let command = args[index..index + end].to_vec();
                index += end + 1;
                for root in &roots {
                    let place = Place::of(root, &walk.scope.cwd);
                    let whole =
                        matches!(place.base, Base::Home | Base::Root) && place.parts.is_empty();
                    let shows = command
                        .first()
                        .is_some_and(|c| super::reads::opens_files(&program::base_name(c)));
                    if whole && shows && is_key(&name) {
                        return Err(Stop::deny(
                            "secret-read",
                            format!("every {} of a home or the system", quoted(&name)),
                        ));
                    }
                    let found = below(walk, root, &name, !shallow(args));
                    let command: Vec<String> =
                        command.iter().map(|w| w.replace("{}", &found)).collect();
                    let shell = command.first().is_some_and(|c| {
                        matches!(program::base_name(c).as_str(), "sh" | "bash" | "zsh")
                    });
                    if shell && command.len() == 1 {
                        return Err(Stop::deny("program-option", "find -exec with a shell"));
                    }
                    walk.apart(|walk| program::run(walk, &command))?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether files of such a name are keys.
fn is_key(name: &str) -> bool {
    [
        ".pem", ".key", ".p12", ".pfx", ".kdbx", ".asc", ".ovpn", ".jks", ".ppk",
    ]
    .iter()
    .any(|end| name.to_lowercase().ends_with(end))
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

fn modes(walk: &Walk, name: &str, args: &[String]) -> Result<(), Stop> {
    let recursive = short(args, 'R') || long(args, "recursive", 3);
    // A mode that takes away begins like an option: `chmod -x f`.
    let is_mode = |a: &&String| {
        name == "chmod"
            && a.len() > 1
            && a.starts_with('-')
            && a[1..].chars().all(|c| "rwxXst".contains(c))
    };
    let taking = args.iter().find(is_mode);
    let words: Vec<&String> = taking.into_iter().chain(operands(args)).collect();
    let mode = words.first().map_or("", |m| m.as_str());
    let files = if long(args, "reference", 3) {
        &words[..]
    } else {
        words.get(1..).unwrap_or_default()
    };
    let octal = mode.trim_start_matches('0');
    let world = name == "chmod"
        && (matches!(octal, "777" | "666" | "776" | "767" | "1777")
            || mode.contains("o+w")
            || mode.contains("a+w")
            || mode.contains("a+rwx")
            || mode.contains("o+rwx")
            || mode.contains("ugo+w")
            || mode.contains("ugo+rwx")
            || mode == "+rwx");
    let setuid = name == "chmod"
        && (mode.contains("u+s")
            || mode.contains("g+s") && recursive
            || mode.contains("+s")
            || octal.len() == 4 && octal.starts_with(['4', '6', '2', '7']));
    if setuid {
        return Err(Stop::deny("permission-loosen", format!("{name} {mode}")));
    }
    if name == "chflags" && mode.contains("nouchg") || name == "chattr" && mode.contains("-i") {
        return Err(Stop::deny("protection-off", format!("{name} {mode}")));
    }
    if name == "chattr" && args.iter().any(|a| a == "-i" || a == "-a") {
        return Err(Stop::deny("protection-off", "chattr -i"));
    }
    for path in files {
        let place = Place::of(path, &walk.scope.cwd);
        let outside = !place.is_below() && !place.is_temporary();
        let away = place.base != Base::Here || place.parts.first().is_some_and(|p| p == ".git");
        let hook = place.switch().is_some_and(|s| s.contains("hooks"));
        let runs = octal
            .bytes()
            .any(|digit| matches!(digit, b'1' | b'3' | b'5' | b'7'));
        let stops = mode.contains("-x") || mode.bytes().all(|b| b.is_ascii_digit()) && !runs;
        if name == "chmod" && hook && stops {
            return Err(Stop::deny(
                "protection-off",
                format!("{name} {mode} {}", quoted(path)),
            ));
        }
        if world && (outside || recursive) {
            return Err(Stop::deny(
                "permission-loosen",
                format!("{name} {mode} {}", quoted(path)),
            ));
        }
        if recursive
            && away
            && !place.is_temporary()
            && (place.base != Base::Home || place.parts.len() < 2)
        {
            return Err(Stop::deny(
                "permission-loosen",
                format!("{name} -R {}", quoted(path)),
            ));
        }
        if place.is_system() && !matches!(mode, "+x" | "a+x" | "u+x" | "755") {
            return Err(Stop::deny(
                "system-write",
                format!("{name} {mode} {}", quoted(path)),
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
    if let Some(to) = operands(args).last() {
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

/// Refuses to overwrite a file until nothing of it is left, unless it was made to be thrown away.
fn check_shred(walk: &Walk, path: &str) -> Result<(), Stop> {
    let place = Place::of(path, &walk.scope.cwd);
    let output = ["build", "target", "dist", "out", "tmp", "coverage"];
    let made =
        place.is_below() && place.parts.len() > 1 && output.contains(&place.parts[0].as_str());
    if place.is_temporary() || place.is_cache() || made {
        return Ok(());
    }
    Err(Stop::deny(
        "file-destroy",
        format!("shred of {}, of which nothing is left", quoted(path)),
    ))
}

/// The operands without the values of options.
fn without_values<'a>(args: &'a [String], valued: &[&str]) -> Vec<&'a String> {
    let value = |at: usize| at > 0 && valued.contains(&args[at - 1].as_str());
    let kept = args.iter().enumerate().filter(|(at, _)| !value(*at));
    kept.map(|(_, arg)| arg)
        .filter(|arg| !arg.starts_with('-'))
        .collect()
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
            let data = place.parts.last().is_some_and(|last| is_data(last));
            if name == "truncate" && (whole || data) {
                return Err(Stop::deny(
                    "file-destroy",
                    format!("emptying {}", quoted(word)),
                ));
            }
        }
        if name == "shred" {
            check_shred(walk, word)?;
        }
    }
    Ok(())
}
