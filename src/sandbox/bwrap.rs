//! Linux: bubblewrap.

use std::ffi::OsString;
use std::path::Path;

use super::policy::{Network, Policy, View};
use crate::process::Spec;

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

/// Runs `spec` inside bubblewrap. The argument vector depends on `spec` and `policy` alone.
pub fn wrap(program: &Path, mut spec: Spec, policy: &Policy) -> Spec {
    let mut args: Vec<OsString> = Vec::new();
    let mut flag = |words: &[&dyn AsRef<std::ffi::OsStr>]| {
        args.extend(words.iter().map(|w| w.as_ref().to_os_string()));
    };
    for word in ["--die-with-parent", "--new-session", "--unshare-all"] {
        flag(&[&word]);
    }
    if policy.network == Network::Host {
        flag(&[&"--share-net"]);
    }
    flag(&[&"--cap-drop", &"ALL"]);
    match policy.view {
        View::WholeReadOnly => flag(&[&"--ro-bind", &"/", &"/"]),
        View::Minimal => {
            for path in MINIMAL_READ {
                flag(&[&"--ro-bind-try", &path, &path]);
            }
            for dir in ["bin", "sbin", "lib", "lib32", "lib64"] {
                flag(&[&"--symlink", &format!("usr/{dir}"), &format!("/{dir}")]);
            }
        }
    }
    flag(&[&"--dev", &"/dev", &"--proc", &"/proc"]);
    for path in PROC_COVER {
        flag(&[&"--ro-bind-try", &path, &path]);
    }
    flag(&[&"--tmpfs", &"/tmp", &"--tmpfs", &"/run"]);
    if policy.view == View::WholeReadOnly {
        flag(&[&"--tmpfs", &"/var/tmp"]);
    }
    for path in &policy.read {
        flag(&[&"--ro-bind", path, path]);
    }
    for path in &policy.hide {
        flag(&[&"--tmpfs", path]);
    }
    for cover in policy.covers() {
        flag(&[&"--ro-bind", &cover.with, &cover.path]);
    }
    for path in &policy.write {
        flag(&[&"--bind", path, path]);
    }
    flag(&[&"--chdir", &spec.cwd, &"--", &spec.program]);
    args.append(&mut spec.args);
    spec.args = args;
    program.clone_into(&mut spec.program);
    spec.wrapper = true;
    // The working directory is set inside; outside it may not be reachable for the user.
    spec.cwd = "/".into();
    spec
}
