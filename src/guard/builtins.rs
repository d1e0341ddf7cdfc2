//! What the shell does itself, and what little of it can be followed.

use super::call::Call;
use super::marks::{HOLE, has_hole};
use super::options::operands;
use super::paths::{Base, Place};
use super::simple::input_from;
use super::walk::{Flow, Walk, Written, quoted};
use super::{Stop, environment, expand, program};

/// Runs a builtin; none where the name is not one of them.
pub(super) fn run(walk: &mut Walk, name: &str, args: &[String]) -> Result<Option<Flow>, Stop> {
    let nothing = Some(Flow::Text(String::new()));
    check_names(walk, name, args)?;
    Ok(match name {
        ":" | "true" | "false" | "shift" | "return" | "exit" | "wait" | "umask" => nothing,
        "echo" => Some(Flow::Text(echo(args))),
        "printf" => {
            if args.first().is_some_and(|a| a == "-v")
                && let [_, variable, rest @ ..] = args
            {
                let text = printf(rest);
                walk.assign(variable, text);
                return Ok(nothing);
            }
            Some(Flow::Text(printf(args)))
        }
        "cd" | "pushd" => {
            change_directory(walk, args);
            nothing
        }
        "popd" => {
            walk.scope.cwd = unknown();
            nothing
        }
        "pwd" => Some(Flow::Text(".".to_owned())),
        "eval" => {
            let text = args.join(" ");
            if has_hole(&text) {
                return Err(Stop::deny("eval-data", quoted(&text)));
            }
            Some(walk.script(&text)?)
        }
        "source" | "." => Some(source(walk, args)?),
        "alias" => {
            for word in operands(args) {
                if let Some((alias, text)) = word.split_once('=') {
                    // What it would do alone; it may be called where nobody looks.
                    if let Err(stop @ Stop::Deny { .. }) = walk.attempt(text) {
                        return Err(stop);
                    }
                    walk.aliases.insert(alias.to_owned(), text.to_owned());
                }
            }
            nothing
        }
        "set" | "history" => {
            super::guards::check(&Call::new(name, args))?;
            if name == "set"
                && let Some(at) = args.iter().position(|a| a == "--")
            {
                walk.scope.positional = args[at + 1..].to_vec();
            }
            Some(Flow::Unknown {
                secret: name == "history",
            })
        }
        "enable" if super::options::short(args, 'f') => {
            return Err(Stop::deny("environment", quoted(&args.join(" "))));
        }
        "hash" if args.first().is_some_and(|a| a == "-p") && args.len() > 2 => {
            return Err(Stop::deny("environment", quoted(&args.join(" "))));
        }
        "unset" => {
            super::guards::check(&Call::new(name, args))?;
            for word in operands(args) {
                walk.scope.vars.remove(word);
            }
            nothing
        }
        "export" | "declare" | "typeset" | "local" | "readonly" => {
            declare(walk, name, args)?;
            nothing
        }
        "read" | "mapfile" | "readarray" => {
            let called = super::options::value(args, "-C").filter(|_| name != "read");
            if let Some(text) = called.map(str::to_owned) {
                // An index and a line are put behind it.
                walk.apart(|walk| walk.script(&format!("{text} {HOLE}")))?;
            }
            read(walk, name, args);
            nothing
        }
        "trap" => {
            // A lone `-` takes back what was set.
            let set = operands(args).first().copied().filter(|text| *text != "-");
            if let Some(text) = set.filter(|_| args.len() > 1) {
                let text = text.clone();
                if has_hole(&text) {
                    return Err(Stop::deny("eval-data", quoted(&text)));
                }
                walk.apart(|walk| walk.script(&text))?;
            }
            nothing
        }
        "mktemp" => Some(Flow::Text("/tmp/tmp.x".to_owned())),
        "cat" if args.iter().all(|a| a == "-") => match &walk.scope.stdin {
            Flow::None => None,
            flow => Some(flow.clone()),
        },
        "hash" | "type" | "shopt" | "test" | "[" => Some(Flow::UNKNOWN),
        _ => None,
    })
}

/// Names of variables that these take, and arithmetic: subscripts are expanded, and run what is in
/// them.
fn check_names(walk: &mut Walk, name: &str, args: &[String]) -> Result<(), Stop> {
    match name {
        "read" | "mapfile" | "readarray" | "unset" | "export" | "declare" | "typeset" | "local"
        | "readonly" | "getopts" => {
            let declares = !matches!(name, "read" | "mapfile" | "readarray" | "getopts");
            let numbers = declares && super::options::short(args, 'i');
            let valued: &[&str] = match name {
                "read" => &["-p", "-d", "-n", "-N", "-t", "-u", "-i"],
                "mapfile" | "readarray" => &["-d", "-n", "-O", "-s", "-u", "-C", "-c"],
                _ => &[],
            };
            let value = |at: usize| at > 0 && valued.contains(&args[at - 1].as_str());
            let words = args.iter().enumerate().filter(|(at, _)| !value(*at));
            let words: Vec<&String> = words.map(|(_, word)| word).collect();
            for word in words.into_iter().filter(|word| !word.starts_with('-')) {
                let (variable, value) = word.split_once('=').unwrap_or((word, ""));
                check_name(variable)?;
                if numbers {
                    check_name(value)?;
                    walk.arithmetic(value)?;
                }
            }
            Ok(())
        }
        "let" => args.iter().try_for_each(|expr| {
            check_name(expr)?;
            walk.arithmetic(expr)
        }),
        "printf" | "test" | "[" | "wait" => {
            let asked = args
                .windows(2)
                .find(|p| matches!(p[0].as_str(), "-v" | "-p"));
            asked.map_or(Ok(()), |p| check_name(&p[1]))
        }
        _ => Ok(()),
    }
}

