//! macOS: Seatbelt through `sandbox-exec`. Compiled everywhere, so that the generated profile is
//! read and judged by tests on Linux.

mod profile;
mod rules;
mod system;

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

pub use profile::profile;

use super::policy::Policy;
use crate::process::Spec;

/// The longest path that a rule is made of, in bytes: a profile with a string of more than about a
/// thousand is refused as a whole.
const MAX_PATH: usize = 900;

/// Runs `spec` under a generated profile; paths are passed as parameters, never interpolated.
pub fn wrap(program: &Path, mut spec: Spec, policy: &Policy) -> Spec {
    let (text, parameters) = profile(policy);
    let mut args: Vec<OsString> = vec!["-p".into(), text.into()];
    for (name, path) in parameters {
        let mut definition = OsString::from(format!("-D{name}="));
        definition.push(path);
        args.push(definition);
    }
    args.push("--".into());
    args.push(spec.program.clone().into_os_string());
    args.append(&mut spec.args);
    spec.args = args;
    program.clone_into(&mut spec.program);
    spec
}

/// The path as the kernel names it: without what leads through the links of every Mac's top.
fn canonical(path: &Path) -> PathBuf {
    let mut parts = path.components();
    let top = parts.next();
    let linked = parts.next().is_some_and(|first| {
        ["tmp", "var", "etc"]
            .map(|n| Component::Normal(n.as_ref()))
            .contains(&first)
    });
    match top {
        Some(Component::RootDir) if linked => {
            let below: PathBuf = path.components().skip(1).collect();
            Path::new("/private").join(below)
        }
        _ => path.components().collect(),
    }
}
