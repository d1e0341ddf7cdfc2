//! The kernel's own settings as they are in force (Linux).

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::ask::{Answer, Ask};
use super::{Change, Kind, Table, Undo, command};

/// Where they are.
const ROOT: &str = "/proc/sys";
/// The word for "write this value to that file".
pub(super) const WRITE: &str = "sysctl-write";

/// Values in `/proc/sys`, by their path below it.
pub(super) struct Sysctl;

/// Ends of names that count something, or do something when they are written.
const NO_SETTING: [&str; 16] = [
    "kernel/ns_last_pid",
    "kernel/random/",
    "kernel/pty/nr",
    "kernel/sched_domain/",
    "kernel/cad_pid",
    "kernel/usermodehelper/",
    "fs/binfmt_misc/",
    "fs/dentry-state",
    "fs/inode-",
    "fs/file-nr",
    "fs/aio-nr",
    "vm/drop_caches",
    "vm/compact_memory",
    "vm/stat_refresh",
    "dev/cdrom/",
    "/flush",
];

impl Kind for Sysctl {
    fn name(&self) -> &'static str {
        "sysctl"
    }

    fn asks(&self) -> Vec<Ask> {
        vec![Ask::Values(ROOT)]
    }

    fn read(&self, answers: &[Answer]) -> Result<Table, String> {
        let text = answers
            .first()
            .and_then(Option::as_deref)
            .unwrap_or_default();
        let no_setting = |name: &str| NO_SETTING.iter().any(|n| name.contains(n));
        Ok(text
            .lines()
            .filter_map(|line| line.split_once(" = "))
            .filter(|(name, _)| !no_setting(name))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect())
    }

    /// What is there on one side only came or went with an interface or a module.
    fn differences(&self, before: &Table, now: &Table) -> Vec<Change> {
        super::changed(before, now)
            .into_iter()
            .filter(|change| change.was.is_some() && change.is.is_some())
            .collect()
    }

    fn undo(&self, changes: &[Change]) -> Vec<Undo> {
        // `conf/all` and `conf/default` are passed on to the interfaces when they are written, so
        // they come first.
        let general =
            |c: &&Change| c.item.contains("/conf/all/") || c.item.contains("/conf/default/");
        let first = changes.iter().filter(general);
        let then = changes.iter().filter(|c| !general(c));
        first
            .chain(then)
            .map(|change| {
                let value = change.was.clone().unwrap_or_default();
                Undo::Run(vec![command([
                    WRITE.to_owned(),
                    format!("{ROOT}/{}", change.item),
                    value,
                ])])
            })
            .collect()
    }
}

/// Every value below `dir` that may be written, as `name = value` lines. What can't be read is no
/// setting that could be put back.
pub(super) fn values(dir: &Path) -> String {
    let mut out = String::new();
    let mut open = vec![dir.to_owned()];
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(&at).into_iter().flatten().flatten() {
            let path = entry.path();
            let Ok(found) = entry.metadata() else {
                continue;
            };
            if found.is_dir() {
                open.push(path);
            } else if found.mode() & 0o600 == 0o600
                && let Ok(text) = std::fs::read_to_string(&path)
                && let (Some(name), value) = (
                    path.strip_prefix(dir).ok().and_then(Path::to_str),
                    text.trim_end(),
                )
                && !value.contains('\n')
            {
                out.push_str(&format!("{name} = {value}\n"));
            }
        }
    }
    out
}
