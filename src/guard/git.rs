//! git, by what a command does to work that exists nowhere else, and by the programs that it starts.

use super::Stop;
use super::marks::{HOLE, STAR};
use super::options::{before_end, long, operands, short, value};
use super::paths::Place;
use super::walk::{Walk, quoted};

/// Settings whose value is a program.
const PROGRAMS: &[&str] = &[
    "core.sshcommand",
    "core.fsmonitor",
    "core.gitproxy",
    "core.askpass",
    "core.hookspath",
    "credential.helper",
    "diff.external",
    "gpg.program",
    "uploadpack.packobjectshook",
    "core.editor",
    "core.pager",
    "sequence.editor",
    "interactive.difffilter",
    "init.templatedir",
];

/// Values of them that are harmless.
const USUAL: &[&str] = &[
    "",
    "cat",
    "less",
    "more",
    "true",
    "false",
    "ssh",
    "vim",
    "vi",
    "nano",
    "delta",
    "bat",
    "store",
    "cache",
    "osxkeychain",
    "gpg",
    "gpg2",
    ":",
    "code",
];

/// Where most repositories are.
const FORGES: &[&str] = &[
    "github.com",
    "gitlab.com",
    "bitbucket.org",
    "codeberg.org",
    "sr.ht",
    "dev.azure.com",
    "localhost",
    "127.0.0.1",
];

/// The host of an address, also of `git@HOST:PATH`.
fn host(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let rest = rest.split(['/', ':']).next().unwrap_or_default();
    rest.rsplit('@').next().unwrap_or(rest)
}

/// Judges a git command.
pub(super) fn check(walk: &mut Walk, args: &[String]) -> Result<(), Stop> {
    let mut aliases = Vec::new();
    let mut rest = args;
    let mut cwd = None;
    let mut unforced = true;
    while let Some((first, more)) = rest.split_first() {
        match first.as_str() {
            "-c" | "--config-env" => {
                let Some(setting) = more.first() else { break };
                let (key, value) = setting.split_once('=').unwrap_or((setting, "true"));
                let key = key.to_lowercase();
                if let Some(alias) = key.strip_prefix("alias.") {
                    aliases.push((alias.to_owned(), value.to_owned()));
                }
                unforced &= !(key == "clean.requireforce" && value == "false");
                setting_ok(walk, &key, value)?;
                rest = &more[1..];
                continue;
            }
            "-C" => {
                cwd = more.first().cloned();
                rest = more.get(1..).unwrap_or_default();
                continue;
            }
            "--git-dir" | "--work-tree" | "--namespace" | "--super-prefix" | "--attr-source" => {
                rest = more.get(1..).unwrap_or_default();
                continue;
            }
            option if option.starts_with("--exec-path=") => {
                return Err(Stop::deny("git-program", quoted(option)));
            }
            "--help" | "--version" | "-h" | "-v" => return Ok(()),
            option if option.starts_with('-') => {}
            _ => break,
        }
        rest = more;
    }
    let Some((verb, args)) = rest.split_first() else {
        return Ok(());
    };
    if let Some((_, text)) = aliases.iter().find(|(a, _)| a == verb) {
        let script = match text.strip_prefix('!') {
            Some(script) => super::shells::joined(script, args),
            None => super::shells::joined(&format!("git {text}"), args),
        };
        walk.apart(|walk| walk.script(&script))?;
        return Ok(());
    }
    if before_end(args).iter().any(|a| a == "--help" || a == "-h") {
        return Ok(());
    }
    if verb == "credential" && args.first().is_some_and(|a| a == "fill")
        || verb.starts_with("credential-") && args.iter().any(|a| a == "get")
    {
        return Err(Stop::deny("secret-read", format!("git {verb}")));
    }
    if *verb == HOLE.to_string() {
        return Err(Stop::unprovable(
            "a command of git's that only the run knows",
        ));
    }
    if verb == "push"
        && let Some(to) = operands(args)
            .into_iter()
            .find(|w| super::network::is_address(w))
        && !FORGES.contains(&host(to))
    {
        return Err(Stop::deny(
            "secret-send",
            format!("git push {}", quoted(to)),
        ));
    }
    let reverses = verb == "apply" && (short(args, 'R') || long(args, "reverse", 3));
    let patch = matches!(&walk.scope.stdin, super::walk::Flow::Text(text) if text == WORK);
    let only_looks = ["--cached", "--check", "--stat", "--numstat", "--summary"];
    if reverses && patch && !args.iter().any(|a| only_looks.contains(&a.as_str())) {
        return Err(Stop::deny(
            "git-destroy",
            "git apply -R of what is not committed",
        ));
    }
    runs(walk, verb, args)?;
    destroys(verb, args, unforced)?;
    let kept = walk.scope.cwd.clone();
    if let Some(cwd) = cwd {
        walk.scope.cwd = Place::of(&cwd, &kept);
    }
    let shown = shows(walk, verb, args);
    walk.scope.cwd = kept;
    shown
}

