//! Which engine runs containers.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::config::Env;
use crate::process::{find_on_path, is_executable};

/// The engines that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// podman.
    Podman,
    /// Docker, or what has its command line.
    Docker,
    /// Apple's `container`: a virtual machine for each container.
    Apple,
}

/// In the order in which they are looked for.
const KINDS: [(&str, Kind); 3] = [
    ("podman", Kind::Podman),
    ("docker", Kind::Docker),
    ("container", Kind::Apple),
];

/// What an engine's client needs to find its engine.
const PASSED: [&str; 9] = [
    "HOME",
    "PATH",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "CONTAINERS_CONF",
    "CONTAINER_HOST",
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
];

impl Kind {
    /// The program's usual name.
    pub fn word(self) -> &'static str {
        KINDS
            .iter()
            .find(|(_, kind)| *kind == self)
            .map_or("", |(name, _)| name)
    }
}

/// An engine that was found.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Engine {
    /// Which.
    pub kind: Kind,
    /// Its client.
    pub program: PathBuf,
    /// The client's surroundings.
    pub env: BTreeMap<String, String>,
}

impl Engine {
    /// The engine that is named, or the first that is there. `path` is the value of `PATH`.
    ///
    /// # Errors
    /// When there is none, with the cure.
    pub fn find(named: &str, env: &Env, path: &OsStr) -> Result<Self, String> {
        let with = |(kind, program)| Self {
            kind,
            program,
            env: PASSED
                .iter()
                .filter_map(|name| Some(((*name).to_owned(), env.get(*name)?.clone())))
                .collect(),
        };
        if named.is_empty() {
            return KINDS
                .iter()
                .find_map(|(name, kind)| Some((*kind, find_on_path(name, path)?)))
                .map(with)
                .ok_or_else(|| {
                    "neither podman nor docker nor container is on PATH: install one (Debian, \
                     Ubuntu: `apt install podman`), or set `sandbox.level = \"native\"`"
                        .to_owned()
                });
        }
        let name = Path::new(named).file_name().unwrap_or_default();
        let kind = KINDS.iter().find(|(known, _)| name == *known);
        let (_, kind) = kind.ok_or_else(|| {
            format!("sandbox.engine: \"{named}\" is unknown; known are podman, docker, container")
        })?;
        let program = if named.contains('/') {
            Some(PathBuf::from(named)).filter(|program| is_executable(program))
        } else {
            find_on_path(named, path)
        };
        program
            .map(|program| with((*kind, program)))
            .ok_or_else(|| format!("sandbox.engine: {named} is not there; install it"))
    }
}
