//! Start-up files of shells and the settings of editors and terminals.

use super::VARIABLES;
use super::table::{Word, check, is_plain};

/// Start-up files.
pub(super) const FILES: &[&str] = &[
    "~/.bashrc",
    "~/.bash_profile",
    "~/.bash_aliases",
    "~/.profile",
    "~/.zshrc",
    "~/.zprofile",
    "~/.zshenv",
    "~/.aliases",
    "~/.exports",
    "/etc/bash.bashrc",
    "/etc/bashrc",
    "/etc/profile",
    "/etc/zshrc",
    "/etc/zprofile",
    "/etc/zshenv",
    "/etc/zsh/zshrc",
    "/etc/zsh/zshenv",
    "/etc/environment",
];

/// Whether an alias runs a program that only shows things.
const SHOWING: &[&str] = &[
    "ls", "grep", "egrep", "fgrep", "git", "ll", "df", "du", "cp", "mv", "rm", "cd", "tree",
    "less", "diff", "ip", "free", "eza", "bat", "ln",
];

/// A line of a shell's start-up file.
pub(super) fn line(text: &str) -> Word {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix("alias ") {
        return alias(rest);
    }
    if let Some(mask) = text.strip_prefix("umask ") {
        return if ["027", "077", "0027", "0077"].contains(&mask.trim()) {
            Word::Good
        } else if ["022", "0022"].contains(&mask.trim()) {
            Word::Held("umask 022 lets others read what is made, as without it".to_owned())
        } else {
            Word::Refused(format!("umask {mask} lets others write"))
        };
    }
    let plain = [
        "set -o noclobber",
        "set -o vi",
        "set -o emacs",
        "setopt HIST_IGNORE_DUPS",
        "setopt HIST_IGNORE_SPACE",
        "setopt SHARE_HISTORY",
        "setopt APPEND_HISTORY",
        "setopt INC_APPEND_HISTORY",
        "setopt AUTO_CD",
        "setopt EXTENDED_HISTORY",
        "setopt HIST_IGNORE_ALL_DUPS",
        "setopt NO_BEEP",
        "setopt CORRECT",
        "shopt -s histappend",
        "shopt -s checkwinsize",
        "shopt -s globstar",
        "shopt -s cdspell",
        "bindkey -e",
        "bindkey -v",
        "autoload -Uz compinit",
        "compinit",
        "esac",
        "fi",
        "done",
    ];
    if plain.contains(&text) {
        return Word::Good;
    }
    let (kind, rest) = match text.split_once(' ') {
        Some((kind @ ("export" | "readonly" | "declare" | "typeset"), rest)) => (kind, rest.trim()),
        _ => ("", text),
    };
    let mut good = true;
    for part in rest.split(" ; ") {
        let Some((name, value)) = part.split_once('=') else {
            // `readonly TMOUT`, `export TMOUT`: no value is given.
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ' ';
            if !kind.is_empty()
                && ["readonly", "export"].contains(&kind)
                && part.chars().all(word)
                && part.split(' ').all(variable_known)
            {
                continue;
            }
            good = false;
            continue;
        };
        match variable(name.trim(), value.trim().trim_matches(['"', '\''])) {
            Word::Good => {}
            other => return other,
        }
    }
    if good {
        Word::Good
    } else {
        Word::Held("a line that every shell runs".to_owned())
    }
}

fn variable_known(name: &str) -> bool {
    VARIABLES.lines().any(|l| {
        l.split_once(' ')
            .is_some_and(|(n, v)| n == name && !v.starts_with(['!', '?']))
    })
}

/// Judges a variable of the environment.
pub(in super::super) fn variable(name: &str, value: &str) -> Word {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !name.chars().all(word) || name.is_empty() {
        return Word::Held("a line that every shell runs".to_owned());
    }
    // The shell tells upper case from lower case; the table's look-up does not.
    check(VARIABLES, name, value)
}