fn setting_ok(walk: &mut Walk, key: &str, value: &str) -> Result<(), Stop> {
    let program = PROGRAMS.contains(&key)
        || (key.starts_with("filter.")
            || key.starts_with("diff.")
            || key.starts_with("merge.")
            || key.starts_with("difftool.")
            || key.starts_with("mergetool.")
            || key.starts_with("credential.")
            || key.starts_with("pager."))
            && (key.ends_with(".cmd")
                || key.ends_with(".clean")
                || key.ends_with(".smudge")
                || key.ends_with(".process")
                || key.ends_with(".textconv")
                || key.ends_with(".driver")
                || key.ends_with(".helper"));
    let first = value.split_whitespace().next().unwrap_or_default();
    // Everything would be fetched from, and pushed to, somebody else.
    if let Some(base) = key.strip_prefix("url.").and_then(|k| {
        k.strip_suffix(".insteadof")
            .or_else(|| k.strip_suffix(".pushinsteadof"))
    }) && host(base) != host(&value.to_lowercase())
    {
        return Err(Stop::deny("git-program", key));
    }
    let forces = key.starts_with("remote.")
        && (key.ends_with(".push") && value.starts_with('+')
            || key.ends_with(".mirror") && value != "false");
    let forgets = [
        "gc.reflogexpire",
        "gc.reflogexpireunreachable",
        "gc.pruneexpire",
    ]
    .contains(&key)
        && ["now", "all", "0"]
            .iter()
            .any(|at_once| value.starts_with(at_once));
    if forces || forgets {
        return Err(Stop::deny(
            "git-destroy",
            format!("{key}={}", quoted(value)),
        ));
    }
    if key == "core.hookspath" && matches!(value, "" | "/dev/null") {
        return Err(Stop::deny("protection-off", key));
    }
    if program && !USUAL.contains(&first) {
        return Err(Stop::deny(
            "git-program",
            format!("{key}={}", quoted(value)),
        ));
    }
    if key.starts_with("protocol.ext")
        || key == "core.sshcommand" && value.to_lowercase().contains("proxycommand")
    {
        return Err(Stop::deny("git-program", key));
    }
    if let (true, Some(script)) = (key.starts_with("alias."), value.strip_prefix('!')) {
        walk.apart(|walk| walk.script(script))?;
    }
    Ok(())
}

/// What a subcommand starts.
fn runs(walk: &mut Walk, verb: &str, args: &[String]) -> Result<(), Stop> {
    let script = match verb {
        "rebase" => value(args, "--exec")
            .or_else(|| value(args, "-x"))
            .map(str::to_owned),
        "difftool" => value(args, "-x")
            .or_else(|| value(args, "--extcmd"))
            .map(str::to_owned),
        "submodule" => operands(args)
            .split_first()
            .filter(|(v, _)| v.as_str() == "foreach")
            .map(|(_, rest)| {
                rest.iter()
                    .map(|s| s.as_str())
                    .collect::<Vec<_>>()
                    .join(" ")
            }),
        "bisect" if args.first().is_some_and(|a| a == "run") => {
            let command = args[1..].to_vec();
            walk.apart(|walk| super::program::run(walk, &command))?;
            None
        }
        _ => None,
    };
    if let Some(script) = script {
        walk.apart(|walk| walk.script(&script))?;
    }
    for option in [
        "--upload-pack",
        "--receive-pack",
        "--open-files-in-pager",
        "-u",
    ] {
        let transfers = matches!(
            verb,
            "clone" | "fetch" | "pull" | "ls-remote" | "grep" | "archive" | "fetch-pack"
        );
        if transfers
            && (option != "-u" || verb == "clone" || verb == "ls-remote")
            && let Some(command) = value(args, option)
            && !command.starts_with("git-")
            && !command.is_empty()
        {
            return Err(Stop::deny(
                "git-program",
                format!("{option} {}", quoted(command)),
            ));
        }
    }
    if args.iter().any(|a| a.starts_with("ext::")) {
        return Err(Stop::deny("git-program", "ext::"));
    }
    if verb == "config" {
        let words = operands(args);
        let writes = !args.iter().any(|a| {
            a.starts_with("--get") || a == "-l" || a == "--list" || a.starts_with("--unset")
        });
        let words = match words.first().map(|w| w.as_str()) {
            Some("set") => &words[1..],
            Some("get" | "list" | "unset") => &[],
            _ => &words[..],
        };
        if let (true, [key, value, ..]) = (writes, words) {
            setting_ok(walk, &key.to_lowercase(), value)?;
            if key.to_lowercase().starts_with("alias.") {
                if value.starts_with('!') {
                    return Err(Stop::deny(
                        "git-program",
                        format!("{key} {}", quoted(value)),
                    ));
                }
                let script = format!("git {value}");
                walk.apart(|walk| walk.script(&script))?;
            }
        }
        if args.iter().any(|a| a.starts_with("--unset"))
            && args.iter().any(|a| a.to_lowercase() == "core.hookspath")
        {
            return Err(Stop::deny(
                "protection-off",
                "git config --unset core.hooksPath",
            ));
        }
    }
    Ok(())
}

