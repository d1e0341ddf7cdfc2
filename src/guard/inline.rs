//! Scripts in other languages, given as an argument or on standard input: not understood, but what
//! they would hand to a shell, delete or read stands in their literals.

use super::marks::has_hole;
use super::simple::input_from;
use super::walk::{Flow, Walk, quoted};
use super::{Stop, files, reads};

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
    ("tclsh", ""),
    ("deno", ""),
];

/// What starts another program.
const STARTS: &[&str] = &[
    "os.system",
    "subprocess",
    "popen",
    "os.exec",
    "os.spawn",
    "pty.spawn",
    "child_process",
    "execsync",
    "spawnsync",
    "spawn(",
    "execfile",
    "system(",
    "system ",
    "exec(",
    "exec ",
    "shell_exec",
    "passthru",
    "proc_open",
    "os.execute",
    "kernel.",
    "%x",
    "qx",
    "do shell script",
    "deno.command",
    "deno.run",
    "bun.$",
    "open3",
    "run(",
    "`",
    "commands.getoutput",
    "syscall",
];

/// What makes text out of something else.
const DECODES: &[&str] = &[
    "b64decode",
    "fromhex",
    "frombase64",
    "'base64'",
    "\"base64\"",
    "atob(",
    "unhexlify",
    "base64_decode",
    "decode64",
    "pack(",
    "pack \"",
    "pack '",
    "codecs.decode",
    "rot13",
    "marshal.loads",
    "zlib.decompress",
    "chr(",
];

/// What fetches.
const FETCHES: &[&str] = &[
    "urlopen",
    "urlretrieve",
    "requests.get",
    "requests.post",
    "http.get",
    "https.get",
    "fetch(",
    "net::http",
    "open-uri",
    "lwp",
    "curl_exec",
    "httpx.",
    "http.client",
    "file_get_contents('http",
    "axios",
];

/// What deletes a whole tree, and what deletes or overwrites one file.
const DELETES_TREES: &[&str] = &[
    "rmtree",
    "rm_rf",
    "rm_r(",
    "remove_entry",
    "remove_dir_all",
    "rmsync",
    "fs.rm(",
    "promises.rm(",
    "rmdirsync",
    "remove_dir",
    "removesync",
    "deno.remove",
    "deltree",
    "remove_recursive",
    "remove_tree",
    "rimraf",
];
const WRITES: &[&str] = &[
    "os.remove",
    "os.unlink",
    "unlink",
    "file.delete",
    "os.truncate",
    "writefile",
    "write_text",
    "write_bytes",
    "'w'",
    "\"w\"",
    "'a'",
    "\"a\"",
    "'wb'",
    "file.write",
    "appendfile",
    "copyfile",
    "os.rename",
    "shutil.",
    "'>'",
    "'>>'",
    "os.remove(",
    "rename(",
    "os.chmod",
    "file_put_contents",
    "symlink",
];

/// Judges an interpreter's code; none where the name is not an interpreter's.
pub(super) fn run(walk: &mut Walk, name: &str, args: &[String]) -> Result<Option<Flow>, Stop> {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let Some((_, letters)) = INTERPRETERS.iter().find(|(n, _)| *n == stem) else {
        return Ok(None);
    };
    let mut code = None;
    let mut file = None;
    let mut index = 0;
    while let Some(arg) = args.get(index) {
        let (flag, glued) = arg.split_once('=').unwrap_or((arg, ""));
        let long = matches!(
            flag,
            "--eval" | "--print" | "--command" | "--execute" | "--run"
        );
        if (stem == "deno" || stem == "bun") && arg == "eval" || long && glued.is_empty() {
            code = args.get(index + 1);
            break;
        }
        if long {
            return body(walk, stem, glued).map(Some);
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
                    code = args.get(index + 1);
                    break;
                }
                if stem != "python" || flags.starts_with('c') {
                    let rest = rest.to_owned();
                    return body(walk, stem, &rest).map(Some);
                }
            }
            if stem == "python" && flags == "m" {
                let module = args.get(index + 1..).unwrap_or_default();
                super::table::check("python-m", module)?;
                return Ok(Some(Flow::UNKNOWN));
            }
            if matches!(flags, "W" | "X" | "I" | "M" | "r") && stem != "php" {
                index += 1;
            }
        } else if !arg.starts_with('-') || arg == "-" {
            file = Some(arg.clone());
            break;
        }
        index += 1;
    }
    if let Some(code) = code.cloned() {
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
        return body(walk, stem, &code).map(Some);
    }
    if args
        .iter()
        .any(|a| a == "--version" || a == "--help" || a == "-V" || a == "-v" || a == "-h")
    {
        return Ok(Some(Flow::UNKNOWN));
    }
    let flow = match file.as_deref() {
        None | Some("-" | "/dev/stdin") => walk.scope.stdin.clone(),
        Some(file) => {
            reads::check_read(walk, name, file)?;
            // Scripts that are programs of their own: `php artisan`, `python manage.py`.
            let at = args.iter().position(|a| a == file).unwrap_or(0);
            super::table::check(
                &super::program::base_name(file),
                args.get(at + 1..).unwrap_or_default(),
            )?;
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
        Flow::Text(text) => body(walk, stem, &text).map(Some),
        Flow::Unknown { .. } => Err(Stop::deny("pipe-to-shell", format!("`… | {name}`"))),
        Flow::None => Ok(Some(Flow::UNKNOWN)),
    }
}

