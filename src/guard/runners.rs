//! Tools that run a command elsewhere, in a virtual machine, on other machines or in many directories:
//! what follows their verb is judged as the command it is. Data, one line each.

use super::launchers::shell_text;
use super::simple::with_environment;
use super::walk::{Flow, Walk};
use super::wrappers::{is_assignment, pair, skip};
use super::{Stop, builtins};

/// Where such a tool has its command.
#[derive(Clone, Copy)]
enum How {
    /// All words behind so many operands.
    Words(usize),
    /// The same, as a text that a shell reads.
    Text(usize),
    /// The value of one of these options, as a text.
    Option(&'static [&'static str]),
    /// What follows one of these options, as words.
    Behind(&'static [&'static str]),
}

/// Programs, their verb (one or two words, or none), options of theirs that have a value, and the rest.
type Line = (
    &'static [&'static str],
    &'static str,
    &'static [&'static str],
    How,
);

const RUNNERS: &[Line] = &[
    (&["vagrant"], "ssh", &[], How::Option(&["-c", "--command"])),
    (
        &["gcloud"],
        "compute ssh",
        &["--zone", "--project"],
        How::Option(&["--command"]),
    ),
    (
        &["fly", "flyctl"],
        "ssh console",
        &["-a", "--app"],
        How::Option(&["-C", "--command"]),
    ),
    (
        &["aws"],
        "ecs execute-command",
        &[],
        How::Option(&["--command"]),
    ),
    (&["az"], "vm run-command", &[], How::Option(&["--scripts"])),
    (
        &["heroku"],
        "run",
        &["-a", "--app", "-s", "--size", "-e", "--env"],
        How::Text(0),
    ),
    (
        &["heroku"],
        "run:detached",
        &["-a", "--app", "-s", "--size", "-e", "--env"],
        How::Text(0),
    ),
    (&["adb"], "shell", &["-s", "-P", "-H"], How::Text(0)),
    (&["minikube"], "ssh", &["-p", "--profile"], How::Text(0)),
    (&["docker-machine"], "ssh", &[], How::Text(1)),
    (&["podman"], "machine ssh", &["--username"], How::Text(0)),
    (
        &["multipass", "lxc", "incus"],
        "exec",
        &["-d", "--cwd", "--env", "--user"],
        How::Words(1),
    ),
    (&["limactl"], "shell", &["--workdir"], How::Words(1)),
    (&["lima"], "", &[], How::Words(0)),
    (&["colima"], "ssh", &["-p", "--profile"], How::Words(0)),
    (
        &["oc"],
        "rsh",
        &["-n", "-c", "--namespace", "--container"],
        How::Words(1),
    ),
    (&["nomad"], "alloc exec", &["-task", "-job"], How::Words(1)),
    (&["consul"], "exec", &["-node", "-service"], How::Text(0)),
    (&["machinectl"], "shell", &["--uid", "-E"], How::Words(1)),
    (&["toolbox"], "run", &["-c", "--container"], How::Words(0)),
    (&["distrobox"], "enter", &["-n", "--name"], How::Words(1)),
    (&["distrobox-enter"], "", &["-n", "--name"], How::Words(1)),
    (&["flatpak-spawn"], "", &[], How::Words(0)),
    (
        &["systemd-nspawn"],
        "",
        &["-D", "-M", "-u", "-i"],
        How::Words(0),
    ),
    (
        &["setpriv"],
        "",
        &["--reuid", "--regid", "--groups", "--inh-caps"],
        How::Words(0),
    ),
    (&["proot"], "", &["-r", "-b", "-w"], How::Words(0)),
    (
        &["pdsh", "clush", "pssh", "parallel-ssh"],
        "",
        &[
            "-w", "-x", "-l", "-R", "-h", "-H", "-f", "-t", "-u", "-p", "-P", "-o", "-e",
        ],
        How::Text(0),
    ),
    (&["repo"], "forall", &[], How::Behind(&["-c"])),
    (
        &["lerna", "nx", "meta", "gita"],
        "exec",
        &["--scope", "--ignore", "--concurrency"],
        How::Text(0),
    ),
    (&["nix"], "develop", &[], How::Behind(&["-c", "--command"])),
    (&["nix"], "shell", &[], How::Behind(&["-c", "--command"])),
    (&["just"], "", &[], How::Behind(&["--command", "-c"])),
    (&["nodemon"], "", &[], How::Option(&["--exec", "-x"])),
    (
        &["foreman", "railway"],
        "run",
        &["-e", "--env", "-f", "--procfile"],
        How::Words(0),
    ),
    (
        &["rbenv", "pyenv", "nodenv", "goenv", "jenv", "volta", "fnm"],
        "exec",
        &["--using"],
        How::Words(0),
    ),
    (
        &["volta"],
        "run",
        &["--node", "--npm", "--yarn"],
        How::Words(0),
    ),
    (&["nvm"], "exec", &[], How::Words(1)),
    (
        &["direnv", "aws-vault", "chamber", "saml2aws"],
        "exec",
        &["-d", "--duration", "-a"],
        How::Words(1),
    ),
];