fn alias(rest: &str) -> Word {
    let Some((name, body)) = rest.split_once('=') else {
        return Word::Held("an alias that no rule can read".to_owned());
    };
    // One alias to a line: a second one would be read as a part of the first.
    let words = shlex::split(rest).unwrap_or_default();
    if words.len() != 1 {
        return Word::Held("several aliases in one line, or one that no rule can read".to_owned());
    }
    let body = body.trim().trim_matches(['"', '\'']);
    let program = body.split_whitespace().next().unwrap_or_default();
    let shown = [
        "sudo", "ssh", "su", "git", "docker", "kubectl", "gpg", "pass", "passwd", "scp", "claude",
        "security",
    ];
    let path = body
        .split_whitespace()
        .skip(1)
        .any(|w| w.starts_with(['/', '~', '.']) && w.len() > 3 && w != "...");
    let other = name.trim() != program && ["rm", "mv", "cp", "cd"].contains(&program);
    let stays = if name.trim() == program {
        harmless(body)
    } else {
        !path && !other && !shown.contains(&name.trim())
    };
    if stays
        && SHOWING.contains(&program)
        && is_plain(body)
        && !body.contains(['&', '$', '!'])
        && crate::guard::judge(body).is_allowed()
    {
        Word::Good
    } else {
        Word::Held(format!(
            "the alias {} runs \"{}\"",
            name.trim(),
            crate::text::plain(body, 80)
        ))
    }
}

/// Whether a program under its own name is given only what makes it show or ask more.
fn harmless(body: &str) -> bool {
    const OPTIONS: [&str; 14] = [
        "-i",
        "-I",
        "-v",
        "-iv",
        "-vi",
        "-h",
        "-hT",
        "-F",
        "-FRX",
        "-R",
        "-p",
        "-pv",
        "-c",
        "--preserve-root",
    ];
    let program = body.split_whitespace().next();
    body.split_whitespace().skip(1).all(|option| {
        option.starts_with("--color")
            || OPTIONS.contains(&option)
                && !(option == "-v" && program.is_some_and(|p| p.ends_with("grep")))
    })
}

/// Whether a path is the place of an agent's hook or another shell script of its own.
pub(in super::super) fn is_agent_shell(path: &str) -> bool {
    path.starts_with("~/.claude/hooks/") && path.to_lowercase().ends_with(".sh")
}

/// A line of vim's settings.
pub(super) fn vim(text: &str) -> Word {
    let text = text.trim().trim_start_matches("\" ");
    let folded = text.to_lowercase();
    let first = folded.split_whitespace().next().unwrap_or_default();
    if first == "set" {
        return vim_options(&folded);
    }
    let bad = [
        "!",
        "system(",
        "autocmd",
        "execute",
        "exe ",
        "source",
        "runtime",
        "python",
        "lua",
        "exrc",
        "shell",
        "modelineexpr",
        "job_start",
        "term",
        "prg",
        "rtp",
        "packpath",
        "luafile",
        "modeline",
    ];
    if bad.iter().any(|b| folded.contains(b)) {
        return Word::Held("it can run programs".to_owned());
    }
    if [
        "syntax",
        "filetype",
        "colorscheme",
        "let",
        "nnoremap",
        "inoremap",
        "vnoremap",
        "\"",
        "highlight",
        "if",
        "endif",
        "noremap",
    ]
    .contains(&first)
    {
        Word::Good
    } else {
        Word::Held("a line of vim's settings that no rule knows".to_owned())
    }
}

