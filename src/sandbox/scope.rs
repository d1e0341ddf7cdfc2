//! A control group for everything that runs inside, where a systemd is there to make one: bounds that
//! hold for all processes together, and not for each.
//!
//! `systemd-run --scope` registers itself as a scope with its limits and then becomes the program, so
//! that nothing stands between secloop and what it started.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::process::{self, Limits, Spec, effective_uid, is_executable};

/// How systemd-run begins where it can make no scope.
pub(super) const SAYS: [&str; 4] = [
    "Failed to start transient",
    "Failed to connect to",
    "Failed to create bus",
    "Failed to get",
];
const PROGRAM: &str = "/usr/bin/systemd-run";
/// Where the socket of a user's own manager is found.
const RUNTIME: &str = "XDG_RUNTIME_DIR";
/// What a manager adds to the environment.
const INVOCATION: &str = "INVOCATION_ID";
/// All processes together may use so many times what one may.
const TOGETHER: u64 = 2;
/// From this version on words are not left as they are unless one says so.
const EXPANDS: u32 = 254;

/// Prints what bounds the group that it runs in, of either kind of hierarchy.
const LOOK: &str = r#"
of() { sed -n "s/^$1//p" /proc/self/cgroup; }
cat "/sys/fs/cgroup$(of 0::)/pids.max" "/sys/fs/cgroup/pids$(of '[0-9]*:pids:')/pids.max" 2>/dev/null | sed 's/^/processes /'
cat "/sys/fs/cgroup$(of 0::)/memory.max" "/sys/fs/cgroup/memory$(of '[0-9]*:memory:')/memory.limit_in_bytes" 2>/dev/null | sed 's/^/memory /'
exit 0
"#;

/// A systemd that makes scopes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// `systemd-run`.
    program: PathBuf,
    /// The runtime directory of a user's manager; none: the system's is asked.
    runtime: Option<PathBuf>,
    /// Whether it would expand variables in the words of the command.
    expands: bool,
    /// What it bounds, as the kernel says.
    bounds: Vec<&'static str>,
}

impl Scope {
    /// Finds one and tries it out.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) async fn find() -> Result<Self, String> {
        let program = PathBuf::from(PROGRAM);
        if !is_executable(&program) {
            return Err("there is no systemd-run".to_owned());
        }
        let runtime = match effective_uid() {
            0 if Path::new("/run/systemd/system").is_dir() => None,
            0 => return Err("systemd does not manage this machine".to_owned()),
            uid => Some(of_user(uid)?),
        };
        let mut found = Self {
            expands: version(&program).await? >= EXPANDS,
            program,
            runtime,
            bounds: Vec::new(),
        };
        found.bounds = found.try_out().await?;
        if found.bounds.is_empty() {
            return Err("systemd makes one without limits here".to_owned());
        }
        Ok(found)
    }

    /// A manager may be there and refuse, or make a group that bounds nothing.
    async fn try_out(&self) -> Result<Vec<&'static str>, String> {
        let limits = super::LIMITS;
        let spec = Spec::new("/bin/sh", "/", Duration::from_secs(20)).args(["-c", LOOK]);
        let spec = spec.env("PATH", super::PATH);
        // Others may try it out at the same time.
        let nonce = uuid::Uuid::new_v4().simple().to_string();
        let spec = self.wrap(spec, &limits, &nonce);
        let done = match process::run(&spec, &CancellationToken::new(), |_| ()).await {
            Ok(done) if done.ok() => done.out(),
            Ok(done) => return Err(crate::text::one_line(&done.err(), 160)),
            Err(e) => return Err(e.to_string()),
        };
        let says = |what: &str, most: u64| {
            let mut lines = done.lines().filter_map(|line| line.strip_prefix(what));
            lines.any(|number| number.trim() == most.to_string())
        };
        let memory = says("memory ", together(&limits)).then_some("memory");
        let processes = says("processes ", limits.processes).then_some("processes");
        Ok(memory.into_iter().chain(processes).collect())
    }

    /// Whether the manager is still there.
    pub(super) fn is_there(&self) -> bool {
        let runtime = self.runtime.as_ref();
        runtime.is_none_or(|runtime| runtime.join(SOCKET).exists())
    }

    /// Runs `spec` as a scope; `nonce` is another one each time.
    pub(super) fn wrap(&self, mut spec: Spec, limits: &Limits, nonce: &str) -> Spec {
        let mut args: Vec<OsString> = Vec::new();
        if self.runtime.is_some() {
            args.push("--user".into());
        }
        args.extend(["--scope", "--quiet", "--collect", "--same-dir"].map(Into::into));
        if self.expands {
            args.push("--expand-environment=no".into());
        }
        args.push(format!("--unit=secloop-{nonce}").into());
        // Otherwise the whole command line would be it.
        args.push("--description=secloop".into());
        for property in [
            format!("MemoryMax={}", together(limits)),
            "MemorySwapMax=0".to_owned(),
            format!("TasksMax={}", limits.processes),
        ] {
            args.extend(["-p".into(), property.into()]);
        }
        args.extend(["--", "/usr/bin/env", "-u", INVOCATION].map(Into::into));
        if let Some(runtime) = &self.runtime {
            // For systemd-run alone.
            args.extend(["-u", RUNTIME].map(Into::into));
            spec.env.insert(RUNTIME.into(), runtime.into());
        }
        args.push("--".into());
        args.push(std::mem::replace(&mut spec.program, self.program.clone()).into());
        args.append(&mut spec.args);
        spec.args = args;
        spec
    }

    /// In words, for `doctor`.
    pub(super) fn describe(&self) -> String {
        format!(
            "a control group that bounds an agent's {}",
            self.bounds.join(" and ")
        )
    }
}

