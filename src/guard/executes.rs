//! Options by which an ordinary program starts another one.

use super::Stop;
use super::marks::{HOLE, STAR};
use super::options::value;
use super::program;
use super::walk::{Walk, quoted};

/// Programs, and their options whose value is a command.
const OPTIONS: &[(&[&str], &[&str])] = &[
    (
        &["tar", "gtar", "bsdtar"],
        &[
            "--info-script",
            "--new-volume-script",
            "--to-command",
            "--use-compress-program",
            "--rsh-command",
            "-I",
            "-F",
        ],
    ),
    (&["rg"], &["--pre", "--hostname-bin"]),
    (&["sort"], &["--compress-program"]),
    (&["split"], &["--filter"]),
    (&["curl"], &["--engine"]),
    (&["wget"], &["--use-askpass"]),
    (&["pip", "pip3"], &["--python"]),
    (&["git-lfs"], &["--exec"]),
    (&["ctags"], &["--options"]),
    (&["wireshark", "tshark", "dumpcap"], &["-z"]),
    (&["tcpdump"], &["-z"]),
    (&["logrotate"], &["--mail", "-m"]),
    (
        &["pdflatex", "latex", "xelatex"],
        &["--shell-escape", "-shell-escape"],
    ),
    (&["zip"], &["-TT", "--unzip-command"]),
    (&["rsync"], &["-e", "--rsh"]),
    (&["scp", "sftp"], &["-S"]),
    (&["man"], &["-P", "--pager", "-H"]),
    (&["less"], &["--preprocessor"]),
    (&["nmap"], &["--script"]),
    (&["ansible", "ansible-playbook"], &["--ssh-common-args"]),
];

/// Commands that such options are for.
const USUAL: &[&str] = &[
    "ssh", "zstd", "pigz", "gzip", "bzip2", "pbzip2", "xz", "lz4", "zstdmt", "less", "more", "cat",
    "default", "vuln", "safe",
];

/// Options of fd that have a value.
const FD_VALUED: &[&str] = &[
    "-e",
    "--extension",
    "-t",
    "--type",
    "-d",
    "--max-depth",
    "-E",
    "--exclude",
    "-S",
    "--size",
    "-c",
    "--color",
    "-j",
    "--threads",
    "-o",
    "--owner",
    "--changed-within",
    "--changed-before",
    "--max-results",
    "--min-depth",
    "--exact-depth",
    "--search-path",
    "--base-directory",
    "-C",
];

/// Whether an option of fd's is the one behind which a command stands.
fn runs_by_fd(option: &str) -> bool {
    let flags = option
        .strip_prefix('-')
        .filter(|flags| !flags.starts_with('-'));
    let (name, _) = option.split_once('=').unwrap_or((option, ""));
    matches!(name, "--exec" | "--exec-batch")
        || flags.is_some_and(|flags| flags.ends_with(['x', 'X']))
}

/// What fd would name: everything below its paths, by the pattern and the ending that narrow it. What
/// a pattern finds in the work at hand is one unknown name, as it would be from any other program.
pub(super) fn found_by_fd(walk: &Walk, args: &[String]) -> Vec<String> {
    let named = ["--search-path", "--base-directory", "-C"];
    let elsewhere: Vec<&str> = named
        .iter()
        .filter_map(|option| value(args, option))
        .collect();
    let mut words = Vec::new();
    let mut index = 0;
    while let Some(arg) = args.get(index) {
        index += 1 + usize::from(FD_VALUED.contains(&arg.as_str()));
        if !arg.starts_with('-') {
            words.push(arg.as_str());
        }
    }
    let (pattern, paths) = words.split_first().map_or((".", &[][..]), |(p, r)| (*p, r));
    let mut roots: Vec<&str> = paths.iter().copied().chain(elsewhere).collect();
    if roots.is_empty() {
        roots.push(".");
    }
    let plain = |text: &&str| text.chars().all(|c| c.is_ascii_alphanumeric());
    let ending = value(args, "-e").or_else(|| value(args, "--extension"));
    let everything = matches!(pattern, "." | "" | ".*" | "*" | "**" | "^" | "$");
    let name = match ending.filter(plain) {
        Some(ending) => format!("{HOLE}.{ending}"),
        None if everything => STAR.to_string(),
        None if roots == ["."] => return vec![HOLE.to_string()],
        None => HOLE.to_string(),
    };
    let one = |root: &str| super::find::below(walk, root, &name, true);
    roots.into_iter().map(one).collect()
}

/// Judges the options of a program that can start others.
pub(super) fn check(walk: &mut Walk, name: &str, args: &[String]) -> Result<(), Stop> {
    for (names, options) in OPTIONS {
        if !names.contains(&name) {
            continue;
        }
        for option in *options {
            let Some(command) = value(args, option) else {
                continue;
            };
            let command = command.to_owned();
            let first = command.split_whitespace().next().unwrap_or_default();
            if !USUAL.contains(&first) {
                return Err(Stop::deny(
                    "program-option",
                    format!("{name} {option} {}", quoted(&command)),
                ));
            }
            walk.apart(|walk| walk.script(&command))?;
        }
    }
    if matches!(name, "tar" | "gtar" | "bsdtar")
        && args
            .iter()
            .any(|a| a.contains("exec=") && a.contains("checkpoint"))
        || args.iter().any(|a| a == "exec=" || a.starts_with("exec=")) && name == "tar"
    {
        return Err(Stop::deny("program-option", "tar --checkpoint-action=exec"));
    }
    if matches!(
        name,
        "vi" | "vim" | "nvim" | "ex" | "view" | "gvim" | "emacs"
    ) {
        for arg in args {
            let text = arg
                .trim_start_matches("-c")
                .trim_start_matches("--cmd")
                .trim_start_matches(['+', ':', '\'']);
            if text.starts_with('!')
                || arg.contains("system(")
                || arg.contains(":!")
                || arg.contains("shell-command")
                || arg.contains("(delete-directory")
                || arg.contains("(delete-file")
                || arg.contains("call-process")
            {
                return Err(Stop::deny(
                    "program-option",
                    format!("{name} {}", quoted(arg)),
                ));
            }
        }
    }
    if matches!(name, "fd" | "fdfind")
        && let Some(at) = args.iter().position(|a| runs_by_fd(a))
    {
        let first = args[at]
            .split_once('=')
            .map(|(_, program)| program.to_owned());
        let words = args[at + 1..].iter().take_while(|a| *a != ";").cloned();
        let given: Vec<String> = first.into_iter().chain(words).collect();
        for found in found_by_fd(walk, &args[..at]) {
            let mut command: Vec<String> = given.iter().map(|a| a.replace("{}", &found)).collect();
            if command == given {
                command.push(found);
            }
            walk.apart(|walk| program::run(walk, &command))?;
        }
    }
    let bfg = |word: &String| {
        let file = program::base_name(word);
        file.starts_with("bfg") && file.ends_with(".jar")
    };
    if name == "java" && args.iter().any(bfg) {
        return Err(Stop::deny(
            "git-destroy",
            "bfg, which rewrites what others have",
        ));
    }
    if name == "socat"
        && args.iter().any(|a| {
            let a = a.to_lowercase();
            a.starts_with("exec:") || a.starts_with("system:")
        })
    {
        return Err(Stop::deny("reverse-shell", "socat EXEC"));
    }
    Ok(())
}