fn destroys(verb: &str, args: &[String], unforced: bool) -> Result<(), Stop> {
    let deny = |what: &str| Err(Stop::deny("git-destroy", format!("git {what}")));
    let words = operands(args);
    let word = |i: usize| words.get(i).map_or("", |w| w.as_str());
    let dry = long(args, "dry-run", 3)
        || matches!(verb, "clean" | "push" | "prune" | "worktree" | "rm") && only_says(args);
    if dry {
        return Ok(());
    }
    if matches!(verb, "commit" | "push" | "merge" | "am" | "rebase") && long(args, "no-verify", 6)
        || verb == "commit" && no_verify_flag(args)
    {
        return Err(Stop::deny(
            "protection-off",
            format!("git {verb} --no-verify"),
        ));
    }
    match verb {
        "reset" if long(args, "hard", 1) && !long(args, "help", 3) => deny("reset --hard"),
        "reset" if long(args, "merge", 2) => deny("reset --merge"),
        "clean" if short(args, 'f') || long(args, "force", 1) || !unforced => deny("clean"),
        "push" | "send-pack" | "http-push" => push(args, &words),
        "checkout" => {
            let ended = args.iter().position(|a| a == "--");
            let paths = ended.is_some_and(|at| at + 1 < args.len())
                || words
                    .iter()
                    .any(|w| w.as_str() == "." || w.as_str() == ":/" || *w == &STAR.to_string())
                || args.iter().any(|a| a.starts_with("--pathspec-from-file"));
            if paths || short(args, 'f') || long(args, "force", 1) || short(args, 'B') {
                deny("checkout of files, or by force")
            } else {
                Ok(())
            }
        }
        "restore" => {
            let staged = short(args, 'S') || long(args, "staged", 2);
            let worktree = short(args, 'W') || long(args, "worktree", 1);
            if staged && !worktree {
                Ok(())
            } else {
                deny("restore of files")
            }
        }
        "switch"
            if short(args, 'f')
                || short(args, 'C')
                || long(args, "discard-changes", 3)
                || long(args, "force", 1) =>
        {
            deny("switch by force")
        }
        "stash" if matches!(word(0), "drop" | "clear") => deny("stash drop or clear"),
        "reflog" if matches!(word(0), "expire" | "delete") => deny("reflog expire or delete"),
        "gc" if args.iter().any(|a| a.starts_with("--prune=")) => deny("gc --prune"),
        "prune" => deny("prune"),
        "filter-repo" if long(args, "analyze", 3) => Ok(()),
        "filter-branch" | "filter-repo" => deny(verb),
        "replace" | "symbolic-ref" if short(args, 'd') || long(args, "delete", 2) => deny(verb),
        "branch" => {
            let delete = short(args, 'd') || long(args, "delete", 2);
            let force = short(args, 'f') || long(args, "force", 2);
            if short(args, 'D') || short(args, 'M') || delete && force || force && words.len() > 1 {
                deny("branch -D")
            } else {
                Ok(())
            }
        }
        "tag" if short(args, 'd') || long(args, "delete", 2) || short(args, 'f') => deny("tag -d"),
        "worktree" if word(0) == "remove" && (short(args, 'f') || long(args, "force", 1)) => {
            deny("worktree remove --force")
        }
        "update-ref" if short(args, 'd') || args.iter().any(|a| a == "--stdin") => {
            deny("update-ref -d")
        }
        "submodule" if word(0) == "deinit" && (short(args, 'f') || long(args, "force", 1)) => {
            deny("submodule deinit -f")
        }
        "rm" if (short(args, 'f') || long(args, "force", 1)) && !long(args, "cached", 2) => {
            deny("rm -f")
        }
        "remote" if matches!(word(0), "remove" | "rm") => deny("remote remove"),
        "checkout-index" if short(args, 'f') => deny("checkout-index -f"),
        "read-tree" if long(args, "reset", 4) => deny("read-tree --reset"),
        "lfs" if word(0) == "prune" => deny("lfs prune"),
        "credential" | "credential-store" | "credential-cache"
            if matches!(word(0), "fill" | "get") =>
        {
            Err(Stop::deny("secret-read", "git credential fill"))
        }
        _ => Ok(()),
    }
}

