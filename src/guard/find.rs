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
    let (roots, _) = split(args);
    let roots: Vec<&str> = roots.iter().map(String::as_str).collect();
    let name = ["-name", "-iname"]
        .iter()
        .find_map(|o| value(args, o))
        .map_or(HOLE.to_string(), super::marks::pattern);
    let one = |root| below(walk, root, &name, !shallow(args));
    roots.into_iter().map(one).collect()
}

/// Whether find looks at what is right below its roots, and no deeper.
fn shallow(args: &[String]) -> bool {
    // The last one counts.
    let mut pairs = args.windows(2).rev();
    let depth = pairs.find(|p| ["-maxdepth", "-depth"].contains(&p[0].as_str()));
    depth.is_some_and(|p| p[1] == "1")
}

/// The roots, and what is asked of what is below them; in front may be options of find's own.
fn split(args: &[String]) -> (Vec<String>, &[String]) {
    let (mut roots, mut rest) = (Vec::new(), args);
    while let Some((first, more)) = rest.split_first() {
        match first.as_str() {
            "-D" if roots.is_empty() => rest = more.get(1..).unwrap_or_default(),
            "-f" if roots.is_empty() => {
                roots.extend(more.first().cloned());
                rest = more.get(1..).unwrap_or_default();
            }
            "-H" | "-L" | "-P" | "-E" | "-X" | "-x" | "-s" | "-d" if roots.is_empty() => {
                rest = more;
            }
            level if level.starts_with("-O") && roots.is_empty() => rest = more,
            asks if asks.starts_with(['-', '(', '!']) => break,
            _ => {
                roots.push(first.clone());
                rest = more;
            }
        }
    }
    if roots.is_empty() {
        roots.push(".".to_owned());
    }
    (roots, rest)
}

/// Whether find writes something else than the names of what it finds.
pub(super) fn says_otherwise(args: &[String]) -> bool {
    let acts = [
        "-printf", "-ls", "-exec", "-execdir", "-ok", "-okdir", "-delete", "-quit",
    ];
    args.iter().any(|a| acts.contains(&a.as_str()))
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
    let (roots, args) = split(args);
    let mut index = 0;
    let (mut narrowed, mut negated) = (false, 0_usize);
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
                if !all && !git && !not && negated == 0 {
                    narrowed = true;
                    name = match args.get(index) {
                        Some(given) if arg.ends_with("name") => super::marks::pattern(given),
                        _ => "found".to_owned(),
                    };
                }
                index += 1;
            }
            // What follows is asked of everything once more.
            "-o" | "-or" | "," => {
                narrowed = false;
                name = STAR.to_string();
            }
            // `! \( … \)`: what is in it is what is left out.
            "!" | "-not" if args.get(index).is_some_and(|a| a == "(") => {
                negated += 1;
                index += 1;
            }
            "(" if negated > 0 => negated += 1,
            ")" => negated = negated.saturating_sub(1),
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
