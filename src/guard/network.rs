//! What comes from the network and what goes there.

use super::Stop;
use super::options::{operands, value};
use super::paths::Place;
use super::reads;
use super::walk::{Flow, Walk, Written, quoted};

/// Programs that send what they are given to another machine.
const SENDERS: &[&str] = &[
    "curl", "wget", "nc", "ncat", "netcat", "socat", "ftp", "telnet", "mail", "sendmail", "http",
    "https", "xh", "scp", "rsync", "websocat",
];

/// Judges what a network program sends, and where it puts what it fetches.
pub(super) fn check(walk: &mut Walk, name: &str, args: &[String]) -> Result<(), Stop> {
    if SENDERS.contains(&name) && walk.scope.stdin == (Flow::Unknown { secret: true }) {
        return Err(Stop::deny(
            "secret-send",
            format!("the environment into {name}"),
        ));
    }
    match name {
        "nc" | "ncat" | "netcat" => {
            let executes = args.iter().any(|a| {
                matches!(a.as_str(), "-e" | "-c" | "--exec" | "--sh-exec")
                    || a.starts_with('-') && !a.starts_with("--") && a.ends_with(['e', 'c'])
            });
            if executes {
                return Err(Stop::deny("reverse-shell", quoted(&args.join(" "))));
            }
        }
        "curl" | "wget" => {
            for file in fetched_to(name, args) {
                reads::check_write(walk, &file)?;
                walk.files
                    .insert(Place::of(&file, &walk.scope.cwd), Written::Foreign);
            }
        }
        "tee" => {
            let flow = match &walk.scope.stdin {
                Flow::None => Flow::UNKNOWN,
                flow => flow.clone(),
            };
            for file in operands(args) {
                super::simple::keep_file(walk, file, &flow);
            }
        }
        "cp" | "mv" | "ln" | "install" | "sed" | "chmod" | "tar" | "unzip" => {
            carry(walk, name, args);
        }
        _ => {}
    }
    Ok(())
}

/// The files that a download ends in.
fn fetched_to(name: &str, args: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    let options: &[&str] = if name == "curl" {
        &["-o", "--output"]
    } else {
        &["-O", "--output-document"]
    };
    for option in options {
        if let Some(file) = value(args, option) {
            found.push(file.to_owned());
        }
    }
    // `-fsSLo FILE`
    for pair in args.windows(2) {
        let last = if name == "curl" { 'o' } else { 'O' };
        if pair[0].starts_with('-') && !pair[0].starts_with("--") && pair[0].ends_with(last) {
            found.push(pair[1].clone());
        }
    }
    let by_url = name == "wget" && found.is_empty()
        || args.iter().any(|a| {
            a == "--remote-name"
                || name == "curl" && a.starts_with('-') && !a.starts_with("--") && a.contains('O')
        });
    if by_url {
        for url in operands(args) {
            let path = url.split(['?', '#']).next().unwrap_or_default();
            if let Some((_, file)) = path.rsplit_once('/')
                && !file.is_empty()
            {
                found.push(file.to_owned());
            }
        }
    }
    found.retain(|f| f != "-" && f != "/dev/null");
    found
}

/// A copy of a file that came from elsewhere came from there too.
fn carry(walk: &mut Walk, name: &str, args: &[String]) {
    let words = operands(args);
    let Some((to, from)) = words.split_last() else {
        return;
    };
    if !matches!(name, "cp" | "mv" | "ln" | "install") {
        return;
    }
    for source in from {
        if let Some(written) = super::builtins::written(walk, source).cloned() {
            let into = Place::of(to, &walk.scope.cwd);
            let mut inside = into.clone();
            inside.parts.push(super::program::base_name(source));
            walk.files.insert(into, written.clone());
            walk.files.insert(inside, written);
        }
    }
}

/// What a program writes to its output, where that is known.
pub(super) fn written(walk: &Walk, name: &str, args: &[String]) -> Flow {
    match name {
        "printenv" | "env" if args.is_empty() => Flow::Unknown { secret: true },
        "cat" => match operands(args).as_slice() {
            [file] => match super::simple::input_from(walk, file) {
                Flow::None => Flow::UNKNOWN,
                flow => flow,
            },
            _ => Flow::UNKNOWN,
        },
        "tee" => walk.scope.stdin.clone(),
        "which" => match args {
            [one] => Flow::Text(one.clone()),
            _ => Flow::UNKNOWN,
        },
        "git" if args.iter().any(|a| a == "--show-toplevel") => Flow::Text(".".to_owned()),
        "base64" | "gzip" | "head" | "tail" | "tr" | "sort" | "grep" | "jq" | "sed" | "xxd"
            if walk.scope.stdin == (Flow::Unknown { secret: true }) =>
        {
            Flow::Unknown { secret: true }
        }
        _ => Flow::UNKNOWN,
    }
}
