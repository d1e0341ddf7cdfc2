//! Options by which an ordinary program starts another one.

use super::Stop;
use super::marks::HOLE;
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
        && let Some(at) = args
            .iter()
            .position(|a| matches!(a.as_str(), "-x" | "-X" | "--exec" | "--exec-batch"))
    {
        let command: Vec<String> = args[at + 1..]
            .iter()
            .map(|a| a.replace("{}", &HOLE.to_string()))
            .chain((!args[at + 1..].iter().any(|a| a.contains("{}"))).then(|| HOLE.to_string()))
            .collect();
        walk.apart(|walk| program::run(walk, &command))?;
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