/// Options of vim that decide how things look; many others run programs or write files, by short names
/// too.
const LOOKS: &str = " number nu relativenumber rnu tabstop ts shiftwidth sw expandtab et softtabstop sts autoindent ai \
    smartindent si hlsearch hls incsearch is ignorecase ic smartcase scs ruler ru showcmd sc showmatch sm showmode smd wrap \
    linebreak lbr textwidth tw colorcolumn cc cursorline cul background bg encoding enc fileencoding fenc mouse backspace bs \
    laststatus ls scrolloff so wildmenu wmnu history hi hidden hid autoread ar compatible cp visualbell vb errorbells eb \
    lazyredraw lz ttyfast tf list listchars lcs splitbelow sb splitright spr clipboard cb backup bk writebackup wb swapfile \
    swf undofile udf secure ";

/// `set` with options.
fn vim_options(text: &str) -> Word {
    let plain = |word: &str| {
        let name = word
            .split(['=', '+', '^', '-', '!', '&', '?', ':'])
            .next()
            .unwrap_or_default();
        let known = |name: &str| LOOKS.contains(&format!(" {name} "));
        let off = name.strip_prefix("no");
        known(name)
            || off
                .is_some_and(|name| known(name) || ["modeline", "ml", "exrc", "ex"].contains(&name))
    };
    if text.split_whitespace().skip(1).all(plain) {
        Word::Good
    } else {
        Word::Held("a setting of vim's that no rule knows".to_owned())
    }
}

/// What a key of tmux may do.
const KEYS: &str = " send-prefix select-pane select-window resize-pane next-window previous-window split-window new-window copy-mode \
    paste-buffer kill-pane swap-pane last-window last-pane display-panes choose-tree detach-client clear-history swap-window ";

/// A line of tmux's settings.
pub(super) fn tmux(text: &str) -> Word {
    let runs = [
        "#(",
        "shell",
        "command",
        "hook",
        "source",
        "pipe",
        "popup",
        "editor",
        "lock",
        ";",
        "update-environment",
    ];
    let words: Vec<&str> = text.split_whitespace().collect();
    if let ["set" | "set-option", "-g", "lock-after-time", seconds] = words.as_slice() {
        return match seconds.parse::<u32>() {
            Ok(1..=900) => Word::Good,
            _ => Word::Refused("nothing is locked, or late".to_owned()),
        };
    }
    if runs.iter().any(|b| text.contains(b)) {
        return Word::Held("it can run programs".to_owned());
    }
    let first = words.first().copied().unwrap_or_default();
    let flag = |w: &&&str| w.starts_with('-') || w.contains("pane_current_path");
    match first {
        "set" | "setw" | "set-option" | "set-window-option" | "unbind" | "unbind-key" => Word::Good,
        "bind" | "bind-key" => {
            let mut rest = words.iter().skip(1).filter(|w| !flag(w));
            let verb = rest.nth(1).copied().unwrap_or_default();
            let more: Vec<_> = rest.collect();
            let numbers = more
                .iter()
                .all(|w| w.chars().all(|c| c.is_ascii_digit()) || w.starts_with(':'));
            if KEYS.split_whitespace().any(|k| k == verb) && numbers {
                Word::Good
            } else {
                Word::Held("a key that no rule knows".to_owned())
            }
        }
        _ => Word::Held("a line of tmux's settings that no rule knows".to_owned()),
    }
}

/// A line of readline's settings.
pub(super) fn readline(text: &str) -> Word {
    let bound = text.starts_with('"')
        && text.contains("\": ")
        && !text.contains("\\n")
        && !text.contains("\\r")
        && !text.contains("\\C-m");
    let command = text
        .split("\": ")
        .nth(1)
        .is_some_and(|c| c.chars().all(|c| c.is_ascii_alphabetic() || c == '-'));
    let words: Vec<&str> = text.split_whitespace().collect();
    if words
        .join(" ")
        .eq_ignore_ascii_case("set enable-bracketed-paste off")
    {
        return Word::Refused("what is pasted would run before it was read".to_owned());
    }
    if text.starts_with("set ") || text.starts_with("$if") || text == "$endif" || bound && command {
        Word::Good
    } else {
        Word::Held("a line of readline's settings that no rule knows".to_owned())
    }
}
