//! Code in other languages: not understood, but what it would hand to a shell, delete, send or read
//! stands in its literals.

use super::marks::{HOME, has_hole, is_known, pattern};
use super::walk::{Flow, Walk, quoted};
use super::{Stop, files, reads};

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
    "doshellscript",
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
    "decode_base64",
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

/// What deletes a whole tree.
pub(super) const DELETES_TREES: &[&str] = &[
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
    "rm(",
    "unlink(",
];

/// What deletes or overwrites one file.
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
    "\"wb\"",
    "'ab'",
    "\"ab\"",
    "'r+",
    "\"r+",
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

/// Ways to another machine that are no fetching.
const SOCKETS: &[&str] = &[
    "tcpsocket",
    "fsockopen",
    "io::socket",
    "net.connect",
    "require('net')",
    "require(\"net\")",
    "require('tls')",
    "require('node:net')",
    "from 'net'",
    "from 'node:net'",
    "use socket",
    "socket.tcp",
];

/// Code, and its text in lower case, which is what the lists are in.
struct Code<'a> {
    language: &'a str,
    lower: String,
    literals: Vec<String>,
}

/// Judges code by its literals.
pub(super) fn judge(walk: &mut Walk, language: &str, text: &str) -> Result<Flow, Stop> {
    let code = Code {
        language,
        lower: text.to_lowercase(),
        literals: literals(text),
    };
    let word = !text.trim().contains(char::is_whitespace);
    if !is_known(text) && word || has_hole(text) && text.chars().count() <= 2 {
        return Err(code.deny("eval-data", &format!("with {}", quoted(text))));
    }
    code.runs_what_nobody_reads()?;
    code.sends()?;
    code.asks_services()?;
    code.touches(walk)?;
    if code.has(FETCHES) {
        code.keeps(walk);
    }
    if code.starts() {
        code.hands_over(walk)?;
    }
    if code.has(DELETES_TREES) {
        code.deletes(walk)?;
    }
    super::homes::deletes_at_home(walk, text)?;
    Ok(Flow::UNKNOWN)
}

