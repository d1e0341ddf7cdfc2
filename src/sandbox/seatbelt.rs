//! macOS: Seatbelt through `sandbox-exec`. Compiled everywhere, so that the generated profile is
//! tested on Linux.

use std::ffi::OsString;
use std::path::Path;

use super::policy::{Network, Policy, View};
use crate::process::Spec;

/// What a minimal view shows of the system.
const MINIMAL_READ: [&str; 10] = [
    "/usr",
    "/bin",
    "/sbin",
    "/System",
    "/Library/Apple",
    "/Library/Developer/CommandLineTools",
    "/opt/homebrew",
    "/private/etc",
    "/private/var/db/timezone",
    "/dev",
];

/// Runs `spec` under a generated profile; paths are passed as parameters, never interpolated.
pub fn wrap(program: &Path, mut spec: Spec, policy: &Policy) -> Spec {
    let mut args: Vec<OsString> = vec!["-p".into(), profile(policy).into()];
    for (name, path) in parameters(policy) {
        let mut definition = OsString::from(format!("-D{name}="));
        definition.push(path);
        args.push(definition);
    }
    args.push(spec.program.clone().into_os_string());
    args.append(&mut spec.args);
    spec.args = args;
    program.clone_into(&mut spec.program);
    spec
}

fn parameters(policy: &Policy) -> Vec<(String, &Path)> {
    let named = |prefix: &str, paths: &'_ [std::path::PathBuf]| -> Vec<String> {
        (0..paths.len()).map(|i| format!("{prefix}{i}")).collect()
    };
    named("READ", &policy.read)
        .into_iter()
        .zip(policy.read.iter().map(std::path::PathBuf::as_path))
        .chain(
            named("WRITE", &policy.write)
                .into_iter()
                .zip(policy.write.iter().map(std::path::PathBuf::as_path)),
        )
        .chain(
            named("SCRATCH", &policy.scratch)
                .into_iter()
                .zip(policy.scratch.iter().map(std::path::PathBuf::as_path)),
        )
        .chain(
            named("HIDE", &policy.hide)
                .into_iter()
                .zip(policy.hide.iter().map(std::path::PathBuf::as_path)),
        )
        .chain(
            policy
                .covers()
                .enumerate()
                .map(|(i, cover)| (format!("COVER{i}"), cover.path.as_path())),
        )
        .collect()
}

/// The profile's text: deny by default, the last matching rule wins.
pub fn profile(policy: &Policy) -> String {
    let mut lines = vec![
        "(version 1)".to_owned(),
        "(deny default)".to_owned(),
        "(allow process-exec)".to_owned(),
        "(allow process-fork)".to_owned(),
        "(allow signal (target same-sandbox))".to_owned(),
        "(allow process-info* (target same-sandbox))".to_owned(),
        "(allow sysctl-read)".to_owned(),
        "(allow ipc-posix-sem)".to_owned(),
        "(allow mach-lookup (global-name \"com.apple.system.opendirectoryd.libinfo\") \
         (global-name \"com.apple.logd\"))"
            .to_owned(),
        "(allow file-read-metadata)".to_owned(),
    ];
    match policy.view {
        View::WholeReadOnly => lines.push("(allow file-read*)".to_owned()),
        View::Minimal => {
            lines.push("(allow file-read* (literal \"/\"))".to_owned());
            for path in MINIMAL_READ {
                lines.push(format!("(allow file-read* (subpath \"{path}\"))"));
            }
        }
    }
    for i in 0..policy.read.len() {
        lines.push(format!("(allow file-read* (subpath (param \"READ{i}\")))"));
    }
    for i in 0..policy.hide.len() {
        lines.push(format!("(deny file-read* (subpath (param \"HIDE{i}\")))"));
    }
    for (i, _) in policy.covers().enumerate() {
        lines.push(format!(
            "(deny file-read-data (literal (param \"COVER{i}\")))"
        ));
    }
    for i in 0..policy.write.len() {
        lines.push(format!(
            "(allow file-read* file-write* (subpath (param \"WRITE{i}\")))"
        ));
    }
    for i in 0..policy.scratch.len() {
        lines.push(format!(
            "(allow file-read* file-write* (subpath (param \"SCRATCH{i}\")))"
        ));
    }
    lines.push("(allow file-write-data (literal \"/dev/null\"))".to_owned());
    if policy.network == Network::Host {
        lines.push("(allow network-outbound (remote tcp \"*:443\"))".to_owned());
        lines.push("(allow network-outbound (remote ip \"localhost:*\"))".to_owned());
        lines.push(
            "(allow network-outbound (literal \"/private/var/run/mDNSResponder\"))".to_owned(),
        );
    }
    lines.join("\n") + "\n"
}
