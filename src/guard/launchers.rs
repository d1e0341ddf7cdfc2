//! Wrappers with ways of their own: `env`, `xargs`, `parallel`, `ssh`, and those that take a text.

use super::marks::HOLE;
use super::options::{short, value};
use super::paths::{Base, Place};
use super::simple::with_environment;
use super::walk::{Flow, Walk, quoted};
use super::wrappers::{as_user, is_assignment, own, pair, skip};
use super::{Stop, builtins};

pub(super) fn shell_text(walk: &mut Walk, text: &str) -> Result<Flow, Stop> {
    walk.apart(|walk| walk.script(text))
}

pub(super) fn env(walk: &mut Walk, args: &[String]) -> Result<Option<Flow>, Stop> {
    let valued = [
        "-u",
        "-C",
        "--unset",
        "--chdir",
        "-P",
        "-S",
        "--split-string",
    ];
    let own = own(args, &valued);
    let split = value(own, "-S").or_else(|| value(own, "--split-string"));
    if let Some(text) = split.map(str::to_owned) {
        let after = own
            .iter()
            .position(|a| a.starts_with("-S") || a.starts_with("--split"));
        let glued = |i: usize| args[i] != "-S" && args[i] != "--split-string";
        let at = after.map_or(args.len(), |i| i + 2 - usize::from(glued(i)));
        let script = super::shells::joined(&text, args.get(at..).unwrap_or_default());
        return shell_text(walk, &script).map(Some);
    }
    let rest = skip(args, &valued, 0);
    let set = rest.iter().take_while(|w| is_assignment(w)).count();
    let assigned: Vec<_> = rest[..set].iter().filter_map(|w| pair(w)).collect();
    let rest = rest[set..].to_vec();
    if rest.is_empty() {
        return Ok(Some(Flow::Unknown { secret: true }));
    }
    let to = value(own, "-C")
        .or_else(|| value(own, "--chdir"))
        .map(str::to_owned);
    walk.apart(|walk| {
        if let Some(to) = to {
            walk.scope.cwd = Place::of(&to, &walk.scope.cwd);
        }
        with_environment(walk, &assigned, |walk| builtins::rest(walk, &rest))
    })
    .map(Some)
}

pub(super) fn xargs(walk: &mut Walk, args: &[String]) -> Result<Flow, Stop> {
    let valued = [
        "-n",
        "-P",
        "-L",
        "-s",
        "-d",
        "-E",
        "-I",
        "-a",
        "-J",
        "-R",
        "--arg-file",
        "--delimiter",
    ];
    let own = own(args, &valued);
    let mut command = skip(args, &valued, 0).to_vec();
    if command.is_empty() {
        return Ok(Flow::UNKNOWN);
    }
    // What it is given, where that is known: names, one a line or a word.
    let given = match &walk.scope.stdin {
        Flow::Text(text) if value(own, "-a").is_none() => text.clone(),
        _ => HOLE.to_string(),
    };
    let mut words: Vec<String> = given
        .split(|c: char| c.is_whitespace() || c == '\0')
        .filter(|w| !w.is_empty())
        .take(64)
        .map(str::to_owned)
        .collect();
    if words.is_empty() {
        words.push(HOLE.to_string());
    }
    let inserted = value(own, "-I")
        .or_else(|| value(own, "--replace"))
        .or_else(|| value(own, "-J"))
        .or_else(|| short(own, 'i').then_some("{}"));
    match inserted {
        Some(mark) if !mark.is_empty() => {
            let mark = mark.to_owned();
            for word in words {
                let filled: Vec<String> = command.iter().map(|c| c.replace(&mark, &word)).collect();
                walk.apart(|walk| {
                    walk.scope.stdin = Flow::None;
                    builtins::rest(walk, &filled)
                })?;
            }
            return Ok(Flow::UNKNOWN);
        }
        _ => command.extend(words),
    }
    walk.apart(|walk| {
        walk.scope.stdin = Flow::None;
        builtins::rest(walk, &command)
    })?;
    Ok(Flow::UNKNOWN)
}

pub(super) fn parallel(walk: &mut Walk, args: &[String]) -> Result<Flow, Stop> {
    let end = args.iter().position(|a| a.starts_with(":::"));
    let (own, data) = args.split_at(end.unwrap_or(args.len()));
    let command = skip(
        own,
        &[
            "-j", "-n", "-N", "--jobs", "-a", "--colsep", "-C", "--delay",
        ],
        0,
    );
    if command.is_empty() {
        for text in data.iter().skip(1) {
            shell_text(walk, text)?;
        }
        if end.is_none() {
            return super::shells::input(walk, "parallel");
        }
        return Ok(Flow::UNKNOWN);
    }
    let mut text = command.join(" ");
    if text.contains("{}") {
        text = text.replace("{}", &HOLE.to_string());
    } else {
        text.push(' ');
        text.push(HOLE);
    }
    shell_text(walk, &text)
}

