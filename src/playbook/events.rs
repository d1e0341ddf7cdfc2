//! The structured events of a run, as the event plugin writes them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::turn::hex;

/// What a task came to on the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Ran well.
    Ok,
    /// Failed.
    Failed,
    /// Failed, and the play was told to go on.
    Ignored,
    /// Not run.
    Skipped,
    /// The host could not be reached.
    Unreachable,
}

/// One task of a run with its last result.
#[derive(Debug, Clone)]
pub struct TaskRun {
    /// File, role, name and action: stays the same when lines move. From the second task of the
    /// same kind on with its number, so that a known one hides no new one.
    pub key: String,
    /// Its name, as shown to people.
    pub name: String,
    /// The module.
    pub action: String,
    /// What it came to; `None`: it was started and gave no result.
    pub status: Option<Status>,
    /// Whether it changed something.
    pub changed: bool,
    /// What it said when it failed.
    pub msg: String,
    /// The command line, for the modules that run one.
    pub command: String,
    /// Absolute paths that its arguments and result name.
    pub paths: Vec<PathBuf>,
    /// It makes these directories and touches nothing in them.
    pub entry_only: bool,
    /// It becomes somebody else, as a rule root.
    pub becomes: bool,
    /// Domains of preferences that it sets (macOS).
    pub domains: Vec<String>,
}

impl TaskRun {
    /// Whether it did not do its work, even where the play went on.
    pub(super) fn went_wrong(&self) -> bool {
        matches!(
            self.status,
            Some(Status::Failed | Status::Ignored | Status::Unreachable)
        )
    }
}

/// A run's events.
#[derive(Debug, Clone, Default)]
pub struct Events {
    /// The tasks in the order of their start.
    pub tasks: Vec<TaskRun>,
    /// Per host the counts of the final event; `None`: the run did not get to its end.
    pub stats: Option<BTreeMap<String, BTreeMap<String, u64>>>,
    /// Rows that are not what the plugin writes: then nothing of it can be trusted.
    pub strange: usize,
}

#[derive(Deserialize)]
struct Row {
    n: u64,
    event: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    action: String,
    #[serde(default, rename = "where")]
    place: String,
    #[serde(default)]
    role: String,
    #[serde(default)]
    status: Option<Status>,
    #[serde(default)]
    changed: bool,
    #[serde(default)]
    msg: String,
    #[serde(default)]
    command: String,
    #[serde(default)]
    paths: Vec<PathBuf>,
    #[serde(default)]
    entry_only: bool,
    #[serde(default, rename = "become")]
    becomes: bool,
    #[serde(default)]
    domains: Vec<String>,
    #[serde(default)]
    hosts: BTreeMap<String, BTreeMap<String, u64>>,
}

impl Events {
    /// Reads the plugin's file, whose lines are sealed with `key`: the play can read them and
    /// write to the file, but not make or change one. `tree` is cut off the front of file names.
    pub fn parse(text: &str, key: &str, tree: &Path) -> Self {
        let mut events = Self::default();
        let mut ids: BTreeMap<String, usize> = BTreeMap::new();
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        let mut last = String::new();
        for (index, line) in text.lines().enumerate() {
            let (seal, row) = line.split_once(' ').unwrap_or_default();
            last = digest(key, &digest(key, &format!("{last}{row}")));
            let row = match serde_json::from_str::<Row>(row) {
                Ok(row) if seal == last && row.n == index as u64 + 1 => row,
                _ => {
                    events.strange += 1;
                    continue;
                }
            };
            match row.event.as_str() {
                "task" => {
                    ids.insert(row.id.clone(), events.tasks.len());
                    let mut task = started(row, tree);
                    let times = seen.entry(task.key.clone()).or_default();
                    *times += 1;
                    if *times > 1 {
                        task.key.push_str(&format!("|{times}"));
                    }
                    events.tasks.push(task);
                }
                "result" => match ids.get(&row.id).and_then(|i| events.tasks.get_mut(*i)) {
                    Some(task) => finished(task, row),
                    None => events.strange += 1,
                },
                "stats" => events.stats = Some(row.hosts),
                _ => {}
            }
        }
        events
    }

    /// The sum of one count over all hosts of the final event.
    pub fn count(&self, name: &str) -> u64 {
        let hosts = self.stats.iter().flat_map(BTreeMap::values);
        hosts.filter_map(|counts| counts.get(name)).sum()
    }
}

/// Used twice, so that a digest can't be carried on by whoever does not know the key.
fn digest(key: &str, text: &str) -> String {
    hex(&Sha256::digest(format!("{key}{text}").as_bytes()))
}

fn started(row: Row, tree: &Path) -> TaskRun {
    let file = row
        .place
        .rsplit_once(':')
        .map_or(row.place.as_str(), |(file, _line)| file);
    let file = Path::new(file)
        .strip_prefix(tree)
        .unwrap_or(Path::new(file));
    TaskRun {
        key: format!(
            "{}|{}|{}|{}",
            file.display(),
            row.role,
            row.name,
            row.action
        ),
        name: if row.name.is_empty() {
            row.action.clone()
        } else {
            row.name
        },
        action: row.action,
        status: None,
        changed: false,
        msg: String::new(),
        command: String::new(),
        paths: Vec::new(),
        entry_only: true,
        becomes: row.becomes,
        domains: Vec::new(),
    }
}

fn finished(task: &mut TaskRun, row: Row) {
    let worse = |status: Option<Status>| match status {
        None => 0,
        Some(Status::Skipped) => 1,
        Some(Status::Ok) => 2,
        Some(Status::Ignored) => 3,
        Some(Status::Failed) => 4,
        Some(Status::Unreachable) => 5,
    };
    // With several hosts the worst result stands.
    if worse(row.status) >= worse(task.status) {
        task.status = row.status;
        task.msg = row.msg;
    }
    task.changed |= row.changed;
    if !row.command.is_empty() {
        task.command = row.command;
    }
    task.paths.extend(row.paths);
    task.domains.extend(row.domains);
    task.entry_only &= row.entry_only;
}

/// A task that has not run.
#[cfg(test)]
pub(super) fn task_for_tests(action: &str) -> TaskRun {
    let row = serde_json::json!({ "n": 1, "event": "task", "action": action });
    started(
        serde_json::from_value(row).unwrap_or_else(|e| unreachable!("{e}")),
        Path::new("/"),
    )
}
