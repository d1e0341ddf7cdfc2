//! What comes from the network and what goes there.

use super::Stop;
use super::marks::HOLE;
use super::options::{operands, value};
use super::paths::{Base, Place};
use super::walk::{Flow, Walk, Written, quoted};
use super::{reads, sends};

/// Judges where a network program puts what it fetches, and what it opens to others.
pub(super) fn check(walk: &mut Walk, name: &str, args: &[String]) -> Result<(), Stop> {
    if let Some(package) = installed_from_file(walk, name, args) {
        return Err(Stop::deny(
            "download-exec",
            format!("{name} {}", quoted(&package)),
        ));
    }
    if let Some(from) = installs_from(name, args) {
        return Err(Stop::deny(
            "download-exec",
            format!("{name} {}", quoted(from)),
        ));
    }
    match name {
        "ngrok" | "cloudflared" | "localtunnel" | "lt" | "bore" | "frpc" | "chisel"
        | "pagekite"
            if !operands(args).is_empty() =>
        {
            return Err(Stop::deny("reverse-shell", quoted(&args.join(" "))));
        }
        "tailscale" if operands(args).first().is_some_and(|w| *w == "funnel") => {
            return Err(Stop::deny("reverse-shell", quoted(&args.join(" "))));
        }
        "nc" | "ncat" | "netcat" => {
            let executes = args.iter().any(|a| {
                matches!(a.as_str(), "-e" | "-c" | "--exec" | "--sh-exec")
                    || a.starts_with('-') && !a.starts_with("--") && a.ends_with(['e', 'c'])
            });
            if executes {
                return Err(Stop::deny("reverse-shell", quoted(&args.join(" "))));
            }
        }
        "aria2c" | "axel" => {
            let dir = value(args, "-d").or_else(|| value(args, "--dir"));
            let by_url = operands(args).into_iter().find(|w| is_address(w));
            let by_url = by_url.and_then(|url| url.rsplit('/').next());
            let file = value(args, "-o").or_else(|| value(args, "--out"));
            let file = file.or(by_url).unwrap_or_default();
            foreign(
                walk,
                &dir.map_or_else(|| file.to_owned(), |d| format!("{d}/{file}")),
            );
        }
        "curl" | "wget" => {
            for file in sends::uploads(args) {
                let place = Place::of(file, &walk.scope.cwd);
                if place.is_system() || place.base == Base::Home {
                    return Err(Stop::deny("secret-send", quoted(file)));
                }
            }
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
                if !args.iter().any(|a| a == "-a" || a == "--append") {
                    super::simple::overwrites(walk, file, &flow)?;
                }
                super::simple::keep_file(walk, file, &flow);
            }
        }
        "lftp" => removes_there(walk, name, args)?,
        "aws" | "gsutil" | "gcloud" | "az" | "rclone" | "mc" => fetched_from_cloud(walk, args),
        "scp" | "sftp" | "rsync" => {
            if name == "sftp" {
                removes_there(walk, name, args)?;
            }
            let words = operands(args);
            if let Some((to, from)) = words.split_last()
                && from.iter().any(|f| f.contains(':'))
                && !to.contains(':')
            {
                foreign(walk, to);
                for source in from {
                    foreign(walk, &format!("{to}/{}", super::program::base_name(source)));
                }
            }
        }
        "base64" | "gbase64" => decoded(walk, args)?,
        "git" => cloned(walk, args),
        "cp" | "mv" | "ln" | "install" => carry(walk, args),
        "tar" | "bsdtar" | "unzip" => unpacked(walk, args),
        _ => {}
    }
    Ok(())
}

/// What a client of file servers is told to remove there: `lftp -e TEXT`, `sftp -b -`.
fn removes_there(walk: &Walk, name: &str, args: &[String]) -> Result<(), Stop> {
    let given = ["-e", "-c"].iter().find_map(|o| value(args, o));
    let input = match &walk.scope.stdin {
        Flow::Text(text) => Some(text.as_str()),
        _ => None,
    };
    let texts = given.filter(|_| name == "lftp").into_iter().chain(input);
    for line in texts.flat_map(|text| text.split([';', '\n'])) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let removes = match words.as_slice() {
            [verb, rest @ ..] => match verb.trim_start_matches('-') {
                "rm" | "mrm" | "rmdir" => true,
                "glob" => rest.contains(&"rm"),
                "mirror" => rest
                    .iter()
                    .any(|w| matches!(*w, "--delete" | "-e" | "--delete-first")),
                _ => false,
            },
            [] => false,
        };
        if removes {
            let what = format!("{name} {}", quoted(line.trim()));
            return Err(Stop::deny("file-destroy", what));
        }
    }
    Ok(())
}

