//! Where the model's credential comes from. It is read outside of the sandbox, and stays there.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use super::credential::{Credential, Kind};
use super::login;
use crate::config::Env;
use crate::process::{self, Spec, find_on_path, is_executable};

/// For a command: somebody may have to touch a key.
const WAITING: Duration = Duration::from_mins(2);
/// Bytes that are read of a file, and of what a command says.
pub(super) const MAX: usize = 64 << 10;
/// The program that asks the keychain of macOS.
const SECURITY: &str = "/usr/bin/security";

/// Where the credential comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The first of these variables that is set.
    Environment(Vec<String>),
    /// A file that only its owner can read.
    File(PathBuf),
    /// What a program says, given as its words; no shell reads them.
    Command(Vec<String>),
    /// An item of the keychain of macOS, by its service.
    Keychain(String),
    /// The login of Claude Code in one of these directories; on macOS also in the keychain.
    Login(Vec<PathBuf>),
}

impl Source {
    /// In words, without the credential.
    pub fn describe(&self, env: &Env) -> String {
        match self {
            Self::Environment(names) => match set(names, env) {
                Some((name, _)) => format!("the variable {name}"),
                None => names.join(" or "),
            },
            Self::File(path) => format!("the file {}", path.display()),
            Self::Command(words) => {
                let program = words.first().map_or("", String::as_str);
                format!("what {program} says")
            }
            Self::Keychain(service) => format!("the keychain's item {service}"),
            Self::Login(dirs) => match dirs.iter().map(|d| login::file(d)).find(|f| f.is_file()) {
                Some(file) => format!("Claude Code's login in {}", file.display()),
                None => format!("the keychain's item {}", login::SERVICE),
            },
        }
    }

    /// Whether it is there, as far as that shows without asking anybody.
    fn check(&self, env: &Env, now: DateTime<Utc>) -> Result<(), String> {
        match self {
            Self::Environment(names) => from_environment(names, env).map(|_| ()),
            Self::File(path) => from_file(path).map(|_| ()),
            Self::Command(words) => program(words, env).map(|_| ()),
            Self::Keychain(service) => security()
                .map_err(|why| format!("agent.credential_keychain = \"{service}\": {why}")),
            Self::Login(dirs) => match login::find(dirs) {
                Some(file) => login::read(&file, now).map(|_| ()),
                None => security().map_err(|_| login::missing(dirs)),
            },
        }
    }

    async fn read(&self, env: &Env, now: DateTime<Utc>) -> Result<Credential, String> {
        match self {
            Self::Environment(names) => from_environment(names, env),
            Self::File(path) => from_file(path),
            Self::Command(words) => {
                let key = "agent.credential_command";
                let said = said(program(words, env)?, words.get(1..), env, key).await?;
                Credential::new(None, &said).map_err(|why| format!("{key}: {why}"))
            }
            Self::Keychain(service) => from_keychain(service, now).await,
            Self::Login(dirs) => match login::find(dirs) {
                Some(file) => login::read(&file, now),
                None if is_executable(Path::new(SECURITY)) => {
                    from_keychain(login::SERVICE, now).await
                }
                None => Err(login::missing(dirs)),
            },
        }
    }
}

/// A source with its surroundings. What a command or the keychain gave is asked for once.
#[derive(Clone)]
pub struct Keys {
    source: Source,
    env: Env,
    known: Arc<OnceCell<Credential>>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Keys").field(&self.source).finish()
    }
}

impl Keys {
    /// A source that is there.
    ///
    /// # Errors
    /// What is missing, with the cure.
    pub fn new(source: Source, env: &Env, now: DateTime<Utc>) -> Result<Self, String> {
        source.check(env, now)?;
        Ok(Self {
            source,
            env: env.clone(),
            known: Arc::default(),
        })
    }

    /// Where it comes from, in words.
    pub fn describe(&self) -> String {
        self.source.describe(&self.env)
    }

    /// Files that hold it.
    pub fn files(&self) -> Vec<PathBuf> {
        match &self.source {
            Source::File(path) => vec![path.clone()],
            Source::Login(dirs) => dirs.iter().map(|dir| login::file(dir)).collect(),
            Source::Environment(_) | Source::Command(_) | Source::Keychain(_) => Vec::new(),
        }
    }

    /// The credential. Files are read again each time, since somebody else renews them.
    ///
    /// # Errors
    /// Why there is none, with the cure.
    pub async fn credential(&self, now: DateTime<Utc>) -> Result<Credential, String> {
        let read = || self.source.read(&self.env, now);
        match self.source {
            Source::Command(_) | Source::Keychain(_) => {
                self.known.get_or_try_init(read).await.cloned()
            }
            _ => read().await,
        }
    }
}

fn set<'a>(names: &'a [String], env: &'a Env) -> Option<(&'a str, &'a str)> {
    names.iter().find_map(|name| {
        let value = env.get(name).filter(|v| !v.trim().is_empty())?;
        Some((name.as_str(), value.as_str()))
    })
}

