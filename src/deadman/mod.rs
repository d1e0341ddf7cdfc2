//! The dead-man timer: a process of its own that puts a machine back when the proof of a change does
//! not come in time, also when secloop is gone.
//!
//! It is told what to do by files in the pre-state's directory, and tells there what it did:
//! `deadman.json` (its order), `armed` (it waits), `disarmed` (there is nothing to put back any more),
//! `fired.json` (what it did). Whoever puts the machine back holds the lock `restoring`.

mod watch;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fs2::FileExt as _;
use serde::{Deserialize, Serialize};

pub use watch::watch;

use crate::process::{self, Identity, find_on_path, own_identity};
use crate::turn::Left;
use crate::whole;

const ORDER: &str = "deadman.json";
const ARMED: &str = "armed";
const DISARMED: &str = "disarmed";
const FIRED: &str = "fired.json";
const RESTORING: &str = "restoring";

/// Once its owner is gone, this is left at most for another start of secloop to put the machine back.
const ORPHANED: Duration = Duration::from_mins(1);
/// And at most this part of the deadline.
const ORPHANED_PART: u32 = 20;
/// How long it may take until it waits.
const ARMING: Duration = Duration::from_secs(20);
/// Between two looks whether that is so.
const LOOK: Duration = Duration::from_millis(20);

/// What the process is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Order {
    /// Who has to give the proof.
    owner: Identity,
    /// In how much time, in milliseconds that the machine is awake.
    deadline_ms: u64,
}

/// What a timer did when its time was over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fired {
    /// Why it did.
    pub why: String,
    /// Whether it got to its end; otherwise it is at work, or was ended in the middle.
    pub finished: bool,
    /// What it did, and what failed on the way.
    pub done: Vec<String>,
    /// What it could not put back.
    pub left: Vec<Left>,
}

impl Fired {
    /// In one line.
    pub fn describe(&self) -> String {
        let end = match (self.finished, self.left.len()) {
            (false, _) => "and did not get to its end".to_owned(),
            (true, 0) => "and put the machine back".to_owned(),
            (true, n) => format!("and put the machine back but for {n} things"),
        };
        format!("the dead-man timer fired ({}) {end}", self.why)
    }
}

/// Starts a timer over the pre-state in `dir`, and waits until it waits. Where systemd runs the
/// machine, it is a unit of its own, so that the end of secloop's unit does not end it.
///
/// # Errors
/// When it can't be started; then nothing may be applied.
pub async fn arm(dir: &Path, deadline: Duration, path: &std::ffi::OsStr) -> Result<(), String> {
    let order = Order {
        owner: own_identity(),
        deadline_ms: u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX),
    };
    let text = serde_json::to_vec(&order).map_err(|e| e.to_string())?;
    whole::replace(&dir.join(ORDER), &text, 0o600)
        .map_err(|e| format!("{}: {e}", dir.display()))?;
    let program = own_program()?;
    if by_systemd(&program, dir, path).await && waits(dir, ARMING / 4).await {
        return Ok(());
    }
    process::spawn_detached(&program, &["deadman".into(), dir.into()])
        .map_err(|e| format!("{} can't be started: {e}", program.display()))?;
    if waits(dir, ARMING).await {
        return Ok(());
    }
    Err("it did not start to wait".to_owned())
}

/// This program's file; after an upgrade the name is another one's, or nobody's.
fn own_program() -> Result<PathBuf, String> {
    let program = process::own_program().map_err(|e| format!("this program's own path: {e}"))?;
    if program.exists() {
        return Ok(program);
    }
    Ok(PathBuf::from("/proc/self/exe"))
}

async fn by_systemd(program: &Path, dir: &Path, path: &std::ffi::OsStr) -> bool {
    let (Some(systemd_run), Some(name)) = (find_on_path("systemd-run", path), dir.file_name())
    else {
        return false;
    };
    if !Path::new("/run/systemd/system").is_dir() {
        return false;
    }
    let mut spec = process::Spec::new(systemd_run, "/", ARMING / 4).env("PATH", path);
    let uid = process::effective_uid();
    if uid != 0 {
        spec.args.push("--user".into());
        spec = spec.env("XDG_RUNTIME_DIR", format!("/run/user/{uid}"));
    }
    let unit = format!("--unit=secloop-deadman-{}", name.to_string_lossy());
    let spec = spec.args(["--quiet", "--collect", &unit, "--"]).args([
        program.as_os_str(),
        "deadman".as_ref(),
        dir.as_os_str(),
    ]);
    let never = tokio_util::sync::CancellationToken::new();
    process::run(&spec, &never, |_| ())
        .await
        .is_ok_and(|done| done.ok())
}

async fn waits(dir: &Path, longest: Duration) -> bool {
    let until = tokio::time::Instant::now() + longest;
    while tokio::time::Instant::now() < until {
        if dir.join(ARMED).exists() {
            return true;
        }
        tokio::time::sleep(LOOK).await;
    }
    false
}

/// The right to put the machine back, or to say that nobody has to. Dropped, it is given back.
#[derive(Debug)]
pub struct Held {
    dir: PathBuf,
    _file: File,
}

/// Waits until nobody else puts this pre-state back.
///
/// # Errors
/// When the lock can't be made.
pub async fn hold(dir: &Path) -> std::io::Result<Held> {
    let file = File::options()
        .create(true)
        .append(true)
        .open(dir.join(RESTORING))?;
    while let Err(e) = file.try_lock_exclusive() {
        if e.kind() != std::io::ErrorKind::WouldBlock {
            return Err(e);
        }
        tokio::time::sleep(LOOK * 10).await;
    }
    Ok(Held {
        dir: dir.to_owned(),
        _file: file,
    })
}

impl Held {
    /// What the timer did, if its time was over.
    pub fn fired(&self) -> Option<Fired> {
        fired(&self.dir)
    }

    /// From here on the timer has nothing to do.
    ///
    /// # Errors
    /// When that can't be written; the timer may still fire.
    pub fn disarm(&self) -> std::io::Result<()> {
        whole::replace(&self.dir.join(DISARMED), b"", 0o600)
    }
}

/// What the timer over a pre-state did, if its time was over.
pub fn fired(dir: &Path) -> Option<Fired> {
    let text = std::fs::read(dir.join(FIRED)).ok()?;
    serde_json::from_slice(&text).ok()
}