/// What a copy from somebody's storage ends in.
fn fetched_from_cloud(walk: &mut Walk, args: &[String]) {
    let words = operands(args);
    let from = |word: &&&String| {
        ["s3://", "gs://", "az://"]
            .iter()
            .any(|s| word.starts_with(s))
            || word.contains(".blob.core.")
    };
    let Some(source) = words.iter().find(from).map(|word| (*word).clone()) else {
        return;
    };
    if let Some(to) = words
        .last()
        .filter(|to| **to != &source)
        .map(|to| (*to).clone())
    {
        let name = super::program::base_name(&source);
        foreign(walk, &format!("{}/{name}", to.trim_end_matches('/')));
        foreign(walk, &to);
    }
}

/// The numbers that seq writes; of many the first ones, since all are as good.
fn counted(args: &[String]) -> Flow {
    let numbers: Option<Vec<i64>> = args.iter().map(|a| a.parse().ok()).collect();
    let (first, step, last) = match numbers.as_deref() {
        Some([last]) => (1, 1, *last),
        Some([first, last]) => (*first, 1, *last),
        Some([first, step, last]) if *step > 0 => (*first, *step, *last),
        _ => return Flow::UNKNOWN,
    };
    let all = std::iter::successors(Some(first), |n| n.checked_add(step));
    let all: Vec<String> = all
        .take_while(|n| *n <= last)
        .take(20)
        .map(|n| n.to_string())
        .collect();
    Flow::Text(all.join("\n"))
}

/// A path that stands encoded in a command was written so that nobody reads it.
fn decoded(walk: &Walk, args: &[String]) -> Result<(), Stop> {
    use base64::Engine as _;
    let decodes = ["-d", "-D", "--decode", "-di"]
        .iter()
        .any(|flag| args.iter().any(|a| a == flag));
    let Flow::Text(text) = &walk.scope.stdin else {
        return Ok(());
    };
    let plain: String = text.split_whitespace().collect();
    let Some(text) = base64::engine::general_purpose::STANDARD
        .decode(plain)
        .ok()
        .filter(|_| decodes)
        .and_then(|bytes| String::from_utf8(bytes).ok())
    else {
        return Ok(());
    };
    reads::check_read(walk, "base64", text.trim())
}

/// Whether a word is an address from which something is fetched.
pub(super) fn is_address(word: &str) -> bool {
    let word = word.strip_prefix("git+").unwrap_or(word);
    ["http://", "https://", "ftp://", "git://", "ssh://"]
        .iter()
        .any(|s| word.starts_with(s))
}

/// A file from elsewhere that is installed or opened: its own scripts and programs run.
fn installed_from_file(walk: &Walk, name: &str, args: &[String]) -> Option<String> {
    let verb = operands(args).first().map_or("", |w| w.as_str());
    let runs = match name {
        "installer" | "dpkg" | "rpm" | "open" | "xdg-open" | "hdiutil" | "msiexec" | "java"
        | "code" | "snap" | "flatpak" => true,
        "apt" | "apt-get" | "dnf" | "yum" | "zypper" | "pip" | "pip3" | "npm" | "gem" | "brew"
        | "pipx" => matches!(verb, "install" | "i" | "add" | "reinstall" | "localinstall"),
        _ => false,
    };
    let foreign =
        |word: &&String| matches!(super::builtins::written(walk, word), Some(Written::Foreign));
    args.iter().filter(|_| runs).find(foreign).cloned()
}

/// Where a package manager would take a package from, other than its registry.
fn installs_from<'a>(name: &str, args: &'a [String]) -> Option<&'a str> {
    let words = operands(args);
    let verb = words.first().map_or("", |w| w.as_str());
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let installs = match stem {
        "pip" | "pipx" | "gem" | "go" | "brew" | "cargo" | "luarocks" | "cpanm" | "apt"
        | "apt-get" | "dnf" | "yum" | "rpm" | "dpkg" | "easy_install" | "helm" => {
            matches!(verb, "install" | "get" | "run" | "reinstall")
                || matches!(stem, "cpanm" | "rpm" | "easy_install")
        }
        "npm" | "pnpm" | "yarn" | "bun" => matches!(verb, "install" | "i" | "add" | "dlx" | "exec"),
        "uv" => words.get(1).is_some_and(|w| *w == "install") || verb == "add",
        _ => false,
    };
    if !installs {
        return None;
    }
    let plain = [
        "--index-url",
        "-i",
        "--extra-index-url",
        "--registry",
        "--source",
        "-f",
    ]
    .iter()
    .find_map(|o| value(args, o))
    .filter(|from| from.starts_with("http://"));
    let packages = words.into_iter().map(String::as_str);
    plain.or_else(|| {
        let mut packages = packages.filter(|w| is_address(w) && Some(*w) != registry(args));
        // cargo names a repository that it builds from source; helm charts are data.
        packages
            .next()
            .filter(|_| !matches!(stem, "cargo" | "helm"))
    })
}