pub(super) fn ssh(walk: &mut Walk, args: &[String]) -> Result<Option<Flow>, Stop> {
    let tunnels = args
        .iter()
        .take_while(|a| a.starts_with('-'))
        .any(|a| a.starts_with("-R") || !a.starts_with("--") && a.len() < 6 && a.ends_with('R'));
    if tunnels || args.iter().any(|a| a == "-R") {
        return Err(Stop::deny("reverse-shell", quoted(&args.join(" "))));
    }
    if let Some(option) = args.iter().find(|a| {
        a.to_lowercase().contains("proxycommand") || a.to_lowercase().contains("localcommand=")
    }) {
        return Err(Stop::deny("program-option", quoted(option)));
    }
    let valued = [
        "-b", "-c", "-D", "-E", "-e", "-F", "-I", "-i", "-J", "-L", "-l", "-m", "-O", "-o", "-p",
        "-Q", "-R", "-S", "-W", "-w", "-B",
    ];
    let rest = skip(args, &valued, 1);
    if rest.is_empty() {
        return match &walk.scope.stdin {
            Flow::Text(text) if !args.is_empty() => {
                let text = text.clone();
                shell_text(walk, &text).map(Some)
            }
            _ => Ok(Some(Flow::UNKNOWN)),
        };
    }
    if walk.scope.stdin == (Flow::Unknown { secret: true }) {
        return Err(Stop::deny(
            "secret-send",
            "the environment, a clipboard or a home's files into ssh",
        ));
    }
    let text = rest.join(" ");
    walk.apart(|walk| {
        walk.scope.cwd = Place::top(Base::Home);
        walk.script(&text)
    })?;
    Ok(Some(Flow::UNKNOWN))
}

/// `su -c TEXT`, `script -c TEXT`, and for some the words themselves.
pub(super) fn text_option(
    walk: &mut Walk,
    name: &str,
    args: &[String],
) -> Result<Option<Flow>, Stop> {
    // Behind `--`, and with flock and runuser behind the first operand, words are another program's.
    let own = match name {
        "flock" => &args[..args.len() - skip(args, &["-w", "-E", "--timeout", "-c"], 1).len()],
        "runuser" if as_user(args) => own(args, &["-u", "-g", "--user"]),
        _ => super::options::before_end(args),
    };
    // What script runs may have options that begin so.
    let exact = |option: &&&str| {
        name != "script" || option.starts_with("--") || own.iter().any(|a| a == **option)
    };
    let text = ["-c", "--command", "--run", "-qc", "-lc"]
        .iter()
        .filter(exact)
        .find_map(|o| value(own, o))
        // `script -qec TEXT`
        .or_else(|| {
            let flags = |a: &String| a.starts_with('-') && !a.starts_with("--") && a.ends_with('c');
            let at = own.iter().position(flags).filter(|_| name == "script")?;
            own.get(at + 1).map(String::as_str)
        })
        .map(str::to_owned);
    if let Some(text) = text {
        return shell_text(walk, &text).map(Some);
    }
    match name {
        "flock" => {
            let rest = skip(args, &["-w", "-E", "--timeout"], 1).to_vec();
            builtins::rest(walk, &rest).map(Some)
        }
        "runuser" if as_user(args) => {
            let rest = skip(args, &["-u", "-g", "--user"], 0).to_vec();
            builtins::rest(walk, &rest).map(Some)
        }
        "su" | "runuser" => super::shells::input(walk, name).map(Some),
        // As macOS has it: `script FILE COMMAND…`.
        "script" => {
            let rest = skip(args, &["-t", "-T", "-B", "-E", "-I", "-O", "-m"], 1).to_vec();
            builtins::rest(walk, &rest).map(Some)
        }
        _ => Ok(Some(Flow::UNKNOWN)),
    }
}

/// Every word with a blank in it is a script; so are the words behind the first operands.
pub(super) fn texts(walk: &mut Walk, args: &[String]) -> Result<Option<Flow>, Stop> {
    for text in args.iter().filter(|a| a.contains(' ')) {
        shell_text(walk, text)?;
    }
    if let Some(at) = args.iter().position(|a| {
        matches!(
            a.as_str(),
            "rm" | "git" | "bash" | "sh" | "sudo" | "dd" | "curl"
        )
    }) {
        builtins::rest(walk, &args[at..])?;
    }
    Ok(Some(Flow::UNKNOWN))
}
