//! Programs that run another: what is left of their words is judged as the command it is.

use super::call::Call;
use super::launchers::{env, parallel, shell_text, ssh, text_option, texts, xargs};
use super::options::{long, short, value};
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
    /// A subcommand that must come first, or several divided by `|`.
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
            "bundle", "pnpm", "yarn", "npm", "opam", "cabal", "stack", "mise", "asdf",
        ],
        &["-C", "--cwd", "--filter", "-F", "--prefix", "--workspace"],
        0,
        "exec",
    ),
    wrapper(
        &["op", "doppler", "infisical", "conda", "mamba", "nix"],
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
        &[
            "-n",
            "-c",
            "--namespace",
            "--container",
            "--context",
            "--image",
        ],
        1,
        "exec|debug",
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
        // Programs of the packages at hand need no verb.
        "pnpm" | "yarn" | "bun" | "npm" if packages_program(args).is_some() => {
            let rest = packages_program(args).unwrap_or_default().to_vec();
            Some(builtins::rest(walk, &rest)?)
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
        "systemd-run" if args.iter().any(|a| a.starts_with("--on-")) => {
            return Err(Stop::deny("persistence", quoted(&args.join(" "))));
        }
        "docker" | "podman" | "nerdctl" if composed(args).is_some() => {
            super::clouds::check(walk, &Call::new(name, args))?;
            let own = composed(args).unwrap_or_default();
            super::table::check("docker-compose", skip(own, COMPOSE, 0))?;
            compose(walk, own)?
        }
        "docker-compose" | "podman-compose" => {
            super::clouds::check(walk, &Call::new("docker-compose", args))?;
            super::table::check("docker-compose", skip(args, COMPOSE, 0))?;
            compose(walk, args)?
        }
        "cross-env" | "cross-env-shell" => {
            let set = args.iter().take_while(|w| is_assignment(w)).count();
            let assigned: Vec<_> = args[..set].iter().filter_map(|w| pair(w)).collect();
            let rest = args[set..].to_vec();
            let shell = name.ends_with("shell");
            Some(with_environment(walk, &assigned, |walk| {
                if shell {
                    shell_text(walk, &rest.join(" "))
                } else {
                    builtins::rest(walk, &rest)
                }
            })?)
        }
        _ if let Some(flow) = super::runners::run(walk, name, args)? => Some(flow),
        _ => match WRAPPERS.iter().find(|w| w.names.contains(&name)) {
            Some(wrapper) => wrapped(walk, wrapper, args)?,
            None => None,
        },
    };
    Ok(flow)
}

/// Options of compose's own that have a value.
const COMPOSE: &[&str] = &[
    "-f",
    "--file",
    "-p",
    "--project-name",
    "--profile",
    "--env-file",
    "--project-directory",
    "--ansi",
    "--parallel",
    "--progress",
];

/// What follows `docker compose`.
fn composed(args: &[String]) -> Option<&[String]> {
    let rest = skip(
        args,
        &["-H", "--host", "--context", "-c", "--config", "-l"],
        0,
    );
    let (verb, more) = rest.split_first()?;
    (verb == "compose").then_some(more)
}

/// `compose exec SERVICE COMMAND…` and `compose run`.
fn compose(walk: &mut Walk, args: &[String]) -> Result<Option<Flow>, Stop> {
    let Some((verb, rest)) = skip(args, COMPOSE, 0).split_first() else {
        return Ok(None);
    };
    if verb != "exec" && verb != "run" {
        return Ok(None);
    }
    let valued = [
        "-u",
        "--user",
        "-e",
        "--env",
        "-w",
        "--workdir",
        "--index",
        "-v",
        "--volume",
        "-p",
        "--publish",
        "--name",
        "--entrypoint",
        "-l",
        "--label",
    ];
    let command = skip(rest, &valued, 1).to_vec();
    if command.is_empty() {
        return Ok(None);
    }
    walk.apart(|walk| builtins::rest(walk, &command)).map(Some)
}

/// Options of package managers that have a value.
pub(super) const PACKAGES: &[&str] = &[
    "-C",
    "--cwd",
    "--filter",
    "-F",
    "--dir",
    "--prefix",
    "--workspace",
    "-w",
    "--registry",
    "--userconfig",
];

/// What a package manager runs where a known program's name stands in the place of a verb, or behind
/// one that runs programs.
fn packages_program(args: &[String]) -> Option<&[String]> {
    let mut rest = skip(args, PACKAGES, 0);
    loop {
        rest = match rest.first()?.as_str() {
            "run" | "dlx" | "x" | "exec" => skip(&rest[1..], PACKAGES, 0),
            "workspace" => skip(rest.get(2..)?, PACKAGES, 0),
            _ => break,
        };
    }
    let name = rest.first()?.as_str();
    let programs = [
        "rimraf",
        "shx",
        "del-cli",
        "bash",
        "sh",
        "zsh",
        "rm",
        "git",
        "node",
        "cross-env",
        "tsx",
    ];
    let verbs = ["log", "console", "now", "publish", "pub", "access", "owner"];
    let known = !verbs.contains(&name) && super::table::is_known(name) || programs.contains(&name);
    known.then_some(rest)
}

/// A package's program: from a registry it runs as any other, from an address it doesn't.
fn packaged(walk: &mut Walk, name: &str, args: &[String]) -> Result<Option<Flow>, Stop> {
    if let Some(from) = args.iter().find(|a| super::network::is_address(a)) {
        return Err(Stop::deny(
            "download-exec",
            format!("{name} {}", quoted(from)),
        ));
    }
    if let Some(rest) = packages_program(args).filter(|_| !name.ends_with('x')) {
        let rest = rest.to_vec();
        return builtins::rest(walk, &rest).map(Some);
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
        let verbs: Vec<&str> = wrapper.verb.split('|').collect();
        if operand.first().is_none_or(|v| !verbs.contains(&v.as_str())) {
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
pub(super) fn leading(args: &[String]) -> &[String] {
    let end = args.iter().position(|a| !a.starts_with('-') || a == "--");
    &args[..end.unwrap_or(args.len())]
}

/// The words up to the command that a wrapper runs.
pub(super) fn own<'a>(args: &'a [String], valued: &[&str]) -> &'a [String] {
    &args[..args.len() - skip(args, valued, 0).len()]
}

/// `runuser -u USER COMMAND…`; without it runuser is as su is.
pub(super) fn as_user(args: &[String]) -> bool {
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
pub(super) fn skip<'a>(args: &'a [String], valued: &[&str], operands: usize) -> &'a [String] {
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

pub(super) fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

pub(super) fn pair(word: &str) -> Option<(String, String)> {
    let (name, value) = word.split_once('=')?;
    Some((name.to_owned(), value.to_owned()))
}
