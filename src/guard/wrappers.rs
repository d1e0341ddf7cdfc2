//! Programs that run another: what is left of their words is judged as the command it is.

use super::marks::HOLE;
use super::options::{long, short, value};
use super::paths::{Base, Place};
use super::simple::with_environment;
use super::walk::{Flow, Walk, quoted};
use super::{Stop, builtins};

/// How a wrapper's words go on to the command: options that take a value, and words before it.
struct Wrapper {
    names: &'static [&'static str],
    /// Short and long options whose value is the next word.
    valued: &'static [&'static str],
    /// Operands of its own.
    operands: usize,
    /// A subcommand that must come first.
    verb: &'static str,
}

const fn wrapper(
    names: &'static [&'static str],
    valued: &'static [&'static str],
    operands: usize,
    verb: &'static str,
) -> Wrapper {
    Wrapper {
        names,
        valued,
        operands,
        verb,
    }
}

const WRAPPERS: &[Wrapper] = &[
    wrapper(
        &["sudo"],
        &[
            "-u", "-g", "-h", "-p", "-C", "-D", "-R", "-T", "-U", "-r", "-t", "--user", "--group",
            "--chdir", "--host", "--prompt",
        ],
        0,
        "",
    ),
    wrapper(&["doas"], &["-u", "-C"], 0, ""),
    wrapper(&["pkexec", "run0"], &["--user", "--keep-cwd"], 0, ""),
    wrapper(
        &[
            "nohup",
            "setsid",
            "builtin",
            "noglob",
            "nocorrect",
            "unbuffer",
            "fakeroot",
            "catchsegv",
            "chronic",
            "torsocks",
            "proxychains",
            "proxychains4",
            "rtk",
            "busybox",
            "toybox",
            "lvm",
            "winpty",
            "dbus-run-session",
            "xvfb-run",
        ],
        &[],
        0,
        "",
    ),
    wrapper(&["time"], &["-f", "-o", "--format", "--output"], 0, ""),
    wrapper(&["exec"], &["-a"], 0, ""),
    wrapper(&["nice"], &["-n", "--adjustment"], 0, ""),
    wrapper(
        &["ionice"],
        &["-c", "-n", "-p", "--class", "--classdata"],
        0,
        "",
    ),
    wrapper(
        &["timeout", "gtimeout"],
        &["-s", "-k", "--signal", "--kill-after"],
        1,
        "",
    ),
    wrapper(&["stdbuf"], &["-i", "-o", "-e"], 0, ""),
    wrapper(
        &["strace", "ltrace"],
        &["-e", "-o", "-p", "-s", "-P", "-u", "-E", "-a", "-S"],
        0,
        "",
    ),
    wrapper(&["taskset", "chrt", "setarch", "numactl"], &[], 1, ""),
    wrapper(&["chroot"], &[], 1, ""),
    wrapper(&["arch", "caffeinate"], &["-t", "-w", "-d"], 0, ""),
    wrapper(
        &[
            "unshare",
            "nsenter",
            "firejail",
            "bwrap",
            "prlimit",
            "cpulimit",
            "systemd-inhibit",
            "valgrind",
            "faketime",
        ],
        &["-t", "-S", "-G", "-w"],
        0,
        "",
    ),
    wrapper(
        &["systemd-run"],
        &[
            "-p",
            "--property",
            "--unit",
            "-u",
            "--uid",
            "--gid",
            "-E",
            "--setenv",
            "-M",
        ],
        0,
        "",
    ),
    wrapper(&["gosu", "su-exec", "setuidgid"], &[], 1, ""),
    wrapper(&["xcrun"], &["--sdk"], 0, ""),
    wrapper(
        &["npx", "bunx", "pnpx", "uvx", "pipx"],
        &["-p", "--package", "--from", "--with"],
        0,
        "",
    ),
    wrapper(
        &["uv", "poetry", "pipenv", "pdm", "hatch", "rye", "pixi"],
        &[
            "--with",
            "--python",
            "-p",
            "--extra",
            "--group",
            "--directory",
            "--project",
            "--env-file",
        ],
        0,
        "run",
    ),
    wrapper(
        &[
            "bundle",
            "pnpm",
            "yarn",
            "npm",
            "direnv",
            "opam",
            "cabal",
            "stack",
            "mise",
            "asdf",
            "aws-vault",
            "fly",
            "flyctl",
        ],
        &["-C", "--cwd"],
        0,
        "exec",
    ),
    wrapper(
        &[
            "op",
            "doppler",
            "infisical",
            "chamber",
            "conda",
            "mamba",
            "nix",
        ],
        &["-n", "-p", "--name", "--env", "--env-file"],
        0,
        "run",
    ),
    wrapper(
        &["docker", "podman", "nerdctl"],
        &[
            "-e",
            "-u",
            "-w",
            "--env",
            "--user",
            "--workdir",
            "--env-file",
        ],
        1,
        "exec",
    ),
    wrapper(
        &["kubectl", "oc"],
        &["-n", "-c", "--namespace", "--container", "--context"],
        1,
        "exec",
    ),
];

