//! What find and others like it name below a directory, and what they do with it.

use super::marks::{DEEP, HOLE, STAR};
use super::options::value;
use super::paths::{Base, Place};
use super::walk::{Walk, quoted};
use super::{Stop, program};

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

/// Judges what find does with what it finds.
pub(super) fn check(walk: &mut Walk, args: &[String]) -> Result<(), Stop> {
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