fn from_environment(names: &[String], env: &Env) -> Result<Credential, String> {
    let (name, value) = set(names, env).ok_or_else(|| {
        let names = if names.is_empty() {
            "agent.credential_env".to_owned()
        } else {
            names.join(" or ")
        };
        format!(
            "no credential for the model: set {names} (a long-lived token comes from `claude \
             setup-token`), or one of agent.credential_file, credential_command, \
             credential_keychain and credential_login"
        )
    })?;
    let kinds = [Kind::ApiKey, Kind::Bearer, Kind::Oauth];
    let kind = kinds.into_iter().find(|kind| kind.variable() == name);
    Credential::new(kind, value).map_err(|why| format!("{name}: {why}"))
}

fn from_file(path: &Path) -> Result<Credential, String> {
    let text = private(path).map_err(|why| format!("agent.credential_file: {why}"))?;
    let read = Credential::new(None, &text);
    read.map_err(|why| format!("agent.credential_file: {}: {why}", path.display()))
}

/// The text of a file that only its owner, who we are, can read.
pub(super) fn private(path: &Path) -> Result<String, String> {
    use std::io::Read as _;
    use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
    let shown = path.display();
    let wait = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let mut options = std::fs::OpenOptions::new();
    let file = options.read(true).custom_flags(wait).open(path);
    let file = file.map_err(|e| format!("{shown}: {e}"))?;
    let meta = file.metadata().map_err(|e| format!("{shown}: {e}"))?;
    if !meta.is_file() {
        return Err(format!("{shown} is no file"));
    }
    if meta.mode() & 0o077 != 0 {
        return Err(format!(
            "{shown}: others can use it (mode {:03o}): `chmod 600` it",
            meta.mode() & 0o777
        ));
    }
    if meta.uid() != process::effective_uid() {
        return Err(format!("{shown} belongs to somebody else: `chown` it"));
    }
    let mut text = String::new();
    let read = file.take(MAX as u64 + 1).read_to_string(&mut text);
    match read {
        Ok(length) if length <= MAX => Ok(text),
        Ok(_) => Err(format!("{shown} is longer than a credential")),
        Err(e) => Err(format!("{shown}: {e}")),
    }
}

/// The program of a command.
fn program(words: &[String], env: &Env) -> Result<PathBuf, String> {
    let name = words.first().map_or("", String::as_str);
    let found = if name.starts_with('/') {
        Some(PathBuf::from(name)).filter(|path| is_executable(path))
    } else {
        let path = env.get("PATH").map_or("", String::as_str);
        find_on_path(name, path.as_ref())
    };
    found.ok_or_else(|| format!("agent.credential_command: \"{name}\" is no program on PATH"))
}

fn security() -> Result<(), String> {
    if is_executable(Path::new(SECURITY)) {
        return Ok(());
    }
    Err(format!("{SECURITY} is missing; it is part of macOS"))
}

/// The arguments by which the keychain is asked for a password.
fn keychain_arguments(service: &str) -> [OsString; 4] {
    ["find-generic-password", "-s", service, "-w"].map(OsString::from)
}

async fn from_keychain(service: &str, now: DateTime<Utc>) -> Result<Credential, String> {
    let what = format!("the keychain's item {service}");
    let arguments = keychain_arguments(service);
    let spec = Spec::new(SECURITY, "/", WAITING).args(arguments);
    let home = std::env::home_dir().unwrap_or_default();
    let text = run(spec.env("HOME", home), &what).await?;
    if text.trim_start().starts_with('{') {
        return login::parse(&text, &what, now);
    }
    Credential::new(None, &text).map_err(|why| format!("{what}: {why}"))
}

/// What a program of the operator's says, who gave it this environment.
async fn said(
    program: PathBuf,
    words: Option<&[String]>,
    env: &Env,
    what: &str,
) -> Result<String, String> {
    let spec = Spec::new(program, "/", WAITING)
        .args(words.unwrap_or_default().iter().cloned())
        .envs(env.iter().map(|(k, v)| (k.clone(), v.clone())));
    run(spec, what).await
}

async fn run(mut spec: Spec, what: &str) -> Result<String, String> {
    spec.keep = MAX;
    spec.grace = Duration::from_secs(2);
    let done = process::run(&spec, &CancellationToken::new(), |_| ()).await;
    let done = done.map_err(|e| format!("{what}: {}: {e}", spec.program.display()))?;
    if !done.ok() || done.truncated {
        // What it said on standard output may be half a credential.
        let why = crate::text::one_line(&crate::text::redact(&done.err()), 200);
        let program = spec.program.display();
        return Err(format!(
            "{what}: {program} gave none ({:?}): {why}",
            done.ended
        ));
    }
    Ok(done.out())
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