/// Judges code by its literals.
#[expect(clippy::too_many_lines, reason = "a table, read in one piece")]
fn body(walk: &mut Walk, language: &str, code: &str) -> Result<Flow, Stop> {
    if has_hole(code) && code.chars().count() <= 2 {
        return Err(Stop::deny(
            "eval-data",
            format!("{language} with {}", quoted(code)),
        ));
    }
    let lower = code.to_lowercase();
    let has = |list: &[&str]| list.iter().any(|w| lower.contains(w));
    let backticks = matches!(language, "perl" | "ruby" | "php");
    let starts = STARTS
        .iter()
        .any(|w| (*w != "`" || backticks) && lower.contains(w));
    let evaluates = lower.contains("eval") || lower.contains("exec(") || lower.contains("exec ");
    if (starts || evaluates) && has(DECODES) {
        return Err(Stop::deny(
            "decode-to-shell",
            format!("{language} code that decodes and runs"),
        ));
    }
    if (starts || evaluates) && has(FETCHES) {
        return Err(Stop::deny(
            "download-exec",
            format!("{language} code that fetches and runs"),
        ));
    }
    let sockets = [
        "tcpsocket",
        "fsockopen",
        "io::socket",
        "net.connect",
        "use socket",
        "socket.tcp",
    ];
    let raw = language != "python" && language != "node" && lower.contains("socket");
    if (has(&sockets) || raw) && starts {
        return Err(Stop::deny("reverse-shell", format!("{language} code")));
    }
    if language == "osascript" && (lower.contains("login item") || lower.contains("delete every")) {
        let rule = if lower.contains("login item") {
            "persistence"
        } else {
            "file-destroy"
        };
        return Err(Stop::deny(rule, "a script for other applications"));
    }
    if lower.contains("socket")
        && (lower.contains("dup2") || lower.contains("/bin/sh") || lower.contains("/bin/bash"))
    {
        return Err(Stop::deny("reverse-shell", format!("{language} code")));
    }
    let sends = has(FETCHES) || lower.contains("socket");
    let all_environment = lower.contains("os.environ)")
        || lower.contains("dict(os.environ")
        || lower.contains("stringify(process.env)");
    if sends && all_environment {
        return Err(Stop::deny(
            "secret-send",
            format!("{language} code with the environment"),
        ));
    }
    let literals = literals(code);
    for literal in &literals {
        if !literal.contains(char::is_whitespace) {
            let path = literal.replace('~', &super::marks::HOME.to_string());
            reads::check_read(walk, language, &path)?;
            let deletes = ["unlink", "os.remove", "file.delete", "rm("]
                .iter()
                .any(|w| lower.contains(w));
            if deletes && literal.contains('*') {
                files::check_removal(walk, &super::marks::pattern(&path), false)?;
            }
            if has(WRITES) && literal != "/" && (literal.contains('/') || literal.starts_with('.'))
            {
                reads::check_write(walk, &path)?;
            }
        }
    }
    if starts {
        let mut scripts: Vec<String> = literals.clone();
        scripts.push(literals.join(" "));
        let any = scripts.iter().any(|s| s.contains(char::is_alphabetic));
        if !any {
            return Err(Stop::deny(
                "eval-data",
                format!("{language} code that runs what is not in it"),
            ));
        }
        for script in scripts {
            judge_literal(walk, &script)?;
        }
        if lower.contains("/bin/sh") || lower.contains("/bin/bash") {
            return Err(Stop::deny(
                "inline-code",
                format!("{language} code that starts a shell"),
            ));
        }
    }
    if has(DELETES_TREES) {
        let paths: Vec<&String> = literals
            .iter()
            .filter(|l| !l.contains(char::is_whitespace))
            .collect();
        if paths.is_empty() {
            return Err(Stop::deny(
                "file-destroy",
                format!("{language} code that deletes trees"),
            ));
        }
        for path in paths {
            let path = path.replace('~', &super::marks::HOME.to_string());
            if path.starts_with(['/', '.', super::marks::HOME]) || path == "*" {
                files::check_removal(walk, &path, true)?;
            }
        }
    }
    Ok(Flow::UNKNOWN)
}

/// A literal that is a dangerous command is refused; one that is no command at all says nothing.
fn judge_literal(walk: &mut Walk, literal: &str) -> Result<(), Stop> {
    match walk.attempt(literal) {
        Err(Stop::Deny { rule, what }) if rule != "dynamic-command" => {
            Err(Stop::Deny { rule, what })
        }
        _ => Ok(()),
    }
}

/// The quoted texts of a script; neighbours joined by `+` or `.` are one.
pub(super) fn literals(code: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut chars = code.chars().peekable();
    let mut between = String::new();
    let mut last = '\n';
    while let Some(c) = chars.next() {
        let opens = match c {
            '"' | '`' => true,
            '\'' => !last.is_alphanumeric() || "rbfu".contains(last),
            '#' if last == '\n' => {
                for skipped in chars.by_ref() {
                    if skipped == '\n' {
                        break;
                    }
                }
                false
            }
            _ => false,
        };
        if !opens {
            between.push(c);
            last = c;
            continue;
        }
        let mut text = String::new();
        while let Some(next) = chars.next() {
            if next == c {
                break;
            }
            if next == '\\' {
                text.push('\\');
                text.extend(chars.next());
            } else {
                text.push(next);
            }
        }
        let text = super::expand::escapes(&text, true);
        let glue = between.trim();
        match found.last_mut() {
            Some(before) if glue == "+" || glue == "." => before.push_str(&text),
            _ => found.push(text),
        }
        between.clear();
        last = c;
    }
    // `%x(…)` and `qx{…}`.
    for open in ["%x(", "%x{", "%x[", "qx(", "qx{", "qx/", "qx["] {
        for (at, _) in code.match_indices(open) {
            let rest = &code[at + open.len()..];
            let end = rest.find([')', '}', ']', '/']).unwrap_or(rest.len());
            found.push(rest[..end].to_owned());
        }
    }
    found.retain(|t| !t.trim().is_empty());
    found
}
