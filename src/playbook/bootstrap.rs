//! Bringing an Ansible: a pinned one in a managed virtual environment, or the one on `PATH`.
//!
//! The environment is built beside its place and renamed into it, so that a half-built one is
//! never used; its name is the hash of the lock and of the Python it was built with.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::config::AnsibleRuntime;
use crate::error::Fatal;
use crate::process::{self, Line, Spec, find_on_path};
use crate::text::one_line;
use crate::turn::hex;

/// Every package with its hashes, for Linux and macOS.
const LOCK: &str = include_str!("data/requirements.txt");
/// Pythons that the lock is made for, best first.
const PYTHONS: [&str; 4] = ["python3", "python3.13", "python3.12", "python3.11"];
/// The oldest Python that the locked ansible-core runs on.
const OLDEST_PYTHON: (u32, u32) = (3, 11);
/// The oldest ansible-core on `PATH` that is used: older ones lack what the event plugin needs.
const OLDEST_CORE: (u32, u32) = (2, 15);
const INSTALL: Duration = Duration::from_mins(10);
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
                "{why}; install ansible-core, or set playbook.runtime = \"managed\""
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

/// The first Python that *runs*, has `venv`, and is new enough. A shim may answer and not run.
async fn find_python(path: &OsStr, cancel: &CancellationToken) -> Option<(PathBuf, String)> {
    let mut places: Vec<PathBuf> = PYTHONS
        .iter()
        .filter_map(|n| find_on_path(n, path))
        .collect();
    for dir in ["/opt/homebrew/bin", "/usr/local/bin", "/usr/bin"] {
        places.extend(
            PYTHONS
                .iter()
                .filter_map(|n| find_on_path(n, OsStr::new(dir))),
        );
    }
    let code = "import sys, venv, ensurepip; v = sys.version_info; \
                print(f'{v[0]}.{v[1]}.{v[2]} {sys.implementation.cache_tag}')";
    for python in places {
        let spec = Spec::new(&python, "/", QUICK)
            .args(["-I", "-c", code])
            .env("PATH", path)
            .env("HOME", "/nonexistent");
        let Ok(done) = process::run(&spec, cancel, |_| ()).await else {
            continue;
        };
        let out = done.out();
        let version = out.trim();
        let parts: Vec<u32> = version
            .split(['.', ' '])
            .filter_map(|p| p.parse().ok())
            .collect();
        let enough = matches!(parts.as_slice(), [a, b, ..] if (*a, *b) >= OLDEST_PYTHON);
        if done.ok() && enough {
            return Some((python, version.to_owned()));
        }
    }
    None
}

fn place(cache_dir: &Path, python: &str) -> PathBuf {
    use sha2::{Digest as _, Sha256};
    let hash = hex(&Sha256::digest(format!("{python}\n{LOCK}").as_bytes()));
    cache_dir
        .join("runtime")
        .join(hash.get(..16).unwrap_or(&hash))
}

/// The name of the file that is written last: an environment without it is not whole.
const MARK: &str = "secloop-runtime";

fn cached(dir: &Path) -> Option<Runtime> {
    let version = std::fs::read_to_string(dir.join(MARK)).ok()?;
    let python = dir.join("bin/python");
    let ansible_playbook = dir.join("bin/ansible-playbook");
    // The interpreter may have gone with an update of the system.
    (python.exists() && ansible_playbook.is_file()).then(|| Runtime {
        ansible_playbook,
        python: Some(python),
        version: version.trim().to_owned(),
        notes: Vec::new(),
    })
}

