//! Which program runs: functions and aliases of the script, wrappers, shells, and what they are given.

use super::call::Call;
use super::marks::is_known;
use super::options::before_end;
use super::paths::Place;
use super::walk::{Flow, Walk, Written, quoted};
use super::{
    Stop, accounts, awk, builtins, clouds, databases, disks, escapes, executes, files, git, guards,
    inline, machine, network, reads, sed, sends, shells, startup, table, tripwire, windows,
    wrappers,
};

/// The name that a program goes by.
pub(super) fn base_name(word: &str) -> String {
    let name = word.rsplit('/').next().unwrap_or(word).to_lowercase();
    name.strip_suffix(".exe").map(str::to_owned).unwrap_or(name)
}

/// Judges a command by its words; what it writes, where that is known.
pub(super) fn run(walk: &mut Walk, argv: &[String]) -> Result<Flow, Stop> {
    walk.step()?;
    if argv.len() > MOST_WORDS {
        return Err(Stop::unprovable("more words than are followed"));
    }
    walk.nested += 1;
    if walk.nested > DEEPEST {
        return Err(Stop::unprovable(
            "programs that run programs, too deep to follow",
        ));
    }
    let done = start(walk, argv);
    walk.nested -= 1;
    done
}

/// Words of one command at most.
const MOST_WORDS: usize = 4_096;
/// Programs that run one another at most.
const DEEPEST: usize = 64;

fn start(walk: &mut Walk, argv: &[String]) -> Result<Flow, Stop> {
    let Some((first, args)) = argv.split_first() else {
        return Ok(Flow::Text(String::new()));
    };
    if !is_known(first) {
        return Err(Stop::deny("dynamic-command", quoted(first)));
    }
    if walk.functions.contains_key(first) {
        return walk.call(first, args);
    }
    walk.ran.push(argv.to_vec());
    if let Some(alias) = walk.aliases.remove(first) {
        let text = shells::joined(&alias, args);
        let done = walk.script(&text);
        walk.aliases.insert(first.clone(), alias);
        return done;
    }
    if first.contains('/') {
        if from_elsewhere(walk, first) {
            return Err(Stop::deny("download-exec", quoted(first)));
        }
        match walk.files.get(&Place::of(first, &walk.scope.cwd)).cloned() {
            Some(Written::Text(text)) => return walk.apart(|walk| walk.script(&text)),
            Some(Written::Foreign) => {
                return Err(Stop::deny("download-exec", quoted(first)));
            }
            None => {}
        }
    }
    let name = base_name(first);
    if let Some(flow) = builtins::run(walk, &name, args)? {
        return Ok(flow);
    }
    if let Some(flow) = wrappers::run(walk, &name, args)? {
        return Ok(flow);
    }
    if let Some(flow) = shells::run(walk, &name, args)? {
        return Ok(flow);
    }
    table::check(&name, args)?;
    windows::check(&name, args)?;
    if let Some(flow) = inline::run(walk, &name, args)? {
        return Ok(flow);
    }
    if before_end(args).iter().any(|a| a == "--help") || matches!(args, [a] if a == "--version") {
        return Ok(Flow::UNKNOWN);
    }
    let call = Call::new(&name, args);
    executes::check(walk, &name, args)?;
    escapes::check(walk, &call)?;
    awk::check(walk, &name, args)?;
    sed::check(walk, &call)?;
    if name == "git" {
        git::check(walk, args)?;
    }
    files::check(walk, &name, args)?;
    disks::check(walk, &call)?;
    databases::check(walk, &call)?;
    guards::check(&call)?;
    machine::check(walk, &call)?;
    startup::check(&call)?;
    accounts::check(walk, &call)?;
    clouds::check(walk, &call)?;
    sends::check(walk, &name, args)?;
    network::check(walk, &name, args)?;
    reads::check_words(walk, &name, args)?;
    stray(walk, &name, args)?;
    // Last: what a rule refuses is refused by the rule.
    tripwire::check(&name, args)?;
    Ok(network::written(walk, &name, args))
}

/// Whether a file lies in a directory that the script itself has fetched.
pub(super) fn from_elsewhere(walk: &Walk, path: &str) -> bool {
    let mut place = Place::of(path, &walk.scope.cwd);
    while place.parts.pop().is_some() {
        if matches!(walk.files.get(&place), Some(Written::Foreign)) {
            return true;
        }
    }
    false
}

/// Programs that nobody knows may run what they are given: `PROGRAM git reset --hard`,
/// `PROGRAM … -- rm -rf /`.
fn stray(walk: &mut Walk, name: &str, args: &[String]) -> Result<(), Stop> {
    if table::is_known(name) || !reads::opens_files(name) {
        return Ok(());
    }
    let runs = |word: &String| {
        [
            "git",
            "rm",
            "sudo",
            "bash",
            "sh",
            "dd",
            "curl",
            "terraform",
            "kubectl",
            "docker",
        ]
        .contains(&word.as_str())
            || word.starts_with("mkfs")
    };
    if args.len() > 1 && runs(&args[0]) {
        walk.apart(|walk| run(walk, args))?;
    }
    if let Some(end) = args.iter().position(|a| a == "--")
        && args.get(end + 1).is_some_and(runs)
    {
        walk.apart(|walk| run(walk, &args[end + 1..]))?;
    }
    Ok(())
}
