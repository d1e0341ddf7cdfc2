//! Tools that run a command elsewhere, in a virtual machine, on other machines or in many directories:
//! what follows their verb is judged as the command it is. Data, one line each.

use super::launchers::shell_text;
use super::options::value;
use super::walk::{Flow, Walk};
use super::wrappers::skip;
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
    (&["adb"], "shell", &["-s", "-t"], How::Text(0)),
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
        &["-w", "-x", "-l", "-R", "-h", "-H"],
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
        let words = |operands| skip(rest, valued, operands).to_vec();
        let (text, command) = match how {
            How::Words(operands) => (None, words(*operands)),
            How::Text(operands) => (Some(words(*operands).join(" ")), Vec::new()),
            How::Option(options) => {
                let given = options.iter().find_map(|option| value(rest, option));
                (given.map(str::to_owned), Vec::new())
            }
            How::Behind(options) => {
                let at = rest
                    .iter()
                    .position(|word| options.contains(&word.as_str()));
                let given = at.map(|at| rest[at + 1..].to_vec()).unwrap_or_default();
                // One word with blanks is a text.
                match given.as_slice() {
                    [only] if only.contains(' ') => (Some(only.clone()), Vec::new()),
                    _ => (None, given),
                }
            }
        };
        if let Some(text) = text.filter(|text| !text.trim().is_empty()) {
            return shell_text(walk, &text).map(Some);
        }
        let assigned = command
            .iter()
            .take_while(|w| super::wrappers::is_assignment(w))
            .count();
        if let Some(command) = command
            .get(assigned..)
            .filter(|command| !command.is_empty())
        {
            let command = command.to_vec();
            return walk.apart(|walk| builtins::rest(walk, &command)).map(Some);
        }
    }
    Ok(None)
}

/// What follows a verb.
fn behind<'a>(args: &'a [String], verb: &str, valued: &[&str]) -> Option<&'a [String]> {
    let mut rest = args;
    for word in verb.split(' ').filter(|word| !word.is_empty()) {
        let (first, more) = skip(rest, valued, 0).split_first()?;
        if first != word {
            return None;
        }
        rest = more;
    }
    Some(rest)
}