/// Judges what a wrapper runs; none where the name is not a wrapper's.
pub(super) fn run(walk: &mut Walk, name: &str, args: &[String]) -> Result<Option<Flow>, Stop> {
    let flow = match name {
        "env" => env(walk, args)?,
        "command" if short(leading(args), 'v') || short(leading(args), 'V') => Some(Flow::UNKNOWN),
        "command" => Some(builtins::rest(walk, skip(args, &[], 0))?),
        "xargs" => Some(xargs(walk, args)?),
        "parallel" => Some(parallel(walk, args)?),
        "watch" => {
            let rest = skip(args, &["-n", "--interval", "-d"], 0);
            Some(shell_text(walk, &rest.join(" "))?)
        }
        "ssh" => ssh(walk, args)?,
        "npx" | "npm" | "pnpm" | "bunx" | "pnpx"
            if name.ends_with('x') || args.first().is_some_and(|a| a == "exec" || a == "x") =>
        {
            match value(args, "-c").or_else(|| value(args, "--call")) {
                Some(text) => {
                    let text = text.to_owned();
                    Some(shell_text(walk, &text)?)
                }
                None => packaged(walk, name, args)?,
            }
        }
        "su" | "runuser" | "script" | "flock" | "nix-shell" | "sg" | "expect" => {
            text_option(walk, name, args)?
        }
        "hyperfine" | "concurrently" | "entr" | "tmux" | "screen" => texts(walk, args)?,
        "sudo" if edits(args) => {
            for file in skip(args, &["-u"], 0) {
                super::reads::check_write(walk, file)?;
            }
            Some(Flow::UNKNOWN)
        }
        _ => match WRAPPERS.iter().find(|w| w.names.contains(&name)) {
            Some(wrapper) => wrapped(walk, wrapper, args)?,
            None => None,
        },
    };
    Ok(flow)
}

/// A package's program: from a registry it runs as any other, from an address it doesn't.
fn packaged(walk: &mut Walk, name: &str, args: &[String]) -> Result<Option<Flow>, Stop> {
    if let Some(from) = args.iter().find(|a| super::network::is_address(a)) {
        return Err(Stop::deny(
            "download-exec",
            format!("{name} {}", quoted(from)),
        ));
    }
    match WRAPPERS.iter().find(|w| w.names.contains(&name)) {
        Some(wrapper) => wrapped(walk, wrapper, args),
        None => Ok(None),
    }
}

fn wrapped(walk: &mut Walk, wrapper: &Wrapper, args: &[String]) -> Result<Option<Flow>, Stop> {
    let mut args = args;
    if !wrapper.verb.is_empty() {
        let operand = skip(args, wrapper.valued, 0);
        if operand.first().is_none_or(|v| v != wrapper.verb) {
            return Ok(None);
        }
        args = &operand[1..];
    }
    let mut rest = skip(args, wrapper.valued, wrapper.operands);
    if rest.first().is_some_and(|w| w == "--") {
        rest = &rest[1..];
    }
    // Variables before the command: `sudo A=b cmd`.
    let set = rest.iter().take_while(|w| is_assignment(w)).count();
    let assigned: Vec<_> = rest[..set].iter().filter_map(|w| pair(w)).collect();
    let rest = rest[set..].to_vec();
    with_environment(walk, &assigned, |walk| builtins::rest(walk, &rest)).map(Some)
}

