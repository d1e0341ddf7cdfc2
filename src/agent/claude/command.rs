//! The command line of one run, and its confinement.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Claude;
use super::stream::is_result;
use super::way::Way;
use crate::gate::MicroUsd;
use crate::process::{Done, Room, Spec, account_home};
use crate::sandbox::{self, Network, Policy, User, container};

/// Bytes of output that are kept; a long iteration streams a few megabytes.
const KEEP: usize = 16 << 20;

/// How long the client has for its last result once it is interrupted; it takes about two seconds.
const INTERRUPT: Duration = Duration::from_secs(6);

/// It tells its version before it reaches for the network.
const FIRST_OUTPUT: Duration = Duration::from_mins(2);
/// It may forget to exit after its last event. Ending background work takes it seconds.
const LINGER: Duration = Duration::from_secs(20);

/// What is to be run.
pub(super) struct Job<'a> {
    /// The session that it is to have.
    pub(super) session: &'a str,
    /// The prompt, given on standard input.
    pub(super) prompt: String,
    /// The working directory; writable.
    pub(super) dir: &'a Path,
    /// Private configuration, home and temporary files; writable.
    pub(super) run_dir: &'a Path,
    /// What it may cost.
    pub(super) amount: MicroUsd,
    /// Turns of the client's own loop.
    pub(super) max_turns: u32,
    /// Wall-clock limit.
    pub(super) deadline: Duration,
    /// The tools there are, comma-separated; empty: none.
    pub(super) tools: &'a str,
    /// JSON schema of the answer.
    pub(super) schema: Option<&'a str>,
    /// Work with what is deployed on the machine.
    pub(super) deployed: Option<Deployed>,
    /// Tries attacks on decoys, where it is confined: the confinement alone stops it.
    pub(super) attacks: bool,
}

/// What is deployed on the machine.
pub(super) struct Deployed {
    /// The home directory; readable.
    pub(super) home: PathBuf,
    /// The settings with their hooks.
    pub(super) settings: Option<PathBuf>,
    /// Settings of the machine's administrator; readable.
    pub(super) managed: Vec<PathBuf>,
    /// Below the home directory: what stays hidden.
    pub(super) hide: Vec<PathBuf>,
    /// Below the home directory: what the hooks write.
    pub(super) write: Vec<PathBuf>,
}

impl Claude {
    /// The confined command.
    ///
    /// # Errors
    /// When a directory can't be made or resolved, naming it.
    pub(super) fn command(&self, job: &Job<'_>, way: &Way) -> Result<Spec, String> {
        let run_dir = resolved(job.run_dir)?;
        let dir = resolved(job.dir)?;
        for name in ["claude", "home", "tmp"] {
            let path = run_dir.join(name);
            crate::world::make_private(&path).map_err(|e| e.to_string())?;
        }
        let contained = self.contained(job).is_some();
        // In a container the client is the image's, and so are the places.
        let (program, at) = if contained {
            (PathBuf::from("claude"), PathBuf::from(container::RUN))
        } else {
            (self.program.clone(), run_dir.clone())
        };
        let home = match &job.deployed {
            Some(deployed) => deployed.home.clone(),
            None => at.join("home"),
        };
        let settings = match job.deployed.as_ref().and_then(|d| d.settings.as_deref()) {
            Some(settings) => Some(way.settings(settings, &run_dir)?),
            None => None,
        };
        let mut spec = Spec::new(program, &dir, job.deadline)
            .args(self.arguments(job, settings.as_deref()))
            .envs(way.environment())
            .envs(sandbox::environment(&home, &at.join("tmp")))
            .env("CLAUDE_CODE_TMPDIR", at.join("tmp"))
            .env("CLAUDE_CONFIG_DIR", at.join("claude"))
            .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
            .env("CLAUDE_CODE_DISABLE_BACKGROUND_TASKS", "1")
            .env("DISABLE_AUTOUPDATER", "1");
        spec.stdin = job.prompt.clone().into_bytes();
        spec.silence = Some(self.config.silence);
        spec.first_output = Some(self.config.silence.min(FIRST_OUTPUT));
        spec.traces = Some(run_dir.join("claude/projects"));
        spec.done = Some(Done {
            says: is_result,
            grace: LINGER,
        });
        spec.interrupt = Some(INTERRUPT);
        spec.keep = KEEP;
        if contained {
            return Ok(spec);
        }
        let mut read = way.certificates();
        // A copy lies elsewhere than in the home directory.
        let home = job.deployed.as_ref().map(|deployed| &deployed.home);
        read.extend(settings.filter(|path| home.is_none_or(|home| !path.starts_with(home))));
        self.confined(spec, job, (dir, &run_dir), way.network(), read)
    }

    /// Another command, in the confinement of the job, without a network.
    ///
    /// # Errors
    /// When a directory can't be resolved, naming it.
    pub(super) fn wrapped(&self, mut spec: Spec, job: &Job<'_>) -> Result<Spec, String> {
        let (dir, run_dir) = (resolved(job.dir)?, resolved(job.run_dir)?);
        spec.cwd.clone_from(&dir);
        let spec = spec.envs(sandbox::environment(
            &run_dir.join("home"),
            &run_dir.join("tmp"),
        ));
        self.confined(spec, job, (dir, &run_dir), Network::None, Vec::new())
    }

