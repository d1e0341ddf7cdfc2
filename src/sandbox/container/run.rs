//! One run: the working copy goes in, the agent works, what it made comes out, nothing stays.

use std::path::Path;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::super::policy::Network;
use super::arguments::{Arguments, Common, Name, own_variables};
use super::record::Record;
use super::unpack::{MAX_BYTES, unpack};
use super::{Container, REPO, RUN};
use crate::process::{self, Finished, Line, Spec};
use crate::text::one_line;

/// How long the working copy may take, in or out.
const COPY: Duration = Duration::from_mins(5);

/// What goes in and comes out.
#[derive(Debug, Clone, Copy)]
pub struct Work<'a> {
    /// The working copy; replaced by what came out.
    pub repo: &'a Path,
    /// The agent's own files: `claude` below it is there afterwards.
    pub run: &'a Path,
    /// The way out.
    pub network: &'a Network,
}

/// How it went.
#[derive(Debug)]
pub struct Taken {
    /// The agent's own end.
    pub done: Finished,
    /// Why what it made could not be taken out; there is no working copy then.
    pub lost: Option<String>,
}

impl Container {
    /// Runs `spec`, a command of the image's, whose paths are those inside.
    ///
    /// # Errors
    /// When it can't be started; nothing was run then.
    pub async fn run(
        &self,
        spec: Spec,
        work: Work<'_>,
        cancel: &CancellationToken,
        on_line: impl FnMut(Line),
    ) -> Result<Taken, String> {
        let name = Name(format!("secloop-{}", uuid::Uuid::new_v4().simple()));
        let record = Record::write(&self.dir, &self.engine, &name)?;
        let ran = self.steps(spec, work, &name, cancel, on_line).await;
        let gone = record.remove(&self.dir).await;
        let mut taken = ran?;
        if !gone {
            taken.done.survived = true;
            taken.lost = Some(format!("the container {} can't be removed", name.0));
        }
        Ok(taken)
    }

    async fn steps(
        &self,
        spec: Spec,
        work: Work<'_>,
        name: &Name,
        cancel: &CancellationToken,
        on_line: impl FnMut(Line),
    ) -> Result<Taken, String> {
        let common = Common {
            kind: self.engine.kind,
            image: &self.image,
            name,
            dir: &self.dir,
        };
        self.did(
            self.spec(Arguments::make_volume(name), COPY),
            "make a volume",
        )
        .await?;
        let mut take_in = self.spec(Arguments::take_in(common), COPY);
        take_in.stdin = packed(work.repo)?;
        self.did(take_in, "take the working copy in").await?;
        let spec = self.inside(spec, common, work.network);
        let done = process::run(&spec, cancel, on_line)
            .await
            .map_err(|e| format!("{} can't be started: {e}", spec.program.display()))?;
        // Whoever is left in it must not write while it is read.
        let _ = self
            .ask(Arguments::remove(common.kind, &name.containers()[1]))
            .await;
        let lost = self.take_out(common, work).await.err();
        Ok(Taken { done, lost })
    }

    /// The engine's client in the place of the program, which has no variable of the host's.
    fn inside(&self, spec: Spec, common: Common<'_>, network: &Network) -> Spec {
        let own = own_variables();
        let set: Vec<(&str, &str)> = own
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let foreign = |name: &&std::ffi::OsStr| {
            let clients = name
                .to_str()
                .is_some_and(|n| self.engine.env.contains_key(n));
            !clients && own.iter().all(|(n, _)| *name != *n)
        };
        let passed: Vec<&std::ffi::OsStr> = spec
            .env
            .keys()
            .map(std::ffi::OsString::as_os_str)
            .filter(foreign)
            .collect();
        let mut command = vec![spec.program.clone().into_os_string()];
        command.extend(spec.args.iter().cloned());
        let args = Arguments::agent(common, network, &set, &passed, &command);
        let mut client = spec;
        client.program.clone_from(&self.engine.program);
        client.args = args.words;
        client.cwd = "/".into();
        client.traces = None;
        // They name places inside, where the client is not.
        client
            .env
            .retain(|name, _| own.iter().all(|(known, _)| name != known));
        client
            .env
            .extend(self.engine.env.iter().map(|(k, v)| (k.into(), v.into())));
        client
    }

    async fn take_out(&self, common: Common<'_>, work: Work<'_>) -> Result<(), String> {
        let beside = work.repo.with_extension("out");
        let placed = self.place(common, work, &beside).await;
        let _ = std::fs::remove_dir_all(&beside);
        if placed.is_err() {
            // What lies there is what went in: nobody takes it for the agent's.
            let _ = std::fs::remove_dir_all(work.repo);
        }
        placed
    }

    async fn place(&self, common: Common<'_>, work: Work<'_>, beside: &Path) -> Result<(), String> {
        let mut take_out = self.spec(Arguments::take_out(common), COPY);
        take_out.keep = usize::try_from(MAX_BYTES + (32 << 20)).unwrap_or(usize::MAX);
        let done = self.did(take_out, "take the working copy out").await?;
        if done.truncated {
            return Err(format!("more than {MAX_BYTES} bytes in the working copy"));
        }
        crate::world::make_private(beside).map_err(|e| e.to_string())?;
        unpack(&done.stdout, beside)?;
        let moved = |from: &Path, to: &Path| -> std::io::Result<()> {
            match std::fs::remove_dir_all(to) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
                _ => (),
            }
            std::fs::rename(from, to)
        };
        moved(&beside.join("repo"), work.repo)
            .map_err(|e| format!("the working copy that came out: {e}"))?;
        let own = beside.join("run/claude");
        if own.is_dir() && !own.is_symlink() {
            moved(&own, &work.run.join("claude"))
                .map_err(|e| format!("the agent's own files that came out: {e}"))?;
        }
        Ok(())
    }

    /// A step that has to succeed.
    async fn did(&self, spec: Spec, what: &str) -> Result<Finished, String> {
        let done = process::run(&spec, &CancellationToken::new(), |_| ())
            .await
            .map_err(|e| format!("{} can't be started: {e}", spec.program.display()))?;
        if done.ok() {
            return Ok(done);
        }
        Err(format!(
            "{} could not {what}: {}",
            self.engine.kind.word(),
            one_line(&done.err(), 300)
        ))
    }
}

/// The working copy, and the agent's empty directories, as an archive.
fn packed(repo: &Path) -> Result<Vec<u8>, String> {
    let named = |e: std::io::Error| format!("packing the working copy: {e}");
    let mut archive = tar::Builder::new(Vec::new());
    archive.follow_symlinks(false);
    archive.mode(tar::HeaderMode::Deterministic);
    let inside = |path: &str| path.trim_start_matches("/work/").to_owned();
    archive.append_dir_all(inside(REPO), repo).map_err(named)?;
    for name in ["claude", "home", "tmp"] {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_mode(0o700);
        header.set_size(0);
        let path = format!("{}/{name}", inside(RUN));
        archive
            .append_data(&mut header, path, std::io::empty())
            .map_err(named)?;
    }
    archive.into_inner().map_err(named)
}
