//! A configured tool: run confined, for so long, with so much output.

use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::{Coverage, Found, parse_json, parse_sarif};
use crate::config::{ScanFormat, ScanTool};
use crate::process::{self, Ended, Spec, find_on_path, is_executable};
use crate::sandbox::{Policy, Sandbox};

/// Output that is read, in bytes.
const KEEP: usize = 8 << 20;

/// What a run needs to know of the machine.
#[derive(Debug)]
pub(super) struct Place<'a> {
    pub(super) sandbox: &'a Sandbox,
    pub(super) home: &'a Path,
    pub(super) path: &'a std::ffi::OsStr,
    /// The working directory.
    pub(super) dir: &'a Path,
}

/// Runs a tool and reads what it says. Whatever goes wrong checks nothing.
pub(super) async fn run(tool: &ScanTool, place: &Place<'_>, cancel: &CancellationToken) -> Found {
    match output(tool, place, cancel)
        .await
        .and_then(|text| match &tool.format {
            ScanFormat::Sarif => parse_sarif(&tool.name, &text),
            ScanFormat::Json(fields) => parse_json(&tool.name, &text, fields),
        }) {
        Ok(found) => found,
        Err(why) => (Vec::new(), Coverage::nothing(&tool.name, &why)),
    }
}

/// The tool's standard output. Scanners end with any code when they have found something.
pub(super) async fn output(
    tool: &ScanTool,
    place: &Place<'_>,
    cancel: &CancellationToken,
) -> Result<String, String> {
    let (name, args) = tool.command.split_first().ok_or("its command is empty")?;
    let program = if name.contains('/') {
        let path = Path::new(name);
        is_executable(path).then(|| path.to_owned())
    } else {
        find_on_path(name, place.path)
    };
    let program = program.ok_or_else(|| format!("{name} is not there"))?;
    let mut spec = Spec::new(program, place.dir, tool.deadline)
        .args(args)
        .env("HOME", place.home)
        .env("PATH", place.path)
        .env("LC_ALL", "C.UTF-8");
    spec.keep = KEEP;
    let policy = Policy {
        read: vec![place.home.to_owned(), place.dir.to_owned()],
        ..Policy::look()
    }
    .without_sockets(place.home)
    .without_credentials(place.home, |_| "/dev/null".into());
    let done = process::run(&place.sandbox.wrap(spec, &policy), cancel, |_| ())
        .await
        .map_err(|e| format!("{name} can't be started: {e}"))?;
    if place.sandbox.failed(&done) {
        return Err("it could not be confined".to_owned());
    }
    match done.ended {
        Ended::Exited(_) if done.truncated => Err(format!("it gave more than {KEEP} bytes")),
        Ended::Exited(code) if code <= 125 => Ok(done.out()),
        Ended::Exited(code) => Err(format!("it ended with exit code {code}")),
        Ended::Deadline => Err(format!("it did not end within {:?}", tool.deadline)),
        other => Err(format!("it was ended: {other:?}")),
    }
}
