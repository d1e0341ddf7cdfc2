//! The command lines of the engines' clients. Pure: they depend on what they are given alone.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::super::policy::Network;
use super::engine::Kind;
use super::{REPO, RUN};

/// The account inside.
const USER: &str = "1000:1000";
/// Where the proxy's socket is inside.
const SOCKET: &str = "/run/secloop/proxy";
/// Most processes and threads. The agent's command line alone has some fifty.
const PROCESSES: &str = "512";
/// Most memory, swapping included.
const MEMORY: &str = "4g";
/// Longest file, in bytes.
const FILE: &str = "268435456";
/// Most open files.
const FILES: &str = "4096";

/// The names of one run's container and volume.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Name(pub String);

impl Name {
    fn with(&self, step: &str) -> String {
        format!("{}-{step}", self.0)
    }

    /// All containers that a run may have.
    pub(super) fn containers(&self) -> [String; 3] {
        [self.with("in"), self.with("agent"), self.with("out")]
    }
}

/// The words after the client's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arguments {
    /// The words.
    pub words: Vec<OsString>,
}

/// What is the same in all containers of a run.
#[derive(Debug, Clone, Copy)]
pub struct Common<'a> {
    /// The engine.
    pub kind: Kind,
    /// The image.
    pub image: &'a str,
    /// The run's names.
    pub name: &'a Name,
    /// secloop's own directory about containers.
    pub dir: &'a Path,
}

impl Arguments {
    fn of<S: AsRef<OsStr>>(words: &[S]) -> Self {
        Self {
            words: words.iter().map(|w| w.as_ref().to_owned()).collect(),
        }
    }

    fn more<S: AsRef<OsStr>>(&mut self, words: &[S]) {
        self.words
            .extend(words.iter().map(|w| w.as_ref().to_owned()));
    }

    /// Whether an image is there; nothing is fetched.
    pub fn image_is_there(image: &str) -> Self {
        Self::of(&["image", "inspect", image])
    }

    /// Makes the run's volume.
    pub fn make_volume(name: &Name) -> Self {
        Self::of(&["volume", "create", &name.0])
    }

    /// Removes it.
    pub fn remove_volume(name: &Name) -> Self {
        Self::of(&["volume", "rm", &name.0])
    }

    /// Kills a container and removes it.
    pub fn remove(kind: Kind, container: &str) -> Self {
        match kind {
            Kind::Podman | Kind::Docker => Self::of(&["rm", "--force", container]),
            Kind::Apple => Self::of(&["delete", "--force", container]),
        }
    }

    /// Fails where there is no such container.
    pub fn is_there(kind: Kind, container: &str) -> Self {
        match kind {
            Kind::Podman | Kind::Docker => Self::of(&["container", "inspect", container]),
            Kind::Apple => Self::of(&["inspect", container]),
        }
    }

    /// Unpacks the archive on standard input into the volume.
    pub fn take_in(of: Common<'_>) -> Self {
        let mut args = Self::start(of, "in");
        args.image(of);
        args.more(&["tar", "--extract", "--file=-", "--directory=/work"]);
        args
    }

    /// Packs the volume's content to standard output: without the objects of the copy's own
    /// repository, which nobody looks at.
    pub fn take_out(of: Common<'_>) -> Self {
        let mut args = Self::start(of, "out");
        args.image(of);
        args.more(&[
            "tar",
            "--create",
            "--file=-",
            "--directory=/work",
            "--exclude=repo/.git/objects",
            "--exclude=run/home",
            "--exclude=run/tmp",
            "repo",
            "run",
        ]);
        args
    }

    /// Runs the agent. Of the variables, those in `set` are given by value; of those in `passed`
    /// only the name is in the arguments, and the value in the client's environment.
    pub fn agent(
        of: Common<'_>,
        network: &Network,
        set: &[(&str, &str)],
        passed: &[&OsStr],
        command: &[OsString],
    ) -> Self {
        let mut args = Self::start(of, "agent");
        for (name, value) in set {
            args.more(&["--env", &format!("{name}={value}")]);
        }
        for name in passed {
            args.more(&[OsStr::new("--env"), *name]);
        }
        if let Network::Proxy { socket, port } = network {
            let mut mount = socket.clone().into_os_string();
            mount.push(format!(":{SOCKET}"));
            args.more(&[OsStr::new("--volume"), &mount]);
            args.more(&["--env", &format!("AGENT_PROXY_PORT={port}")]);
        }
        args.more(&["--workdir", REPO]);
        args.image(of);
        args.more(command);
        args
    }

    /// A container that has nothing of the host's: the volume, and no network, whatever a policy
    /// says.
    fn start(of: Common<'_>, step: &str) -> Self {
        let Common {
            kind, name, dir, ..
        } = of;
        let container = name.with(step);
        let mut cid = dir.join(&container).into_os_string();
        cid.push(".cid");
        let mut args = Self::of(&["run", "--rm", "--interactive", "--name", &container]);
        args.more(&[OsStr::new("--cidfile"), &cid]);
        args.more(&["--label", &format!("secloop={}", name.0)]);
        args.more(&["--user", USER, "--volume", &format!("{}:/work", name.0)]);
        args.more(&["--env", "AGENT_SANDBOX=1"]);
        args.more(&["--env", &format!("AGENT_ENGINE={}", kind.word())]);
        args.more(&["--memory", MEMORY]);
        if kind == Kind::Apple {
            // A machine of its own, whose devices and kernel are nobody else's. It knows no network
            // that is none, so that it has to be given one without a way out.
            args.more(&[
                "--cpus",
                "2",
                "--network",
                "secloop-none",
                "--no-dns",
                "--tmpfs",
                "/tmp",
            ]);
            return args;
        }
        args.more(&["--pull", "never", "--network", "none", "--read-only"]);
        args.more(&["--cap-drop", "ALL", "--security-opt", "no-new-privileges"]);
        let mut filter = OsString::from("seccomp=");
        filter.push(dir.join("seccomp.json"));
        args.more(&[OsStr::new("--security-opt"), &filter]);
        args.more(&["--ipc", "private", "--log-driver", "none"]);
        args.more(&["--tmpfs", "/tmp:rw,nosuid,nodev,size=268435456,mode=1777"]);
        args.more(&[
            "--tmpfs",
            "/var/tmp:rw,nosuid,nodev,size=16777216,mode=1777",
        ]);
        args.more(&["--shm-size", "16m", "--memory-swap", MEMORY]);
        args.more(&["--pids-limit", PROCESSES]);
        for (limit, value) in [
            ("nofile", FILES),
            ("nproc", PROCESSES),
            ("fsize", FILE),
            ("core", "0"),
        ] {
            args.more(&["--ulimit", &format!("{limit}={value}:{value}")]);
        }
        if kind == Kind::Podman {
            // Its own temporary file systems have no bounds.
            args.more(&["--read-only-tmpfs=false", "--no-hosts"]);
        }
        args
    }

    fn image(&mut self, of: Common<'_>) {
        self.more(&[of.image]);
    }
}

/// Variables that are the container's own, whatever the host's are.
pub(super) fn own_variables() -> [(&'static str, String); 5] {
    [
        ("HOME", format!("{RUN}/home")),
        ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
        ("TMPDIR", format!("{RUN}/tmp")),
        ("CLAUDE_CODE_TMPDIR", format!("{RUN}/tmp")),
        ("CLAUDE_CONFIG_DIR", format!("{RUN}/claude")),
    ]
}
