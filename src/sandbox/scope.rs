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

/// What systemd-run says where it can make no scope.
pub(super) const SAYS: &str = "Failed to start transient scope unit";
const PROGRAM: &str = "/usr/bin/systemd-run";
/// Where the socket of a user's own manager is found.
const RUNTIME: &str = "XDG_RUNTIME_DIR";
/// All processes together may use so many times what one may.
const TOGETHER: u64 = 2;

/// A systemd that makes scopes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// `systemd-run`.
    program: PathBuf,
    /// The runtime directory of a user's manager; none: the system's is asked.
    runtime: Option<PathBuf>,
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
        let uid = effective_uid();
        let found = if uid == 0 {
            if !Path::new("/run/systemd/system").is_dir() {
                return Err("systemd does not manage this machine".to_owned());
            }
            Self {
                program,
                runtime: None,
            }
        } else {
            let runtime = PathBuf::from(format!("/run/user/{uid}"));
            if !runtime.join("systemd/private").exists() {
                return Err("no systemd manages this user's services".to_owned());
            }
            Self {
                program,
                runtime: Some(runtime),
            }
        };
        found.try_out().await.map(|()| found)
    }

    /// A manager may be there and refuse.
    async fn try_out(&self) -> Result<(), String> {
        let spec = Spec::new("/bin/true", "/", Duration::from_secs(20));
        let limits = super::LIMITS;
        let spec = self.wrap(spec, &limits, "trial");
        match process::run(&spec, &CancellationToken::new(), |_| ()).await {
            Ok(done) if done.ok() => Ok(()),
            Ok(done) => Err(crate::text::one_line(&done.err(), 160)),
            Err(e) => Err(e.to_string()),
        }
    }

    /// Runs `spec` as a scope; `nonce` is another one each time.
    pub(super) fn wrap(&self, mut spec: Spec, limits: &Limits, nonce: &str) -> Spec {
        let mut args: Vec<OsString> = Vec::new();
        if self.runtime.is_some() {
            args.push("--user".into());
        }
        let memory = limits.memory.saturating_mul(TOGETHER);
        args.extend(["--scope", "--quiet", "--collect", "--same-dir"].map(Into::into));
        args.push(format!("--unit=secloop-{nonce}").into());
        for property in [
            format!("MemoryMax={memory}"),
            "MemorySwapMax=0".to_owned(),
            format!("TasksMax={}", limits.processes),
        ] {
            args.extend(["-p".into(), property.into()]);
        }
        args.push("--".into());
        if let Some(runtime) = &self.runtime {
            // For systemd-run alone.
            args.extend(["/usr/bin/env", "-u", RUNTIME, "--"].map(Into::into));
            spec.env.insert(RUNTIME.into(), runtime.into());
        }
        args.push(std::mem::replace(&mut spec.program, self.program.clone()).into());
        args.append(&mut spec.args);
        spec.args = args;
        spec
    }

    /// In words, for `doctor`.
    pub(super) fn describe(&self) -> &'static str {
        if self.runtime.is_some() {
            "a control group for each agent, of the user's systemd"
        } else {
            "a control group for each agent, of systemd"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(runtime: Option<&str>) -> Spec {
        let scope = Scope {
            program: PROGRAM.into(),
            runtime: runtime.map(Into::into),
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
        let limits = "--scope --quiet --collect --same-dir --unit=secloop-n -p MemoryMax=2147483648 \
                      -p MemorySwapMax=0 -p TasksMax=64 --";
        assert_eq!(
            line(&wrapped(None)),
            format!("/usr/bin/systemd-run {limits} /usr/bin/bwrap --x y")
        );
        let user = wrapped(Some("/run/user/7"));
        assert_eq!(
            line(&user),
            format!(
                "/usr/bin/systemd-run --user {limits} /usr/bin/env -u XDG_RUNTIME_DIR -- \
                 /usr/bin/bwrap --x y"
            )
        );
        assert_eq!(
            user.env.get(std::ffi::OsStr::new(RUNTIME)),
            Some(&OsString::from("/run/user/7"))
        );
    }
}