async fn managed(
    cache_dir: &Path,
    path: &OsStr,
    env: BTreeMap<OsString, OsString>,
    progress: &mut dyn FnMut(&str),
    cancel: &CancellationToken,
) -> Result<Runtime, String> {
    let (python, version) = find_python(path, cancel)
        .await
        .ok_or_else(|| "no Python 3.11 or newer with venv was found".to_owned())?;
    let dir = place(cache_dir, &version);
    if let Some(runtime) = cached(&dir) {
        return Ok(runtime);
    }
    let parent = dir.parent().unwrap_or(cache_dir).to_owned();
    crate::world::make_private(&parent).map_err(|e| e.to_string())?;
    let beside = tempfile::Builder::new()
        .prefix("building-")
        .tempdir_in(&parent)
        .map_err(|e| format!("{}: {e}", parent.display()))?;
    let venv = beside.path().join("venv");
    progress(&format!(
        "making a virtual environment with {}",
        python.display()
    ));
    let install = Install {
        path,
        env,
        cwd: beside.path(),
        cancel,
    };
    install
        .run(&python, ["-I", "-m", "venv"], &[venv.as_os_str()], progress)
        .await?;
    let lock = beside.path().join("requirements.txt");
    std::fs::write(&lock, LOCK).map_err(|e| format!("{}: {e}", lock.display()))?;
    let inside = venv.join("bin/python");
    if let Some(uv) = find_on_path("uv", path) {
        progress("installing ansible-core with uv");
        let args = [
            "pip",
            "install",
            "--require-hashes",
            "--only-binary",
            ":all:",
            "--compile-bytecode",
            "--python",
        ];
        install
            .run(
                &uv,
                args,
                &[inside.as_os_str(), OsStr::new("-r"), lock.as_os_str()],
                progress,
            )
            .await?;
    } else {
        progress("installing ansible-core with pip");
        let args = [
            "-I",
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--no-input",
            "--progress-bar",
            "off",
            "--require-hashes",
            "--only-binary",
            ":all:",
            "-r",
        ];
        install
            .run(&inside, args, &[lock.as_os_str()], progress)
            .await?;
    }
    let spec = Spec::new(&inside, "/", QUICK)
        .args([
            OsStr::new("-P"),
            venv.join("bin/ansible-playbook").as_os_str(),
        ])
        .env("PATH", path);
    let core = core_version(spec, cancel).await?;
    std::fs::write(venv.join(MARK), &core).map_err(|e| format!("{}: {e}", venv.display()))?;
    if dir.exists() {
        // Broken, or somebody else was faster: then theirs is used.
        if let Some(runtime) = cached(&dir) {
            return Ok(runtime);
        }
        std::fs::remove_dir_all(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    }
    if let Err(e) = std::fs::rename(&venv, &dir) {
        return cached(&dir).ok_or_else(|| format!("{}: {e}", dir.display()));
    }
    cached(&dir).ok_or_else(|| format!("{} is not usable", dir.display()))
}

struct Install<'a> {
    path: &'a OsStr,
    env: BTreeMap<OsString, OsString>,
    cwd: &'a Path,
    cancel: &'a CancellationToken,
}

impl Install<'_> {
    async fn run<const N: usize>(
        &self,
        program: &Path,
        args: [&str; N],
        more: &[&OsStr],
        progress: &mut dyn FnMut(&str),
    ) -> Result<(), String> {
        let spec = Spec::new(program, self.cwd, INSTALL)
            .args(args)
            .args(more)
            .envs(self.env.clone())
            .env("PATH", self.path)
            .env("HOME", self.cwd)
            .env("LC_ALL", "C.UTF-8");
        let done = process::run(&spec, self.cancel, |line: Line| {
            let text = line.text.trim();
            if text.starts_with("Collecting") || text.starts_with("Installing") {
                progress(&one_line(text, 70));
            }
        })
        .await
        .map_err(|e| format!("{}: {e}", program.display()))?;
        if done.ok() {
            return Ok(());
        }
        let said = format!("{}\n{}", done.out(), done.err());
        let why = said
            .lines()
            .rfind(|l| l.contains("ERROR") || l.contains("error"))
            .unwrap_or("it ended without saying why");
        Err(format!(
            "the managed Ansible could not be installed ({})",
            one_line(why, 200)
        ))
    }
}
