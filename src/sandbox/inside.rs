//! The inner stage: secloop itself, started by the outer means of confinement inside of it, takes
//! away what that can't, looks whether everything is in force, and becomes the program.
//!
//! It ends with [`MISSING`] where anything is not as it should be. A program is never started with
//! less.

use std::ffi::{OsStr, OsString};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use super::policy::{Network, Policy, View};
use crate::process::{Confinement, Limits, become_program, confine, start_beside};

/// The first argument, by which the inner stage is known.
pub const WORD: &str = "inside";
/// The first argument of the process beside the program, which forwards a port to the proxy.
pub const FORWARD: &str = "forward";
/// Where secloop is found inside.
pub const PROGRAM: &str = "/run/secloop";
/// Where the egress proxy's socket is found inside.
pub const SOCKET: &str = "/run/egress";
/// Where a working copy is that is to be copied once more.
pub const WORK: &str = "/run/work";
/// Says inside that one is confined, and how: `<level>:<nonce>`.
pub const MARKER: &str = "SECLOOP_SANDBOX";
/// The same for programs of others.
pub const PLAIN_MARKER: &str = "AGENT_SANDBOX";
/// The exit code where the program was not started because its confinement is not whole.
pub const MISSING: u8 = 125;
/// The exit codes where it could not be started otherwise, as shells have them.
const NOT_STARTED: u8 = 126;
const NOT_FOUND: u8 = 127;
/// How every message of a stage begins.
pub const SAYS: &str = "secloop sandbox: ";

/// What the inner stage has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inside {
    /// The value of [`MARKER`].
    mark: String,
    /// Whether the program may be root there.
    root: bool,
    limits: Limits,
    read: Vec<PathBuf>,
    write: Vec<PathBuf>,
    /// The port that leads to the proxy.
    port: Option<u16>,
    /// Where the working copy has to be.
    work: Option<PathBuf>,
}

impl Inside {
    /// What a policy asks for. `nonce` is another one each time.
    pub fn of(policy: &Policy, nonce: &str) -> Self {
        let own = ["/tmp", "/dev/shm"].map(PathBuf::from);
        let looks = policy.view == View::WholeReadOnly;
        Self {
            mark: format!("native:{nonce}"),
            root: looks,
            limits: policy.limits,
            // What stands in for something else is there to be read.
            read: policy
                .read
                .iter()
                .chain(policy.covers().map(|cover| &cover.path))
                .cloned()
                .collect(),
            write: own
                .into_iter()
                .chain(looks.then(|| "/var/tmp".into()))
                .chain(policy.hide.iter().cloned())
                .chain(policy.scratch.iter().cloned())
                .chain(policy.write.iter().cloned())
                .collect(),
            port: match policy.network {
                Network::Proxy { port, .. } => Some(port),
                Network::None | Network::Host => None,
            },
            work: policy.work.as_ref().map(|work| work.at.clone()),
        }
    }

    /// The variables that say that one is confined.
    pub fn marker(&self) -> [(&'static str, String); 2] {
        [(MARKER, self.mark.clone()), (PLAIN_MARKER, "1".to_owned())]
    }

    /// The arguments of the inner stage, up to the program; `more` may be read too.
    pub fn arguments(&self, more: Vec<PathBuf>) -> Vec<OsString> {
        let Limits {
            processes,
            memory,
            file,
            files,
        } = self.limits;
        let mut args: Vec<OsString> = vec![
            WORD.into(),
            (&self.mark).into(),
            if self.root { "root" } else { "user" }.into(),
            format!("{processes},{memory},{file},{files}").into(),
            self.port.map_or("-".into(), |port| port.to_string().into()),
        ];
        for path in more.into_iter().chain(self.read.iter().cloned()) {
            args.extend(["r".into(), path.into()]);
        }
        for path in &self.write {
            args.extend(["w".into(), path.into()]);
        }
        if let Some(at) = &self.work {
            args.extend(["t".into(), at.into()]);
        }
        args.push("--".into());
        args
    }

    /// Reads them. Gives the program and its arguments too.
    fn parse(args: &[OsString]) -> Option<(Self, &Path, &[OsString])> {
        let [mark, user, limits, port, rest @ ..] = args else {
            return None;
        };
        let limits: Vec<u64> = limits
            .to_str()?
            .split(',')
            .map(|n| n.parse().ok())
            .collect::<Option<_>>()?;
        let [processes, memory, file, files] = *limits.as_slice() else {
            return None;
        };
        let root = match user.to_str()? {
            "root" => true,
            "user" => false,
            _ => return None,
        };
        let mut inside = Self {
            mark: mark.to_str()?.to_owned(),
            root,
            limits: Limits {
                processes,
                memory,
                file,
                files,
            },
            read: Vec::new(),
            write: Vec::new(),
            port: match port.to_str()? {
                "-" => None,
                port => Some(port.parse().ok()?),
            },
            work: None,
        };
        let mut rest = rest;
        loop {
            match rest {
                [end, program, args @ ..] if end == "--" => {
                    return Some((inside, Path::new(program), args));
                }
                [kind, path, more @ ..] => {
                    match kind.to_str()? {
                        "r" => inside.read.push(path.into()),
                        "w" => inside.write.push(path.into()),
                        "t" => inside.work = Some(path.into()),
                        _ => return None,
                    }
                    rest = more;
                }
                _ => return None,
            }
        }
    }
}

/// The inner stage, given its arguments without its name and [`WORD`]. Comes back only with an exit
/// code, and says why on standard error.
pub fn enter(args: &[OsString]) -> u8 {
    let (code, why) = match inside(args) {
        Ok(never) => match never {},
        Err(failure) => failure,
    };
    say(&why);
    code
}

pub(super) fn say(why: &str) {
    let text = format!("{SAYS}{why}\n");
    let _ = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
}

fn inside(args: &[OsString]) -> Result<std::convert::Infallible, (u8, String)> {
    let missing = |why: String| (MISSING, format!("{why}; nothing was started"));
    let (inside, program, args) =
        Inside::parse(args).ok_or_else(|| missing("these are not its arguments".to_owned()))?;
    let marked =
        |name: &str, value: &str| std::env::var_os(name).as_deref() == Some(OsStr::new(value));
    for (name, value) in inside.marker() {
        if !marked(name, &value) {
            return Err(missing(format!(
                "{name} does not say that this is a sandbox"
            )));
        }
    }
    // It listens from here on, so that nobody comes too early.
    let forwarded = inside
        .port
        .map(|port| TcpListener::bind(("127.0.0.1", port)));
    let forwarded = forwarded
        .transpose()
        .map_err(|e| missing(format!("the port that leads to the proxy: {e}")))?;
    if let Some(at) = &inside.work {
        super::copy(Path::new(WORK), at, u64::MAX).map_err(missing)?;
    }
    let confinement = Confinement {
        limits: inside.limits,
        read: inside.read,
        write: inside.write.into_iter().chain(inside.work).collect(),
        devices: "/dev".into(),
        root: inside.root,
    };
    confine(&confinement).map_err(missing)?;
    if let Some(listener) = forwarded {
        start_beside(Path::new(PROGRAM), &[FORWARD, SOCKET], listener.into())
            .map_err(|e| missing(format!("what forwards to the proxy: {e}")))?;
    }
    let why = become_program(program, args);
    let code = match why.kind() {
        std::io::ErrorKind::NotFound => NOT_FOUND,
        _ => NOT_STARTED,
    };
    Err((code, format!("{}: {why}", program.display())))
}
