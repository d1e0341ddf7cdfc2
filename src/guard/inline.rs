//! Interpreters of other languages, and where they get their code from.

use super::simple::input_from;
use super::walk::{Flow, Walk, quoted};
use super::{Stop, code, reads};

/// An interpreter, and the letters of the flag that takes code.
const INTERPRETERS: &[(&str, &str)] = &[
    ("python", "c"),
    ("pypy", "c"),
    ("node", "ep"),
    ("nodejs", "ep"),
    ("bun", "ep"),
    ("tsx", "e"),
    ("perl", "eE"),
    ("ruby", "e"),
    ("php", "r"),
    ("lua", "e"),
    ("luajit", "e"),
    ("osascript", "e"),
    ("rscript", "e"),
    ("julia", "eE"),
    ("elixir", "e"),
    ("guile", "c"),
    ("groovy", "e"),
    ("tclsh", ""),
    ("deno", ""),
];

/// Several texts are one script, a line each.
fn several(args: &[String]) -> Option<String> {
    let each = args.windows(2).filter(|p| p[0] == "-e");
    let each: Vec<&str> = each.map(|p| p[1].as_str()).collect();
    (each.len() > 1).then(|| each.join("\n"))
}

/// Judges an interpreter's code; none where the name is not an interpreter's.
pub(super) fn run(walk: &mut Walk, name: &str, args: &[String]) -> Result<Option<Flow>, Stop> {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let Some((_, letters)) = INTERPRETERS.iter().find(|(n, _)| *n == stem) else {
        return Ok(None);
    };
    let mut given = None;
    let mut file = None;
    let mut index = 0;
    while let Some(arg) = args.get(index) {
        let (flag, glued) = arg.split_once('=').unwrap_or((arg, ""));
        let long = matches!(
            flag,
            "--eval" | "--print" | "--command" | "--execute" | "--run"
        );
        if matches!(stem, "deno" | "bun") && arg == "run" {
            index += 1;
            continue;
        }
        if (stem == "deno" || stem == "bun") && arg == "eval" || long && glued.is_empty() {
            given = args.get(index + 1);
            break;
        }
        if long {
            return code::judge(walk, stem, glued).map(Some);
        }
        if let Some(flags) = arg
            .strip_prefix('-')
            .filter(|f| !f.is_empty() && !f.starts_with('-'))
        {
            // `-rNAME`, `-MNAME`: what follows is a name, and no flags.
            let named = flags.len() > 1
                && flags.starts_with(['r', 'M', 'I', 'W', 'X'])
                && !letters.contains(&flags[..1]);
            if let Some(at) = flags.find(|c| letters.contains(c)).filter(|_| !named) {
                let rest = &flags[at + 1..];
                let more = rest.is_empty()
                    || rest
                        .chars()
                        .all(|c| letters.contains(c) || "nlpaw".contains(c));
                if more {
                    given = args.get(index + 1);
                    break;
                }
                if stem != "python" || flags.starts_with('c') {
                    let rest = rest.to_owned();
                    return code::judge(walk, stem, &rest).map(Some);
                }
            }
            if stem == "python" && flags == "m" {
                let module = args.get(index + 1..).unwrap_or_default();
                super::table::check("python-m", module)?;
                return Ok(Some(Flow::UNKNOWN));
            }
            let language = flags == "l" && stem == "osascript";
            if language || matches!(flags, "W" | "X" | "I" | "M" | "r") && stem != "php" {
                index += 1;
            }
        } else if !arg.starts_with('-') || arg == "-" {
            file = Some(arg.clone());
            break;
        }
        index += 1;
    }
    if let Some(given) = given.cloned() {
        for word in args.iter().skip(index + 2) {
            reads::check_read(walk, name, word)?;
            if stem == "perl"
                && args
                    .iter()
                    .any(|a| a.starts_with("-i") || a.starts_with("-pi"))
            {
                reads::check_write(walk, word)?;
            }
        }
        // With -n only what it prints stays.
        let own =
            |a: &&String| !a.starts_with("-M") && !a.starts_with("-m") && !a.starts_with("-I");
        let flags: Vec<String> = args.iter().filter(own).cloned().collect();
        let flag = |letter: char| super::options::short(&flags, letter);
        let writes = ["print", "say", "write"]
            .iter()
            .any(|word| given.contains(word));
        let nothing = !writes || given.contains("if 0");
        if stem == "perl" && flag('i') && flag('n') && nothing {
            return Err(Stop::deny(
                "file-destroy",
                "perl that leaves no line of a file",
            ));
        }
        let flow = code::judge(walk, stem, &given)?;
        let several = several(args).filter(|_| matches!(stem, "perl" | "ruby" | "osascript"));
        return match several {
            Some(all) => code::judge(walk, stem, &all).map(Some),
            None => Ok(Some(flow)),
        };
    }
    if args
        .iter()
        .any(|a| a == "--version" || a == "--help" || a == "-V" || a == "-v" || a == "-h")
    {
        return Ok(Some(Flow::UNKNOWN));
    }
    from_file(walk, name, stem, args, file.as_deref())
}

/// Code in a file, or on standard input.
fn from_file(
    walk: &mut Walk,
    name: &str,
    stem: &str,
    args: &[String],
    file: Option<&str>,
) -> Result<Option<Flow>, Stop> {
    let flow = match file {
        None | Some("-" | "/dev/stdin") => walk.scope.stdin.clone(),
        Some(file) if super::network::is_address(file) => {
            return Err(Stop::deny("download-exec", quoted(file)));
        }
        Some(file) => {
            reads::check_read(walk, name, file)?;
            // Scripts that are programs of their own: `php artisan`, `python manage.py`.
            let at = args.iter().position(|a| a == file).unwrap_or(0);
            super::table::check(
                &super::program::base_name(file),
                args.get(at + 1..).unwrap_or_default(),
            )?;
            if super::program::from_elsewhere(walk, file) {
                return Err(Stop::deny("download-exec", quoted(file)));
            }
            let publishes = args.iter().any(|a| a == "upload" || a == "register");
            if file.ends_with("setup.py") && publishes {
                return Err(Stop::deny("registry-publish", "setup.py upload"));
            }
            match input_from(walk, file) {
                Flow::Unknown { .. } => return Err(Stop::deny("download-exec", quoted(file))),
                flow => flow,
            }
        }
    };
    match flow {
        Flow::Text(text) => code::judge(walk, stem, &text).map(Some),
        Flow::Unknown { .. } => Err(Stop::deny("pipe-to-shell", format!("`… | {name}`"))),
        Flow::None => Ok(Some(Flow::UNKNOWN)),
    }
}
