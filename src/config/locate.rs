//! Where things are: the configuration file, the state, the cache, and paths as people write them.

use std::path::{Path, PathBuf};

use super::load::{Env, Overrides};
use crate::error::Fatal;

/// The configuration's name in a repository.
const FILE: &str = "secloop.toml";

/// The configuration file: the one that is named, else the first that is there. An absolute path.
pub(super) fn find(env: &Env, cwd: &Path, flags: &Overrides) -> Option<PathBuf> {
    let variable = env.get("SECLOOP_CONFIG").filter(|p| !p.is_empty());
    if let Some(named) = flags.config.clone().or(variable.map(PathBuf::from)) {
        return Some(cwd.join(named));
    }
    let user = user_file(env).ok();
    upwards(cwd)
        .map(|dir| dir.join(FILE))
        .chain(user)
        .find(|file| file.is_file())
}

/// The working directory, and those above it as far as the top of its git repository.
fn upwards(cwd: &Path) -> impl Iterator<Item = &Path> {
    let top = cwd.ancestors().position(|dir| dir.join(".git").exists());
    cwd.ancestors().take(top.unwrap_or(0) + 1)
}

fn user_file(env: &Env) -> Result<PathBuf, String> {
    Ok(dir(env, "XDG_CONFIG_HOME", ".config")?.join("secloop/config.toml"))
}

/// There is no configuration: what to do about it.
pub(super) fn missing(env: &Env) -> Fatal {
    match user_file(env) {
        Ok(user) => Fatal::Config(format!(
            "no {FILE} here or above as far as the repository's top, and no {}; write one with \
             `secloop init` in the playbook's repository, or watch a trial with `secloop run \
             --trial`",
            user.display()
        )),
        Err(why) => Fatal::Config(why),
    }
}

pub(super) fn home(env: &Env) -> Result<PathBuf, String> {
    match env.get("HOME") {
        Some(home) if Path::new(home).is_absolute() => Ok(PathBuf::from(home)),
        _ => Err("HOME is not set to an absolute path; set it".to_owned()),
    }
}

fn dir(env: &Env, variable: &str, below_home: &str) -> Result<PathBuf, String> {
    match env.get(variable) {
        Some(value) if Path::new(value).is_absolute() => Ok(PathBuf::from(value)),
        _ => Ok(home(env)?.join(below_home)),
    }
}

/// The state directory: `SECLOOP_STATE_DIR`, or the platform's place for such things.
///
/// # Errors
/// When neither it nor `HOME` is set.
pub fn state_dir(env: &Env) -> Result<PathBuf, Fatal> {
    let place = match env.get("SECLOOP_STATE_DIR") {
        Some(value) if Path::new(value).is_absolute() => return Ok(PathBuf::from(value)),
        Some(value) if !value.is_empty() => Err(format!(
            "SECLOOP_STATE_DIR: {value} is not an absolute path; give the whole path"
        )),
        _ if std::env::consts::OS == "macos" => {
            home(env).map(|home| home.join("Library/Application Support/secloop"))
        }
        _ => dir(env, "XDG_STATE_HOME", ".local/state").map(|dir| dir.join("secloop")),
    };
    place.map_err(Fatal::Config)
}

/// The cache directory, for what can be made again.
///
/// # Errors
/// When `HOME` is not set.
pub fn cache_dir(env: &Env) -> Result<PathBuf, Fatal> {
    let place = if std::env::consts::OS == "macos" {
        home(env).map(|home| home.join("Library/Caches/secloop"))
    } else {
        dir(env, "XDG_CACHE_HOME", ".cache").map(|dir| dir.join("secloop"))
    };
    place.map_err(Fatal::Config)
}

/// `~/x` below the home directory, anything else relative to the file's own directory.
pub(super) fn expand(text: &str, home: &Path, base: &Path) -> PathBuf {
    let path = match text.strip_prefix("~/") {
        Some(rest) => home.join(rest),
        None if text == "~" => home.to_owned(),
        None => base.join(text),
    };
    // `.` says nothing.
    path.components().collect()
}