/// Refuses a variable whose subscript runs something.
pub(super) fn check_name(name: &str) -> Result<(), Stop> {
    match name.find('[') {
        Some(at) if expand::substitutes(&name[at..]) => Err(Stop::deny("eval-data", quoted(name))),
        _ => Ok(()),
    }
}

fn unknown() -> Place {
    Place::top(Base::Unknown)
}

fn change_directory(walk: &mut Walk, args: &[String]) {
    let to = match operands(args).as_slice() {
        [] => walk.value("HOME"),
        [to, ..] if to.as_str() == "-" => HOLE.to_string(),
        [to, ..] => (*to).clone(),
    };
    walk.scope.cwd = Place::of(&to, &walk.scope.cwd);
}

fn echo(args: &[String]) -> String {
    let mut rest = args;
    let (mut escaped, mut newline) = (false, true);
    while let Some((first, more)) = rest.split_first() {
        match first.as_str() {
            "-n" => newline = false,
            "-e" => escaped = true,
            "-ne" | "-en" => (newline, escaped) = (false, true),
            "-E" => escaped = false,
            _ => break,
        }
        rest = more;
    }
    let text = rest.join(" ");
    let text = if escaped {
        expand::escapes(&text, false)
    } else {
        text
    };
    if newline { text + "\n" } else { text }
}

/// `printf` with the conversions that only copy; anything else leaves an unknown part.
fn printf(args: &[String]) -> String {
    let args = match args.split_first() {
        Some((first, rest)) if first == "--" => rest,
        _ => args,
    };
    let Some((format, values)) = args.split_first() else {
        return String::new();
    };
    let mut values = values.iter();
    let mut out = String::new();
    loop {
        let before = values.len();
        let mut chars = format.chars();
        let mut literal = String::new();
        while let Some(c) = chars.next() {
            if c != '%' {
                literal.push(c);
                continue;
            }
            out.push_str(&expand::escapes(&literal, false));
            literal.clear();
            match chars.next() {
                Some('%') => out.push('%'),
                Some('s') => out.push_str(values.next().map_or("", String::as_str)),
                Some('b') => {
                    let value = values.next().map_or("", String::as_str);
                    out.push_str(&expand::escapes(value, false));
                }
                _ => {
                    values.next();
                    out.push(HOLE);
                }
            }
        }
        out.push_str(&expand::escapes(&literal, false));
        if values.len() == 0 || values.len() == before {
            return out;
        }
    }
}

fn source(walk: &mut Walk, args: &[String]) -> Result<Flow, Stop> {
    let Some(file) = operands(args).first().map(|f| (*f).clone()) else {
        return Ok(Flow::UNKNOWN);
    };
    super::reads::check_read(walk, "source", &file)?;
    if file == "/dev/stdin" || file == "/dev/fd/0" {
        return super::shells::input(walk, "source");
    }
    match input_from(walk, &file) {
        Flow::Text(text) => walk.script(&text),
        Flow::Unknown { .. } => Err(Stop::deny("download-exec", quoted(&file))),
        Flow::None if file == HOLE.to_string() || has_hole(&file) && file.starts_with("/dev/") => {
            Err(Stop::deny("eval-data", quoted(&file)))
        }
        Flow::None => Ok(Flow::UNKNOWN),
    }
}

fn declare(walk: &mut Walk, name: &str, args: &[String]) -> Result<(), Stop> {
    // What is assigned to it then is another variable's, and the other way round.
    if name != "export" && super::options::short(args, 'n') && !operands(args).is_empty() {
        return Err(Stop::unprovable("a name that stands for another variable"));
    }
    let lower = super::options::short(args, 'l');
    let upper = super::options::short(args, 'u');
    for word in operands(args) {
        let Some((name, value)) = word.split_once('=') else {
            continue;
        };
        let value = if lower {
            value.to_lowercase()
        } else if upper {
            value.to_uppercase()
        } else {
            value.to_owned()
        };
        environment::check(walk, name, &value, true)?;
        walk.assign(name, value);
    }
    Ok(())
}

fn read(walk: &mut Walk, name: &str, args: &[String]) {
    let value = match &walk.scope.stdin {
        Flow::Text(text) => text.lines().next().unwrap_or_default().to_owned(),
        _ => HOLE.to_string(),
    };
    let names = operands(args);
    // Of an array nothing is known but that it is there.
    let one = names.len() == 1 && name == "read" && !super::options::short(args, 'a');
    for name in names {
        let value = if one { value.clone() } else { HOLE.to_string() };
        walk.assign(name, value);
    }
}

/// Whether the script has written this file, and with what.
pub(super) fn written<'a>(walk: &'a Walk, path: &str) -> Option<&'a Written> {
    walk.files.get(&Place::of(path, &walk.scope.cwd))
}

/// Runs the words as a command: `command`, `builtin`, `exec`.
pub(super) fn rest(walk: &mut Walk, args: &[String]) -> Result<Flow, Stop> {
    if args.is_empty() {
        return Ok(Flow::Text(String::new()));
    }
    program::run(walk, args)
}