/// Stands for a patch of all that is not committed.
pub(super) const WORK: &str = "\u{f0000}uncommitted";

/// Whether a command writes such a patch: `git diff`, without versions that it would compare.
pub(super) fn shows_work(args: &[String]) -> bool {
    let own = ["-C", "-c", "--git-dir", "--work-tree", "--namespace"];
    let args = super::wrappers::skip(args, &own, 0);
    let other = [
        "--cached",
        "--staged",
        "--name-only",
        "--name-status",
        "--stat",
        "--numstat",
        "--shortstat",
        "--quiet",
    ];
    let Some((verb, rest)) = args.split_first() else {
        return false;
    };
    let versions = operands(before_end(rest));
    let range = |word: &&String| word.contains("..") && !word.contains("../");
    verb == "diff"
        && !rest.iter().any(|a| other.contains(&a.as_str()))
        && !versions.iter().any(range)
        && versions.len() < 2
}

/// The files that `git ls-files` names, as far as its words say: what is there below each path. None
/// where it writes more than names.
pub(super) fn listed(args: &[String]) -> Option<Vec<String>> {
    let more = [
        "--format",
        "-s",
        "--stage",
        "-t",
        "-v",
        "-f",
        "--eol",
        "--full-name",
        "-u",
    ];
    if args.iter().any(|a| {
        more.iter()
            .any(|m| a == m || a.starts_with(&format!("{m}=")))
    }) {
        return None;
    }
    let paths: Vec<&String> = operands(args).into_iter().skip(1).collect();
    // Options with a value, and paths that leave others out or begin elsewhere.
    let other = |a: &&String| {
        let excludes = a.starts_with("--exclude") && *a != "--exclude-standard";
        a.starts_with("-x") || a.starts_with("-X") || excludes
    };
    let magic = |path: &&String| path.starts_with(':');
    if paths.is_empty() || args.iter().any(|a| other(&a)) || paths.iter().any(magic) {
        return Some(vec![STAR.to_string()]);
    }
    let one = |path: &String| {
        if path.contains(['*', STAR]) {
            super::marks::pattern(path)
        } else {
            format!("{}/{HOLE}", path.trim_end_matches('/'))
        }
    };
    Some(paths.into_iter().map(one).collect())
}

/// Whether `-n` is given, alone or among other flags that these verbs have: `-until` is no dry run.
pub(super) fn only_says(args: &[String]) -> bool {
    before_end(args).iter().any(|a| {
        let flags = a.strip_prefix('-').unwrap_or_default();
        flags.contains('n') && flags.chars().all(|c| "nfdxXeiqvur46".contains(c))
    })
}

/// `-n` of commit, alone or among flags without a value.
fn no_verify_flag(args: &[String]) -> bool {
    before_end(args).iter().enumerate().any(|(i, a)| {
        let value_of = i > 0 && matches!(args[i - 1].as_str(), "-m" | "-F" | "-C" | "-c" | "-t");
        !value_of
            && a.strip_prefix('-').is_some_and(|f| {
                !f.starts_with('-')
                    && f.split(['m', 'F', 'C', 'c', 't', 'S', 'u'])
                        .next()
                        .is_some_and(|f| f.contains('n'))
            })
    })
}

fn push(args: &[String], words: &[&String]) -> Result<(), Stop> {
    let deny = |what: &str| Err(Stop::deny("git-destroy", format!("git push {what}")));
    let forced = before_end(args).iter().any(|a| {
        a.strip_prefix("--")
            .is_some_and(|rest| rest.len() >= 2 && "force".starts_with(rest))
    });
    if forced || short(args, 'f') {
        return deny("--force");
    }
    if long(args, "delete", 3) || short(args, 'd') {
        return deny("--delete");
    }
    if long(args, "mirror", 2) || long(args, "prune", 3) {
        return deny("--mirror or --prune");
    }
    if words
        .iter()
        .any(|w| w.starts_with('+') || w.contains(":+") || w.starts_with(':') && w.len() > 1)
    {
        return deny("of a forced or an empty ref");
    }
    Ok(())
}

/// Secrets in the history are secrets.
fn shows(walk: &Walk, verb: &str, args: &[String]) -> Result<(), Stop> {
    if !matches!(
        verb,
        "show"
            | "cat-file"
            | "archive"
            | "blame"
            | "annotate"
            | "grep"
            | "hash-object"
            | "diff"
            | "log"
            | "add"
            | "stage"
    ) {
        return Ok(());
    }
    let words = operands(args);
    let skip = usize::from(verb == "grep");
    for word in words.into_iter().skip(skip) {
        let path = word.rsplit(':').next().unwrap_or(word);
        let shows = verb != "log" || short(args, 'p');
        if shows && path != HOLE.to_string() {
            super::reads::check_read(walk, "git", path)?;
        }
    }
    Ok(())
}