/// The value of an option that names a registry, which is no package.
fn registry(args: &[String]) -> Option<&str> {
    [
        "--index-url",
        "-i",
        "--extra-index-url",
        "--registry",
        "--source",
        "--proxy",
        "-f",
    ]
    .iter()
    .find_map(|o| value(args, o))
}

pub(super) fn foreign(walk: &mut Walk, path: &str) {
    let place = Place::of(path, &walk.scope.cwd);
    walk.files.insert(place, Written::Foreign);
}

/// A clone is a directory full of what nobody has read.
fn cloned(walk: &mut Walk, args: &[String]) {
    let words = operands(args);
    if words.first().is_none_or(|v| *v != "clone") {
        return;
    }
    let Some(url) = words.get(1).filter(|u| u.contains(':')) else {
        return;
    };
    let name = url
        .trim_end_matches('/')
        .rsplit(['/', ':'])
        .next()
        .unwrap_or_default();
    let name = name.strip_suffix(".git").unwrap_or(name);
    foreign(walk, words.get(2).map_or(name, |dir| dir.as_str()));
}

/// What came out of an archive from elsewhere came from there too.
fn unpacked(walk: &mut Walk, args: &[String]) {
    let from_elsewhere = walk.scope.stdin == Flow::UNKNOWN
        || args
            .iter()
            .any(|a| matches!(super::builtins::written(walk, a), Some(Written::Foreign)));
    if !from_elsewhere {
        return;
    }
    let to = ["-C", "-d", "--directory"]
        .iter()
        .find_map(|o| value(args, o));
    foreign(walk, to.unwrap_or("."));
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
fn carry(walk: &mut Walk, args: &[String]) {
    let words = operands(args);
    let Some((to, from)) = words.split_last() else {
        return;
    };
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

/// Programs whose output is meant for `eval`.
fn for_eval(name: &str, args: &[String]) -> bool {
    let first = operands(args).first().map_or("", |w| w.as_str());
    match name {
        "ssh-agent" | "dircolors" | "locale" | "resize" => true,
        "direnv" => first == "hook",
        "pyenv" | "rbenv" | "nodenv" | "jenv" | "goenv" | "starship" | "zoxide" | "thefuck"
        | "atuin" => first == "init",
        "fnm" | "opam" => first == "env",
        "brew" => first == "shellenv",
        "mise" | "rtx" | "asdf" => first == "activate",
        "conda" | "mamba" => first.starts_with("shell."),
        "docker-machine" | "minikube" => first == "env" || first == "docker-env",
        _ => false,
    }
}

/// What a program writes to its output, where that is known.
pub(super) fn written(walk: &Walk, name: &str, args: &[String]) -> Flow {
    match name {
        "printenv" | "env" if args.is_empty() => Flow::Unknown { secret: true },
        "pbpaste" | "xclip" | "xsel" | "wl-paste" => Flow::Unknown { secret: true },
        "tar" | "zip" | "bsdtar" if operands(args).iter().any(|w| sends::is_personal(walk, w)) => {
            Flow::Unknown { secret: true }
        }
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
        // Text that these make for a shell's start-up file.
        _ if for_eval(name, args) => Flow::Text(String::new()),
        "find" if !super::find::says_otherwise(args) => {
            Flow::Text(super::find::found(walk, args).join("\n"))
        }
        "pgrep" | "pidof" => match operands(args).last() {
            Some(process) => Flow::Text(format!("{HOLE}{process}")),
            None => Flow::UNKNOWN,
        },
        "git" if args.iter().any(|a| a == "--show-toplevel") => Flow::Text(".".to_owned()),
        "git" if super::git::shows_work(args) => Flow::Text(super::git::WORK.to_owned()),
        "git" if args.first().is_some_and(|verb| verb == "ls-files") => {
            super::git::listed(args).map_or(Flow::UNKNOWN, |all| Flow::Text(all.join("\n")))
        }
        "seq" => counted(args),
        // Names of files; with a directory's name, of what is in it.
        "ls" if args
            .iter()
            .all(|a| matches!(a.as_str(), "-1" | "-a" | "-A")) =>
        {
            Flow::Text(super::marks::STAR.to_string())
        }
        "fd" | "fdfind" => Flow::Text(super::executes::found_by_fd(walk, args).join("\n")),
        "base64" | "gzip" | "head" | "tail" | "tr" | "sort" | "grep" | "jq" | "sed" | "xxd"
            if walk.scope.stdin == (Flow::Unknown { secret: true }) =>
        {
            Flow::Unknown { secret: true }
        }
        _ => Flow::UNKNOWN,
    }
}
