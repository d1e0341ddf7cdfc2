//! Linux: bubblewrap, and inside it the [inner stage](super::inside).

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::inside::{self, Inside};
use super::outside::Outside;
use super::policy::{Network, Policy, User, View};
use super::scope::Scope;
use crate::process::{self, Spec};

/// What a minimal root shows of the host, besides the policy's own paths.
const MINIMAL_READ: [&str; 16] = [
    "/usr",
    "/etc/ssl",
    "/etc/ca-certificates",
    "/etc/pki",
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/group",
    "/etc/localtime",
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/gitconfig",
    "/etc/services",
];

/// Kernel settings that stay writable for uid 0 unless covered: bubblewrap's own cover is skipped
/// for a root without capabilities.
const PROC_COVER: [&str; 4] = ["/proc/sys", "/proc/irq", "/proc/bus", "/proc/sysrq-trigger"];

/// Bytes for places where nothing but mount points is needed.
const SMALL: &str = "65536";

/// The oldest version that can keep programs from making user namespaces.
pub(super) const OLDEST: (u32, u32) = (0, 8);

/// bubblewrap's own version.
pub(super) async fn version(program: &Path) -> Result<(u32, u32), String> {
    let spec = Spec::new(program, "/", Duration::from_secs(20)).args(["--version"]);
    let says = match process::run(&spec, &CancellationToken::new(), |_| ()).await {
        Ok(done) => done.out() + &done.err(),
        Err(e) => e.to_string(),
    };
    let number = || {
        let version = says.strip_prefix("bubblewrap ")?;
        let mut parts = version.trim().split('.').map(str::parse);
        Some((parts.next()?.ok()?, parts.next()?.ok()?))
    };
    number().ok_or_else(|| {
        let says = crate::text::one_line(&says, 100);
        format!("it tells no version but: {says}")
    })
}

/// bubblewrap, and who takes further rights away inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bwrap {
    /// bubblewrap itself.
    pub program: PathBuf,
    /// Its version.
    pub version: (u32, u32),
    /// secloop, which is also the inner stage.
    pub secloop: PathBuf,
    /// Who makes a control group for an agent, or why nobody does.
    pub scope: Result<Scope, String>,
}

impl Bwrap {
    /// Runs `spec` inside. The argument vector depends on `self`, `spec`, `policy` and `nonce` alone.
    #[must_use]
    pub fn wrap(&self, mut spec: Spec, policy: &Policy, nonce: &str) -> Spec {
        let mut args = Args::default();
        let mut outside = Outside::default();
        let mut from = |path: &Path, write| match policy.user {
            User::Other(..) => outside.bring(path, write),
            User::Same | User::Called(..) => path.to_owned(),
        };
        args.namespaces(policy);
        args.root(policy);
        args.add(&[&"--size", &SMALL, &"--tmpfs", &"/run"]);
        args.add(&[&"--ro-bind", &from(&self.secloop, false), &inside::PROGRAM]);
        if let Network::Proxy { socket, .. } = &policy.network {
            args.add(&[&"--ro-bind", &from(socket, false), &inside::SOCKET]);
        }
        let room = policy.room.to_string();
        args.empty("/tmp", &room);
        if policy.view == View::WholeReadOnly {
            args.empty("/var/tmp", &room);
        }
        for path in &policy.read {
            args.add(&[&"--ro-bind", &from(path, false), path]);
        }
        for path in &policy.hide {
            args.empty(path, &room);
        }
        for cover in policy.covers() {
            args.add(&[&"--ro-bind", &from(&cover.with, false), &cover.path]);
        }
        for path in &policy.write {
            args.add(&[&"--bind", &from(path, true), path]);
        }
        if let Some(work) = &policy.work {
            args.add(&[&"--ro-bind", &from(&work.from, true), &inside::WORK]);
            args.empty(&work.at, &(work.bytes + policy.room).to_string());
        }
        for path in &policy.scratch {
            args.empty(path, &room);
        }
        // Nothing but mount points is to be made here from now on.
        for path in ["/run", "/dev", "/"] {
            args.add(&[&"--remount-ro", &path]);
        }
        args.add(&[&"--chdir", &spec.cwd, &"--", &inside::PROGRAM]);
        let inner = Inside::of(policy, nonce);
        for (name, value) in inner.marker() {
            spec.env.insert(name.into(), value.into());
        }
        args.0.extend(inner.arguments(readable(policy)));
        args.add(&[&spec.program]);
        args.0.append(&mut spec.args);
        spec.args = args.0;
        self.program.clone_into(&mut spec.program);
        if let User::Other(uid, gid) = policy.user {
            let mut before = outside.arguments((uid, gid));
            before.push((&self.program).into());
            spec.args.splice(0..0, before);
            self.secloop.clone_into(&mut spec.program);
        }
        spec.wrapper = true;
        // The working directory is set inside; outside it may not be reachable for the user.
        spec.cwd = "/".into();
        match &self.scope {
            Ok(scope) if policy.together && scope.is_there() => {
                scope.wrap(spec, &policy.limits, nonce)
            }
            _ => spec,
        }
    }
}

/// What may be read inside, besides the policy's own paths.
fn readable(policy: &Policy) -> Vec<PathBuf> {
    match policy.view {
        View::WholeReadOnly => vec!["/".into()],
        View::Minimal => MINIMAL_READ
            .iter()
            .chain(&["/proc", "/run"])
            .map(PathBuf::from)
            .collect(),
    }
}

/// An argument vector in the making.
#[derive(Default)]
struct Args(Vec<OsString>);

impl Args {
    fn add(&mut self, words: &[&dyn AsRef<OsStr>]) {
        self.0
            .extend(words.iter().map(|w| w.as_ref().to_os_string()));
    }

    /// An empty directory of its own that holds so many bytes.
    fn empty(&mut self, path: impl AsRef<Path>, room: &str) {
        self.add(&[&"--size", &room, &"--tmpfs", &path.as_ref()]);
    }

    fn namespaces(&mut self, policy: &Policy) {
        for word in [
            "--die-with-parent",
            "--new-session",
            "--unshare-all",
            "--unshare-user",
            "--disable-userns",
        ] {
            self.add(&[&word]);
        }
        if policy.network == Network::Host {
            self.add(&[&"--share-net"]);
        }
        self.add(&[&"--cap-drop", &"ALL"]);
        if let User::Called(uid, gid) = policy.user {
            self.add(&[&"--uid", &uid.to_string(), &"--gid", &gid.to_string()]);
        }
    }

    fn root(&mut self, policy: &Policy) {
        match policy.view {
            View::WholeReadOnly => self.add(&[&"--ro-bind", &"/", &"/"]),
            View::Minimal => {
                for path in MINIMAL_READ {
                    self.add(&[&"--ro-bind-try", &path, &path]);
                }
                for dir in ["bin", "sbin", "lib", "lib32", "lib64"] {
                    self.add(&[&"--symlink", &format!("usr/{dir}"), &format!("/{dir}")]);
                }
            }
        }
        self.add(&[&"--dev", &"/dev", &"--proc", &"/proc"]);
        self.empty("/dev/shm", &policy.room.to_string());
        for path in PROC_COVER {
            self.add(&[&"--ro-bind-try", &path, &path]);
        }
    }
}