/// The options before the first operand: what comes behind belongs to another program.
fn leading(args: &[String]) -> &[String] {
    let end = args.iter().position(|a| !a.starts_with('-') || a == "--");
    &args[..end.unwrap_or(args.len())]
}

/// The words up to the command that a wrapper runs.
fn own<'a>(args: &'a [String], valued: &[&str]) -> &'a [String] {
    &args[..args.len() - skip(args, valued, 0).len()]
}

/// `runuser -u USER COMMAND…`; without it runuser is as su is.
fn as_user(args: &[String]) -> bool {
    leading(args)
        .iter()
        .any(|a| a.starts_with("-u") || a.starts_with("--user"))
}

/// `sudo -e`, whatever the command behind it is called with.
fn edits(args: &[String]) -> bool {
    let sudo = WRAPPERS.iter().find(|w| w.names.contains(&"sudo"));
    let own = own(args, sudo.map_or(&[], |w| w.valued));
    short(own, 'e') || long(own, "edit", 4)
}

/// The words behind options and so many operands.
fn skip<'a>(args: &'a [String], valued: &[&str], operands: usize) -> &'a [String] {
    let mut rest = args;
    let mut left = operands;
    while let Some((first, more)) = rest.split_first() {
        if first == "--" {
            return more.get(left..).unwrap_or_default();
        }
        if valued.contains(&first.as_str()) {
            rest = more.get(1..).unwrap_or_default();
        } else if first.starts_with('-') && first != "-" {
            rest = more;
        } else if left > 0 {
            left -= 1;
            rest = more;
        } else {
            break;
        }
    }
    rest
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

fn pair(word: &str) -> Option<(String, String)> {
    let (name, value) = word.split_once('=')?;
    Some((name.to_owned(), value.to_owned()))
}

fn shell_text(walk: &mut Walk, text: &str) -> Result<Flow, Stop> {
    walk.apart(|walk| walk.script(text))
}

fn env(walk: &mut Walk, args: &[String]) -> Result<Option<Flow>, Stop> {
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

fn xargs(walk: &mut Walk, args: &[String]) -> Result<Flow, Stop> {
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

fn parallel(walk: &mut Walk, args: &[String]) -> Result<Flow, Stop> {
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

fn ssh(walk: &mut Walk, args: &[String]) -> Result<Option<Flow>, Stop> {
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
    let text = rest.join(" ");
    walk.apart(|walk| {
        walk.scope.cwd = Place {
            base: Base::Home,
            parts: Vec::new(),
        };
        walk.script(&text)
    })?;
    Ok(Some(Flow::UNKNOWN))
}

/// `su -c TEXT`, `script -c TEXT`, and for some the words themselves.
fn text_option(walk: &mut Walk, name: &str, args: &[String]) -> Result<Option<Flow>, Stop> {
    // Behind `--`, and with flock and runuser behind the first operand, words are another program's.
    let own = match name {
        "flock" => &args[..args.len() - skip(args, &["-w", "-E", "--timeout", "-c"], 1).len()],
        "runuser" if as_user(args) => own(args, &["-u", "-g", "--user"]),
        _ => super::options::before_end(args),
    };
    let text = ["-c", "--command", "--run", "-qc", "-lc"]
        .iter()
        .find_map(|o| value(own, o))
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
        _ => Ok(Some(Flow::UNKNOWN)),
    }
}

/// Every word with a blank in it is a script; so are the words behind the first operands.
fn texts(walk: &mut Walk, args: &[String]) -> Result<Option<Flow>, Stop> {
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