/// Judges what such a tool runs; none where the name is not one of them, or runs nothing here.
pub(super) fn run(walk: &mut Walk, name: &str, args: &[String]) -> Result<Option<Flow>, Stop> {
    for (names, verb, valued, how) in RUNNERS {
        let Some(rest) = names
            .contains(&name)
            .then(|| behind(args, verb, valued))
            .flatten()
        else {
            continue;
        };
        // What stands behind `--` is the command, whatever the options are.
        let ended = rest.iter().position(|word| word == "--");
        let command: Vec<String> = match (ended, how) {
            (Some(at), _) => rest[at + 1..].to_vec(),
            (None, How::Words(operands) | How::Text(operands)) => {
                let words = skip(rest, valued, 0);
                let own = if name == "nvm" && !words.first().is_some_and(|w| is_version(w)) {
                    0
                } else {
                    *operands
                };
                skip(rest, valued, own).to_vec()
            }
            (None, How::Option(options)) => rest
                .windows(2)
                .filter(|pair| options.contains(&pair[0].as_str()))
                .map(|pair| pair[1].clone())
                .chain(options.iter().filter_map(|option| {
                    let glued = |word: &String| {
                        word.strip_prefix(option)?
                            .strip_prefix('=')
                            .map(str::to_owned)
                    };
                    rest.iter().find_map(glued)
                }))
                .take(1)
                .collect(),
            (None, How::Behind(options)) => {
                let at = rest
                    .iter()
                    .position(|word| options.contains(&word.as_str()));
                at.map(|at| rest[at + 1..].to_vec()).unwrap_or_default()
            }
        };
        if !command.is_empty() {
            return judge(walk, how, &command).map(Some);
        }
    }
    Ok(None)
}

/// Judges a command by its words, and as a text where a shell reads them once more.
fn judge(walk: &mut Walk, how: &How, command: &[String]) -> Result<Flow, Stop> {
    if let [text] = command
        && !matches!(how, How::Words(_))
    {
        return shell_text(walk, text);
    }
    let set = command.iter().take_while(|w| is_assignment(w)).count();
    let assigned: Vec<_> = command[..set].iter().filter_map(|w| pair(w)).collect();
    let words = command[set..].to_vec();
    let flow =
        walk.apart(|walk| with_environment(walk, &assigned, |walk| builtins::rest(walk, &words)))?;
    let signs = |word: &String| word.contains([';', '&', '|', '`', '$', '<', '>', '(', '\n']);
    if !matches!(how, How::Words(_)) && command.iter().any(signs) {
        shell_text(walk, &command.join(" "))?;
    }
    Ok(flow)
}

fn is_version(word: &str) -> bool {
    let word = word.trim_start_matches('v');
    word.starts_with(|c: char| c.is_ascii_digit())
        || ["node", "stable", "system", "default"].contains(&word)
        || word.starts_with("lts")
}

/// What follows a verb, which may stand behind options that nobody here knows, and their values.
fn behind<'a>(args: &'a [String], verb: &str, valued: &[&str]) -> Option<&'a [String]> {
    let verb: Vec<&str> = verb.split(' ').filter(|word| !word.is_empty()).collect();
    let Some((first, more)) = verb.split_first() else {
        return Some(args);
    };
    let starts = args
        .iter()
        .take(8)
        .enumerate()
        .filter(|(_, word)| word == first);
    starts.map(|(at, _)| &args[at + 1..]).find_map(|rest| {
        let mut rest = rest;
        for word in more {
            let (first, behind) = skip(rest, valued, 0).split_first()?;
            if first != word {
                return None;
            }
            rest = behind;
        }
        Some(rest)
    })
}
