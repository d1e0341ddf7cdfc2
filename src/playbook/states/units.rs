//! systemd: whether units start by themselves, and whether they run.

use super::ask::{Answer, Ask, run};
use super::{Change, Command, Kind, Table, Undo, changed, command};

/// Units of the system's manager, or of the user's own.
pub(super) struct Units {
    pub(super) user: bool,
}

/// Unit files that nobody enables: they run when another unit or the bus wants them.
const NOT_ENABLED: [&str; 6] = ["static", "generated", "transient", "alias", "indirect", "-"];

impl Units {
    fn systemctl(&self, args: &[&str]) -> Vec<String> {
        let mut argv = vec!["systemctl".to_owned()];
        if self.user {
            argv.push("--user".to_owned());
        }
        argv.extend(args.iter().map(|a| (*a).to_owned()));
        argv
    }

    fn command(&self, args: &[&str]) -> Command {
        command(self.systemctl(args))
    }
}

impl Kind for Units {
    fn name(&self) -> &'static str {
        "unit"
    }

    fn asks(&self) -> Vec<Ask> {
        vec![
            run(self.systemctl(&["list-unit-files", "--no-legend", "--no-pager", "--full"])),
            run(self.systemctl(&[
                "list-units",
                "--all",
                "--plain",
                "--no-legend",
                "--no-pager",
                "--full",
                "--type=service,socket,timer,path,target",
            ])),
        ]
    }

    fn read(&self, answers: &[Answer]) -> Result<Table, String> {
        let [Some(files), Some(units)] = answers else {
            return Err("systemctl did not answer".to_owned());
        };
        let mut table = Table::new();
        for line in files.lines() {
            let mut words = line.split_whitespace();
            if let (Some(name), Some(state)) = (words.next(), words.next()) {
                table.insert(name.to_owned(), format!("{state} inactive"));
            }
        }
        for line in units.lines() {
            // UNIT LOAD ACTIVE SUB DESCRIPTION
            let words: Vec<&str> = line
                .trim_start_matches(['●', ' '])
                .split_whitespace()
                .collect();
            let [name, load, active, ..] = words.as_slice() else {
                continue;
            };
            if *load == "not-found" {
                continue;
            }
            let template = name.split_once('@').map(|(t, rest)| {
                let suffix = rest.rsplit_once('.').map_or("service", |(_, s)| s);
                format!("{t}@.{suffix}")
            });
            let known = table.get(*name).or_else(|| table.get(&template?));
            let state = known.map_or("-", |v| enabled(v)).to_owned();
            let runs = matches!(*active, "active" | "activating" | "reloading");
            let runs = if runs { "active" } else { "inactive" };
            table.insert((*name).to_owned(), format!("{state} {runs}"));
        }
        // The timer that watches over this very snapshot.
        table.retain(|name, _| !name.starts_with("secloop-deadman-"));
        Ok(table)
    }

    /// Whether a unit runs counts only where it is one that is enabled or disabled: the others come
    /// and go as they are wanted.
    fn differences(&self, before: &Table, now: &Table) -> Vec<Change> {
        changed(before, now)
            .into_iter()
            .filter(|change| {
                let was = change.was.as_deref().unwrap_or("- inactive");
                let is = change.is.as_deref().unwrap_or("- inactive");
                let comes_and_goes = |value| NOT_ENABLED.contains(&enabled(value));
                enabled(was) != enabled(is) || !comes_and_goes(was)
            })
            .collect()
    }

    fn undo(&self, changes: &[Change]) -> Vec<Undo> {
        let mut all = Vec::new();
        if !changes.is_empty() {
            all.push(Undo::Run(vec![self.command(&["daemon-reload"])]));
        }
        all.extend(changes.iter().map(|change| {
            let name = change.item.as_str();
            let Some(was) = change.was.as_deref() else {
                // Its file goes with the files that were added, or with its package.
                return Undo::Run(vec![self.command(&["stop", name])]);
            };
            let is = change.is.as_deref().unwrap_or("- inactive");
            if change.is.is_none() {
                return Undo::Left(format!(
                    "bring back the file or package of {name}, then: systemctl daemon-reload"
                ));
            }
            let mut steps = Vec::new();
            if enabled(was) != enabled(is) {
                let masked = |value: &str| enabled(value).starts_with("masked");
                if masked(is) {
                    steps.push(self.command(&["unmask", name]));
                    steps.push(self.command(&["unmask", "--runtime", name]));
                }
                match enabled(was) {
                    "enabled" => steps.push(self.command(&["enable", name])),
                    "enabled-runtime" => steps.push(self.command(&["enable", "--runtime", name])),
                    "disabled" => steps.push(self.command(&["disable", name])),
                    "masked" => steps.push(self.command(&["mask", name])),
                    "masked-runtime" => steps.push(self.command(&["mask", "--runtime", name])),
                    _ => {}
                }
            }
            match (is_active(was), is_active(is)) {
                (true, false) => steps.push(self.command(&["start", name])),
                (false, true) => steps.push(self.command(&["stop", name])),
                _ => {}
            }
            Undo::Run(steps)
        }));
        all
    }
}

fn enabled(value: &str) -> &str {
    value.split(' ').next().unwrap_or_default()
}

/// Whether a value says that the unit runs.
pub(super) fn is_active(value: &str) -> bool {
    value.ends_with(" active")
}