/// What all processes together may use, in bytes.
fn together(limits: &Limits) -> u64 {
    limits.memory.saturating_mul(TOGETHER)
}

/// A manager's socket in its runtime directory.
const SOCKET: &str = "systemd/private";

/// The runtime directory of a user's manager that outlives the user's sessions.
fn of_user(uid: u32) -> Result<PathBuf, String> {
    let runtime = PathBuf::from(format!("/run/user/{uid}"));
    if !runtime.join(SOCKET).exists() {
        return Err("no systemd manages this user's services".to_owned());
    }
    let lingers = account_name(uid)
        .is_some_and(|name| Path::new("/var/lib/systemd/linger").join(name).exists());
    if lingers {
        Ok(runtime)
    } else {
        // It would end the agent with the last session.
        Err(
            "this user's systemd ends with the last session; `loginctl enable-linger` lets it stay"
                .to_owned(),
        )
    }
}

fn account_name(uid: u32) -> Option<String> {
    let accounts = std::fs::read_to_string("/etc/passwd").ok()?;
    let fields = accounts
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>());
    let mut own = fields.filter(|f| f.get(2).is_some_and(|id| *id == uid.to_string()));
    own.next()?.first().map(|name| (*name).to_owned())
}

async fn version(program: &Path) -> Result<u32, String> {
    let spec = Spec::new(program, "/", Duration::from_secs(20)).args(["--version"]);
    let done = process::run(&spec, &CancellationToken::new(), |_| ()).await;
    let says = done.map_err(|e| e.to_string())?.out();
    let number = says.split_whitespace().nth(1).and_then(|n| {
        let digits: String = n.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    });
    number.ok_or_else(|| "systemd-run tells no version".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(runtime: Option<&str>) -> Spec {
        let scope = Scope {
            program: PROGRAM.into(),
            runtime: runtime.map(Into::into),
            expands: runtime.is_some(),
            bounds: vec!["memory"],
        };
        let spec = Spec::new("/usr/bin/bwrap", "/", Duration::from_secs(1)).args(["--x", "y"]);
        let limits = Limits {
            processes: 64,
            memory: 1 << 30,
            file: 1,
            files: 1,
        };
        scope.wrap(spec, &limits, "n")
    }

    fn line(spec: &Spec) -> String {
        let words: Vec<_> = spec.args.iter().map(|a| a.to_string_lossy()).collect();
        format!("{} {}", spec.program.display(), words.join(" "))
    }

    #[test]
    fn the_program_becomes_a_scope_with_its_bounds() {
        let limits = "--unit=secloop-n --description=secloop -p MemoryMax=2147483648 -p MemorySwapMax=0 \
                      -p TasksMax=64 -- /usr/bin/env -u INVOCATION_ID";
        let scope = "--scope --quiet --collect --same-dir";
        assert_eq!(
            line(&wrapped(None)),
            format!("/usr/bin/systemd-run {scope} {limits} -- /usr/bin/bwrap --x y")
        );
        let user = wrapped(Some("/run/user/7"));
        assert_eq!(
            line(&user),
            format!(
                "/usr/bin/systemd-run --user {scope} --expand-environment=no {limits} \
                 -u XDG_RUNTIME_DIR -- /usr/bin/bwrap --x y"
            )
        );
        assert_eq!(
            user.env.get(std::ffi::OsStr::new(RUNTIME)),
            Some(&OsString::from("/run/user/7"))
        );
    }
}