impl Code<'_> {
    fn has(&self, list: &[&str]) -> bool {
        list.iter().any(|w| self.lower.contains(w))
    }

    fn deny(&self, rule: &'static str, what: &str) -> Stop {
        Stop::deny(rule, format!("{} code {what}", self.language))
    }

    /// Whether it starts another program.
    fn starts(&self) -> bool {
        let backticks = matches!(self.language, "perl" | "ruby" | "php");
        STARTS
            .iter()
            .any(|w| (*w != "`" || backticks) && self.lower.contains(w))
            || self.language == "groovy" && self.lower.contains(".execute()")
    }

    fn runs_what_nobody_reads(&self) -> Result<(), Stop> {
        if !self.starts() && !self.has(&["eval", "exec(", "exec "]) {
            return Ok(());
        }
        let environment = [
            "exec(os.environ",
            "eval(os.environ",
            "eval(process.env",
            "eval env[",
            "eval(env[",
            "exec(os.getenv",
        ];
        if self.has(&environment) {
            return Err(self.deny(
                "eval-data",
                "that runs what a variable of the environment holds",
            ));
        }
        if self.has(DECODES) {
            return Err(self.deny("decode-to-shell", "that decodes and runs"));
        }
        let by_program =
            self.has(&["curl ", "wget "]) || self.has(&["get("]) && self.has(&["http"]);
        if self.has(FETCHES) || self.has(&["eval"]) && by_program {
            return Err(self.deny("download-exec", "that fetches and runs"));
        }
        Ok(())
    }

    fn sends(&self) -> Result<(), Stop> {
        let socket = self.lower.contains("socket");
        // These two have other things of that name.
        let raw = socket && !matches!(self.language, "python" | "node");
        let shell = socket && self.has(&["dup2", "/bin/sh", "/bin/bash"]);
        if shell || (self.has(SOCKETS) || raw) && self.starts() {
            return Err(self.deny("reverse-shell", "with a socket and a shell"));
        }
        let asks = ["token", "secret", "key", "passw", "credential"];
        let shows = self.has(&[
            "environ.items(",
            "entries(process.env",
            "env.each",
            "env.select",
        ]);
        if shows
            && self
                .literals
                .iter()
                .any(|l| asks.contains(&l.to_lowercase().as_str()))
        {
            return Err(self.deny("secret-read", "that shows secrets of the environment"));
        }
        let environment = self.has(&["os.environ)", "dict(os.environ", "stringify(process.env)"]);
        if environment && (socket || self.has(FETCHES)) {
            return Err(self.deny("secret-send", "with the environment"));
        }
        Ok(())
    }

    /// What it would have databases and clouds do.
    fn asks_services(&self) -> Result<(), Stop> {
        let metadata = super::sends::METADATA;
        let named = |l: &String| metadata.iter().any(|host| l.contains(host));
        if self.literals.iter().any(named) {
            return Err(self.deny("secret-read", "that asks a cloud's metadata service"));
        }
        let cloud = self.has(&["boto3", "google.cloud", "azure.", "@aws-sdk", "aws-sdk"]);
        let removes = [
            ".delete(",
            ".delete_",
            ".terminate",
            "delete_objects",
            "deletebucket",
            "deletecommand(",
        ];
        if cloud && self.has(&removes) {
            return Err(self.deny("infra-destroy", "that removes what runs in a cloud"));
        }
        let documents = [
            ".delete_many({})",
            ".deletemany({})",
            ".drop_database(",
            ".dropdatabase(",
            ".drop_collection(",
            ".dropcollection(",
            ".flushall(",
            ".flushdb(",
        ];
        let here = self.has(&["localhost", "127.0.0.1"]);
        if self.has(&documents) && !here
            || self.lower.contains("mongo") && self.has(&[".drop()"]) && !here
        {
            return Err(self.deny("database-destroy", "that empties a database"));
        }
        let statements = [
            "execute(",
            "executescript(",
            ".query(",
            ".exec(",
            ".raw(",
            ".sql(",
            "$executeraw",
        ];
        if self.has(&statements)
            && !self.lower.contains(":memory:")
            && self
                .literals
                .iter()
                .any(|l| super::databases::destroys_data(l))
        {
            return Err(self.deny("database-destroy", "with a statement that drops or empties"));
        }
        Ok(())
    }

    /// What it reads, writes and deletes by name.
    fn touches(&self, walk: &Walk) -> Result<(), Stop> {
        if self.language == "osascript" && self.lower.contains("login item") {
            return Err(self.deny("persistence", "that makes a login item"));
        }
        if self.language == "osascript" && self.lower.contains("with hidden answer") {
            return Err(self.deny("secret-read", "that asks for a password"));
        }
        if self.language == "osascript"
            && self.has(&["delete every", "empty trash", "empty the trash"])
        {
            return Err(self.deny("file-destroy", "that deletes everything"));
        }
        let writes = self.has(WRITES);
        let deletes = self.has(&["unlink", "os.remove", "file.delete", "rm("]);
        for literal in self
            .literals
            .iter()
            .filter(|l| !l.contains(char::is_whitespace))
        {
            let path = literal.replace('~', &HOME.to_string());
            reads::check_read(walk, self.language, &path)?;
            if deletes && literal.contains('*') {
                files::check_removal(walk, &pattern(&path), false)?;
            }
            let names_file = literal.contains('/') || literal.starts_with('.');
            if writes && names_file && literal != "/" {
                reads::check_write(walk, &path)?;
            }
        }
        Ok(())
    }

    /// Files that it may put what it fetches into.
    fn keeps(&self, walk: &mut Walk) {
        for literal in &self.literals {
            let name = !literal.contains(char::is_whitespace) && literal.contains(['/', '.']);
            if name && !super::network::is_address(literal) {
                super::network::foreign(walk, literal);
            }
        }
    }

    /// What it hands to a shell or starts.
    fn hands_over(&self, walk: &mut Walk) -> Result<(), Stop> {
        let mut scripts = self.literals.clone();
        scripts.push(self.literals.join(" "));
        if !scripts.iter().any(|s| s.contains(char::is_alphabetic)) {
            return Err(self.deny("eval-data", "that runs what is not in it"));
        }
        for script in scripts {
            judge_literal(walk, &script)?;
        }
        if self.has(&["/bin/sh", "/bin/bash"]) {
            return Err(self.deny("inline-code", "that starts a shell"));
        }
        Ok(())
    }

    fn deletes(&self, walk: &Walk) -> Result<(), Stop> {
        let words = |l: &&String| !l.contains(char::is_whitespace);
        let mut paths = self.literals.iter().filter(words).peekable();
        if paths.peek().is_none() {
            return Err(self.deny("file-destroy", "that deletes trees"));
        }
        for path in paths {
            let path = path.replace('~', &HOME.to_string());
            if path.starts_with(['/', '.', HOME]) || path == "*" {
                files::check_removal(walk, &path, true)?;
            }
        }
        Ok(())
    }
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
