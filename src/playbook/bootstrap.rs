//! Bringing an Ansible: a pinned one in a managed virtual environment, or the one on `PATH`.
//!
//! The environment is built beside its place and renamed into it, so that a half-built one is
//! never used; its name is the hash of the lock and of the Python it was built with.

mod managed;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use self::managed::{OLDEST_PYTHON, cached, find_python, managed, place};
use crate::config::AnsibleRuntime;
use crate::error::Fatal;
use crate::process::{self, Spec, find_on_path};
use crate::text::one_line;

/// The oldest ansible-core on `PATH` that is used: older ones lack what the event plugin needs.
const OLDEST_CORE: (u32, u32) = (2, 15);
const QUICK: Duration = Duration::from_secs(30);

/// An Ansible that was seen to run.
#[derive(Debug, Clone)]
pub struct Runtime {
    /// `ansible-playbook`.
    pub ansible_playbook: PathBuf,
    /// The Python that runs it, for a managed one.
    python: Option<PathBuf>,
    /// The ansible-core version.
    pub version: String,
    /// What a person should know about the choice.
    pub notes: Vec<String>,
}

impl Runtime {
    /// In one line, as shown to people.
    pub fn describe(&self) -> String {
        let kind = if self.python.is_some() {
            "managed"
        } else {
            "on PATH"
        };
        format!(
            "ansible-core {} ({kind}, {})",
            self.version,
            self.ansible_playbook.display()
        )
    }

    /// The directories that must be visible to run it.
    pub(super) fn places(&self) -> Vec<PathBuf> {
        match &self.python {
            Some(python) => python
                .ancestors()
                .nth(2)
                .map(Path::to_owned)
                .into_iter()
                .collect(),
            None => Vec::new(),
        }
    }

    /// A spec that runs `ansible-playbook` in `cwd`.
    pub(super) fn spec(&self, cwd: &Path, deadline: Duration) -> Spec {
        match &self.python {
            // The script's first line names the place where it was built: never use it. `-P`
            // keeps the working directory, which is the agent's, off the module path.
            Some(python) => Spec::new(python, cwd, deadline)
                .args([OsStr::new("-P"), self.ansible_playbook.as_os_str()]),
            None => Spec::new(&self.ansible_playbook, cwd, deadline),
        }
    }
}

/// Finds or makes an Ansible. `env` is what package installers may see of the environment.
///
/// # Errors
/// [`Fatal::Ansible`] with what was tried and the cure.
pub async fn obtain(
    wanted: AnsibleRuntime,
    cache_dir: &Path,
    path: &OsStr,
    env: BTreeMap<OsString, OsString>,
    progress: &mut dyn FnMut(&str),
    cancel: &CancellationToken,
) -> Result<Runtime, Fatal> {
    if wanted == AnsibleRuntime::Path {
        return on_path(path, cancel).await.map_err(|why| {
            Fatal::Ansible(format!(
                "{why}; install ansible-core, or set ansible.runtime = \"managed\""
            ))
        });
    }
    let why = match managed(cache_dir, path, env, progress, cancel).await {
        Ok(runtime) => return Ok(runtime),
        Err(why) => why,
    };
    match on_path(path, cancel).await {
        Ok(mut runtime) => {
            runtime
                .notes
                .push(format!("using the Ansible on PATH, since {why}"));
            Ok(runtime)
        }
        Err(other) => Err(Fatal::Ansible(format!(
            "{why}; and {other}. Install Python 3.11 or newer with venv, or ansible-core"
        ))),
    }
}

/// Says what [`obtain`] would use, without making anything.
///
/// # Errors
/// What is missing, with the cure.
pub async fn look(
    wanted: AnsibleRuntime,
    cache_dir: &Path,
    path: &OsStr,
) -> Result<String, String> {
    let never = CancellationToken::new();
    if wanted == AnsibleRuntime::Managed
        && let Some((python, version)) = find_python(path, &never).await
    {
        return Ok(match cached(&place(cache_dir, &version)) {
            Some(runtime) => runtime.describe(),
            None => format!(
                "will be brought with the first run, by {} ({version})",
                python.display()
            ),
        });
    }
    on_path(path, &never)
        .await
        .map(|r| r.describe())
        .map_err(|why| {
            format!(
                "{why}; install Python {}.{} or newer with venv",
                OLDEST_PYTHON.0, OLDEST_PYTHON.1
            )
        })
}

async fn on_path(path: &OsStr, cancel: &CancellationToken) -> Result<Runtime, String> {
    let program = find_on_path("ansible-playbook", path)
        .ok_or_else(|| "there is no ansible-playbook on PATH".to_owned())?;
    let version = core_version(Spec::new(&program, "/", QUICK).env("PATH", path), cancel).await?;
    let parts: Vec<u32> = version.split('.').filter_map(|p| p.parse().ok()).collect();
    let enough = matches!(parts.as_slice(), [a, b, ..] if (*a, *b) >= OLDEST_CORE);
    if !enough {
        return Err(format!(
            "{} is ansible-core {version}, {}.{} is the oldest that will do",
            program.display(),
            OLDEST_CORE.0,
            OLDEST_CORE.1
        ));
    }
    Ok(Runtime {
        ansible_playbook: program,
        python: None,
        version,
        notes: Vec::new(),
    })
}

/// Asks an `ansible-playbook` for its version: `ansible-playbook [core 2.19.14]`.
async fn core_version(spec: Spec, cancel: &CancellationToken) -> Result<String, String> {
    // It makes a directory of its own in its home.
    let home = tempfile::tempdir().map_err(|e| format!("no temporary directory: {e}"))?;
    let spec = spec
        .args(["--version"])
        .env("HOME", home.path())
        .env("LC_ALL", "C.UTF-8");
    let shown = spec.shown();
    let done = process::run(&spec, cancel, |_| ())
        .await
        .map_err(|e| format!("{shown}: {e}"))?;
    let out = done.out();
    let version = out
        .lines()
        .next()
        .and_then(|l| l.split_once("[core "))
        .and_then(|(_, rest)| rest.split_once(']'))
        .map(|(version, _)| version.to_owned());
    match version {
        Some(version) if done.ok() => Ok(version),
        _ => Err(format!(
            "{shown} does not tell its version: {}",
            one_line(&done.err(), 200)
        )),
    }
}
