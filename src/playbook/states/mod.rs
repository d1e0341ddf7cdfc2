//! What a machine is set to besides its files: units, packages, kernel values, mounts, firewall,
//! preferences. Read before an apply, compared after it, put back after a refusal.
//!
//! Each kind is one file with three pure functions: what to ask, how to read the answer, and how an
//! item that changed is put back. [`States::take`] and `restore` are the only ones that
//! run something.

mod ask;
mod change;
mod crontab;
mod defaults;
mod firewall;
mod launchd;
mod modules;
mod mounts;
mod nft;
mod packages;
mod power;
mod settings;
mod sysctl;
#[cfg(test)]
mod tests;
mod units;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use self::ask::Machine;
use self::ask::{Answer, Ask, answer};
pub use self::change::StateChange;
pub(super) use self::change::undo_changes;
use crate::turn::Left;

/// Items of one kind with their values, such as unit → `enabled active`.
type Table = BTreeMap<String, String>;

/// One item that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Change {
    item: String,
    was: Option<String>,
    is: Option<String>,
}

/// How a change is put back.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Undo {
    /// By these commands, in this order.
    Run(Vec<Command>),
    /// By `run` where `check`, which changes nothing, ends well.
    Proven { check: Command, run: Command },
    /// Not by a program: what a person has to do.
    Left(String),
}

/// A command with what it reads from its standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) argv: Vec<String>,
    input: String,
}

/// When states are put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Packages, which bring and take files along.
    BeforeFiles,
    /// All others: they are set by what is in files.
    AfterFiles,
}

/// A command without input.
pub(super) fn command<S: Into<String>>(argv: impl IntoIterator<Item = S>) -> Command {
    Command {
        argv: argv.into_iter().map(Into::into).collect(),
        input: String::new(),
    }
}

/// One kind of state.
trait Kind {
    /// Its name in a snapshot and for people.
    fn name(&self) -> &'static str;
    /// What to ask.
    fn asks(&self) -> Vec<Ask>;
    /// What the answers say; one for each question.
    ///
    /// # Errors
    /// When they can't be read.
    fn read(&self, answers: &[Answer]) -> Result<Table, String>;
    /// What differs. An item that is there on one side only has no value on the other.
    fn differences(&self, before: &Table, now: &Table) -> Vec<Change> {
        changed(before, now)
    }
    /// How these are put back, in the order in which it is done.
    fn undo(&self, changes: &[Change]) -> Vec<Undo>;
    /// When it is put back.
    fn step(&self) -> Step {
        Step::AfterFiles
    }
    /// It comes and goes without anybody's doing: it is told, and not put back.
    fn is_only_told(&self) -> bool {
        false
    }
}

/// All items whose value is not the same.
fn changed(before: &Table, now: &Table) -> Vec<Change> {
    let items: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    items
        .into_iter()
        .filter(|item| before.get(*item) != now.get(*item))
        .map(|item| Change {
            item: item.clone(),
            was: before.get(item).cloned(),
            is: now.get(item).cloned(),
        })
        .collect()
}

/// The kinds that a machine has, in the order in which they are put back: packages bring and take
/// units along, and a firewall's rules come after the program that loads them.
fn kinds(machine: &Machine) -> Vec<Box<dyn Kind>> {
    let mut all: Vec<Box<dyn Kind>> = Vec::new();
    if machine.macos {
        all.push(Box::new(packages::Brew));
        all.push(Box::new(defaults::Defaults {
            domains: machine.domains.clone(),
        }));
        all.push(Box::new(power::Power));
        all.push(Box::new(settings::Settings));
        all.push(Box::new(launchd::Launchd {
            user: (!machine.system).then_some(machine.uid),
        }));
    } else {
        all.push(Box::new(packages::Dpkg));
        all.push(Box::new(packages::Rpm));
        all.push(Box::new(units::Units {
            user: !machine.system,
        }));
        all.push(Box::new(sysctl::Sysctl));
        all.push(Box::new(mounts::Mounts));
        all.push(Box::new(firewall::Ufw));
        all.push(Box::new(firewall::Iptables { six: false }));
        all.push(Box::new(firewall::Iptables { six: true }));
        all.push(Box::new(nft::Nft));
        all.push(Box::new(modules::Modules));
    }
    all.push(Box::new(crontab::Crontab));
    all
}

