//! The managed environment: found, or built beside its place and renamed into it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{QUICK, Runtime, core_version};
use crate::process::{self, Line, Spec, find_on_path};
use crate::text::one_line;
use crate::turn::hex;

/// Every package with its hashes, for Linux and macOS.
const LOCK: &str = include_str!("../data/requirements.txt");
/// Makes modules start sooner, as it says itself; loaded by a line of a `.pth` file at the interpreter's
/// start. A run of `file` took 0.42 s of a core without it and takes 0.17 s (ansible-core 2.19, Python
/// 3.11; what `ANSIBLE_KEEP_REMOTE_FILES=1` leaves, run by the environment's Python).
const COMPILED: &str = include_str!("../data/secloop_compiled.py");
/// Pythons that the lock is made for, best first.
const PYTHONS: [&str; 4] = ["python3", "python3.13", "python3.12", "python3.11"];
/// The oldest Python that the locked ansible-core runs on.
pub(super) const OLDEST_PYTHON: (u32, u32) = (3, 11);
const INSTALL: Duration = Duration::from_mins(10);

/// The first Python that *runs*, has `venv`, and is new enough. A shim may answer and not run.
pub(super) async fn find_python(
    path: &OsStr,
    cancel: &CancellationToken,
) -> Option<(PathBuf, String)> {
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

pub(super) fn place(cache_dir: &Path, python: &str) -> PathBuf {
    use sha2::{Digest as _, Sha256};
    let hash = hex(&Sha256::digest(
        format!("{python}\n{LOCK}{COMPILED}").as_bytes(),
    ));
    cache_dir
        .join("runtime")
        .join(hash.get(..16).unwrap_or(&hash))
}

/// How the directories begin in which environments are built.
const BUILDING: &str = "building-";
/// The name of the file that is written last: an environment without it is not whole.
const MARK: &str = "secloop-runtime";

pub(super) fn cached(dir: &Path) -> Option<Runtime> {
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

/// The environment of the lock, which is built if it is not there.
pub(super) async fn managed(
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
    sweep(&parent);
    let beside = tempfile::Builder::new()
        .prefix(BUILDING)
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
    // No more than time is lost without it.
    if let Err(why) = start_sooner(&venv) {
        tracing::warn!("Ansible's modules will start more slowly: {why}");
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

/// Adds what lets modules start sooner.
fn start_sooner(venv: &Path) -> Result<(), String> {
    let libs = std::fs::read_dir(venv.join("lib")).into_iter().flatten();
    let mut packages = libs.flatten().map(|e| e.path().join("site-packages"));
    let dir = packages
        .find(|dir| dir.is_dir())
        .ok_or_else(|| format!("{} has no lib/python*/site-packages", venv.display()))?;
    for (name, text) in [
        ("secloop_compiled.py", COMPILED),
        ("secloop_compiled.pth", "import secloop_compiled\n"),
    ] {
        let file = dir.join(name);
        std::fs::write(&file, text).map_err(|e| format!("{}: {e}", file.display()))?;
    }
    Ok(())
}

/// Removes what builds left that were killed: those that began longer ago than one can take.
fn sweep(parent: &Path) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let begun = entry.metadata().and_then(|m| m.modified()).ok();
        let age = begun.and_then(|b| b.elapsed().ok());
        let name = entry.file_name();
        if name.to_string_lossy().starts_with(BUILDING) && age.is_some_and(|a| a > 4 * INSTALL) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
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