    fn arguments(&self, job: &Job<'_>, settings: Option<&Path>) -> Vec<OsString> {
        let mut args: Vec<OsString> = [
            "-p",
            "--output-format",
            "stream-json",
            "--verbose",
            "--include-partial-messages",
            "--strict-mcp-config",
            "--setting-sources",
            "",
            "--session-id",
            job.session,
            "--max-turns",
            &job.max_turns.to_string(),
            "--max-budget-usd",
            &dollars(job.amount),
            "--tools",
            job.tools,
        ]
        .map(OsString::from)
        .to_vec();
        let mut more = |words: &[&str]| args.extend(words.iter().map(OsString::from));
        if !self.config.model.is_empty() {
            more(&["--model", &self.config.model]);
        }
        if let Some(schema) = job.schema {
            more(&["--json-schema", schema]);
        }
        // Only as an argument of this one command, and only where it is confined.
        if self.sandbox.confines() || self.contained(job).is_some() {
            more(&["--dangerously-skip-permissions"]);
        } else {
            more(&["--permission-mode", "acceptEdits"]);
            if job.deployed.is_some() {
                more(&["--allowedTools", "Bash(cat:*)", "Read"]);
            }
        }
        let guarded = self.guards(job);
        let named = if self.contained(job).is_some() {
            None
        } else if guarded {
            self.named_settings()
        } else {
            settings.map(Path::to_owned)
        };
        if guarded || named.is_some() {
            args.push("--include-hook-events".into());
        }
        if let Some(settings) = named {
            args.push("--settings".into());
            args.push(settings.into());
        }
        args
    }

    fn confined(
        &self,
        mut spec: Spec,
        job: &Job<'_>,
        (dir, run_dir): (PathBuf, &Path),
        network: Network,
        read: Vec<PathBuf>,
    ) -> Result<Spec, String> {
        if !self.sandbox.confines() {
            return Ok(spec);
        }
        let mut private = vec![dir.clone(), run_dir.to_owned()];
        for home in account_home()
            .into_iter()
            .chain([std::env::home_dir()].into_iter().flatten())
        {
            private.extend([".config/secloop", ".local/state/secloop"].map(|name| home.join(name)));
            private.extend(std::fs::canonicalize(home));
        }
        let program = visible(&self.program, &private)?;
        let config = run_dir.join("claude");
        let mut policy = Policy {
            read: vec![program],
            write: vec![dir, config],
            scratch: vec![run_dir.join("tmp")],
            network,
            ..self.confinement.policy()
        };
        policy.read.extend(read);
        // A home that was furnished is looked at afterwards.
        let home = run_dir.join("home");
        match std::fs::read_dir(&home).map(|mut entries| entries.next().is_none()) {
            Ok(false) => policy.write.push(home),
            Ok(true) | Err(_) => policy.scratch.push(home),
        }
        if let Some(registration) = self.registration.as_ref().filter(|_| self.guards(job)) {
            registration.admit(&mut policy, self.sandbox.can_cover());
        }
        if let Some(deployed) = &job.deployed {
            policy.read.insert(0, deployed.home.clone());
            policy.read.extend(deployed.managed.iter().cloned());
            policy.hide.clone_from(&deployed.hide);
            policy.write.extend(deployed.write.iter().cloned());
            policy = policy
                .without_sockets(&deployed.home)
                .without_credentials(&deployed.home, |_| "/dev/null".into());
            policy.cover.extend(self.ways.covers());
        }
        spec.room = Some(Room::growing(policy.write.clone(), policy.room));
        policy.user = match (self.user, &job.deployed) {
            (None, _) => User::Same,
            (Some((uid, gid)), None) => User::Other(uid, gid),
            // What is deployed for root, only root can read.
            (Some((uid, gid)), Some(_)) => User::Called(uid, gid),
        };
        Ok(self.sandbox.wrap(spec, &policy))
    }
}

/// What of a program is shown: a native one needs itself only, a script what lies beside it. That
/// must hold nothing `private`, since whoever is inside has the network.
fn visible(program: &Path, private: &[PathBuf]) -> Result<PathBuf, String> {
    use std::io::Read as _;
    let mut start = [0_u8; 2];
    let script = std::fs::File::open(program)
        .and_then(|mut file| file.read_exact(&mut start))
        .is_ok_and(|()| start == *b"#!");
    let Some(parent) = program.parent().filter(|_| script) else {
        return Ok(program.to_owned());
    };
    match private.iter().find(|path| path.starts_with(parent)) {
        None => Ok(parent.to_owned()),
        Some(path) => Err(format!(
            "{} is a script, so that the agent would see all of {}, which holds {}: set \
             agent.program to the absolute path of the real program, or move the script into a \
             directory of its own",
            program.display(),
            parent.display(),
            path.display()
        )),
    }
}

fn resolved(dir: &Path) -> Result<PathBuf, String> {
    std::fs::canonicalize(dir).map_err(|e| format!("{}: {e}", dir.display()))
}

/// The amount as a decimal number of dollars.
fn dollars(amount: MicroUsd) -> String {
    format!("{}.{:06}", amount.0 / 1_000_000, amount.0 % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_shows_what_lies_beside_it_but_nothing_private() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        let bin = home.join("bin");
        std::fs::create_dir_all(&bin).unwrap();
        let private = [home.join(".config/secloop"), home.clone()];
        for (place, content, shown) in [
            (&bin, "#!/bin/sh\n", Some(bin.clone())),
            (&home, "#!/bin/sh\n", None),
            (&dir.path().to_owned(), "#!/bin/sh\n", None),
            (&home, "\x7fELF", Some(home.join("claude"))),
        ] {
            let program = place.join("claude");
            std::fs::write(&program, content).unwrap();
            match (visible(&program, &private), shown) {
                (Ok(found), Some(shown)) => assert_eq!(found, shown),
                (Err(why), None) => assert!(why.contains("agent.program"), "{why}"),
                (found, _) => unreachable!("{}: {found:?}", program.display()),
            }
        }
    }

    #[test]
    fn writes_amounts_in_full() {
        assert_eq!(dollars(MicroUsd(1_050_001)), "1.050001");
        assert_eq!(dollars(MicroUsd(7)), "0.000007");
    }
}