/// The states of a machine at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct States {
    /// By kind; one that the machine does not have is not there.
    tables: BTreeMap<String, Table>,
    /// What could not be asked, and why.
    pub notes: Vec<String>,
}

impl States {
    /// Asks for everything.
    pub async fn take(machine: &Machine) -> Self {
        let mut states = Self::default();
        for kind in kinds(machine) {
            match look(kind.as_ref(), machine).await {
                Ok(Some(table)) => {
                    states.tables.insert(kind.name().to_owned(), table);
                }
                Ok(None) => {}
                Err(why) => states.notes.push(format!("{}: {why}", kind.name())),
            }
        }
        states
    }

    /// What is not as it was: what has to be put back, and what is only told.
    pub async fn differences(&self, machine: &Machine) -> (Vec<Left>, Vec<String>) {
        let (mut left, mut told) = (Vec::new(), Vec::new());
        for kind in kinds(machine) {
            let Some(before) = self.tables.get(kind.name()) else {
                continue;
            };
            match look(kind.as_ref(), machine).await {
                Ok(Some(now)) => {
                    let changes = kind.differences(before, &now);
                    if kind.is_only_told() {
                        told.extend(
                            changes.iter().map(|c| {
                                format!("{} {}: {}", kind.name(), c.item, came_or_went(c))
                            }),
                        );
                        continue;
                    }
                    left.extend(
                        changes
                            .iter()
                            .map(|change| what_is_left(kind.as_ref(), change)),
                    );
                }
                Ok(None) => left.push(unreadable(kind.as_ref(), "its program is gone")),
                Err(why) => left.push(unreadable(kind.as_ref(), &why)),
            }
        }
        (left, told)
    }

    /// Puts back what belongs to this step, as far as it is proven to be possible; what can't be
    /// put back is found by [`Self::differences`]. Notes the commands that were run, and what those
    /// said that failed.
    pub(super) async fn restore(&self, machine: &Machine, step: Step, done: &mut Vec<String>) {
        for kind in kinds(machine) {
            let Some(before) = self.tables.get(kind.name()) else {
                continue;
            };
            if kind.is_only_told() || kind.step() != step {
                continue;
            }
            let Ok(Some(now)) = look(kind.as_ref(), machine).await else {
                continue;
            };
            for undo in kind.undo(&kind.differences(before, &now)) {
                machine.undo(&undo, done).await;
            }
        }
    }

    /// The units that were active, by name.
    pub(super) fn active_units(&self) -> Vec<&str> {
        let table = self.tables.get("unit").into_iter().flatten();
        table
            .filter(|(_, value)| units::is_active(value))
            .map(|(name, _)| name.as_str())
            .collect()
    }

    /// How many items each kind has, for people.
    pub fn counts(&self) -> String {
        let counts = self
            .tables
            .iter()
            .map(|(kind, t)| format!("{kind} {}", t.len()));
        counts.collect::<Vec<_>>().join(", ")
    }
}

/// `None`: the machine does not have this kind.
async fn look(kind: &dyn Kind, machine: &Machine) -> Result<Option<Table>, String> {
    let mut answers = Vec::new();
    for ask in kind.asks() {
        answers.push(answer(&ask, machine).await?);
    }
    if answers.iter().all(Option::is_none) {
        return Ok(None);
    }
    kind.read(&answers).map(Some)
}

fn what_is_left(kind: &dyn Kind, change: &Change) -> Left {
    let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "not there".to_owned());
    let cure = match kind.undo(std::slice::from_ref(change)).pop() {
        Some(Undo::Left(cure)) => cure,
        Some(Undo::Run(commands)) => commands
            .iter()
            .map(|c| c.argv.join(" "))
            .collect::<Vec<_>>()
            .join(" && "),
        Some(Undo::Proven { run, .. }) => run.argv.join(" "),
        None => String::new(),
    };
    Left::new(
        format!("{} {}", kind.name(), change.item),
        &shown(&change.was),
        &shown(&change.is),
        &cure,
    )
}

fn unreadable(kind: &dyn Kind, why: &str) -> Left {
    let cure = "see that it answers again, then start secloop again";
    Left::new(
        kind.name().to_owned(),
        "known",
        &format!("not known: {why}"),
        cure,
    )
}

fn came_or_went(change: &Change) -> &'static str {
    match (&change.was, &change.is) {
        (None, _) => "new since",
        (_, None) => "gone since",
        _ => "another since",
    }
}
